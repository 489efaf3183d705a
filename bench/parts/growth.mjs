import { asking, inProcess, namedBackends } from '../clients.mjs';
import { interleaved, ratio, round } from '../measure.mjs';

const REQUESTS = 500;
const HOUR = 3_600_000;

/** How the cost of a request grows with the number of backends. */
export async function growth({ ms }) {
  const figures = [];
  for (const [state, prepare] of Object.entries({ 'all available': () => undefined, 'half on cooldown': coolHalf })) {
    const [few, many] = [3, 1_000].map((count) => {
      const { pool, client } = inProcess.ours(namedBackends(count));
      prepare(pool);
      return round(REQUESTS, asking(client));
    });
    const times = await interleaved({ few, many }, { warmUp: ms(2_000), ms: ms(6_000) });
    figures.push({ name: `1,000 backends against 3, ${state}`, ...ratio(times.many, times.few), atMost: 1.15 });
  }
  return {
    title: 'Growth',
    note: `A request in process over 1,000 backends and over 3: all of them available, and every second one on cooldown. Rounds of ${REQUESTS} requests.`,
    figures,
  };
}

function coolHalf(pool) {
  pool.backends.forEach(({ name }, i) => {
    if (i % 2 === 1) pool.cool(name, HOUR);
  });
}
