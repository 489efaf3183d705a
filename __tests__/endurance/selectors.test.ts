import { affinity, roundRobin } from '../../src';
import type { Backend, Selector } from '../../src';
import { leastPendingBy, weightedRandomBy } from '../../src/pool/selectors';

const backend = (name: string, weight = 1, pending = 0): Backend => ({
  name,
  baseURL: `https://${name}`,
  priority: 1,
  weight,
  pending,
  successes: 0,
  failures: 0,
});

/** mulberry32: the same numbers in every run. */
function seeded(seed = 42): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shares(
  selector: Selector,
  candidates: readonly Backend[],
  picks: number,
  config: () => object,
): Map<string, number> {
  const counts = new Map(candidates.map(({ name }) => [name, 0]));
  for (let i = 0; i < picks; i++) {
    const { name } = selector(candidates, config());
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].map(([name, count]) => [name, count / picks]));
}

describe.each<[string, readonly number[]]>([
  ['equal weights', [1, 1, 1]],
  ['unequal weights', [1, 2, 5]],
  ['weights below 1', [0.1, 0.3]],
  ['one', [7]],
])('with %s, the shares match the weights within 2 %% for', (_, weights) => {
  // Frozen, as a pool hands them out.
  const candidates = Object.freeze(weights.map((weight, i) => backend(`b${String(i)}`, weight)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const keys = seeded(7);
  const selectors: [string, Selector, number][] = [
    ['weightedRandom', weightedRandomBy(seeded()), 100_000],
    ['leastPending', leastPendingBy(seeded()), 100_000],
    ['roundRobin', roundRobin(), 100_000],
    ['affinity', affinity(({ url }) => url), 30_000],
  ];
  test.each(selectors)('%s', (_name, selector, picks) => {
    const found = shares(selector, candidates, picks, () => ({ url: `user-${String(keys())}` }));
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs((found.get(`b${String(i)}`) ?? 0) - weight / total)).toBeLessThan(
        0.02 * (weight / total) + 0.002,
      );
    }
  });
});
