import { priorityAdapter } from 'axios-priority-adapter';
import { namedBackends, replyTo, requestOf } from '../clients.mjs';
import { seeded } from '../random.mjs';
import { inVirtualTime, sleep } from '../virtual-time.mjs';

const PER_SECOND = 50;
/** ms that a call takes */
const LATENCIES = [100, 1_000, 5_000];
/** The share of the calls that fail, and the least share of its traffic that the reserved backend has to keep. */
const STRAY = [
  { share: 0.0005, atLeast: 0.995 },
  { share: 0.001, atLeast: 0.99 },
  { share: 0.002, atLeast: 0.985 },
  { share: 0.01, atLeast: 0.94 },
];
const HANGING = { share: 0.001, latency: 1_000, timeout: 30_000 };

/** How much of its traffic a reserved backend keeps when a few of its calls fail. */
export async function ladder({ requests, seed }) {
  const count = requests / 25;
  const keptOf = (failures) => inVirtualTime(seed, () => run({ ...failures, count, seed }));
  const figures = [];
  for (const { share, atLeast } of STRAY) {
    const each = [];
    for (const latency of LATENCIES) {
      const name = `${share * 100} % stray 500s, calls of ${latency / 1_000} s`;
      each.push({ name, value: await keptOf({ share, latency }), unit: '%' });
    }
    const value = Math.min(...each.map((figure) => figure.value));
    figures.push(...each, { name: `${share * 100} % stray 500s, the worst of the three`, value, unit: '%', atLeast });
  }
  const name = `${HANGING.share * 100} % of calls hang until a \`timeout\` of 30 s`;
  figures.push({ name, value: await keptOf(HANGING), unit: '%', atLeast: 0.99 });
  return {
    title: 'One failure is an accident',
    note: `How much of its traffic a reserved backend keeps if some of its calls fail, at random and without a specified wait: the share that it served of the requests that it could have served. The backend behind it always answers. ${PER_SECOND} requests a second for ${(count / PER_SECOND).toLocaleString('en')} s, at random times. Each figure in virtual time; the same seed always gives the same.`,
    figures,
  };
}

/** Resolves with the share of the good requests that the reserved backend served. */
async function run({ timeout = 0, share, latency, count, seed }) {
  const random = seeded(seed);
  const counts = { good: 0, kept: 0 };
  const backends = namedBackends(2).map((backend, i) => ({ ...backend, priority: i + 1 }));
  const adapter = priorityAdapter(backends, {
    adapter: async (config) => {
      const isReserved = config.baseURL === backends[0].baseURL;
      if (isReserved && config.isBad && timeout > 0) return new Promise(() => undefined);
      await sleep(latency);
      if (isReserved && config.isBad) return replyTo(config, 500);
      if (isReserved) counts.kept++;
      return replyTo(config, 200);
    },
  });
  const running = [];
  let arrival = performance.now();
  for (let i = 0; i < count; i++) {
    arrival -= (Math.log(1 - random()) * 1_000) / PER_SECOND;
    await sleep(Math.round(arrival - performance.now()));
    // Decided here, so that it doesn't depend on which backend serves the request.
    const isBad = random() < share;
    if (!isBad) counts.good++;
    running.push(adapter(requestOf({ timeout, isBad })).catch(() => undefined));
  }
  await Promise.all(running);
  return counts.kept / counts.good;
}
