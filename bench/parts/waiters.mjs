import { priorityAdapter } from 'axios-priority-adapter';
import { callsPerPeriod, leakyBucket, throttled } from '../../examples/demo/fake-azure.mjs';
import { closedLoop, namedBackends, replyTo, requestOf } from '../clients.mjs';
import { inVirtualTime, sleep } from '../virtual-time.mjs';

const CALLERS = 1_000;
/** requests a second */
const RATES = [40, 60, 100];
/** ms that an answer or a refusal takes, half of it before the backend counts the call */
const LATENCY = 20;
const BURST = 5;
const PERIOD = 1_000;

const KINDS = [
  {
    kind: 'calls per second',
    limitOf: (rate) => callsPerPeriod({ calls: rate, ms: PERIOD }),
    burst: 0,
    mostRefused: 0.47,
  },
  {
    kind: 'leaky buckets',
    limitOf: (rate) => leakyBucket({ calls: BURST, perSecond: rate }),
    burst: BURST * RATES.length,
    mostRefused: 0.7,
  },
];

/** What 1,000 waiting requests cost their backends and each other, compared with a first-come-first-served queue. */
export async function waiters({ ms, seed }) {
  const time = Math.max(2 * PERIOD, ms(60_000));
  const figures = [];
  for (const { kind, limitOf, burst, mostRefused } of KINDS) {
    const pool = await inVirtualTime(seed, () => load(poolOver(RATES.map(limitOf)), time));
    const queue = await inVirtualTime(seed, () => load(queueOver(RATES.map(limitOf)), time));
    const quota = (RATES.reduce((sum, rate) => sum + rate) * time) / 1_000 + burst;
    figures.push(
      { name: `${kind}: refused calls per answer`, value: pool.refused / pool.answered, unit: '', atMost: mostRefused },
      { name: `${kind}: answers as a share of the quota`, value: pool.answered / quota, unit: '%', atLeast: 0.97 },
      { name: `${kind}: 99th percentile of waits against a queue`, value: pool.wait / queue.wait, atMost: 2 },
      { name: `${kind}: 99th percentile of a queue, in s`, value: queue.wait / 1_000 },
      { name: `${kind}: lost requests`, value: pool.lost, unit: 'count' },
    );
  }
  return {
    title: 'A thousand waiting requests',
    note: `${CALLERS.toLocaleString('en')} callers for ${time / 1_000} s over backends that accept ${RATES.join(', ')} requests a second, with \`maxWait\`. Answers and refusals take ${LATENCY} ms. The quotas are calls per second, and leaky buckets that hold ${BURST}. The waits are compared with those in a first-come-first-served queue that knows the quotas and is never refused. All of it in virtual time; the same seed always gives the same.`,
    figures,
  };
}

/** Resolves with what happened until the callers stopped, and the 99th percentile of all waits. */
async function load({ request, counts }, time) {
  const waits = [];
  let lost = 0;
  const ended = sleep(time).then(() => ({ ...counts }));
  await closedLoop(CALLERS, time, async () => {
    const began = performance.now();
    await request().catch(() => lost++);
    waits.push(performance.now() - began);
  });
  waits.sort((a, b) => a - b);
  return { ...(await ended), lost, wait: waits[Math.floor(waits.length * 0.99)] };
}

/** Requests over this package. */
function poolOver(limits) {
  const counts = { answered: 0, refused: 0 };
  const backends = namedBackends(limits.length).map((backend, i) => ({ ...backend, priority: i === 0 ? 1 : 2 }));
  const limitsByURL = new Map(backends.map(({ baseURL }, i) => [baseURL, limits[i]]));
  const adapter = priorityAdapter(backends, {
    maxWait: 600_000,
    adapter: async (config) => {
      await sleep(LATENCY / 2);
      const wait = limitsByURL.get(config.baseURL)();
      await sleep(LATENCY / 2);
      counts[wait > 0 ? 'refused' : 'answered']++;
      return wait > 0 ? replyTo(config, 429, throttled(wait, { provisioned: true }).headers) : replyTo(config, 200);
    },
  });
  return { request: () => adapter(requestOf()), counts };
}

/** Requests that each backend takes from one queue as soon as its quota allows. */
function queueOver(limits) {
  const counts = { answered: 0, refused: 0 };
  const queue = [];
  const isAsleep = limits.map(() => false);
  const serve = (i) => {
    while (queue.length > 0 && !isAsleep[i]) {
      const wait = limits[i]();
      if (wait > 0) {
        isAsleep[i] = true;
        void sleep(Math.ceil(wait)).then(() => {
          isAsleep[i] = false;
          serve(i);
        });
      } else void sleep(LATENCY).then(queue.shift());
    }
  };
  const request = () =>
    new Promise((resolve) => {
      queue.push(() => {
        counts.answered++;
        resolve();
      });
      limits.forEach((_, i) => serve(i));
    });
  return { request, counts };
}
