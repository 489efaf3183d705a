import { asking, namesOf, plainClient, poolClient, retryClient } from '../in-process.mjs';
import { inTurn, median, ratio, sequence } from '../measure.mjs';

const REQUESTS = 500;

/** In-process cost: a request through axios whose adapter answers at once. */
export async function cost({ ms }) {
  const shared = new AbortController();
  const clients = { plain: plainClient(), retry: retryClient(), ours: poolClient(namesOf(3)).client };
  const settings = {
    'default options': undefined,
    'with a `signal` of its own': () => ({ signal: new AbortController().signal }),
    'with a `signal` that all share': () => ({ signal: shared.signal }),
    'with `timeout: 10_000`': () => ({ timeout: 10_000 }),
  };
  const figures = [];
  const times = {};
  for (const [name, make] of Object.entries(settings)) {
    const rounds = Object.entries(clients).map(([who, client]) => [who, sequence(REQUESTS, asking(client, make))]);
    // The first has the targets, and gets twice the time.
    const share = make === undefined ? 2 : 1;
    const { plain, retry, ours } = await inTurn(Object.fromEntries(rounds), { ms: ms(2500 * share), warmUp: ms(800) });
    const against = { retry: ratio(retry, plain), plain: ratio(ours, plain), both: ratio(ours, retry) };
    const target = make === undefined;
    figures.push(
      { name: `${name}: this package / plain axios`, ...against.plain, ...(target && { atMost: 1.2 }) },
      { name: `${name}: axios-retry / plain axios`, ...against.retry },
      { name: `${name}: this package / axios-retry`, ...against.both, ...(target && { below: 1 }) },
    );
    times[name] = Object.fromEntries(
      Object.entries({ plain, retry, ours }).map(([who, all]) => [who, (median(all) / REQUESTS) * 1000]),
    );
  }
  return {
    title: 'In-process cost',
    note: `A request through axios with an adapter that answers at once: plain, with axios-retry, and with this package over 3 backends, one of which has a key of its own. Rounds of ${REQUESTS} requests one after the other, in turn; a fresh config each.`,
    figures,
    microseconds: times,
  };
}
