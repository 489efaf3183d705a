/** What a failure costs, row by row of the table; and how a pool stays open whatever fails. */
import type { AxiosResponse } from 'axios';
import type { BackendStatus, PriorityAdapterOptions } from '../../src';
import { deferred, eventLoopTurn, fakeClock, refused, stubPool, throttled } from '../support/stub-pool';
import type { StubReply } from '../support/stub-pool';

const chat = '/openai/deployments/chat/chat/completions';
const reset = () => Object.assign(new Error('reset'), { code: 'ECONNRESET' });
const answer = (status: number, headers = {}, data: unknown = ''): Partial<AxiosResponse> => ({
  status,
  headers,
  data,
});
const waiting = (status: number, ms: number) => answer(status, { 'retry-after-ms': String(ms) });

/** Two backends with credentials of their own; the first one is asked first. */
function two(options: PriorityAdapterOptions = {}) {
  const clock = fakeClock();
  const stub = stubPool({ a: { apiKey: 'key-of-a' }, b: { apiKey: 'key-of-b', priority: 2 } }, options);
  const first = (): BackendStatus => stub.pool.snapshot()[0]!;
  return { ...stub, clock, first };
}

test('requests for unknown deployments do not displace the cooldown of a known one', async () => {
  const { request, replies, first } = two();
  replies.a = waiting(429, 60_000);
  await request({ url: chat });
  replies.a = answer(404, {}, { error: { code: 'DeploymentNotFound' } });
  for (let i = 0; i < 500; i++) await request({ url: `/openai/deployments/none-${String(i)}/chat/completions` });
  expect(first().cooldowns).toMatchObject([{ scope: 'chat', reason: 'throttled' }]);
  replies.a = 200;
  expect((await request({ url: chat })).attempts).toMatchObject([{ backend: 'b' }]);
});

test('the failures of many deployments displace no cooldown that the server asked for', async () => {
  const { request, replies, first, clock } = two();
  replies.a = waiting(429, 60_000);
  await request({ url: chat });
  replies.a = 429;
  for (let i = 0; i < 520; i++) await request({ url: `/openai/deployments/other-${String(i)}/chat/completions` });
  clock.advance(20_000);
  expect(first().cooldowns).toStrictEqual([{ scope: 'chat', reason: 'throttled', remaining: 40_000 }]);
});

test('the newest failure is remembered, whatever the number of longer cooldowns', async () => {
  const { request, replies, first } = two();
  replies.a = waiting(429, 60_000);
  for (let i = 0; i < 500; i++) await request({ url: `/openai/deployments/other-${String(i)}/chat/completions` });
  replies.a = 401;
  await request({ url: chat });
  expect(first().cooldowns).toHaveLength(451);
  expect(first().cooldowns).toContainEqual({ scope: 'chat', reason: 'credential', remaining: 100 });
});

test('a 404 whose body breaks off ends a trial', async () => {
  const { request, replies, first, clock } = two();
  replies.a = 500;
  for (const cost of [100, 200]) {
    await request();
    clock.advance(cost);
  }
  expect(first().state).toBe('trial');
  const config = {} as never;
  replies.a = Object.assign(reset(), { response: { status: 404, headers: {}, statusText: '', config } });
  await expect(request()).rejects.toThrow('reset');
  expect(first().state).toBe('available');
});

describe('what a failure costs', () => {
  // reply, cooldowns of three failures in a row, reason, scope, and what follows: a trial, or none
  type Row = [
    name: string,
    reply: StubReply,
    costs: number[],
    reason: string,
    scope: string | undefined,
    then: 'available' | 'trial',
  ];
  const rows: Row[] = [
    ['429 with a wait', waiting(429, 43), [43, 43, 43], 'throttled', 'chat', 'available'],
    ['401 with a wait', waiting(401, 43), [43, 43, 43], 'throttled', 'chat', 'available'],
    [
      '403 with a wait in words',
      answer(403, {}, 'Try again in 2s'),
      [2000, 2000, 2000],
      'throttled',
      'chat',
      'available',
    ],
    ['429 without a wait', answer(429), [10_000, 20_000, 40_000], 'throttled', 'chat', 'available'],
    ['429 with a wait of zero', waiting(429, 0), [100, 200, 400], 'throttled', 'chat', 'available'],
    [
      '429 with a date in the past',
      answer(429, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
      [100, 200, 400],
      'throttled',
      'chat',
      'available',
    ],
    ['5xx with a wait', waiting(503, 43), [43, 43, 43], 'server-error', undefined, 'available'],
    ['5xx without a wait', answer(500), [100, 200, 400], 'server-error', undefined, 'trial'],
    ['5xx with a wait of zero', waiting(503, 0), [100, 200, 400], 'server-error', undefined, 'trial'],
    ['401 to its own credential', answer(401), [100, 200, 400], 'credential', 'chat', 'trial'],
    ['403 with a wait of zero', waiting(403, 0), [100, 200, 400], 'credential', 'chat', 'trial'],
    ['no connection', () => Promise.reject(refused()), [10_000, 20_000, 40_000], 'connection', undefined, 'trial'],
    ['no response', () => Promise.reject(reset()), [10_000, 20_000, 40_000], 'ambiguous', undefined, 'trial'],
  ];

  test.each(rows)('%s', async (_, reply, costs, reason, scope, then) => {
    const { request, replies, clock, first, tried } = two();
    replies.a = reply;
    for (const cost of costs) {
      const { attempts } = await request({ url: chat });
      expect(attempts).toMatchObject([{ backend: 'a', reason, cooldown: cost }, { backend: 'b' }]);
      expect(first().cooldowns).toStrictEqual([{ ...(scope !== undefined && { scope }), reason, remaining: cost }]);
      clock.advance(cost);
    }
    // In a trial, one request at a time goes to the backend.
    const gate = deferred<number>();
    replies.a = () => gate.promise;
    tried.length = 0;
    const both = [request({ url: chat }), request({ url: chat })];
    expect(tried).toStrictEqual(then === 'trial' ? ['a', 'b'] : ['a', 'a']);
    // A trial of one deployment doesn't show in the state of the backend.
    expect(first().state).toBe(scope === undefined ? then : 'available');
    gate.resolve(200);
    await Promise.all(both);
  });

  test('a wait over maxCooldown ranks the backend behind the others for defaultCooldown, doubled in a row, until one trial', async () => {
    const { request, replies, clock, first, tried } = two({ maxCooldown: 25_000 });
    for (const cost of [10_000, 20_000, 25_000]) {
      replies.a = throttled(86_400_000);
      await request();
      expect(first()).toMatchObject({ state: 'reserve', cooldowns: [{ reason: 'oversized', remaining: cost }] });
      clock.advance(cost);
      expect(first()).toMatchObject({ state: 'trial', cooldowns: [] });
    }
    replies.a = 200;
    tried.length = 0;
    await request();
    expect(tried).toStrictEqual(['a']);
    expect(first().state).toBe('available');
  });

  test('a failing provider costs the whole backend 100 ms, doubled in a row', async () => {
    const clock = fakeClock();
    const { request, pool } = stubPool({
      a: { azureADTokenProvider: () => Promise.reject(new Error('no token')) },
      b: { priority: 2 },
    });
    for (const cost of [100, 200]) {
      expect((await request({ url: chat })).attempts).toMatchObject([{ reason: 'credential', cooldown: cost }, {}]);
      expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([{ reason: 'credential', remaining: cost }]);
      clock.advance(cost);
    }
    expect(pool.snapshot()[0]?.state).toBe('trial');
  });

  test('a 500 costs less than 100 ms if defaultCooldown is shorter', async () => {
    const { request, replies } = two({ defaultCooldown: 40 });
    replies.a = 500;
    expect((await request()).attempts).toMatchObject([{ cooldown: 40 }, {}]);
  });

  test('no response costs only 100 ms if the backend answers others, and no trial follows the first failure', async () => {
    const { request, replies, first, clock } = two();
    const slow = deferred<Error>();
    replies.a = () => slow.promise;
    const failing = request();
    await eventLoopTurn();
    replies.a = 404;
    await request({ validateStatus: null });
    slow.resolve(reset());
    expect((await failing).attempts).toMatchObject([{ reason: 'ambiguous', cooldown: 100 }, {}]);
    clock.advance(100);
    expect(first().state).toBe('available');
  });

  test('a response whose body breaks off doesn’t count as its own sign of life: it costs defaultCooldown', async () => {
    const { request, replies } = two();
    const config = {} as never;
    replies.a = Object.assign(reset(), { response: { status: 200, data: '', headers: {}, statusText: '', config } });
    expect((await request()).attempts).toMatchObject([{ status: 200, cooldown: 10_000 }, {}]);
  });
});

describe('a success', () => {
  test('of an attempt that began after the failure ends a guessed cooldown', async () => {
    const { request, replies, pool, first } = two();
    replies.a = refused();
    await request();
    pool.cool('b', 60_000);
    replies.a = 200;
    const events: string[] = [];
    pool.subscribe(({ type }) => void events.push(type));
    expect((await request()).status).toBe(200);
    expect(first()).toMatchObject({ state: 'available', cooldowns: [] });
    expect(events).toContain('recovered');
  });

  test('never ends an asked cooldown', async () => {
    const { request, replies, first } = two();
    const slow = deferred<number>();
    replies.a = () => slow.promise;
    const early = request();
    await eventLoopTurn();
    replies.a = throttled(5000);
    await request();
    slow.resolve(200);
    await early;
    expect(first().cooldowns).toStrictEqual([{ reason: 'throttled', remaining: 5000 }]);
  });
});

describe('failures never close the pool:', () => {
  test('one prompt that crashes every backend does not turn the next requests into 429s', async () => {
    const { request, replies } = two();
    replies.a = replies.b = ({ data }) => (data === 'poison' ? 500 : 200);
    expect(await request({ data: 'poison' })).toMatchObject({ status: 429, fabricated: true });
    for (let i = 0; i < 3; i++) expect((await request({ data: 'fine' })).status).toBe(200);
  });

  test('a network blip at every backend does not turn the next request into a 429', async () => {
    const { request, replies } = two();
    replies.a = replies.b = refused();
    await request();
    replies.a = replies.b = 200;
    expect((await request()).status).toBe(200);
  });

  test('with every backend dead, a request makes one attempt, at the backend that failed longest ago, without waiting', async () => {
    fakeClock();
    const { request, replies, tried, pool } = stubPool({
      a: {},
      b: { priority: 2 },
      c: { priority: 3 },
      d: { priority: 3 },
    });
    replies.a = replies.b = replies.c = replies.d = refused();
    await request();
    const order = [...tried];
    expect([...order].sort()).toStrictEqual(['a', 'b', 'c', 'd']);
    for (const name of order) {
      tried.length = 0;
      expect(await request()).toMatchObject({ status: 429, fabricated: true });
      expect(tried).toStrictEqual([name]);
    }
    // One that is back, whatever its priority, is found within as many requests as there are backends.
    replies.d = 200;
    let requests = 1;
    while ((await request()).status !== 200) requests++;
    expect(requests).toBeLessThanOrEqual(4);
    expect(pool.snapshot()[3]?.state).toBe('available');
    tried.length = 0;
    for (let i = 0; i < 3; i++) expect((await request()).status).toBe(200);
    expect(tried).toStrictEqual(['d', 'd', 'd']);
  });

  test('a backend that specified a wait, or was taken out by hand, stays out', async () => {
    const { request, replies, tried, pool } = two();
    replies.a = throttled(1000);
    await request();
    pool.cool('b', 1000);
    tried.length = 0;
    expect(await request()).toMatchObject({ status: 429, fabricated: true });
    expect(tried).toStrictEqual([]);
  });

  test('a backend that specified a wait and then failed stays out until its wait has passed', async () => {
    const { request, replies, tried, pool } = two();
    replies.a = throttled(1000);
    await request({ url: chat });
    replies.a = refused();
    await request({ url: '/x' });
    pool.cool('b', 60_000);
    tried.length = 0;
    expect((await request({ url: chat })).status).toBe(429);
    expect(tried).toStrictEqual([]);
    replies.a = 200;
    // Another deployment only has the guess against it.
    expect((await request({ url: '/openai/deployments/other/chat' })).status).toBe(200);
  });

  test('the wait of the fabricated 429 is that of the first backend to come back', async () => {
    const { request, replies } = two();
    replies.a = throttled(700);
    replies.b = 500;
    expect((await request()).headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '100' });
  });

  test('a guessed cooldown stays guessed if a `cooldown` option sets its length', async () => {
    const { request, replies } = two({ cooldown: () => 60_000 });
    replies.a = replies.b = 500;
    await request();
    replies.a = replies.b = 200;
    expect((await request()).status).toBe(200);
  });

  test('after each wait, a request may make one more last-resort attempt', async () => {
    jest.useFakeTimers();
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } }, { maxWait: 500 });
    replies.a = refused();
    replies.b = throttled(200);
    await request({ failover: { maxWait: 0 } });
    tried.length = 0;
    const response = request();
    await jest.advanceTimersByTimeAsync(10);
    expect(tried).toStrictEqual(['a']);
    await jest.advanceTimersByTimeAsync(10_000);
    expect((await response).status).toBe(429);
    expect(tried).toStrictEqual(['a', 'b', 'a', 'b', 'a']);
    jest.useRealTimers();
  });
});

describe('a 4xx that is about the backend', () => {
  const missing = (code: string) => answer(404, {}, JSON.stringify({ error: { code, message: 'no such deployment' } }));

  test.each([401, 403])('fails over if it is a %i to the backend’s own credential', async (status) => {
    const { request, replies, first } = two();
    replies.a = status;
    const response = await request();
    expect(response.attempts).toMatchObject([
      { status, reason: 'credential' },
      { backend: 'b', status: 200 },
    ]);
    expect(first()).toMatchObject({ failures: 1, state: 'cooling' });
  });

  test.each(['DeploymentNotFound', 'model_not_found'])(
    'fails over without a cooldown if it is a 404 %s',
    async (code) => {
      const { request, replies, first } = two();
      replies.a = missing(code);
      expect((await request()).attempts).toMatchObject([{ status: 404, reason: 'client-error' }, { backend: 'b' }]);
      expect(first()).toMatchObject({ state: 'available', cooldowns: [] });
    },
  );

  test.each<[string, Partial<AxiosResponse>, Partial<AxiosResponse>]>([
    ['a 401', answer(401, {}, 'who?'), answer(401, {}, 'who?')],
    ['a missing deployment', missing('DeploymentNotFound'), missing('DeploymentNotFound')],
    ['a 429 before it', answer(429), answer(403, {}, 'firewall')],
  ])('is returned if no backend is left: %s', async (_, a, b) => {
    const { request, replies, tried } = two();
    replies.a = a;
    replies.b = b;
    const response = await request();
    expect(response).toMatchObject({ status: b.status, data: b.data });
    expect(response).not.toHaveProperty('fabricated');
    expect(tried).toStrictEqual(['a', 'b']);
  });

  test('gives way to the fabricated 429 if a later attempt failed in another way', async () => {
    const { request, replies } = two();
    replies.a = 401;
    replies.b = 500;
    expect(await request()).toMatchObject({ status: 429, fabricated: true });
  });

  test('does not include a 401 to the caller’s own key, which is returned to the caller', async () => {
    const { request, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = 401;
    expect((await request()).status).toBe(401);
    expect(tried).toStrictEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ failures: 0, state: 'available' });
  });

  test.each([
    ['under failover: false', { failover: false } as const, {}],
    ['if the condition returns false', {}, { failoverCondition: () => false }],
  ])('still puts its backend on cooldown %s', async (_, config, options) => {
    const { request, replies, first } = two(options);
    replies.a = 403;
    expect((await request(config)).status).toBe(403);
    expect(first()).toMatchObject({ failures: 1, cooldowns: [{ reason: 'credential' }] });
  });
});

describe('the scope of a 429 whose URL names no deployment', () => {
  const v1 = (model: string) => ({ url: '/openai/v1/x', method: 'post', data: JSON.stringify({ model }) });

  test('is the model of the body, so embeddings go on while chat is throttled', async () => {
    const { request, replies, tried, first } = two();
    replies.a = throttled(1000);
    await request(v1('chat'));
    replies.a = 200;
    expect(first()).toMatchObject({ state: 'available', cooldowns: [{ scope: 'chat', remaining: 1000 }] });
    tried.length = 0;
    await request(v1('embeddings'));
    await request(v1('chat'));
    await request({ url: '/openai/deployments/chat/chat/completions' });
    expect(tried).toStrictEqual(['a', 'b', 'b']);
  });

  test('is the backend’s own name for that model', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool({ a: { deployments: { chat: 'own' } }, b: { priority: 2 } });
    replies.a = throttled(1000);
    await request(v1('chat'));
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ scope: 'own' }]);
  });

  test('needs no parsing while nothing is throttled', async () => {
    const { request, replies } = two();
    const parse = jest.spyOn(JSON, 'parse');
    await request(v1('chat'));
    expect(parse).not.toHaveBeenCalled();
    replies.a = throttled(1000);
    const config = v1('chat');
    await request(config);
    // Once for each request, whatever the number of attempts.
    expect(parse.mock.calls.filter(([text]) => text === config.data)).toHaveLength(1);
    parse.mockRestore();
  });
});
