import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const dist = (name: string): string => readFileSync(join(root, 'dist', name), 'utf8');
const sources = readdirSync(join(root, 'src'));

/** What the public surface has to offer, and nothing else. */
const EXPORTS = [
  'BackendPool',
  'affinity',
  'attachPriorityAdapter',
  'defaultFailoverCondition',
  'isAmbiguousFailure',
  'isConnectionFailure',
  'isServerError',
  'isThrottled',
  'leastPending',
  'parseRetryAfter',
  'priorityAdapter',
  'roundRobin',
  'weightedRandom',
];

function node(kind: 'module' | 'commonjs', code: string): string {
  return execFileSync(process.execPath, [`--input-type=${kind}`, '--eval', code], { cwd: root, encoding: 'utf8' });
}

describe('the built package', () => {
  test.each([
    ['ESM', 'module', "import * as it from 'axios-priority-adapter';"],
    ['CommonJS', 'commonjs', "const it = require('axios-priority-adapter');"],
  ] as const)('exports the surface as %s', (_, kind, load) => {
    expect(JSON.parse(node(kind, `${load} console.log(JSON.stringify(Object.keys(it).sort()))`))).toEqual(EXPORTS);
  });

  test.each(['index.js', 'index.cjs'])('%s imports axios and nothing else', (file) => {
    const imports = [...dist(file).matchAll(/(?:from|require\(|import\() ?['"]([^'"]+)['"]/g)].map(([, name]) => name);
    expect(imports).toEqual(['axios']);
  });

  test('works from both kinds of module in one process: a pool of one serves an adapter of the other', () => {
    const printed = node(
      'module',
      `import { createRequire } from 'node:module';
       import axios from 'axios';
       import * as esm from 'axios-priority-adapter';
       const require = createRequire(process.cwd() + '/');
       const cjs = require('axios-priority-adapter');
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
    expect(printed.trim().split('\n')).toEqual(['true true 10 cooling', 'true true 10 cooling', 'true']);
  });

  test.each(['index.d.ts', 'index.d.cts'])('%s shows nothing that is internal', (file) => {
    expect(dist(file)).not.toMatch(/@internal|\blease\b|\bLease\b|BackendSettings/);
    expect(dist(file)).toContain("declare module 'axios'");
  });
});

describe('the source', () => {
  const imports = new Map(
    sources.map((file) => {
      const text = readFileSync(join(root, 'src', file), 'utf8');
      const names = [...text.matchAll(/^(?:import|export)(?! type)[^;]*? from '\.\/([^']+)';$/gm)].map(
        ([, name]) => `${String(name)}.ts`,
      );
      return [file, names] as const;
    }),
  );

  test('imports one way: there is no cycle', () => {
    const cycles: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) cycles.push([...way, file].join(' → '));
      else for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    };
    for (const file of sources) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('needs values of axios in few places', () => {
    const users = sources.filter((file) => /^import axios/m.test(readFileSync(join(root, 'src', file), 'utf8')));
    expect(users.sort()).toEqual(['adapter.ts', 'attach.ts', 'options.ts', 'response.ts']);
  });

  test('has no any and no ignored error', () => {
    for (const file of sources)
      expect(readFileSync(join(root, 'src', file), 'utf8')).not.toMatch(
        /\bas any\b|: any\b|@ts-(?:ignore|expect-error|nocheck)/,
      );
  });
});

test('the lock file names no host but the public registry', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hosts = [...lock.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map(([, host]) => host);
  for (const host of hosts) expect(host).toBe('https://registry.npmjs.org');
});
