import { asking, namesOf, poolClient } from '../in-process.mjs';
import { inTurn, ratio, sequence } from '../measure.mjs';

const REQUESTS = 250;
const SIZES = [3, 100, 1000];
const HOUR = 3_600_000;

/** What a request costs by the number of backends, in process. */
export async function growth({ ms }) {
  const figures = [];
  for (const [state, cool] of Object.entries({ 'all available': () => undefined, 'half of them cooling': coolHalf })) {
    const rounds = SIZES.map((size) => {
      const { pool, client } = poolClient(namesOf(size));
      cool(pool);
      return [size, sequence(REQUESTS, asking(client))];
    });
    const times = await inTurn(Object.fromEntries(rounds), { ms: ms(3000), warmUp: ms(750) });
    for (const size of SIZES.slice(1)) {
      const target = size === 1000 && { atMost: 1.2 };
      figures.push({ name: `${state}: ${size} backends / 3`, ...ratio(times[size], times[3]), ...target, state, size });
    }
  }
  return {
    title: 'Growth',
    note: `A request in process over ${SIZES.join(', ')} backends, all of them available, and with every second one cooling down. Rounds of ${REQUESTS} requests, in turn.`,
    figures,
  };
}

function coolHalf(pool) {
  pool.backends.forEach(({ name }, i) => {
    if (i % 2 === 1) pool.cool(name, HOUR);
  });
}
