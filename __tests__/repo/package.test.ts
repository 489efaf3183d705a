/** The package as `npm pack` packs what was built. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rollup } from 'rollup';
import { parseAst } from 'rollup/parseAst';
import { FakeBackend, replyByPath } from '../support/fake-backend';
import { runSmokeProgram } from '../support/smoke';

const root = join(__dirname, '../..');
const NAME = 'axios-priority-adapter';

/** The entry points, and what they share. */
const MODULES = ['core', 'fetch', 'index', 'sharing', 'status-page'];

/** All that is published. */
const FILES = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  ...MODULES.flatMap((name) =>
    ['cjs', 'cjs.map', 'd.cts', 'd.ts', 'js', 'js.map'].map((extension) => `dist/${name}.${extension}`),
  ),
  'package.json',
];

const EXPORTS = [
  'BackendPool',
  'affinity',
  'attachPriorityAdapter',
  'attemptsOf',
  'defaultFailoverCondition',
  'isAmbiguousFailure',
  'isConnectionFailure',
  'isContextLengthExceeded',
  'isServerError',
  'isThrottled',
  'leastPending',
  'parseRetryAfter',
  'priorityAdapter',
  'roundRobin',
  'weightedRandom',
];

/** What only axios needs. */
const OF_AXIOS = ['attachPriorityAdapter', 'priorityAdapter'];
const FETCH_EXPORTS = [...EXPORTS.filter((name) => !OF_AXIOS.includes(name)), 'priorityFetch'].sort();
const SHARING_EXPORTS = ['channelTransport', 'processTransport', 'redisTransport', 'shareCooldowns'];

interface Manifest {
  readonly scripts: Record<string, string>;
  readonly exports: { readonly '.': { readonly import: { readonly default: string } } };
  readonly [field: string]: unknown;
}

let temp: string;
/** The unpacked tarball. */
let folder: string;
let manifest: Manifest;

beforeAll(() => {
  temp = realpathSync(mkdtempSync(join(tmpdir(), 'package-')));
  // `npm run test:repo` has built it.
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', temp], { cwd: root });
  const [tarball = ''] = readdirSync(temp);
  execFileSync('tar', ['-xzf', tarball], { cwd: temp });
  folder = join(temp, 'package');
  manifest = JSON.parse(textOf('package.json')) as Manifest;
}, 60_000);

afterAll(() => rmSync(temp, { recursive: true }));

const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');

describe('the package', () => {
  test('consists of the files that a user needs', () => {
    const files = (readdirSync(folder, { recursive: true }) as string[])
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => file.replaceAll('\\', '/'));
    expect(files.sort()).toStrictEqual(FILES);
  });

  test('depends on nothing but axios, as an optional peer', () => {
    const { dependencies, optionalDependencies, bundleDependencies, peerDependencies, engines } = manifest;
    expect([dependencies, optionalDependencies, bundleDependencies]).toStrictEqual([undefined, undefined, undefined]);
    expect([peerDependencies, engines]).toStrictEqual([{ axios: '^1.5.0' }, { node: '>=20.16.0' }]);
    expect(manifest.peerDependenciesMeta).toStrictEqual({ axios: { optional: true } });
  });

  test.each(['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'])('has no %s script', (script) => {
    expect(manifest.scripts).not.toHaveProperty(script);
  });

  test('names only files that it contains', () => {
    const named = [manifest.main, manifest.module, manifest.types, ...leavesOf(manifest.exports)].map(String);
    expect(named.filter((file) => !existsSync(join(folder, file)))).toStrictEqual([]);
  });

  test.each(['index.d.ts', 'index.d.cts'])('declares no internals in %s', (file) => {
    const types = textOf(`dist/${file}`);
    expect(types).not.toMatch(/@internal|\blease\b|\bLease\b|BackendSettings/);
    expect(types).toContain("declare module 'axios'");
  });
});

test('only the main entry imports axios, its types included', () => {
  for (const extension of ['js', 'cjs']) {
    const imported = (name: string) => [...new Set(importsOf(textOf(`dist/${name}.${extension}`)))];
    expect(imported('index')).toStrictEqual(['axios', `./core.${extension}`]);
    for (const name of ['fetch', 'sharing', 'status-page'])
      expect(imported(name)).toStrictEqual([`./core.${extension}`]);
    expect(imported('core')).toStrictEqual([]);
  }
  for (const name of ['core', 'fetch', 'sharing', 'status-page'])
    for (const extension of ['d.ts', 'd.cts']) expect(textOf(`dist/${name}.${extension}`)).not.toMatch(/from 'axios'/);
});

describe.each(MODULES.flatMap((name) => [`dist/${name}.js`, `dist/${name}.cjs`]))('%s', (file) => {
  test('has a source map with the sources in it', () => {
    const [, map = ''] = /\n\/\/# sourceMappingURL=(.*)$/.exec(textOf(file).trimEnd()) ?? [];
    expect(join('dist', map)).toBe(`${file}.map`);
    const { sources, sourcesContent, mappings } = JSON.parse(textOf(`${file}.map`)) as {
      sources: string[];
      sourcesContent: string[];
      mappings: string;
    };
    expect(sources.length).toBeGreaterThan(3);
    expect(mappings.length).toBeGreaterThan(1000);
    for (const [i, source] of sources.entries()) {
      expect(source).toMatch(/^\.\.\/src\/[a-z/-]+\.ts$/);
      expect(sourcesContent[i]).toBe(readFileSync(join(root, source.slice(3)), 'utf8'));
    }
  });
});

describe('in an application', () => {
  test.each([
    ['an ES module', 'module', `import * as it from '${NAME}';`],
    ['CommonJS', 'commonjs', `const it = require('${NAME}');`],
  ])('the package exports its surface to %s', (_, kind, load) => {
    const exported = (from: string): unknown =>
      JSON.parse(evaluate(kind, `${from} console.log(JSON.stringify(Object.keys(it).sort()))`));
    expect(exported(load)).toStrictEqual(EXPORTS);
    expect(exported(load.replace(NAME, `${NAME}/fetch`))).toStrictEqual(FETCH_EXPORTS);
    expect(exported(load.replace(NAME, `${NAME}/sharing`))).toStrictEqual(SHARING_EXPORTS);
    expect(exported(load.replace(NAME, `${NAME}/status-page`))).toStrictEqual(['statusPage']);
  });

  test('a pool of one kind of module serves an adapter of the other', () => {
    const printed = evaluate(
      'module',
      `import { createRequire } from 'node:module';
       import axios from 'axios';
       import * as esm from '${NAME}';
       const require = createRequire(process.cwd() + '/');
       const cjs = require('${NAME}');
       const commonAxios = require('axios');
       const adapter = (config) => Promise.resolve({ status: 503, data: '', headers: {}, config });
       for (const [Pool, make, client] of [[esm.BackendPool, cjs.priorityAdapter, axios], [cjs.BackendPool, esm.priorityAdapter, commonAxios]]) {
         const pool = new Pool([{ baseURL: 'a.example' }]);
         await client.get('/x', { adapter: make(pool, { adapter }) }).catch((error) => {
           console.log(axios.isAxiosError(error), commonAxios.isAxiosError(error), error.response.headers.get('Retry-After'), pool.snapshot()[0].state);
         });
       }
       const instance = axios.create();
       esm.attachPriorityAdapter(instance, [{ baseURL: 'a.example' }]);
       try { cjs.attachPriorityAdapter(instance, [{ baseURL: 'a.example' }]); } catch (error) { console.log(error.message.includes('already')); }`,
    );
    expect(printed.trim().split('\n')).toStrictEqual(['true true 1 cooling', 'true true 1 cooling', 'true']);
  });
});

describe.each(['axios-1-5', 'axios-1-7', 'axios-1-13', 'axios'])('with %s as the only axios', (installed) => {
  let project: string;
  let backends: FakeBackend;

  beforeAll(async () => {
    project = join(temp, installed);
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    // A copy, since a link would find the axios of this repository.
    cpSync(folder, join(project, 'node_modules', NAME), { recursive: true });
    symlinkSync(join(root, 'node_modules', installed), join(project, 'node_modules/axios'), 'junction');
    backends = (await FakeBackend.start()).always(replyByPath);
  });

  afterAll(() => backends.close());

  test.each(['smoke.mjs', 'smoke.cjs'])('%s fails over', async (program) => {
    const { status, data, tried } = await runSmokeProgram(program, project, backends.url);
    expect([status, tried]).toStrictEqual([200, ['first 429', 'second 200']]);
    expect(data).toMatchObject({ url: '/echo/x?a=1', body: '{"n":1}', headers: { 'api-key': 'k' } });
  });
});

describe('a bundler', () => {
  test.each([`import '${NAME}';`, `import { priorityAdapter } from '${NAME}';`])(
    'drops the unused %s',
    async (code) => {
      expect((await bundled(code)).trim()).toBe('');
    },
  );

  test('finds no side effects in the package, even if it ignores sideEffects in package.json', async () => {
    expect((await bundled(`import '${NAME}';`, true)).trim()).toBe('');
  });

  test('includes little more than parseRetryAfter if only that is used', async () => {
    const all = await bundled(`export * from '${NAME}';`);
    const one = await bundled(`export { parseRetryAfter } from '${NAME}';`);
    expect(all).toMatch(/class BackendPool\b/);
    expect(one).toMatch(/function parseRetryAfter\(/);
    expect(one).not.toMatch(/class BackendPool\b|from 'axios'|import 'axios'/);
    expect(one.length / all.length).toBeLessThan(0.15);
  });
});

test('the lock file names no registry but the public one', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hosts = [...lock.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map(([, host]) => host);
  expect(hosts.filter((host) => host !== 'https://registry.npmjs.org')).toStrictEqual([]);
});

/** Runs code in the folder of this repository, where the package resolves to what was built. */
function evaluate(kind: string, code: string): string {
  return execFileSync(process.execPath, [`--input-type=${kind}`, '--eval', code], { cwd: root, encoding: 'utf8' });
}

/** What a module imports or requires, in any way. "?" is a name that is not a literal. */
function importsOf(code: string): string[] {
  const found: string[] = [];
  const nameOf = (node: unknown) => (node as { value?: string } | undefined)?.value ?? '?';
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, source, callee, init, arguments: args } = node as Record<string, unknown>;
    const isRequire = (value: unknown) => (value as { name?: unknown } | undefined)?.name === 'require';
    if (/^(?:Import|Export)/.test(String(type)) && source) found.push(nameOf(source));
    if (type === 'CallExpression' && isRequire(callee)) found.push(nameOf((args as unknown[])[0]));
    // Under another name, `require` would go unnoticed. createRequire would need an import.
    if (type === 'VariableDeclarator' && isRequire(init)) found.push('?');
    Object.values(node).forEach(visit);
  };
  visit(parseAst(code, { allowReturnOutsideFunction: true }));
  return found;
}

/** The bundle of an application. `distrustful` bundlers look for side effects whatever the manifest says. */
async function bundled(code: string, distrustful = false): Promise<string> {
  const entry = join(folder, manifest.exports['.'].import.default);
  const resolved: Record<string, object> = {
    application: { id: 'application', moduleSideEffects: true },
    [NAME]: { id: entry, moduleSideEffects: distrustful || manifest.sideEffects !== false },
    axios: { id: 'axios', external: true, moduleSideEffects: false },
  };
  const bundle = await rollup({
    input: 'application',
    plugins: [
      {
        name: 'application',
        resolveId: (id) => resolved[id] as { id: string } | undefined,
        load: (id) => (id === 'application' ? code : undefined),
      },
    ],
    // It would warn about an empty bundle, which is wanted here.
    onwarn: () => undefined,
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
}

function leavesOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leavesOf);
}
