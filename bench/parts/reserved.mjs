import { parseRetryAfter } from 'axios-priority-adapter';
import { chatting, closedLoop, LoopbackClients } from '../clients.mjs';
import { startServers } from '../servers.mjs';

const SLOTS = 4;
const LATENCY = 50;
const CALLERS = 12;
const BIN = 500;

/** How much of a reserved deployment is used, with its waits as given and with waits rounded up to seconds. */
export async function reserved({ ms, seed }) {
  const time = Math.max(2 * BIN, ms(10_000));
  const pair = [
    { latency: LATENCY, limit: { kind: 'concurrent', calls: SLOTS, ms: LATENCY, seed } },
    { latency: LATENCY },
  ];
  const servers = await startServers([...pair, ...pair]);
  const connections = new LoopbackClients();
  // Both at once: together they keep a core busy for a small part of the time.
  const [asGiven, inSeconds] = await Promise.all([
    load(connections, servers.urls.slice(0, 2), {}, time),
    load(connections, servers.urls.slice(2), { cooldown: wholeSeconds }, time),
  ]);
  const [counts, , roundedCounts] = await servers.counts();
  connections.close();
  await servers.stop();
  const capacity = (SLOTS * time) / LATENCY;
  const shares = { ours: counts.answered / capacity, rounded: roundedCounts.answered / capacity };
  return {
    title: 'Reserved capacity',
    note: `A backend that takes ${SLOTS} requests at a time, of ${LATENCY} ms each, and asks others to wait for 20 to 66 ms (\`retry-after-ms\`, next to \`retry-after: 1\`). Behind it is one without a limit. ${CALLERS} callers for ${time / 1_000} s. The rounded waits are those of this package with a \`cooldown\` of whole seconds.`,
    figures: [
      { name: 'capacity used, waits as given', value: shares.ours, unit: '%', atLeast: 0.6 },
      { name: 'capacity used, waits rounded up to seconds', value: shares.rounded, unit: '%' },
      { name: 'capacity used by the Python package (reported, not measured)', value: 0.05, unit: '%' },
      { name: 'waits as given against rounded', value: shares.ours / shares.rounded, atLeast: 10 },
      {
        name: 'throttled attempts per answer of the reserved backend',
        value: counts.throttled / counts.answered,
        unit: '',
      },
    ],
    overTime: { bin: BIN, asGiven, inSeconds },
  };
}

/** Resolves with the share of the reserved capacity that was used in each bin of time. */
async function load(connections, urls, options, time) {
  const { pool, client } = connections.ours(urls, options, (i) => ({ priority: i + 1 }));
  const bins = Array.from({ length: Math.max(1, Math.floor(time / BIN)) }, () => 0);
  const started = performance.now();
  pool.subscribe(({ type, backend, status }) => {
    const bin = Math.floor((performance.now() - started) / BIN);
    if (type === 'attempt' && backend === 'backend-0' && status === 200 && bin < bins.length) bins[bin]++;
  });
  await closedLoop(CALLERS, time, chatting(client));
  const capacity = (SLOTS * BIN) / LATENCY;
  return bins.map((answers) => answers / capacity);
}

function wholeSeconds({ response }) {
  const wait = response === undefined ? undefined : parseRetryAfter(response);
  return wait === undefined ? undefined : Math.ceil(wait / 1_000) * 1_000;
}
