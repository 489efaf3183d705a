/** The packed package in fresh projects, with the oldest and the newest axios and TypeScript. Needs the npm registry. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FakeBackend, replyByPath } from '../support/fake-backend';
import { PackedPackage } from '../support/packed';
import { PROGRAMS, runSmokeProgram } from '../support/smoke';

const execute = promisify(execFile);

/** From the oldest supported compiler to the native one, each under its name in the projects. */
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
  // The lib.*.d.ts of TypeScript would take most of the time.
  skipDefaultLibCheck: true,
};

interface Settings {
  readonly files: readonly string[];
  readonly [option: string]: unknown;
}

const both = ['types.mts', 'types.cts', 'types-esm.mts', 'types-node.mts', 'types-node.cts'];

/** The ways in which a tsconfig.json resolves modules. */
const RESOLUTIONS: Record<string, Settings> = {
  node16: { files: both, module: 'node16', types: ['node'] },
  nodenext: { files: both, module: 'nodenext', types: ['node'] },
  bundler: { files: ['types.ts', 'types-esm.ts'], module: 'esnext', moduleResolution: 'bundler', types: [] },
};
const SERVER: Settings = { files: ['types-node.mts'], module: 'nodenext', types: ['node'], lib: ['es2023'] };
const BARE: Settings = { files: ['types-bare.mts', 'types-bare.cts'], module: 'nodenext', types: [], lib: ['es2022'] };

let packed: PackedPackage;
let backends: FakeBackend;

beforeAll(async () => {
  packed = await PackedPackage.pack();
  backends = (await FakeBackend.start()).always(replyByPath);
}, 60_000);

afterAll(async () => {
  await backends.close();
  packed.remove();
});

// The slower compilers get one of node16 and nodenext for each version of axios.
describe.each([
  ['1.5.0', 'node16'],
  ['1.21.1', 'nodenext'],
])('in a project with axios %s,', (version, module) => {
  let folder: string;

  beforeAll(async () => {
    folder = await install(version);
  }, 300_000);

  test('the package installs with no dependencies of its own', () => {
    expect(versionOf(folder, 'axios')).toBe(version);
    expect(existsSync(join(folder, 'node_modules/axios-priority-adapter/node_modules'))).toBe(false);
  });

  const compilations = Object.entries(COMPILERS).flatMap(([alias, exact]) =>
    (alias === NATIVE ? Object.keys(RESOLUTIONS) : [module, 'bundler']).map((name) => [exact, name, alias] as const),
  );

  test.each(compilations)(
    'TypeScript %s accepts the types with the resolution %s',
    async (exact, name, alias) => {
      expect(versionOf(folder, alias)).toBe(exact);
      expect(await compile(folder, alias, RESOLUTIONS[name]!)).toBe('');
    },
    120_000,
  );

  test.each([
    ['neither the types of Node nor those of a browser', BARE],
    ['no types of a browser', SERVER],
  ])(
    'the types need %s',
    async (_, settings) => {
      const errors = (await compile(folder, NATIVE, settings)).split('\n').filter((line) => /^\S/.test(line));
      // Newer versions of axios name some types of fetch themselves.
      expect(errors.filter((line) => !line.startsWith('node_modules/axios/'))).toStrictEqual([]);
    },
    120_000,
  );

  test.each(['smoke.mjs', 'smoke.cjs'])('%s fails over, and a stack names the sources', async (program) => {
    const { status, data, tried, stack } = await runSmokeProgram(program, folder, backends.url);
    expect([status, tried]).toStrictEqual([200, ['first 429', 'second 200']]);
    expect(data).toMatchObject({ url: '/echo/x?a=1', body: '{"n":1}', headers: { 'api-key': 'k' } });
    expect(stack).toMatch(/src[\\/][\w\\/-]+\.ts:\d+/);
  });

  test('both kinds of module share a pool in one process', async () => {
    const { copies, tried } = await runSmokeProgram('both-kinds.mjs', folder, backends.url);
    expect([copies, tried]).toStrictEqual([true, ['first second', 'second', 'first second', 'second']]);
  });
});

async function install(version: string): Promise<string> {
  const compilers = Object.entries(COMPILERS).map(([alias, exact]) => `${alias}@npm:typescript@${exact}`);
  const folder = await packed.install(`axios-${version}`, `axios@${version}`, NODE_TYPES, ...compilers);
  for (const name of ['types', 'types-esm', 'types-node', 'types-bare']) {
    for (const kind of ['mts', 'cts', 'ts'])
      copyFileSync(join(PROGRAMS, `${name}.mts`), join(folder, `${name}.${kind}`));
  }
  return folder;
}

/** Returns the errors of the compiler. */
async function compile(folder: string, alias: string, { files, ...options }: Settings): Promise<string> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files }));
  const args = [`node_modules/${alias}/bin/tsc`, '-p', '.'];
  const { stdout, stderr } = await execute(process.execPath, args, { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return (stdout + stderr).trim();
}

function versionOf(folder: string, name: string): string {
  const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
