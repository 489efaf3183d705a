import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** TypeScript from the oldest that is supported to the native compiler; all in one project, each under its own name. */
const COMPILERS = {
  'typescript-5.4': '5.4.5',
  'typescript-5.9': '5.9.3',
  'typescript-6': '6.0.3',
  'typescript-7': '7.0.2',
};
const NATIVE = 'typescript-7';
const NODE_TYPES = '@types/node@20.19.43';

const STRICT = {
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  declaration: true,
  noEmit: true,
  skipLibCheck: false,
  // TypeScript's own lib.*.d.ts, which are nothing of ours and take most of the time.
  skipDefaultLibCheck: true,
};
const both = ['types.mts', 'types.cts', 'types-esm.mts', 'types-node.mts', 'types-node.cts'];

/** What a consumer's tsconfig.json says, beyond being strict. `lib` is the default everywhere but in `bare`. */
const SETTINGS = {
  node16: { files: both, module: 'node16', types: ['node'] },
  nodenext: { files: both, module: 'nodenext', types: ['node'] },
  bundler: { files: ['types.ts', 'types-esm.ts'], module: 'esnext', moduleResolution: 'bundler', types: [] },
};
const BARE = { files: ['types-bare.mts', 'types-bare.cts'], module: 'nodenext', types: [], lib: ['es2022'] };

/**
 * What must hold in a fresh project that installs the tarball beside one version of axios.
 *
 * @param module `node16` or `nodenext`: which of the two the slower compilers are asked for, to spare time
 */
export function consumerChecks({ tarball, temp, version, module, origin }) {
  const folder = join(temp, `axios-${version}`);
  const checks = {
    async 'installs, with nothing of its own below it'() {
      await install(folder, tarball, version);
      assert.equal(versionOf(folder, 'axios'), version);
      assert.ok(!existsSync(join(folder, 'node_modules/axios-priority-adapter/node_modules')));
    },
  };
  for (const [alias, exact] of Object.entries(COMPILERS)) {
    const settings = alias === NATIVE ? Object.keys(SETTINGS) : [module, 'bundler'];
    for (const setting of settings) {
      checks[`TypeScript ${exact} takes its types as ${setting}`] = async () => {
        assert.equal(versionOf(folder, alias), exact);
        assert.equal(await compile(folder, alias, SETTINGS[setting]), '');
      };
    }
  }
  checks['its types need neither those of Node nor those of a browser'] = async () => {
    const errors = (await compile(folder, NATIVE, BARE)).split('\n').filter((line) => /^\S/.test(line));
    // Newer ones name some of fetch's types; that is theirs to mend.
    assert.deepEqual(
      errors.filter((line) => !line.startsWith('node_modules/axios/')),
      [],
    );
  };
  for (const program of ['run-esm.mjs', 'run-cjs.cjs']) {
    checks[`${program} fails over, and names the sources in a stack`] = async () => {
      const { status, data, asked, stack } = await run(folder, program, origin);
      assert.deepEqual([status, asked], [200, ['first 429', 'second 200']]);
      assert.deepEqual([data.url, data.body, data.headers['api-key']], ['/echo/x?a=1', '{"n":1}', 'k']);
      assert.match(stack, /src[\\/]backend\.ts:\d+/);
    };
  }
  checks['both kinds of module share a pool in one process'] = async () => {
    const { copies, asked } = await run(folder, 'run-both.mjs', origin);
    assert.deepEqual([copies, asked], [true, ['first second', 'second', 'first second', 'second']]);
  };
  return checks;
}

async function install(folder, tarball, version) {
  mkdirSync(folder);
  // A module's kind is told by its file's name, except for a bundler.
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const compilers = Object.entries(COMPILERS).map(([alias, exact]) => `${alias}@npm:typescript@${exact}`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
  await execute('npm', ['install', ...flags, tarball, `axios@${version}`, NODE_TYPES, ...compilers], folder);
  for (const name of ['types', 'types-esm', 'types-node', 'types-bare']) {
    for (const kind of ['mts', 'cts', 'ts']) copyFileSync(program(`${name}.mts`), join(folder, `${name}.${kind}`));
  }
}

/** Gives what the compiler complains of. */
async function compile(folder, alias, { files, ...own }) {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...own }, files }));
  const compiler = `node_modules/${alias}/bin/tsc`;
  const { output, complaints } = await execute(process.execPath, [compiler, '-p', '.'], folder, [0, 1, 2]);
  return (output + complaints).trim();
}

async function run(folder, name, origin) {
  copyFileSync(program(name), join(folder, name));
  const backends = [`${origin}/throttle-60000`, `${origin}/echo`];
  const { output } = await execute(process.execPath, ['--enable-source-maps', name, ...backends], folder);
  return JSON.parse(output);
}

function program(name) {
  return join(import.meta.dirname, 'programs', name);
}

function versionOf(folder, name) {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** The backends live in this process, so it must not wait synchronously. */
function execute(file, args, cwd, allowed = [0]) {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, timeout: 120_000, encoding: 'utf8' }, (error, output, complaints) => {
      const code = error === null ? 0 : error.code;
      if (allowed.includes(code)) resolve({ output, complaints });
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}\n${output}${complaints}`));
    });
  });
}
