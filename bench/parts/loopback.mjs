import { apart } from '../apart.mjs';
import { SETTINGS } from '../clients.mjs';
import { interleaved, median, ratio } from '../measure.mjs';
import * as rounds from '../rounds.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 50;
const CALLERS = 16;
const REQUESTS_EACH = 5;

/** The cost of a request over the fastest network there is. */
export async function loopback({ ms }) {
  const servers = await startServers([{}]);
  const [url] = servers.urls;
  const clients = ['plain', 'retry', 'ours'];
  const figures = [];
  for (const setting of Object.keys(SETTINGS)) {
    const options = { url, setting, requests: REQUESTS };
    const times = await apart(clients, 'loopback', options, { warmUp: ms(6_000), ms: ms(20_000) });
    const isDefault = setting === 'default options';
    figures.push(
      { name: `${setting}, against plain axios`, ...ratio(times.ours, times.plain), atMost: isDefault ? 0.95 : 1 },
      { name: `${setting}, against axios-retry`, ...ratio(times.ours, times.retry), ...(!isDefault && { atMost: 1 }) },
      { name: `${setting}: a request of plain axios`, value: (median(times.plain) / REQUESTS) * 1_000, unit: 'µs' },
    );
  }
  const many = { url, setting: 'default options', requests: REQUESTS_EACH, callers: CALLERS };
  const atOnce = await apart(['plain', 'ours'], 'loopback', many, { warmUp: ms(1_500), ms: ms(5_000) });
  figures.push({ name: `${CALLERS} callers at once, against plain axios`, ...ratio(atOnce.ours, atOnce.plain) });
  for (const setting of Object.keys(SETTINGS)) {
    const of = (client) => rounds.loopback({ client, url, setting, requests: REQUESTS });
    const variants = { plain: of('plain'), ours: of('ours') };
    const times = await interleaved(variants, { warmUp: ms(5_000), ms: ms(10_000) });
    figures.push({ name: `${setting}, in one process with plain axios`, ...ratio(times.ours, times.plain) });
  }
  await servers.stop();
  return {
    title: 'Over loopback',
    note: `A prompt of 1.5 kB and an answer of 1 kB over keep-alive connections to a server in another process: plain axios, axios-retry, and this package over 3 backends. Each client has a process of its own, as in an application, started three times; for comparison, also both in one process, where V8 optimises axios's code for both. Each request has its own signal, or \`timeout: 10_000\`. Rounds of ${REQUESTS} requests, one after the other; and of ${REQUESTS_EACH} for each of ${CALLERS} callers at once.`,
    figures,
  };
}
