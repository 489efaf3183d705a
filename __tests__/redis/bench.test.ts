import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Figure {
  readonly name: string;
  readonly value: number;
}

test('the benchmark measures fleets over Redis', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const program = join(__dirname, '../../bench/bench.mjs');
    await promisify(execFile)(process.execPath, [program, '--sharing', '--quick', '--out', folder]);
    const { parts } = JSON.parse(await readFile(join(folder, 'sharing.json'), 'utf8')) as {
      parts: Record<string, { figures: Figure[] }>;
    };
    expect(Object.keys(parts)).toStrictEqual(['sharing', 'fleets']);
    const { figures } = parts.fleets!;
    expect(figures).toHaveLength(10);
    for (const { value } of figures) expect(value).toBeGreaterThan(0);
    const [p50, p99] = figures.slice(-2).map(({ value }) => value);
    expect(p99).toBeGreaterThanOrEqual(p50!);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
