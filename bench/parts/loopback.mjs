import { chatting, LoopbackClients, SETTINGS } from '../clients.mjs';
import { interleaved, median, ratio, round } from '../measure.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 50;
const CALLERS = 16;
const REQUESTS_EACH = 5;

/** The cost of a request over the fastest network there is. */
export async function loopback({ ms }) {
  const servers = await startServers([{}]);
  const [url] = servers.urls;
  const connections = new LoopbackClients();
  const clients = {
    plain: connections.plain(url),
    retry: connections.retry(url),
    // One server behind three addresses, so that all clients talk to the same one.
    ours: connections.ours([`${url}/a`, `${url}/b`, `${url}/c`]).client,
  };
  const figures = [];
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const rounds = Object.entries(clients).map(([who, client]) => [who, round(REQUESTS, chatting(client, settings))]);
    const times = await interleaved(Object.fromEntries(rounds), { warmUp: ms(8_000), ms: ms(24_000) });
    const isDefault = name === 'default options';
    figures.push(
      { name: `${name}, against plain axios`, ...ratio(times.ours, times.plain), atMost: isDefault ? 0.95 : 1 },
      { name: `${name}, against axios-retry`, ...ratio(times.ours, times.retry), ...(!isDefault && { atMost: 1 }) },
      { name: `${name}: a request of plain axios`, value: (median(times.plain) / REQUESTS) * 1_000, unit: 'µs' },
    );
  }
  const atOnce = (client) => () => Promise.all(Array.from({ length: CALLERS }, round(REQUESTS_EACH, chatting(client))));
  const times = await interleaved(
    { plain: atOnce(clients.plain), ours: atOnce(clients.ours) },
    { warmUp: ms(1_000), ms: ms(5_000) },
  );
  figures.push({ name: `${CALLERS} callers at once, against plain axios`, ...ratio(times.ours, times.plain) });
  connections.close();
  await servers.stop();
  return {
    title: 'Over loopback',
    note: `A prompt of 1.5 kB and an answer of 1 kB over keep-alive connections to a server in another process: plain axios, axios-retry, and this package over 3 backends. Each request has its own signal, or \`timeout: 10_000\`. Rounds of ${REQUESTS} requests, one after the other; and of ${REQUESTS_EACH} for each of ${CALLERS} callers at once.`,
    figures,
  };
}
