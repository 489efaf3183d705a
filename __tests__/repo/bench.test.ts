import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import axios from 'axios';

const run = promisify(execFile);
const bench = (file: string): string => join(__dirname, '../../bench', file);

interface Figure {
  readonly name: string;
  readonly value: number;
}

interface Results {
  readonly date: string;
  readonly machine: object;
  readonly versions: Record<string, string>;
  readonly parts: Record<
    string,
    { readonly title: string; readonly figures: readonly Figure[]; readonly cells?: readonly Cell[] }
  >;
}

/** What one kind of wait makes of a reserved deployment. */
interface Cell {
  readonly demand: number;
  readonly waits: string;
  readonly burst: number;
  readonly used: number;
  readonly refused: number;
}

const PARTS = [
  'failover',
  'fetch',
  'goodput',
  'growth',
  'inProcess',
  'ladder',
  'loopback',
  'memory',
  'reserved',
  'sharing',
  'size',
  'statusPage',
  'streams',
  'waiters',
];
const PLOTS = ['ratios', 'reserved'];

let folder: string;
let printed: string;
let results: Results;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'));
  ({ stdout: printed } = await run(process.execPath, [bench('bench.mjs'), '--quick', '--out', folder]));
  results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as Results;
}, 180_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test.each(PARTS)('the benchmark part %s yields figures', (name) => {
  const { figures = [], title } = results.parts[name] ?? {};
  expect(figures).not.toHaveLength(0);
  for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
  for (const { value } of figures) expect(value).toBeLessThan(Infinity);
  expect(printed).toContain(title);
});

test('the benchmark has no other part, and records date, machine and versions', () => {
  expect(Object.keys(results.parts).sort()).toStrictEqual(PARTS);
  expect(Date.parse(results.date)).toBeLessThanOrEqual(Date.now());
  expect(results.machine).toMatchObject({ cpu: expect.any(String) as string, cores: expect.any(Number) as number });
  expect(results.versions).toMatchObject({ node: process.versions.node, axios: axios.VERSION });
});

test('the benchmark writes tables, and each plot for light and for dark pages', async () => {
  const plots = PLOTS.flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`]);
  expect((await readdir(folder)).sort()).toStrictEqual([...plots, 'results.json', 'results.md'].sort());
  for (const plot of plots) expect(await readFile(join(folder, plot), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  const tables = await readFile(join(folder, 'results.md'), 'utf8');
  for (const { figures } of Object.values(results.parts))
    for (const { name } of figures) expect(tables).toContain(name);
});

test('exact waits use more of a reserved deployment than longer ones, and the table shows all of them', async () => {
  const { cells = [] } = results.parts.reserved ?? {};
  expect(cells).not.toHaveLength(0);
  const tables = await readFile(join(folder, 'results.md'), 'utf8');
  for (const { used, refused } of cells)
    expect(tables).toContain(`${(used * 100).toFixed(1)} %, ${refused.toFixed(2)}`);
  for (const burst of [100, 500])
    for (const demand of [1, 2]) {
      const used = cells.filter((cell) => cell.burst === burst && cell.demand === demand).map((cell) => cell.used);
      expect(used).toStrictEqual([...used].sort((a, b) => b - a));
    }
});

test('bench/readme.mjs writes the figures between the markers of a page and nowhere else', async () => {
  const readme = join(folder, 'README.md');
  const fill = (...more: string[]) =>
    run(process.execPath, [bench('readme.mjs'), '--pages', readme, '--results', join(folder, 'results.json'), ...more]);
  await writeFile(readme, '# Before\n\n<!-- bench -->\n\nold\n\n<!-- /bench -->\n\nAfter.\n');
  await expect(fill('--check')).rejects.toThrow('differs from the results');
  await fill();
  const filled = await readFile(readme, 'utf8');
  expect(filled).toMatch(/^# Before\n\n<!-- bench -->\n\nMeasured on [\s\S]*<!-- \/bench -->\n\nAfter\.\n$/);
  expect(filled).toContain('≤ 15,000 bytes');
  expect(filled).not.toMatch(/^old$/m);
  await writeFile(readme, '<!-- figures -->\n\n<!-- /figures -->\n');
  await fill();
  expect(await readFile(readme, 'utf8')).toMatch(
    /^<!-- figures -->\n\nA request costs about [\d.-]+ µs more .* it takes [\d.]+ times as long .*\n\n<!-- \/figures -->\n$/,
  );
  await writeFile(readme, '<!-- bench -->\n\n<!-- /bench -->\n');
  await fill();
  await fill('--check');
  await writeFile(readme, '# None\n');
  await fill();
  expect(await readFile(readme, 'utf8')).toBe('# None\n');
});

test('without Redis, the benchmark of fleets is skipped with a reason, and nothing is written', async () => {
  // A PATH without programs.
  const env = { ...process.env, PATH: folder };
  const out = join(folder, 'sharing');
  const { stdout, stderr } = await run(process.execPath, [bench('bench.mjs'), '--sharing', '--quick', '--out', out], {
    env,
  });
  expect(stdout).toContain('a request with sharing on, against off');
  expect(stderr).toContain('redis-server is not installed');
  expect(await readdir(folder)).not.toContain('sharing');
}, 60_000);

test('the page about sharing has the table that the simulation makes', async () => {
  await run(process.execPath, [bench('simulation.mjs'), '--check']);
}, 240_000);

test('the figures in the README and the documentation are those of the last measurement', async () => {
  await run(process.execPath, [bench('readme.mjs'), '--check']);
});
