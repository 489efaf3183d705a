import { setTimeout as sleep } from 'node:timers/promises';
import { chatting, Clients, closedLoop } from '../loopback.mjs';
import { startServers } from '../servers/start.mjs';

const CALLERS = 20;
const RATES = [40, 60, 100];
const ANSWER_MS = 20;
const BURST = 5;

/** What gets through quotas that are too small for the callers, who wait for their turn. */
export async function goodput({ ms }) {
  const time = ms(8000);
  const seconds = time / 1000;
  const windowMs = ms(1000);
  const windows = RATES.map((rate) => ({
    kind: 'window',
    quota: (rate * windowMs) / 1000,
    ms: windowMs,
    answerMs: ANSWER_MS,
  }));
  const buckets = RATES.map((rate) => ({ kind: 'bucket', rate, burst: BURST, answerMs: ANSWER_MS }));
  const servers = await startServers([...windows, ...buckets]);
  const clients = new Clients();
  const priorities = (i) => ({ priority: i === 0 ? 1 : 2 });
  const loads = [servers.urls.slice(0, 3), servers.urls.slice(3)].map((urls) => load(clients, urls, priorities));
  await servers.reset();
  // Who is still waiting at the end would be answered from the next quota.
  const [counts, ...lost] = await Promise.all([
    sleep(time).then(() => servers.counts()),
    ...loads.map((run) => run(time)),
  ]);
  clients.close();
  await servers.stop();
  const rate = RATES.reduce((sum, each) => sum + each);
  return {
    title: 'Goodput under quotas',
    note: `${CALLERS} callers for ${seconds} s over backends of ${RATES.join(', ')} requests a second, with \`maxWait\`: as windows of a second, and as token buckets of ${BURST}.`,
    figures: [
      ...figures('windows', counts.slice(0, 3), rate * seconds, lost[0]),
      ...figures('buckets', counts.slice(3), rate * seconds + BURST * RATES.length, lost[1]),
    ],
  };
}

/** Callers in a closed loop. Resolves with how many of their requests were not answered. */
function load(clients, urls, priorities) {
  const ask = chatting(clients.ours(urls, { maxWait: 10_000 }, priorities).client);
  return async (time) => {
    let lost = 0;
    await closedLoop(CALLERS, time, () => ask().catch(() => lost++));
    return lost;
  };
}

function figures(name, counts, quota, lost) {
  const taken = counts.reduce((sum, count) => sum + count.taken, 0);
  const refused = counts.reduce((sum, count) => sum + count.refused, 0);
  return [
    { name: `${name}: answers / sum of the quotas`, value: taken / quota, unit: '' },
    { name: `${name}: refused attempts per answer`, value: refused / taken, unit: '' },
    { name: `${name}: requests lost`, value: lost, unit: '' },
  ];
}
