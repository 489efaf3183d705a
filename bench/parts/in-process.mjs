import { Apart } from '../apart.mjs';
import { SETTINGS } from '../clients.mjs';
import { median, ratio } from '../measure.mjs';

const REQUESTS = 500;

/** The cost of a request without a network. */
export async function inProcess({ ms }) {
  const clients = new Apart(['plain', 'retry', 'ours']);
  const figures = [];
  for (const setting of Object.keys(SETTINGS)) {
    const times = await clients.interleaved(
      'inProcess',
      { setting, requests: REQUESTS },
      { warmUp: ms(5_000), ms: ms(8_000) },
    );
    const target = setting === 'default options' ? 1.12 : 1.2;
    figures.push(
      { name: `${setting}, against plain axios`, ...ratio(times.ours, times.plain), atMost: target },
      { name: `${setting}: axios-retry against plain axios`, ...ratio(times.retry, times.plain) },
      { name: `${setting}: a request of plain axios`, value: (median(times.plain) / REQUESTS) * 1_000, unit: 'µs' },
    );
  }
  clients.stop();
  return {
    title: 'In process',
    note: `A request through axios over an adapter that answers at once: plain, with axios-retry, and with this package over 3 backends, one of which has its own key. Each client has a process of its own. Each request has its own signal, or \`timeout: 10_000\`. Rounds of ${REQUESTS} requests, one after the other.`,
    figures,
  };
}
