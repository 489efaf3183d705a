import type { AxiosResponse } from 'axios';
import axios from 'axios';
import type { PoolEvent } from '../../src';
import { Circuit } from '../../src/pool/circuit';
import { rejectionOf } from '../support/fake-backend';
import { deferred, eventLoopTurn, fakeClock, refused, stubPool, throttled } from '../support/stub-pool';

afterEach(() => jest.restoreAllMocks());

const two = { a: {}, b: { priority: 2 } };

const chat = '/openai/deployments/chat/chat/completions';

const embeddings = '/openai/deployments/embed/embeddings';

/** What a circuit is told of a 500. */
const serverError = {
  reason: 'server-error',
  retryAfter: undefined,
  override: undefined,
  isAlive: false,
  words: 'HTTP 500',
} as const;

describe('a cooldown', () => {
  test('lasts as long as the server specified, to the millisecond', async () => {
    const clock = fakeClock();
    const { request, replies, tried } = stubPool(two);
    replies.a = throttled(43);
    await request();
    replies.a = 200;
    clock.advance(42.9);
    await request();
    clock.advance(0.1);
    await request();
    expect(tried).toStrictEqual(['a', 'b', 'b', 'a']);
  });

  test('is shortened neither by a shorter wait nor by a late success', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two);
    const slow = deferred<number>();
    replies.a = () => slow.promise;
    const late = request();
    await eventLoopTurn();
    replies.a = throttled(1000);
    await request();
    pool.cool('a', 10);
    slow.resolve(200);
    expect((await late).attempts).toMatchObject([{ backend: 'a', status: 200 }]);
    clock.advance(999);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled', remaining: 1 }] });
  });

  test('takes the longest of several concurrent waits', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool(two);
    const answersOfA = [throttled(100), throttled(500), throttled(200)];
    const gates = answersOfA.map(() => deferred<(typeof answersOfA)[0]>());
    let i = 0;
    replies.a = () => gates[i++]!.promise;
    const requests = gates.map(() => request());
    for (const [at, gate] of gates.entries()) gate.resolve(answersOfA[at]!);
    await Promise.all(requests);
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([{ reason: 'throttled', remaining: 500 }]);
  });

  test('of a deployment emits recovered only once the whole backend is available again', async () => {
    const clock = fakeClock();
    const { request, pool } = stubPool(two);
    const events: PoolEvent[] = [];
    pool.cool('a', 100, 'chat');
    pool.cool('a', 200);
    pool.cool('a', 50);
    pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    clock.advance(100);
    await request();
    expect(events).toStrictEqual([]);
    clock.advance(100);
    await request();
    expect(events).toStrictEqual([
      { type: 'recovered', backend: 'a' },
      { type: 'recovered', backend: 'a', scope: 'chat' },
    ]);
  });

  test('of a backend that has been removed emits no event', async () => {
    const { request, replies, pool } = stubPool(two);
    const events: string[] = [];
    const tried = deferred<number>();
    replies.a = () => tried.promise;
    const underWay = request();
    await eventLoopTurn();
    pool.update([{ baseURL: 'https://b.example', name: 'b' }]);
    pool.update([
      { baseURL: 'https://a.example', name: 'a' },
      { baseURL: 'https://b.example', name: 'b', priority: 2 },
    ]);
    pool.subscribe(({ type }) => void events.push(type));
    tried.resolve(500);
    expect((await underWay).attempts).toMatchObject([{ backend: 'a', status: 500 }, { backend: 'b' }]);
    expect(events).toStrictEqual(['attempt', 'attempt']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', failures: 0, pending: 0 });
  });

  test('of 0 ms set by hand does nothing', () => {
    const { pool } = stubPool(two);
    const listener = jest.fn();
    pool.subscribe(listener);
    pool.cool('a', 0);
    expect(listener).not.toHaveBeenCalled();
  });

  test('is unaffected by changes of the wall clock', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two);
    replies.a = throttled(5000);
    await request();
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1e9);
    expect(pool.snapshot()[0]?.cooldowns[0]?.remaining).toBe(5000);
    clock.advance(5000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', cooldowns: [] });
  });

  test('that the server did not specify doubles for each further failure up to maxCooldown, and a success resets it', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two, { defaultCooldown: 1000, maxCooldown: 5000 });
    const cooldownsOf = async (times: number) => {
      const seen: unknown[] = [];
      for (let i = 0; i < times; i++) {
        seen.push((await request()).attempts?.[0]?.cooldown);
        clock.advance(5000);
      }
      return seen;
    };
    replies.a = refused();
    expect(await cooldownsOf(5)).toStrictEqual([1000, 2000, 4000, 5000, 5000]);
    replies.a = 200;
    await request();
    replies.a = refused();
    expect(await cooldownsOf(2)).toStrictEqual([1000, 2000]);
    expect(pool.snapshot()[0]?.failures).toBe(7);
  });

  test('of a 429 without Retry-After doubles too, but not one that the server specified', async () => {
    const clock = fakeClock();
    const { request, replies } = stubPool(two, { defaultCooldown: 1000 });
    const seen: unknown[] = [];
    for (const answer of [429, 429, throttled(70), 429]) {
      replies.a = answer;
      seen.push((await request({ url: chat })).attempts?.[0]?.cooldown);
      clock.advance(10_000);
    }
    expect(seen).toStrictEqual([1000, 2000, 70, 4000]);
  });

  test('of a 500 after a specified wait is 100 ms, even if its request was sent before that', async () => {
    const { request, replies, pool } = stubPool({ a: {} }, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const slow = request({ validateStatus: null });
    replies.a = throttled(50);
    await request({ validateStatus: null });
    gate.resolve(500);
    expect((await slow).attempts).toMatchObject([{ status: 500, cooldown: 100 }]);
    expect(pool.snapshot()[0]).toMatchObject({ failures: 2 });
  });

  test('emits an event when it begins or becomes longer, with a scope only if it has one', async () => {
    fakeClock();
    const { pool } = stubPool({ a: {} });
    const events: PoolEvent[] = [];
    pool.subscribe((event) => void events.push(event));
    pool.cool('a', 1000);
    pool.cool('a', 500);
    pool.cool('a', 1000);
    pool.cool('a', 2000, 'gpt-4o');
    expect(events).toStrictEqual([
      { type: 'cooldown', backend: 'a', reason: 'manual', duration: 1000 },
      { type: 'cooldown', backend: 'a', scope: 'gpt-4o', reason: 'manual', duration: 2000 },
    ]);
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([
      { reason: 'manual', remaining: 1000 },
      { scope: 'gpt-4o', reason: 'manual', remaining: 2000 },
    ]);
    await Promise.resolve();
  });

  test('counts ten concurrent failures as one', async () => {
    const clock = fakeClock();
    const { request, replies } = stubPool(two, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const requests = Array.from({ length: 10 }, () => request());
    gate.resolve(500);
    const cooldowns = (await Promise.all(requests)).map(({ attempts }) => attempts?.[0]?.cooldown);
    expect(cooldowns).toStrictEqual(Array(10).fill(100));
    clock.advance(100);
    replies.a = 500;
    expect((await request()).attempts?.[0]?.cooldown).toBe(200);
  });

  test('ends at a success although a 4xx about another request came after the failure', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool({ a: {} });
    const [missing, good] = [deferred<Partial<AxiosResponse>>(), deferred<number>()];
    replies.a = () => missing.promise;
    const first = request();
    await eventLoopTurn();
    replies.a = 500;
    await request({ validateStatus: () => true });
    replies.a = () => good.promise;
    // A guess doesn't close the pool.
    const second = request();
    await eventLoopTurn();
    missing.resolve({ status: 404, data: '{"error":{"code":"DeploymentNotFound"}}' });
    expect((await first).status).toBe(404);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling' });
    good.resolve(200);
    await second;
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', cooldowns: [] });
  });
});

describe('the scope of a cooldown', () => {
  test('is the deployment in the URL for a 429', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool(two);
    replies.a = throttled(1000);
    await request({ url: chat });
    replies.a = 200;
    await request({ url: embeddings });
    await request({ url: chat });
    await request({ url: '/openai/v1/chat/completions' });
    expect(tried).toStrictEqual(['a', 'b', 'a', 'b', 'a']);
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'available',
      available: true,
      cooldowns: [{ scope: 'chat', reason: 'throttled', remaining: 1000 }],
    });
  });

  test('is the whole backend for a 5xx, a network failure, or a 429 without a deployment in the URL', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool(two);
    for (const [answer, url] of [
      [429, '/openai/v1/responses'],
      [500, chat],
      [refused(), chat],
    ] as const) {
      replies.a = answer;
      await request({ url });
      expect(pool.snapshot()[0]?.state).toBe('cooling');
      tried.length = 0;
      await request({ url: embeddings });
      expect(tried).toStrictEqual(['b']);
      pool.restore('a');
    }
  });

  test('is the name that the backend uses for the deployment', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool({
      a: { deployments: { chat: 'own chat', other: 'own chat' } },
      b: { priority: 2 },
    });
    replies.a = throttled(1000);
    await request({ url: chat });
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ scope: 'own chat' }]);
    await request({ url: '/openai/deployments/other/chat' });
    expect(tried).toStrictEqual(['a', 'b', 'b']);
    pool.restore('a');
    pool.cool('a', 50, 'own chat');
    await request({ url: chat });
    expect(tried.at(-1)).toBe('b');
  });

  test('is remembered for a limited number of deployments', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool(two);
    replies.a = throttled(60_000);
    for (let i = 0; i < 2000; i++) await request({ url: `/openai/deployments/d${String(i)}/chat` });
    const { cooldowns = [] } = pool.snapshot()[0] ?? {};
    expect(cooldowns.length).toBeLessThanOrEqual(500);
    expect(cooldowns.at(-1)?.scope).toBe('d1999');
  });
});

describe('a trial', () => {
  const dead = async (options = {}) => {
    const clock = fakeClock();
    const all = stubPool(two, { defaultCooldown: 1000, ...options });
    const events: PoolEvent[] = [];
    // No response and no sign of life: a trial follows from the first failure on.
    all.replies.a = refused();
    await all.request();
    all.pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    all.tried.length = 0;
    return { ...all, clock, events };
  };

  test('of a dead backend costs one request per cooldown, even with 500 concurrent callers', async () => {
    const { request, replies, tried, clock } = await dead();
    replies.a = async () => {
      await eventLoopTurn();
      return refused();
    };
    for (const round of [1, 2, 3]) {
      clock.advance(1000 * 2 ** round);
      tried.length = 0;
      const responses = await Promise.all(Array.from({ length: 500 }, () => request()));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(tried.filter((name) => name === 'a')).toHaveLength(1);
    }
  });

  test('that succeeds makes the backend available and emits recovered once', async () => {
    const { request, replies, tried, clock, events, pool } = await dead();
    clock.advance(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', available: false, cooldowns: [] });
    replies.a = 200;
    expect(events).toStrictEqual([]);
    await request();
    expect(events).toStrictEqual([{ type: 'recovered', backend: 'a' }]);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', available: true });
    await request();
    expect(tried).toStrictEqual(['a', 'a']);
    expect(events).toHaveLength(1);
  });

  test('that fails without a cooldown makes room for the next one', async () => {
    const { request, replies, tried, clock } = await dead({
      cooldown: ({ status }: { status?: number }) => (status === 500 ? 0 : undefined),
    });
    clock.advance(1000);
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const trial = request();
    await request();
    gate.resolve(500);
    await trial;
    replies.a = 200;
    await request();
    expect(tried).toStrictEqual(['a', 'b', 'b', 'a']);
  });

  test('in progress leaves the backend to requests that no other backend can serve', async () => {
    const { request, replies, tried, clock, pool } = await dead();
    clock.advance(1000);
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const trial = request();
    await request();
    expect(tried).toStrictEqual(['a', 'b']);
    pool.cool('b', 5000);
    const second = request();
    await eventLoopTurn();
    expect(tried).toStrictEqual(['a', 'b', 'a']);
    gate.resolve(200);
    expect((await Promise.all([trial, second])).map(({ status }) => status)).toStrictEqual([200, 200]);
  });

  test.each<[string, (cancel: AbortController) => void]>([
    ['cancelled', (cancel) => cancel.abort()],
    ['a mistake of the caller', () => undefined],
  ])('that ends as %s gives its place to the next request', async (name, end) => {
    const { adapter, request, replies, tried, clock, pool } = await dead();
    clock.advance(1000);
    const gate = deferred<Error>();
    replies.a = () => gate.promise;
    const cancel = new AbortController();
    const trial = rejectionOf(axios.get('/x', { adapter, signal: cancel.signal }));
    await eventLoopTurn();
    end(cancel);
    gate.resolve(Object.assign(new Error(), { code: 'ERR_BAD_OPTION' }));
    expect(await trial).toMatchObject({ code: name === 'cancelled' ? 'ERR_CANCELED' : 'ERR_BAD_OPTION' });
    replies.a = 200;
    await request();
    expect(tried).toStrictEqual(['a', 'a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', pending: 0 });
  });

  test('that succeeds after a newer failure gives up its place without proving anything', async () => {
    const { request, replies, tried, clock, pool } = await dead();
    clock.advance(1000);
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const trial = request();
    await eventLoopTurn();
    pool.cool('b', 10);
    replies.a = { status: 503, headers: { 'retry-after-ms': '30' } };
    await request();
    gate.resolve(200);
    await trial;
    clock.advance(30);
    replies.a = 200;
    tried.length = 0;
    await request();
    expect(tried).toStrictEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', pending: 0 });
  });

  test('is still due if the success belongs to a request sent before the failure', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const early = request();
    await eventLoopTurn();
    replies.a = refused();
    await request();
    gate.resolve(200);
    await early;
    clock.advance(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', successes: 1 });
    // Nor does it reset the number of consecutive failures.
    expect((await request()).attempts?.[0]?.cooldown).toBe(2000);
  });

  test('that never ends loses its place after maxCooldown', async () => {
    const { request, replies, tried, clock } = await dead({ maxCooldown: 5000 });
    clock.advance(1000);
    replies.a = () => new Promise(() => undefined);
    void request();
    await eventLoopTurn();
    replies.a = 200;
    tried.length = 0;
    clock.advance(4999);
    await request();
    clock.advance(1);
    await request();
    expect(tried).toStrictEqual(['b', 'a']);
  });

  test.each([
    [400, 'available'],
    [404, 'available'],
    [302, 'available'],
    [401, 'available'],
    [429, 'cooling'],
    [500, 'cooling'],
  ])('answered with a %i leaves the backend %s', async (status, state) => {
    const { request, replies, clock, pool } = await dead();
    clock.advance(1000);
    replies.a = status;
    await request({ validateStatus: null });
    expect(pool.snapshot()[0]).toMatchObject({ state, pending: 0 });
  });

  test('answered with a 401 to its own credential proves nothing', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool({ a: { apiKey: 'key-of-a' }, b: { priority: 2 } });
    replies.a = refused();
    await request();
    clock.advance(10_000);
    replies.a = 401;
    await request();
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'credential' }] });
    // The rejected credential is the second failure in a row: 100 ms, doubled.
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ remaining: 200 }]);
  });

  test('is not due after a wait that the server specified, nor after pool.cool', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two);
    replies.a = { status: 503, headers: { 'retry-after': '2' } };
    await request();
    pool.cool('b', 100);
    clock.advance(2000);
    expect(pool.snapshot().map(({ state }) => state)).toStrictEqual(['available', 'available']);
  });

  test('stays in progress while another request gets a wait over maxCooldown', async () => {
    const { request, replies, clock, pool, tried } = await dead({ maxCooldown: 2000 });
    clock.advance(1000);
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    const trial = request();
    await eventLoopTurn();
    pool.cool('b', 100_000);
    replies.a = throttled(86_400_000);
    await request();
    pool.restore('b');
    await request();
    expect(tried).toStrictEqual(['a', 'a', 'b']);
    gate.resolve(200);
    await trial;
  });
});

describe('a trial in progress', () => {
  test('keeps its place when a request sent before it fails', async () => {
    const clock = fakeClock();
    const { request, replies, tried, pool } = stubPool(two, { defaultCooldown: 100 });
    const [late, trial] = [deferred<number>(), deferred<number>()];
    replies.a = () => late.promise;
    const first = request();
    replies.a = refused();
    await request();
    clock.advance(100);
    replies.a = () => trial.promise;
    const second = request();
    await eventLoopTurn();
    late.resolve(500);
    await first;
    clock.advance(1000);
    tried.length = 0;
    await request();
    expect(tried).toStrictEqual(['b']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', pending: 1 });
    trial.resolve(200);
    await second;
    await request();
    expect(tried).toStrictEqual(['b', 'a']);
  });

  test('that outlasts its place during a later cooldown changes nothing before the cooldown ends', () => {
    const limits = { defaultCooldown: 50, maxCooldown: 100 };
    const failure = { ...serverError, reason: 'connection' } as const;
    const circuit = new Circuit();
    circuit.failed({ epoch: 1 }, failure, 3, 0, limits);
    circuit.begin({ epoch: 4 }, 50, limits);
    circuit.failed({ epoch: 2 }, { ...failure, override: 100 }, 5, 100, limits);
    expect(circuit.nextChange(140)).toBe(150);
    expect(circuit.nextChange(160)).toBe(200);
  });

  test('keeps its place when another backend recovers or another attempt ends', async () => {
    const clock = fakeClock();
    const { request, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } }, { defaultCooldown: 1000 });
    replies.a = refused();
    await request();
    clock.advance(1000);
    const trial = deferred<number>();
    replies.a = () => trial.promise;
    const first = request();
    pool.cool('b', 500);
    const cancel = new AbortController();
    const other = rejectionOf(request({ signal: cancel.signal }));
    await eventLoopTurn();
    cancel.abort();
    await other;
    clock.advance(500);
    await request();
    expect(tried).toStrictEqual(['a', 'b', 'a', 'a', 'b']);
    trial.resolve(404);
    await first;
    await request();
    expect(tried.at(-1)).toBe('a');
  });

  test('is still due after a success that began before the last failure', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool({ a: {} }, { defaultCooldown: 1000 });
    const [one, two] = [deferred<number>(), deferred<number>()];
    replies.a = () => one.promise;
    const fails = request({ validateStatus: null });
    replies.a = () => two.promise;
    const succeeds = request();
    one.reject(refused());
    await fails;
    two.resolve(200);
    await succeeds;
    clock.advance(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial' });
  });
});

test('a cooldown that the user chose for a 4xx is followed by a trial, as every guessed one', async () => {
  const clock = fakeClock();
  const options = { failoverCondition: () => true, cooldown: () => 50 };
  const { request, replies, pool, tried } = stubPool({ a: {}, b: { priority: 2 } }, options);
  replies.a = 400;
  await request();
  clock.advance(50);
  expect(pool.snapshot()[0]).toMatchObject({ state: 'trial' });
  replies.a = () => gate.promise;
  const gate = deferred<number>();
  tried.length = 0;
  const responses = [request(), request(), request()];
  await eventLoopTurn();
  expect(tried).toStrictEqual(['a', 'b', 'b']);
  gate.resolve(200);
  await Promise.all(responses);
});

describe('a wait over maxCooldown', () => {
  test('does not include a wait of exactly maxCooldown', async () => {
    const { request, replies, pool } = stubPool({ a: {} }, { maxCooldown: 1000 });
    replies.a = throttled(1000);
    await request({ validateStatus: null });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled' }] });
  });

  test('keeps backends in the order of their priorities if all have one', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } }, { maxCooldown: 1000 });
    replies.a = replies.b = throttled(5000);
    await request({ validateStatus: null });
    replies.a = replies.b = throttled(5001);
    tried.length = 0;
    for (let i = 0; i < 10; i++) await request({ validateStatus: null, failover: false });
    expect(new Set(tried)).toStrictEqual(new Set(['a']));
  });

  test('moves the backend behind the others, so that one poisoned prompt does not stop the pool', async () => {
    const clock = fakeClock();
    const { request, replies, tried, pool } = stubPool({ a: {}, b: {}, c: { priority: 2 } });
    const poisoned = (config: { data?: unknown }) => (config.data === 'poison' ? throttled(86_400_000) : 200);
    replies.a = replies.b = replies.c = poisoned;
    const refused = await request({ method: 'post', url: chat, data: 'poison' });
    expect(refused).toMatchObject({ status: 429, fabricated: true });
    expect(refused.headers).toMatchObject({ 'retry-after': '10' });
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'available',
      cooldowns: [{ scope: 'chat', reason: 'oversized', remaining: 10_000 }],
    });
    tried.length = 0;
    expect((await request({ method: 'post', url: chat, data: 'fine' })).status).toBe(200);
    expect(['a', 'b']).toContain(tried[0]);
    clock.advance(10_000);
    expect(pool.snapshot().flatMap(({ cooldowns }) => cooldowns)).toStrictEqual([]);
  });

  test('for one deployment moves only that behind the others, until it succeeds', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool(two);
    const events: PoolEvent[] = [];
    replies.a = throttled(86_400_000);
    await request({ url: chat });
    pool.subscribe((event) => void (event.type === 'recovered' && events.push(event)));
    replies.a = 200;
    await request({ url: embeddings });
    await request({ url: chat });
    expect(tried).toStrictEqual(['a', 'b', 'a', 'b']);
    pool.cool('b', 1000);
    await request({ url: chat });
    expect(events).toStrictEqual([{ type: 'recovered', backend: 'a', scope: 'chat' }]);
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([]);
  });

  test('moves the backend behind the available ones until it succeeds', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool(two);
    replies.a = { status: 429, headers: { 'retry-after': '86400' } };
    await request();
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'reserve',
      available: false,
      cooldowns: [{ reason: 'oversized' }],
    });
    replies.a = 200;
    await request();
    expect(tried).toStrictEqual(['a', 'b', 'b']);
    pool.cool('b', 1000);
    await request();
    expect(pool.snapshot()[0]?.state).toBe('available');
  });

  test('applies again after a shorter cooldown in between', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool(two);
    replies.a = { status: 429, headers: { 'retry-after': '86400' } };
    await request();
    pool.cool('a', 1000);
    pool.cool('a', 500);
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'cooling',
      cooldowns: [
        { reason: 'manual', remaining: 1000 },
        { reason: 'oversized', remaining: 10_000 },
      ],
    });
    clock.advance(1000);
    expect(pool.snapshot()[0]?.state).toBe('reserve');
    replies.b = 500;
    expect((await request()).headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '100' });
    // Refused twice in a row: twice as long.
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([{ reason: 'oversized', remaining: 20_000 }]);
    replies.a = 200;
    clock.advance(20_000);
    expect(pool.snapshot()[0]?.state).toBe('trial');
    await request();
    expect(pool.snapshot()[0]?.state).toBe('available');
  });
});

test('deployments stay separate even if there are more than the pool remembers', async () => {
  const { request, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } });
  for (let n = 0; n < 500; n++) await request({ url: `/deployments/d${String(n)}/x` });
  replies.a = throttled(60_000);
  await request({ url: '/deployments/d7/x' });
  replies.a = 200;
  tried.length = 0;
  for (const name of ['d7', 'd8', 'd499']) await request({ url: `/deployments/${name}/x` });
  expect(tried).toStrictEqual(['b', 'a', 'a']);
  expect(pool.snapshot()[0]).toMatchObject({ cooldowns: [{ scope: 'd7' }] });
});

describe('a wait over maxCooldown together with a failure', () => {
  const states = ({ pool }: ReturnType<typeof stubPool>) => pool.snapshot()[0]?.state;
  const reasons = ({ pool }: ReturnType<typeof stubPool>) => pool.snapshot()[0]?.cooldowns.map(({ reason }) => reason);

  test.each([
    ['after it', [500, throttled(86_400_000)]],
    ['before it', [throttled(86_400_000), 500]],
  ])(
    'that came %s ranks the backend behind the others once the failure’s cooldown is over',
    async (_, [first, second]) => {
      const clock = fakeClock();
      const stub = stubPool(two);
      const [one, other] = [deferred<number | object>(), deferred<number | object>()];
      stub.replies.a = () => one.promise;
      const requests = [stub.request()];
      stub.replies.a = () => other.promise;
      requests.push(stub.request());
      one.resolve(first!);
      await requests[0];
      other.resolve(second!);
      await requests[1];
      expect(reasons(stub)).toStrictEqual(['server-error', 'oversized']);
      clock.advance(100);
      expect(states(stub)).toBe('reserve');
      stub.tried.length = 0;
      await stub.request();
      expect(stub.tried).toStrictEqual(['b']);
      clock.advance(9_900);
      expect(states(stub)).toBe('trial');
    },
  );

  test('is not shortened by a second such wait that would end earlier', async () => {
    const clock = fakeClock();
    const stub = stubPool({ a: {} });
    const [one, other] = [deferred<number | object>(), deferred<number | object>()];
    stub.replies.a = () => one.promise;
    const first = stub.request();
    stub.replies.a = () => other.promise;
    const second = stub.request();
    one.resolve(throttled(86_400_000));
    await first.catch(() => undefined);
    clock.advance(-1000);
    other.resolve(throttled(86_400_000));
    await second.catch(() => undefined);
    clock.advance(1000);
    expect(stub.pool.snapshot()[0]?.cooldowns).toStrictEqual([{ reason: 'oversized', remaining: 10_000 }]);
  });
});

/** The circuit alone. Numbers are ms, and epochs in attempts. */
describe('the circuit', () => {
  const limits = { defaultCooldown: 1000, maxCooldown: 5000 };
  const until = (time: number) => ({ until: time, reason: 'timeout', words: 'timed out' }) as const;
  const states = (circuit: Circuit, times: readonly number[]) => times.map((time) => circuit.look(time).state);

  test('asks for no trial after one failure, nor after two at the same time', () => {
    const circuit = new Circuit();
    circuit.failed({ epoch: 1 }, serverError, 3, 0, limits);
    circuit.failed({ epoch: 2 }, serverError, 4, 50, limits);
    expect(states(circuit, [149, 150])).toStrictEqual(['cooling', 'available']);
  });

  test.each([
    ['while it lasts', 10],
    ['while the trial is due', 60],
  ])('still asks for the trial after a guessed cooldown if one failure comes %s', (_, at) => {
    const circuit = new Circuit();
    circuit.impose('guessed', until(50), 1, 0);
    circuit.failed({ epoch: 2 }, serverError, 3, at, limits);
    expect(states(circuit, [at + 99, at + 100])).toStrictEqual(['cooling', 'trial']);
  });

  test('asks for a trial after a wait over maxCooldown that ends during a guessed cooldown', () => {
    const circuit = new Circuit();
    circuit.impose('oversized', until(50), 1, 0);
    circuit.failed({ epoch: 2 }, serverError, 3, 0, limits);
    expect(states(circuit, [49, 50, 99, 100])).toStrictEqual(['cooling', 'cooling', 'cooling', 'trial']);
  });

  test('is sound after a wait over maxCooldown and its trial, although an asked cooldown ran as well', () => {
    const circuit = new Circuit();
    circuit.impose('oversized', until(50), 1, 0);
    circuit.impose('asked', until(80), 2, 0);
    expect(states(circuit, [49, 50, 79, 80])).toStrictEqual(['cooling', 'cooling', 'cooling', 'trial']);
    expect(circuit.worked({ epoch: 3 }, 90)).toBe(true);
    expect(states(circuit, [90])).toStrictEqual(['available']);
  });

  test('keeps the place of a trial during a failure of another attempt', () => {
    const circuit = new Circuit();
    const [trial, other] = [{ epoch: 2 }, { epoch: 3 }];
    circuit.impose('guessed', until(50), 1, 0);
    expect(circuit.begin(trial, 60, limits)).toBe(true);
    expect(circuit.begin(other, 60, limits)).toBe(false);
    circuit.failed(other, serverError, 4, 60, limits);
    expect(circuit.availability(160)).toBe('behind');
    expect(circuit.end(other)).toBe(false);
    expect(circuit.end(trial)).toBe(true);
    expect(circuit.availability(160)).toBe('yes');
  });

  test('begins no trial while it is sound or resting, and ends none that was not begun', () => {
    const circuit = new Circuit();
    const attempt = { epoch: 1 };
    expect(circuit.begin(attempt, 0, limits)).toBe(false);
    expect(circuit.end(attempt)).toBe(false);
    circuit.impose('guessed', until(50), 2, 0);
    expect(circuit.begin(attempt, 49, limits)).toBe(false);
    expect(circuit.end(attempt)).toBe(false);
  });

  test('says whether a success changed anything', () => {
    const circuit = new Circuit();
    expect(circuit.worked({ epoch: 1 }, 0)).toBe(false);
    circuit.failed({ epoch: 1 }, serverError, 2, 0, limits);
    expect(circuit.worked({ epoch: 1 }, 0)).toBe(false);
    expect(circuit.worked({ epoch: 3 }, 0)).toBe(true);
    expect(circuit.worked({ epoch: 3 }, 0)).toBe(false);
  });

  test.each([
    ['proves nothing after a failure that was given no cooldown', { ...serverError, override: 0 }, 'trial'],
    ['counts after a 4xx that costs nothing', { ...serverError, reason: 'client-error' }, 'available'],
  ] as const)('a success of an attempt from before %s', (_, failure, state) => {
    const circuit = new Circuit();
    circuit.impose('guessed', until(50), 1, 0);
    expect(circuit.failed({ epoch: 3 }, failure, 4, 0, limits)).toMatchObject({ duration: 0, isExtended: false });
    circuit.worked({ epoch: 2 }, 60);
    expect(states(circuit, [60])).toStrictEqual([state]);
  });

  test('lets an attempt that began before a cooldown set by hand prove that the backend works', () => {
    const circuit = new Circuit();
    circuit.impose('guessed', until(50), 1, 0);
    circuit.impose('asked', until(80), 3, 0);
    circuit.worked({ epoch: 2 }, 10);
    expect(states(circuit, [79, 80])).toStrictEqual(['cooling', 'available']);
  });

  test('is forgotten only when it is available and no failure in a row counts', () => {
    const circuit = new Circuit();
    expect(circuit.isFresh(0)).toBe(true);
    circuit.failed({ epoch: 1 }, serverError, 2, 0, limits);
    expect(circuit.isFresh(50)).toBe(false);
    expect(circuit.isFresh(100)).toBe(false);
    circuit.worked({ epoch: 3 }, 100);
    expect(circuit.isFresh(100)).toBe(true);
    circuit.impose('guessed', until(200), 4, 100);
    expect(circuit.isFresh(150)).toBe(false);
  });
});
