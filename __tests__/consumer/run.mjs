// Packs the package and uses it as strangers do: `npm run test:package`.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackends } from '../axios-versions/backends.mjs';
import { consumerChecks } from './consumer.mjs';
import { pack, tarballChecks } from './tarball.mjs';
import { treeshakingChecks } from './treeshaking.mjs';

/** The oldest axios that the package works with, and the newest. */
const CONSUMERS = [
  { version: '1.5.0', module: 'node16' },
  { version: '1.21.1', module: 'nodenext' },
];

const root = join(import.meta.dirname, '../..');
const temp = realpathSync(mkdtempSync(join(tmpdir(), 'consumers-')));
const started = performance.now();
const backends = await startBackends();
let failed = 0;
try {
  const packed = { ...pack(root, temp), root };
  await runAll('the package', { ...tarballChecks(packed), ...treeshakingChecks(packed) });
  for (const consumer of CONSUMERS) {
    await runAll(
      `a consumer with axios ${consumer.version}`,
      consumerChecks({ ...packed, ...consumer, temp, ...backends }),
    );
  }
} finally {
  await backends.close();
  rmSync(temp, { recursive: true });
}
console.log(`${failed === 0 ? 'all passed' : `${failed} failed`} (${seconds(started)})`);
process.exit(failed > 0 ? 1 : 0);

async function runAll(title, checks) {
  console.log(title);
  for (const [name, check] of Object.entries(checks)) {
    const began = performance.now();
    try {
      const remark = await check();
      console.log(`  ok: ${name}${remark ? `: ${remark}` : ''} (${seconds(began)})`);
    } catch (error) {
      failed += 1;
      console.error(`  FAILED: ${name}\n${String(error?.stack ?? error).replace(/^/gm, '    ')}`);
    }
  }
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
