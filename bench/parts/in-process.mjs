import { SETTINGS } from '../clients.mjs';
import { interleaved, median, ratio } from '../measure.mjs';
import * as rounds from '../rounds.mjs';

const REQUESTS = 500;

/**
 * The cost of a request without a network. All clients are in one process: rounds as short as these would find the
 * processor's caches cold after the turn of another process.
 */
export async function inProcess({ ms }) {
  const figures = [];
  for (const setting of Object.keys(SETTINGS)) {
    const of = (client) => rounds.inProcess({ client, setting, requests: REQUESTS });
    const variants = { plain: of('plain'), retry: of('retry'), ours: of('ours') };
    const times = await interleaved(variants, { warmUp: ms(2_000), ms: ms(8_000) });
    const target = setting === 'default options' ? 1.12 : 1.2;
    figures.push(
      { name: `${setting}, against plain axios`, ...ratio(times.ours, times.plain), atMost: target },
      { name: `${setting}: axios-retry against plain axios`, ...ratio(times.retry, times.plain) },
      { name: `${setting}: a request of plain axios`, value: (median(times.plain) / REQUESTS) * 1_000, unit: 'µs' },
    );
  }
  return {
    title: 'In process',
    note: `A request through axios over an adapter that answers at once: plain, with axios-retry, and with this package over 3 backends, one of which has its own key, all in one process. Each request has its own signal, or \`timeout: 10_000\`. Rounds of ${REQUESTS} requests, one after the other.`,
    figures,
  };
}
