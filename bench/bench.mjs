/**
 * Measures what the package costs and what it gains, in about seven minutes. Writes tables and plots.
 *
 *     npm run bench -- [--quick] [--only PART… | --sharing] [--out DIR] [--seed N]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { pinClient } from './cores.mjs';
import { environment } from './environment.mjs';
import { failover } from './parts/failover.mjs';
import { fetchCost } from './parts/fetch.mjs';
import { fleets } from './parts/fleets.mjs';
import { goodput } from './parts/goodput.mjs';
import { growth } from './parts/growth.mjs';
import { inProcess } from './parts/in-process.mjs';
import { ladder } from './parts/ladder.mjs';
import { loopback } from './parts/loopback.mjs';
import { memory } from './parts/memory.mjs';
import { reserved } from './parts/reserved.mjs';
import { sharing } from './parts/sharing.mjs';
import { size } from './parts/size.mjs';
import { statusPageCost } from './parts/status-page.mjs';
import { streams } from './parts/streams.mjs';
import { waiters } from './parts/waiters.mjs';
import { plots } from './plots.mjs';
import { formatted, markdown, tables } from './report.mjs';

const PARTS = {
  loopback,
  inProcess,
  fetch: fetchCost,
  streams,
  growth,
  failover,
  reserved,
  goodput,
  ladder,
  waiters,
  memory,
  sharing,
  statusPage: statusPageCost,
  size,
};
/** What `--sharing` runs, which takes two minutes and a Redis. */
const OF_SHARING = { sharing, fleets };
const LIMIT = 480_000;

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
const settings = {
  quick: quick === true,
  ms: (full) => (quick ? full / 50 : full),
  requests: quick ? 5_000 : 1_000_000,
  seed: Number(seed),
};
const results = { ...(await environment()), quick: quick === true, parts: {} };
pinClient();
const parts = onlySharing ? OF_SHARING : PARTS;
for (const name of only ?? Object.keys(parts)) {
  const result = await timed(parts[name]);
  if (result !== undefined) results.parts[name] = result;
}
console.log(tables(results));
if (!quick) warnIfUncertain();
if (onlySharing) await writeSharing();
else if (only === undefined) await write();

async function timed(part) {
  const began = performance.now();
  const result = await part(settings);
  if (result !== undefined) console.log(`${result.title}: ${seconds(began)}`);
  return result;
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
