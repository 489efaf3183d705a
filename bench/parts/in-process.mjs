import { asking, inProcess as make, namedBackends, SETTINGS } from '../clients.mjs';
import { interleaved, median, ratio, round } from '../measure.mjs';

const REQUESTS = 500;

/** The cost of a request without a network. */
export async function inProcess({ ms }) {
  const clients = { plain: make.plain(), retry: make.retry(), ours: make.ours(namedBackends(3)).client };
  const figures = [];
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const rounds = Object.entries(clients).map(([who, client]) => [who, round(REQUESTS, asking(client, settings))]);
    const times = await interleaved(Object.fromEntries(rounds), { warmUp: ms(2_000), ms: ms(8_000) });
    const target = name === 'default options' ? 1.12 : 1.2;
    figures.push(
      { name: `${name}, against plain axios`, ...ratio(times.ours, times.plain), atMost: target },
      { name: `${name}: axios-retry against plain axios`, ...ratio(times.retry, times.plain) },
      { name: `${name}: a request of plain axios`, value: (median(times.plain) / REQUESTS) * 1_000, unit: 'µs' },
    );
  }
  return {
    title: 'In process',
    note: `A request through axios over an adapter that answers at once: plain, with axios-retry, and with this package over 3 backends, one of which has its own key. Each request has its own signal, or \`timeout: 10_000\`. Rounds of ${REQUESTS} requests, one after the other.`,
    figures,
  };
}
