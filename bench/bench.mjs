/**
 * Measures what the package costs and what it gains, in about eight minutes. Writes tables and plots.
 *
 *     npm run bench -- [--quick] [--only PART… | --sharing] [--out DIR] [--seed N]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { ask } from './ask.mjs';
import { environment } from './environment.mjs';
import { plots } from './plots.mjs';
import { formatted, markdown, tables } from './report.mjs';

/** The module of each part. */
const PARTS = {
  loopback: 'loopback.mjs',
  inProcess: 'in-process.mjs',
  fetch: 'fetch.mjs',
  streams: 'streams.mjs',
  growth: 'growth.mjs',
  failover: 'failover.mjs',
  reserved: 'reserved.mjs',
  goodput: 'goodput.mjs',
  ladder: 'ladder.mjs',
  waiters: 'waiters.mjs',
  memory: 'memory.mjs',
  sharing: 'sharing.mjs',
  statusPage: 'status-page.mjs',
  size: 'size.mjs',
};
/** What `--sharing` runs, which takes two minutes and a Redis. */
const OF_SHARING = { sharing: 'sharing.mjs', fleets: 'fleets.mjs' };
const LIMIT = 600_000;

const {
  quick,
  only,
  sharing: onlySharing,
  out,
  seed,
} = new Command('bench')
  .option('--quick', 'only see that every part works, within seconds; the figures mean nothing')
  .addOption(new Option('--only <parts...>', 'run some parts and write nothing').choices(Object.keys(PARTS)))
  .option('--sharing', 'run only what is about sharing, fleets of processes over a real Redis included')
  .option('--out <dir>', 'where to write the results', fileURLToPath(new URL('results', import.meta.url)))
  .option('--seed <n>', 'of everything random', '1')
  .parse()
  .opts();

const started = performance.now();
setTimeout(() => {
  console.error(`bench: not done after ${LIMIT / 1_000} s; this machine is too busy to measure anything`);
  process.exit(1);
}, LIMIT).unref();
const results = { ...(await environment()), quick: quick === true, parts: {} };
const parts = onlySharing ? OF_SHARING : PARTS;
for (const name of only ?? Object.keys(parts)) {
  const result = await timed(parts[name]);
  if (result !== undefined) results.parts[name] = result;
}
console.log(tables(results));
if (!quick) warnIfUncertain();
if (onlySharing) await writeSharing();
else if (only === undefined) await write();

async function timed(file) {
  const began = performance.now();
  const { result } = await measured({ file, quick: quick === true, seed: Number(seed) });
  if (result !== undefined) console.log(`${result.title}: ${seconds(began)}`);
  return result;
}

/** Runs a part in a process of its own. */
async function measured(part) {
  const child = fork(new URL('part-process.mjs', import.meta.url), { execArgv: [], serialization: 'advanced' });
  const message = await ask(child, part, part.file);
  child.disconnect();
  await once(child, 'exit');
  return message;
}

/** Other work on the machine widens the intervals, and a wide interval reaches any target. */
function warnIfUncertain() {
  const figures = Object.values(results.parts).flatMap((part) => part.figures);
  const wide = figures.filter(({ value, low, high }) => high - low > 0.1 * value);
  if (wide.length > 0)
    console.warn(`bench: ${wide.length} intervals are wider than 10 %; measure again when the machine is less busy`);
}

function write() {
  return writeFiles({ 'results.json': JSON.stringify(results), 'results.md': markdown(results), ...plots(results) });
}

function writeSharing() {
  if (results.parts.fleets === undefined) return console.warn('bench: nothing is written, since a part was skipped');
  return writeFiles({ 'sharing.json': JSON.stringify(results) });
}

async function writeFiles(files) {
  await mkdir(out, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(`${out}/${name}`, await formatted(name, text));
  console.log(`written to ${out} after ${seconds(started)}`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
