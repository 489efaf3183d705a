/**
 * Simulates a fleet of 1,000 processes with and without shared cooldowns, and writes the table into docs/sharing.md. All of it
 * in virtual time, with the package's own pools. The same seed always gives the same table.
 *
 *     node bench/simulation.mjs [--check] [--seed N]
 */
import { fileURLToPath } from 'node:url';
import { priorityAdapter } from 'axios-priority-adapter';
import { shareCooldowns } from 'axios-priority-adapter/sharing';
import { Command } from 'commander';
import { callsPerPeriod, throttled } from '../examples/demo/fake-azure.mjs';
import { namedBackends, replyTo, requestOf } from './clients.mjs';
import { fillPages } from './pages.mjs';
import { seeded } from './random.mjs';
import { markdownTable } from './report.mjs';
import { inVirtualTime, sleep } from './virtual-time.mjs';

const PROCESSES = 1_000;
/** Requests a second of the whole fleet. The quota of the first backend is for half of them. */
const DEMAND = 1_000;
/** ms between a call and its refusal */
const LATENCY = 20;
/** ms between a message and its arrival */
const DELAY = 5;
/** ms between two polls */
const POLL = 1_000;

/** The longest wait that the first backend asks for, in ms. It takes calls for as long, and then refuses them. */
const WAITS = [
  { wait: 43, cycles: 100 },
  { wait: 1_000, cycles: 10 },
  { wait: 10_000, cycles: 2 },
  { wait: 60_000, cycles: 1 },
];
const WAYS = { alone: undefined, 'polled each second': polled, pushed };

const { check, seed } = new Command('simulation')
  .option('--check', 'write nothing; fail if the page differs')
  .option('--seed <n>', 'of everything random', '1')
  .parse()
  .opts();

const rows = [];
for (const { wait, cycles } of WAITS) {
  const cells = [];
  for (const way of Object.values(WAYS))
    cells.push(await inVirtualTime(Number(seed), () => run({ wait, time: 2 * cycles * wait, share: way?.() })));
  rows.push([nameOf(wait), ...cells.map((wasted) => `${(wasted * 100).toFixed(1)} %`)]);
}
const simulation = markdownTable(['wait', ...Object.keys(WAYS)], rows);
console.log(simulation);
await fillPages([fileURLToPath(new URL('../docs/sharing.md', import.meta.url))], { simulation }, { check });

/** Resolves with the refused calls as a share of all requests. */
async function run({ wait, time, share }) {
  const limit = callsPerPeriod({ calls: (DEMAND * wait) / 1_000, ms: 2 * wait });
  let refused = 0;
  const answer = async (config) => {
    const left = config.baseURL.includes('backend-0') ? limit() : 0;
    if (left === 0) return replyTo(config, 200);
    refused++;
    await sleep(LATENCY);
    return replyTo(config, 429, throttled(left, { provisioned: true }).headers);
  };
  const backends = namedBackends(2).map((backend, i) => ({ ...backend, priority: i + 1 }));
  const fleet = Array.from({ length: PROCESSES }, () => priorityAdapter(backends, { adapter: answer }));
  const sharings =
    share === undefined ? [] : fleet.map(({ pool }) => shareCooldowns(pool, share(), { minDuration: 0 }));
  const random = seeded(Number(seed));
  const running = [];
  const began = performance.now();
  for (let at = 0; at < time; at += (-Math.log(1 - random()) * 1_000) / DEMAND) {
    const left = began + at - performance.now();
    if (left > 0) await sleep(left);
    running.push(fleet[Math.floor(random() * PROCESSES)](requestOf({})));
  }
  await Promise.all(running);
  for (const sharing of sharings) await sharing.stop();
  return refused / running.length;
}

/** Hands each message on, as Redis does: what ends at nearly the same time as what is known is dropped. */
function pushed() {
  const listeners = new Set();
  const isNew = filter();
  return () => ({
    send: (message) => {
      if (isNew(message)) void sleep(DELAY).then(() => listeners.forEach((hear) => hear(message)));
    },
    listen(hear) {
      listeners.add(hear);
      return listening(() => listeners.delete(hear));
    },
  });
}

/** Keeps the messages, and each process asks for the new ones every second. */
function polled() {
  const messages = [];
  const isNew = filter();
  return () => ({
    send: (message) => {
      if (isNew(message)) messages.push({ message, told: performance.now() });
    },
    listen(hear) {
      let next = 0;
      let timer;
      const poll = () => {
        for (; next < messages.length; next++) hear(messages[next].message, performance.now() - messages[next].told);
        timer = setTimeout(poll, POLL);
      };
      timer = setTimeout(poll, POLL * Math.random());
      return listening(() => clearTimeout(timer));
    },
  });
}

function listening(end) {
  return { ready: Promise.resolve(), stop: async () => void end() };
}

function filter() {
  let ends = -Infinity;
  return (message) => {
    const { ms } = JSON.parse(message);
    const end = performance.now() + ms;
    if (Math.abs(end - ends) <= Math.max(50, ms * 0.05)) return false;
    ends = end;
    return true;
  };
}

function nameOf(ms) {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
