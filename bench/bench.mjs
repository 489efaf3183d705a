/**
 * Measures what the package costs and what it gains, within two minutes, and writes tables and plots.
 *
 *     npm run bench -- [--quick] [--out DIR] [--seed N]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { environment } from './environment.mjs';
import { cost } from './parts/cost.mjs';
import { failover } from './parts/failover.mjs';
import { goodput } from './parts/goodput.mjs';
import { growth } from './parts/growth.mjs';
import { loopback } from './parts/loopback.mjs';
import { memory } from './parts/memory.mjs';
import { reserved } from './parts/reserved.mjs';
import { size } from './parts/size.mjs';
import { plots } from './plots.mjs';
import { formatted, markdown, tables } from './report.mjs';

/** The build that comes before takes its share of the two minutes. */
const LIMIT_MS = 100_000;

const { quick, out, seed } = new Command('bench')
  .option('--quick', 'seconds in all: every part works, and no figure means anything')
  .option('--out <dir>', 'where the results go', fileURLToPath(new URL('results', import.meta.url)))
  .option('--seed <n>', 'for what is random', '1')
  .parse()
  .opts();

const started = performance.now();
const limit = setTimeout(() => {
  console.error(`bench: not done after ${LIMIT_MS / 1000} s; the machine is too busy for figures`);
  process.exit(1);
}, LIMIT_MS);
const settings = {
  ms: (full) => (quick ? full / 50 : full),
  requests: quick ? 5_000 : 1_000_000,
  seed: Number(seed),
};
const about = await environment();

const results = { ...about, quick: quick === true, parts: {} };
for (const part of [cost, loopback, growth, failover, reserved]) results.parts[part.name] = await timed(part);
// What mostly waits goes beside what needs one core, and is not a matter of time.
const [quotas, heap] = await Promise.all([timed(goodput), timed(memory)]);
Object.assign(results.parts, { goodput: quotas, memory: heap });
results.parts.size = await timed(size);
clearTimeout(limit);

await mkdir(out, { recursive: true });
const files = {
  'results.json': JSON.stringify(results),
  'results.md': markdown(results),
  ...plots(results),
};
for (const [name, text] of Object.entries(files)) await writeFile(`${out}/${name}`, await formatted(name, text));
console.log(tables(results));
console.log(`written to ${out} after ${seconds(started)}`);

async function timed(part) {
  const began = performance.now();
  const result = await part(settings);
  console.log(`${result.title}: ${seconds(began)}`);
  return result;
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
