import { fork } from 'node:child_process';
import { once } from 'node:events';
import { unpin } from '../cores.mjs';
import { startServers } from '../servers.mjs';
import { startRedis } from '../redis.mjs';

const SIZES = [8, 16];
/** Requests a second of a whole fleet. The quota of the first backend is for half of them. */
const DEMAND = 20;
/** ms of a window, and how many of them a run takes */
const WINDOWS = [
  { full: 1_000, count: 15 },
  { full: 10_000, count: 4 },
];
const LATENCY = 20;
const EVENTS = 200;

/** What sharing over Redis gains for fleets of processes. `undefined` if this machine has no Redis. */
export async function fleets({ ms, quick, seed }) {
  const redis = await startRedis();
  if (redis === undefined) {
    console.warn('bench: the fleets are skipped, since redis-server is not installed; apt-get install redis-server');
    return undefined;
  }
  const sizes = quick ? [2, 3] : SIZES;
  const fleet = await Fleet.start(sizes.at(-1), { redis: redis.url, seed });
  try {
    const figures = [];
    for (const size of sizes)
      for (const { full, count } of WINDOWS) {
        const [alone, shared] = await refusals(fleet, { size, window: ms(full), count });
        const name = `${size} processes, windows of ${full / 1_000} s: refused calls per answer`;
        figures.push({ name: `${name}, alone`, value: alone, unit: '3' });
        figures.push({ name: `${name}, with sharing`, value: shared, unit: '3' });
      }
    const delays = await delaysIn(fleet, quick ? 3 : EVENTS);
    const name = `${sizes.at(-1)} processes: from a cooldown to the pools of the others`;
    figures.push({ name: `${name}, p50`, value: percentile(delays, 0.5), unit: 'ms' });
    figures.push({ name: `${name}, p99`, value: percentile(delays, 0.99), unit: 'ms' });
    return { title: 'Fleets over Redis', note: NOTE, figures };
  } finally {
    await fleet.stop();
    await redis.stop();
  }
}

/** Each process has a pool that is alone and one that shares, each with its own backends. */
async function refusals(fleet, { size, window, count }) {
  const limit = { kind: 'callsPerPeriod', calls: Math.ceil((DEMAND / 2) * (window / 1_000)), ms: window };
  const pair = [{ limit }, { latency: LATENCY }];
  const servers = await startServers([...pair, ...pair], { isPinned: false });
  const urls = [servers.urls.slice(0, 2), servers.urls.slice(2)];
  const all = await fleet.first(size, 'load', { urls, perSecond: DEMAND / size, ms: window * count });
  await servers.stop();
  return urls.map((_, way) => {
    const sum = (field) => all.reduce((total, counts) => total + counts[way][field], 0);
    return sum('refused') / Math.max(1, sum('answers'));
  });
}

async function delaysIn(fleet, events) {
  await fleet.first(fleet.size, 'listen');
  const all = [];
  for (let i = 0; i < events; i++) all.push(...(await fleet.delaysOf(i % fleet.size, `deployment-${i}`)));
  return all;
}

function percentile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1];
}

class Fleet {
  #children;

  static async start(size, { seed, ...settings }) {
    const fleet = new Fleet();
    fleet.#children = Array.from({ length: size }, (_, i) => {
      const args = [JSON.stringify({ ...settings, seed: Number(seed) + i })];
      const child = fork(new URL('../fleet-process.mjs', import.meta.url), args, { execArgv: [] });
      unpin(child.pid);
      return child;
    });
    await Promise.all(fleet.#children.map(done));
    return fleet;
  }

  get size() {
    return this.#children.length;
  }

  first(size, action, how) {
    return Promise.all(this.#children.slice(0, size).map((child) => ask(child, action, how)));
  }

  /** Resolves with the ms after which each of the others has learned of a cooldown of the nth process. */
  async delaysOf(n, scope) {
    const others = this.#children.filter((_, i) => i !== n);
    const learned = others.map((child) => message(child, (each) => each.learned === scope));
    const at = await ask(this.#children[n], 'cool', { scope });
    return (await Promise.all(learned)).map((each) => each.at - at);
  }

  async stop() {
    const running = this.#children.filter((child) => child.connected);
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.disconnect();
    await Promise.all(ended);
  }
}

function ask(child, action, how) {
  child.send({ action, ...how });
  return done(child);
}

async function done(child) {
  return (await message(child, (each) => 'done' in each)).done;
}

function message(child, matches) {
  return new Promise((resolve, reject) => {
    const ended = (status) => reject(new Error(`a process of the fleet ended with status ${status}`));
    const hear = (each) => {
      if (!matches(each)) return;
      child.off('message', hear).off('exit', ended);
      resolve(each);
    };
    child.on('message', hear).once('exit', ended);
  });
}

const NOTE = `Processes on one machine, each with its own pool, over a real Redis with \`redis\` 6. A fleet sends ${DEMAND} requests a second at random times. The quota of its first backend is half of them in each window; when it is used up, the backend refuses calls for what is left of the window. The second backend has no limit. The delay is from \`pool.cool\` in one process to the event in each other one, ${EVENTS} times.`;
