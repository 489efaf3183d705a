import { BackendPool, affinity, leastPending, roundRobin } from '../../src';
import type { BackendOptions, PoolEvent } from '../../src';
import { rejectionOf } from '../support/fake-backend';
import { deferred, stubPool, fakeClock } from '../support/stub-pool';

const two = { a: {}, b: { priority: 2 } };

describe('pool.cool and pool.restore', () => {
  test('take a backend out and put it back', async () => {
    const clock = fakeClock();
    const { request, tried, pool } = stubPool(two);
    const events: PoolEvent[] = [];
    pool.cool('a', 1e9);
    pool.cool('a', 1e9, 'd');
    pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    clock.advance(1e6);
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([
      { reason: 'manual', remaining: 1e9 - 1e6 },
      { scope: 'd', reason: 'manual', remaining: 1e9 - 1e6 },
    ]);
    await request();
    pool.restore('a');
    await request({ url: '/openai/deployments/d/chat' });
    expect(tried).toStrictEqual(['b', 'a']);
    expect(events).toStrictEqual([
      { type: 'recovered', backend: 'a' },
      { type: 'recovered', backend: 'a', scope: 'd' },
    ]);
    pool.restore('a');
    expect(events).toHaveLength(2);
  });

  test.each<[string, (pool: BackendPool) => void, string]>([
    ['an unknown name', (pool) => pool.cool('c', 1), 'unknown backend "c"; expected one of a, b'],
    [
      'undefined as a name',
      (pool) => pool.restore(undefined as never),
      'unknown backend undefined; expected one of a, b',
    ],
    ['a negative duration', (pool) => pool.cool('a', -1), 'ms must be a finite number of ms ≥ 0, got -1'],
    [
      'undefined as a duration',
      (pool) => pool.cool('a', undefined as never),
      'ms must be a finite number of ms ≥ 0, got undefined',
    ],
    ['an empty scope', (pool) => pool.cool('a', 1, ''), 'scope must be a non-empty string, got ""'],
  ])('reject %s', (_, act, message) => {
    expect(() => act(stubPool(two).pool)).toThrow(new TypeError(message));
  });
});

describe('pool.update', () => {
  const list = (...names: string[]): BackendOptions[] =>
    names.map((name, i) => ({ name, baseURL: `${name}.example`, priority: i }));

  test('keeps the state of backends that keep their name, and lets removed ones finish', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool(two);
    const gate = deferred<number>();
    replies.b = () => gate.promise;
    pool.cool('a', 1000);
    const underWay = request();
    const [a, b] = pool.backends;
    pool.update(list('c', 'a'));
    expect(pool.backends.map(({ name, priority }) => [name, priority])).toStrictEqual([
      ['c', 0],
      ['a', 1],
    ]);
    expect(pool.backends[1]).toBe(a);
    pool.update([
      { name: 'c', baseURL: 'c.example' },
      { name: 'a', baseURL: 'else.example/gw', priority: 1, weight: 7 },
    ]);
    expect(pool.backends[1]).toMatchObject({ baseURL: 'https://else.example/gw', priority: 1, weight: 7 });
    pool.update(list('c', 'a'));
    expect(pool.snapshot()[1]).toMatchObject({
      baseURL: 'https://a.example',
      state: 'cooling',
      cooldowns: [{ remaining: 1000 }],
    });
    gate.resolve(500);
    const response = await underWay;
    expect(response.attempts).toMatchObject([
      { backend: 'b', status: 500 },
      { backend: 'c', status: 200 },
    ]);
    expect(b).toMatchObject({ pending: 0, failures: 1 });
    await request();
    expect(tried).toStrictEqual(['b', 'c', 'c']);
  });

  test('changes nothing if the list is invalid', () => {
    const { pool } = stubPool(two);
    expect(() => pool.update(list('c', 'c'))).toThrow(
      'backends[1].name must be unique, got "c", the name of backends[0]',
    );
    expect(() => pool.update([])).toThrow('backends must be a non-empty array');
    expect(pool.backends.map(({ name }) => name)).toStrictEqual(['a', 'b']);
  });
});

describe('pool.snapshot', () => {
  test('is plain JSON with all public fields', async () => {
    const { request, pool } = stubPool({ a: { apiKey: 'secret', weight: 2 } });
    await request();
    const [status] = pool.snapshot();
    expect(status).toStrictEqual({
      name: 'a',
      baseURL: 'https://a.example',
      priority: 1,
      weight: 2,
      pending: 0,
      successes: 1,
      failures: 0,
      state: 'available',
      available: true,
      cooldowns: [],
    });
    expect(JSON.parse(JSON.stringify(status))).toStrictEqual(status);
  });

  test('does not itself end a cooldown', async () => {
    const clock = fakeClock();
    const { request, pool } = stubPool(two);
    const events: string[] = [];
    pool.cool('a', 10);
    pool.subscribe(({ type }) => void events.push(type));
    clock.advance(10);
    pool.snapshot();
    expect(events).toStrictEqual([]);
    await request();
    expect(events).toStrictEqual(['recovered', 'attempt']);
  });
});

describe('a selector', () => {
  test('gets the candidates and the config of the caller', async () => {
    const seen: unknown[] = [];
    const { request } = stubPool(
      { a: {}, b: {}, c: { priority: 2 } },
      {
        selector: (candidates, config) => {
          seen.push(
            candidates.map(({ name }) => name),
            config.url,
          );
          return candidates.at(-1)!;
        },
      },
    );
    expect((await request({ url: '/y' })).attempts).toMatchObject([{ backend: 'b' }]);
    expect(seen).toStrictEqual([['a', 'b'], '/y']);
  });

  test.each<[string, (pool: () => BackendPool) => unknown, string]>([
    ['returns nothing', () => undefined, 'the selector must return one of its candidates, got undefined'],
    [
      'returns a copy',
      (pool) => ({ ...pool().backends[0] }),
      'the selector must return one of its candidates, got an object',
    ],
    [
      'returns a backend that is no candidate',
      (pool) => pool().backends[1],
      'the selector must return one of its candidates, got an object',
    ],
    [
      'returns a backend that it has just replaced',
      (pool) => {
        const [replaced] = pool().backends;
        pool().update([{ baseURL: 'https://a.example', name: 'new' }]);
        const { name } = pool().backends[0]!;
        pool().update([
          { baseURL: 'https://a.example', name: 'a' },
          { baseURL: 'https://b.example', name: 'b', priority: 2 },
        ]);
        return name === 'new' && replaced;
      },
      'the selector must return one of its candidates, got an object',
    ],
    [
      'throws',
      () => {
        throw new Error('own fault');
      },
      'own fault',
    ],
  ])('that %s rejects the request and leaves the pool unchanged', async (_, pick, message) => {
    const made: { pool?: BackendPool } = {};
    const all = stubPool(two, { selector: () => pick(() => made.pool!) as never });
    const { pool } = all;
    made.pool = pool;
    const before = pool.snapshot();
    expect(await rejectionOf(all.request())).toMatchObject({ message, attempts: [] });
    expect(pool.snapshot()).toStrictEqual(before);
    expect(all.tried).toStrictEqual([]);
  });
});

test.each<[string, () => unknown, string]>([
  [
    'a pool',
    () => new BackendPool(new BackendPool([{ baseURL: 'a.example' }]) as never),
    'backends must be a non-empty array, got a BackendPool: use it as it is',
  ],
  [
    "another library's name of an option",
    () => new BackendPool([{ baseURL: 'a.example' }], { strategy: 1 } as never),
    'options has an unknown field "strategy"; did you mean "selector"?',
  ],
  [
    'an option that only a client has',
    () => new BackendPool([{ baseURL: 'a.example' }], { timeout: 1 } as never),
    'options has an unknown field "timeout"',
  ],
])('BackendPool refuses %s', (_what, make, message) => {
  expect(make).toThrow(new TypeError(message));
});

describe('the options of a pool', () => {
  const ok = [{ baseURL: 'a.example' }];

  test.each<[object, string]>([
    [{ selector: 'random' }, 'options.selector must be a function, got "random"'],
    [{ selector: null }, 'options.selector must be a function, got null'],
    [{ selector: 'weightedRandom' }, "options.selector is a selector's name; import it and write weightedRandom"],
    [{ selector: 'leastPending' }, "options.selector is a selector's name; import it and write leastPending"],
    [{ selector: 'roundRobin' }, "options.selector is a selector's name; import it and write roundRobin()"],
    [{ selector: 'affinity' }, "options.selector is a selector's name; import it and write affinity((config) => key)"],
    [{ selector: roundRobin }, 'options.selector is roundRobin itself; write roundRobin()'],
    [{ selector: affinity }, 'options.selector is affinity itself; write affinity((config) => key)'],
    [{ strategy: leastPending }, 'options has an unknown field "strategy"; did you mean "selector"?'],
    [{ defaultCooldown: -1 }, 'options.defaultCooldown must be a finite number of ms ≥ 0, got -1'],
    [{ maxCooldown: Infinity }, 'options.maxCooldown must be a finite number of ms ≥ 0, got Infinity'],
  ])('may not be %p', (options, message) => {
    expect(() => new BackendPool(ok, options)).toThrow(new TypeError(message));
  });

  test('have defaults', async () => {
    for (const options of [{}, { selector: undefined, defaultCooldown: undefined, maxCooldown: undefined }]) {
      fakeClock();
      const { request, replies, pool } = stubPool({ a: {}, b: { weight: 1e-9 } }, options);
      replies.a = 429;
      await request();
      expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([{ reason: 'throttled', remaining: 10_000 }]);
      pool.restore('a');
      replies.a = { status: 429, headers: { 'retry-after': '300' } };
      await request();
      expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ remaining: 300_000 }] });
      pool.restore('a');
      replies.a = { status: 429, headers: { 'retry-after': '301' } };
      await request();
      expect(pool.snapshot()[0]?.state).toBe('reserve');
    }
  });
});

test('a pool is recognised, whichever copy of the package made it', () => {
  const pool = new BackendPool([{ baseURL: 'a.example' }]);
  const branded = { [Symbol.for('axios-priority-adapter.pool')]: true };
  expect([pool, branded, {}, null, 'pool', undefined].map((value) => BackendPool.isPool(value))).toStrictEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
