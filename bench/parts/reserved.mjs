import { parseRetryAfter } from 'axios-priority-adapter';
import { chatting, Clients, closedLoop } from '../loopback.mjs';
import { startServers } from '../servers/start.mjs';

const SLOTS = 4;
const ANSWER_MS = 50;
const CALLERS = 12;
const BIN_MS = 500;

/** How much of a reserved deployment is used: with the wait that it asks for, and with that rounded up to seconds. */
export async function reserved({ ms, seed }) {
  // Side by side, each with backends of its own: together they keep a core busy for a small part of the time.
  const pair = [
    { kind: 'reserved', slots: SLOTS, ms: ANSWER_MS, seed, binMs: BIN_MS },
    { kind: 'unlimited', ms: ANSWER_MS },
  ];
  const servers = await startServers([...pair, ...pair]);
  const clients = new Clients();
  const priorities = (i) => ({ priority: i + 1 });
  const exact = clients.ours(servers.urls.slice(0, 2), {}, priorities).client;
  const rounded = clients.ours(servers.urls.slice(2), { cooldown: inSeconds }, priorities).client;
  const time = ms(10_000);
  await servers.reset();
  await Promise.all([exact, rounded].map((client) => closedLoop(CALLERS, time, chatting(client))));
  const [ours, , theirs] = await servers.counts();
  clients.close();
  await servers.stop();
  const capacity = (SLOTS * time) / ANSWER_MS;
  const shares = { ours: ours.taken / capacity, rounded: theirs.taken / capacity };
  return {
    title: 'Reserved capacity',
    note: `A backend that takes ${SLOTS} requests at a time, of ${ANSWER_MS} ms each, and asks whoever comes fifth to wait for 20 to 66 ms (\`retry-after-ms\`, beside \`retry-after: 1\`); behind it one that never refuses; ${CALLERS} callers for ${time / 1000} s. The rounded one is this package too, with a \`cooldown\` of whole seconds. Both at once, each with backends of its own.`,
    figures: [
      { name: 'capacity used: this package', value: shares.ours, unit: '%', atLeast: 0.6 },
      { name: 'capacity used: waits rounded up to seconds', value: shares.rounded, unit: '%' },
      { name: 'capacity used: the Python package (as given, not measured here)', value: 0.05, unit: '%' },
      { name: 'this package / rounded', value: shares.ours / shares.rounded, atLeast: 10 },
      { name: 'refused by the reserved backend, per answer of it', value: ours.refused / ours.taken, unit: '' },
    ],
    overTime: { binMs: BIN_MS, ours: perBin(ours.bins, time), rounded: perBin(theirs.bins, time) },
  };
}

function inSeconds({ response }) {
  const wait = response === undefined ? undefined : parseRetryAfter(response);
  return wait === undefined ? undefined : Math.ceil(wait / 1000) * 1000;
}

/** Shares of the capacity, bin by bin. */
function perBin(bins, time) {
  const count = Math.max(1, Math.floor(time / BIN_MS));
  const capacity = (SLOTS * BIN_MS) / ANSWER_MS;
  return Array.from({ length: count }, (_, i) => (bins[i] ?? 0) / capacity);
}
