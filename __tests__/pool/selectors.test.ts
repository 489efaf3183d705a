import type { AxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { affinity, leastPending, roundRobin, weightedRandom } from '../../src';
import type { Backend, Selector } from '../../src';
import { leastPendingBy, weightedRandomBy } from '../../src/pool/selectors';
import { stubPool } from '../support/stub-pool';

const backend = (name: string, weight = 1, pending = 0): Backend => ({
  name,
  baseURL: `https://${name}`,
  priority: 1,
  weight,
  pending,
  successes: 0,
  failures: 0,
});

/** mulberry32, a random number generator with a seed. */
function seeded(seed = 42): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shares(selector: Selector, candidates: readonly Backend[], picks: number): Map<string, number> {
  const counts = new Map(candidates.map(({ name }) => [name, 0]));
  for (let i = 0; i < picks; i++) {
    const { name } = selector(candidates, { url: String(i) });
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].map(([name, count]) => [name, count / picks]));
}

describe.each<[string, readonly number[]]>([
  ['equal weights', [1, 1, 1]],
  ['unequal weights', [1, 2, 5]],
  ['weights below 1', [0.1, 0.3]],
  ['a single backend', [7]],
])('with %s, the shares match the weights within 2 %% for', (_, weights) => {
  // Frozen, as in a pool.
  const candidates = Object.freeze(weights.map((weight, i) => backend(`b${String(i)}`, weight)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const selectors: [string, Selector, number][] = [
    ['weightedRandom', weightedRandomBy(seeded()), 30_000],
    ['leastPending', leastPendingBy(seeded()), 30_000],
    ['roundRobin', roundRobin(), 30_000],
    ['affinity', affinity(({ url }) => url), 30_000],
  ];
  test.each(selectors)('%s', (_name, selector, picks) => {
    const found = shares(selector, candidates, picks);
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs((found.get(`b${String(i)}`) ?? 0) - weight / total)).toBeLessThan(
        0.02 * (weight / total) + 0.002,
      );
    }
  });
});

test('weightedRandom covers the whole range of random numbers and follows a changed list of candidates', () => {
  const last = weightedRandomBy(() => 1 - Number.EPSILON / 2);
  const list = [backend('a', 1), backend('b', 2)];
  expect(last(list, {}).name).toBe('b');
  expect(weightedRandomBy(() => 0)(list, {}).name).toBe('a');
  list.push(backend('c', 3));
  expect(last(list, {}).name).toBe('c');
  const random = jest.spyOn(Math, 'random').mockReturnValue(0.99);
  expect(weightedRandom(Object.freeze(list), {}).name).toBe('c');
  expect(weightedRandom(list, {}).name).toBe('c');
  random.mockRestore();
  expect(() => weightedRandom([], {})).toThrow('a selector needs at least one candidate');
});

test('weightedRandom gives a number on a boundary to the next candidate', () => {
  const list = [backend('a', 1), backend('b', 3)];
  expect(weightedRandomBy(() => 0.25)(list, {}).name).toBe('b');
  expect(weightedRandomBy(() => 0.25 - Number.EPSILON)(list, {}).name).toBe('a');
});

test('leastPending picks the backend with the fewest pending requests for its weight', () => {
  expect(leastPending([backend('a', 1, 2), backend('b', 1, 1), backend('c', 1, 3)], {}).name).toBe('b');
  expect(leastPending([backend('a', 1, 2), backend('b', 4, 4)], {}).name).toBe('b');
});

test('roundRobin interleaves backends smoothly by weight', () => {
  const candidates = [backend('a', 5), backend('b', 1), backend('c', 1)];
  const selector = roundRobin();
  const turns = Array.from({ length: 14 }, () => selector(candidates, {}).name).join('');
  expect(turns).toBe('aabacaaaabacaa');
});

describe('affinity', () => {
  const keys = Array.from({ length: 4000 }, (_, i) => `user-${String(i)}`);
  const homes = (candidates: readonly Backend[], selector = affinity(({ url }) => url)) =>
    keys.map((url) => selector(candidates, { url }).name);
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => backend(name));

  test('ignores the order of the candidates', () => {
    expect(homes(five)).toStrictEqual(homes([...five].reverse()));
  });

  test('picks the same backend for a key in every process', () => {
    const found = ['ada', 'grace', 'user-1', 'user-2', '7', 'ü', 'conversation-12345'].map(
      (url) => affinity((config) => config.url)(five, { url }).name,
    );
    expect(found.join('')).toBe('abdaaab');
  });

  test('moves about 1/N of the keys when one of N backends is added or removed, and no others', () => {
    const before = homes(five);
    const after = homes(five.slice(0, 4));
    const moved = before.filter((home, i) => home !== after[i]);
    expect(new Set(moved)).toStrictEqual(new Set(['e']));
    expect(moved.length / keys.length).toBeGreaterThan(0.18);
    expect(moved.length / keys.length).toBeLessThan(0.22);
  });

  test('picks at random if there is no key', () => {
    for (const none of [undefined, null, '']) {
      const found = new Set(Array.from({ length: 200 }, () => affinity(() => none)(five, {}).name));
      expect(found.size).toBe(5);
    }
    expect(affinity(() => 0)(five, {})).toBe(affinity(() => 0)(five, {}));
  });

  test('rejects a key that is a promise, and leaves no rejection unhandled', () => {
    const selector = affinity((() => Promise.reject(new Error('own fault'))) as never);
    expect(() => selector(five, {})).toThrow("affinity's key must return a string or a number, got an object");
  });

  test('rejects a key that is not a function', () => {
    expect(() => affinity('user' as never)).toThrow('affinity\'s key must be a function, got "user"');
  });

  test('gets the config of the request from the pool', async () => {
    const { request, tried } = stubPool(
      { a: {}, b: {}, c: {} },
      { selector: affinity((config: AxiosRequestConfig) => config.headers?.['x-user'] as string) },
    );
    for (let i = 0; i < 9; i++) await request({ headers: { 'x-user': 'u1' } as never });
    expect(new Set(tried).size).toBe(1);
  });
});

test('every selector picks one of its candidates, whatever their weights and pending requests', () => {
  const arbitrary = fc.array(fc.tuple(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.nat(50)), {
    minLength: 1,
    maxLength: 20,
  });
  const selectors = [weightedRandom, leastPending, roundRobin(), affinity(({ url }) => url)];
  fc.assert(
    fc.property(arbitrary, fc.string(), (parts, url) => {
      const candidates = parts.map(([weight, pending], i) => backend(`b${String(i)}`, weight, pending));
      for (const selector of selectors) expect(candidates).toContain(selector(candidates, { url }));
    }),
  );
});

test.each<[string, () => unknown, string]>([
  ['weightedRandom', weightedRandom as () => unknown, 'weightedRandom'],
  ['leastPending', leastPending as () => unknown, 'leastPending'],
  ['what roundRobin() returns', roundRobin() as () => unknown, 'roundRobin()'],
  ['what affinity() returns', affinity(() => 'a') as () => unknown, 'affinity((config) => key)'],
])('%s rejects being called where it should be passed as it is', (_which, selector, written) => {
  expect(selector).toThrow(new TypeError(`${written} is a selector; write selector: ${written}`));
});
