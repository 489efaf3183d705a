// Runs the built package with the oldest axios it supports, two in between and the newest: `npm run test:axios-versions`.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { refusedOrigin, startBackends } from './backends.mjs';
import { checksOf } from './checks.mjs';
import { printFailures, runChecks } from './run-checks.mjs';

/** Names under which the versions stand in `devDependencies`. */
const INSTALLED = ['axios-1-5', 'axios-1-7', 'axios-1-13', 'axios'];

const root = join(import.meta.dirname, '../..');
const temp = mkdtempSync(join(tmpdir(), 'axios-versions-'));
const [here, elsewhere, refused] = await Promise.all([startBackends(), startBackends(), refusedOrigin()]);
const place = { origin: here.origin, other: elsewhere.origin, refused };
let passed = 0;
let failed = 0;
try {
  for (const installed of INSTALLED) await runVersion(installed);
} finally {
  await Promise.all([here.close(), elsewhere.close()]);
  rmSync(temp, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function runVersion(installed) {
  const started = performance.now();
  const folder = projectWith(installed);
  const modules = { ESM: await imported(folder), CommonJS: required(folder) };
  const { VERSION } = modules.ESM.axios;
  const results = [];
  for (const [kind, { axios, lib }] of Object.entries(modules)) {
    const result = await runChecks(checksOf({ axios, lib, ...place }));
    results.push({ kind, ...result });
    passed += result.passed;
    failed += result.failures.length;
  }
  const counts = results.map((each) => `${each.kind} ${each.passed} passed, ${each.failures.length} failed`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`axios ${VERSION.padEnd(8)} ${counts.join(' · ')} (${seconds} s)`);
  for (const { kind, failures } of results) printFailures(failures, `axios ${VERSION} ${kind}`);
}

/** A project that has this package, as it is published, beside one version of axios. */
function projectWith(installed) {
  const folder = join(temp, installed);
  const own = join(folder, 'node_modules/axios-priority-adapter');
  mkdirSync(own, { recursive: true });
  // Copied: from a link, the package would find the axios of this repository.
  for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(own, part), { recursive: true });
  symlinkSync(join(root, 'node_modules', installed), join(folder, 'node_modules/axios'), 'junction');
  return folder;
}

async function imported(folder) {
  const entry = join(folder, 'entry.mjs');
  writeFileSync(entry, `export { default as axios } from 'axios';\nexport * as lib from 'axios-priority-adapter';\n`);
  return import(pathToFileURL(entry));
}

function required(folder) {
  const require = createRequire(join(folder, 'entry.cjs'));
  return { axios: require('axios'), lib: require('axios-priority-adapter') };
}
