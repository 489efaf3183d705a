import axios from 'axios';
import { rejectionOf } from '../support/fake-backend';
import { deferred, eventLoopTurn, fakeClock, refused, stubPool, throttled } from '../support/stub-pool';

describe('a failover condition', () => {
  test('decides about the cooldown even if the request makes only one attempt', async () => {
    const { adapter, replies, tried, pool } = stubPool(
      { a: {}, b: {} },
      { failoverCondition: () => true, cooldown: () => 5000, selector: ([a]) => a! },
    );
    replies.a = 404;
    const config = { adapter, failover: false, validateStatus: null } as const;
    expect((await axios.get('/x', config)).attempts).toMatchObject([{ status: 404, cooldown: 5000 }]);
    expect(tried).toStrictEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ failures: 1, cooldowns: [{ reason: 'client-error' }] });
  });

  test.each<[string, object, object, object[]]>([
    ['no backend goes on cooldown', {}, {}, []],
    ['a wait that the server specified is kept', { 'retry-after': '5' }, {}, [{ scope: 'd', reason: 'client-error' }]],
    [
      'a length that `cooldown` returned is kept',
      {},
      { cooldown: () => 5000 },
      [{ scope: 'd', reason: 'client-error' }],
    ],
  ])('that returns true for a 404 fails over, and %s', async (_, headers, options, cooldowns) => {
    const { request, replies, pool } = stubPool(
      { a: {}, b: { priority: 2 } },
      { failoverCondition: ({ status }) => status === 404, ...options },
    );
    replies.a = { status: 404, headers };
    expect((await request({ url: '/openai/deployments/d/chat' })).attempts).toMatchObject([
      { status: 404, reason: 'client-error' },
      { status: 200 },
    ]);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', failures: 1, cooldowns });
  });

  test('that returns true for a 404 of the last backend returns that response, and no backend is tried again', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: {} }, { failoverCondition: () => true, maxWait: 60_000 });
    replies.a = replies.b = { status: 404, data: 'no such file' };
    const response = await request();
    expect(response).toMatchObject({ status: 404, data: 'no such file' });
    expect(response.fabricated).toBeUndefined();
    expect(tried).toHaveLength(2);
  });

  test('that returns true for a 404 lets the request wait only for backends that it has not tried', async () => {
    const { request, replies, tried, pool } = stubPool(
      { a: {}, b: { priority: 2 }, c: { priority: 3 } },
      { failoverCondition: ({ status = 0 }) => status >= 400, maxWait: 60_000 },
    );
    replies.a = throttled(20);
    replies.b = { status: 404, data: 'no such file' };
    replies.c = () => {
      // The request waits again for `a` now: its latest answer is no 404.
      replies.a = 200;
      return throttled(20);
    };
    pool.cool('c', 600_000);
    expect(await request()).toMatchObject({ status: 404, data: 'no such file' });
    expect(tried).toStrictEqual(['a', 'b']);
    pool.restore('a');
    pool.restore('c');
    pool.cool('c', 40);
    expect((await request()).status).toBe(200);
    expect(tried.slice(2)).toStrictEqual(['a', 'b', 'c', 'a']);
  });

  describe('that lets a request wait after a final answer', () => {
    const failoverCondition = ({ status = 0 }: { status?: number }) => status >= 400;
    /** Has tried `a`, and waits for `b`. */
    const start = () => {
      const stub = stubPool({ a: {}, b: { priority: 2 } }, { failoverCondition, maxWait: 60_000 });
      stub.replies.a = (config) => (config.url === '/fine' ? 200 : 404);
      stub.pool.cool('b', 50_000);
      const waiting = deferred<undefined>();
      stub.pool.subscribe(({ type }) => type === 'waiting' && waiting.resolve(undefined));
      return { ...stub, waiting: waiting.promise };
    };

    test('lets it go as soon as the backend that it waits for is restored', async () => {
      const { request, pool, waiting } = start();
      const response = request();
      await waiting;
      pool.restore('b');
      expect(await response).toMatchObject({ status: 200, attempts: [{ backend: 'a' }, { backend: 'b' }] });
    });

    test('lets it go as soon as another backend is added', async () => {
      const { request, pool, waiting } = start();
      const response = request();
      await waiting;
      pool.update(['a', 'b', 'c'].map((name) => ({ baseURL: `https://${name}.example`, name })));
      expect(await response).toMatchObject({ status: 200, attempts: [{ backend: 'a' }, { backend: 'c' }] });
    });

    test('returns that answer as soon as no other backend can serve it in time', async () => {
      const { request, pool, waiting } = start();
      const response = request();
      await waiting;
      pool.cool('b', 600_000);
      expect(await response).toMatchObject({ status: 404 });
    });

    test('lets no others wait for it, however many such requests there are', async () => {
      const { request, pool, waiting } = start();
      const responses = Array.from({ length: 40 }, () => request());
      await waiting;
      await eventLoopTurn();
      const events: string[] = [];
      pool.subscribe(({ type }) => events.push(type));
      expect((await request({ url: '/fine' })).status).toBe(200);
      expect(events).toStrictEqual(['attempt']);
      pool.restore('b');
      await Promise.all(responses);
    });
  });

  test('that returns false for a 429 returns it to the caller, and the backend goes on cooldown', async () => {
    const { adapter, replies, pool, tried } = stubPool(
      { a: {}, b: { priority: 2 } },
      { failoverCondition: () => false },
    );
    replies.a = { status: 429, data: 'own words' };
    expect(await rejectionOf(axios.get('/x', { adapter }))).toMatchObject({ response: { data: 'own words' } });
    expect(tried).toStrictEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled' }] });
  });

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('own fault');
      },
      'own fault',
    ],
    ['returns a promise', () => Promise.resolve(true), 'failoverCondition must return a boolean, got an object'],
    ['returns nothing', () => undefined, 'failoverCondition must return a boolean, got undefined'],
  ])(
    'that %s rejects the request, and the failure still puts its backend on cooldown',
    async (_, failoverCondition, message) => {
      const { request, replies, pool } = stubPool(
        { a: {}, b: { priority: 2 } },
        { failoverCondition: failoverCondition as () => boolean },
      );
      replies.a = 500;
      expect(await rejectionOf(request())).toMatchObject({ message, attempts: [{ status: 500, cooldown: 100 }] });
      expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', pending: 0, failures: 1 });
    },
  );
});

test.each<[string, (callback: () => Promise<never>) => object]>([
  ['failoverCondition', (callback) => ({ failoverCondition: callback })],
  ['cooldown', (callback) => ({ cooldown: callback })],
  ['shouldBalance', (callback) => ({ shouldBalance: callback })],
  ['the selector', (callback) => ({ selector: callback })],
])('%s that is async and fails rejects the request alone, and leaves no rejection unhandled', async (name, options) => {
  const unhandled = jest.fn();
  process.on('unhandledRejection', unhandled);
  const { request, replies } = stubPool(
    { a: {} },
    options(() => Promise.reject(new Error('own fault'))),
  );
  replies.a = 500;
  expect((await rejectionOf(request())).message).toMatch(`${name} must return`);
  await eventLoopTurn();
  expect(unhandled).not.toHaveBeenCalled();
  process.off('unhandledRejection', unhandled);
});

describe('the cooldown option', () => {
  test('is not called for a response that is not a failure', async () => {
    const cooldown = jest.fn(() => 1000);
    const { request, replies } = stubPool({ a: {} }, { cooldown });
    replies.a = 404;
    await request({ validateStatus: () => true });
    expect(cooldown).not.toHaveBeenCalled();
  });

  test('sets only the length of a cooldown, and is capped at maxCooldown', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool({ a: {} }, { cooldown: () => 5000, maxCooldown: 1000 });
    replies.a = { status: 503, headers: { 'retry-after': '86400' } };
    await request({ validateStatus: () => true });
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'reserve',
      cooldowns: [{ reason: 'oversized', remaining: 1000 }],
    });
  });

  test('that returns 0 emits no cooldown event', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } }, { cooldown: () => 0 });
    const events: string[] = [];
    pool.subscribe(({ type }) => void events.push(type));
    replies.a = 503;
    await request();
    expect(events).toStrictEqual(['attempt', 'attempt']);
  });

  test.each([
    [250, 250],
    [0, undefined],
    [undefined, 43],
    [1e9, 300_000],
  ])('that returns %p results in a cooldown of %p ms', async (own, expected) => {
    const { request, replies } = stubPool({ a: {}, b: { priority: 2 } }, { cooldown: () => own });
    replies.a = { status: 429, headers: { 'retry-after-ms': '43' } };
    expect((await request()).attempts?.[0]?.cooldown).toBe(expected);
  });

  test.each([[-1], [NaN], ['1s'], [Infinity]])(
    'that returns %p rejects the request, and the default rule applies',
    async (own) => {
      const { request, replies, pool } = stubPool({ a: {} }, { cooldown: () => own as number });
      replies.a = 500;
      expect((await rejectionOf(request())).message).toMatch(
        /^cooldown must return a finite number of ms ≥ 0 or undefined, got /,
      );
      expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling' });
    },
  );
});

test.each([
  ['frozen', Object.freeze(new Error('no'))],
  ['text', 'no'],
])('what shouldBalance throws reaches the caller as it is: %s', async (_, thrown) => {
  const { request } = stubPool(
    { a: {} },
    {
      shouldBalance: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- anything can be thrown
        throw thrown;
      },
    },
  );
  await expect(request()).rejects.toBe(thrown);
});

test('a condition that throws about a failure without a response rejects the request', async () => {
  const { request, replies, pool } = stubPool(
    { a: {} },
    {
      failoverCondition: () => {
        throw new Error('my own');
      },
    },
  );
  replies.a = refused();
  await expect(request()).rejects.toThrow('my own');
  expect(pool.backends[0]).toMatchObject({ pending: 0, failures: 1 });
});
