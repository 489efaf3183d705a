import { setTimeout as sleep } from 'node:timers/promises';
import { chatting, closedLoop, LoopbackClients } from '../clients.mjs';
import { startServers } from '../servers.mjs';

const CALLERS = 20;
/** requests a second */
const RATES = [40, 60, 100];
const LATENCY = 20;
const BURST = 5;
const PERIOD = 1_000;

/** How much gets through quotas that are too small for the callers, if these wait for their turn. */
export async function goodput({ ms }) {
  const time = Math.max(PERIOD, ms(8_000));
  const kinds = {
    'calls per second': (rate) => ({ kind: 'callsPerPeriod', calls: rate, ms: PERIOD }),
    'leaky buckets': (rate) => ({ kind: 'leakyBucket', calls: BURST, perSecond: rate }),
  };
  const limits = Object.values(kinds).flatMap((limitOf) => RATES.map(limitOf));
  const servers = await startServers(limits.map((limit) => ({ limit, latency: LATENCY })));
  const connections = new LoopbackClients();
  const groups = [servers.urls.slice(0, RATES.length), servers.urls.slice(RATES.length)];
  // A request that still waits at the end would be answered from the next quota, so the servers are asked on time.
  const [counts, ...lost] = await Promise.all([
    sleep(time).then(() => servers.counts()),
    ...groups.map((urls) => load(connections, urls, time)),
  ]);
  connections.close();
  await servers.stop();
  const quota = (RATES.reduce((sum, rate) => sum + rate) * time) / 1_000;
  const [perSecond, buckets] = Object.keys(kinds);
  return {
    title: 'Goodput under quotas',
    note: `${CALLERS} callers for ${time / 1_000} s over backends that accept ${RATES.join(', ')} requests a second, with \`maxWait\`. The quotas are calls per second, and leaky buckets that hold ${BURST}.`,
    figures: [
      ...figures(perSecond, counts.slice(0, RATES.length), quota, lost[0]),
      ...figures(buckets, counts.slice(RATES.length), quota + BURST * RATES.length, lost[1]),
    ],
  };
}

/** Resolves with how many requests got no answer. */
async function load(connections, urls, time) {
  const priorities = (i) => ({ priority: i === 0 ? 1 : 2 });
  const request = chatting(connections.ours(urls, { maxWait: 10_000 }, priorities).client);
  let lost = 0;
  await closedLoop(CALLERS, time, () => request().catch(() => lost++));
  return lost;
}

function figures(name, counts, quota, lost) {
  const answered = counts.reduce((sum, count) => sum + count.answered, 0);
  const throttled = counts.reduce((sum, count) => sum + count.throttled, 0);
  return [
    { name: `${name}: answers as a share of the quota`, value: answered / quota, unit: '%' },
    { name: `${name}: throttled attempts per answer`, value: throttled / answered, unit: '' },
    { name: `${name}: lost requests`, value: lost, unit: 'count' },
  ];
}
