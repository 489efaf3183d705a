import axios from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { FakeBackend, rejectionOf, startBackends, throttle, closeBackendsAfterEach } from '../support/fake-backend';
import { fakeClock, stubPool, throttled, revoked } from '../support/stub-pool';
import type { StubReply } from '../support/stub-pool';

closeBackendsAfterEach();

describe('a request to real servers', () => {
  test.each([
    [429, 'throttled', 10_000],
    [500, 'server-error', 100],
    [502, 'server-error', 100],
    [503, 'server-error', 100],
    [599, 'server-error', 100],
  ])('fails over on a %i and puts the first backend on cooldown', async (status, reason, cooldown) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const client = axios.create({ adapter });

    const response = await client.post('/openai/deployments/gpt-4o/chat/completions?api-version=1', { a: 1 });
    expect(response.data).toStrictEqual({ ok: true });
    expect(response.attempts).toStrictEqual([
      { backend: first.host, scope: 'gpt-4o', status, reason, duration: expect.any(Number) as number, cooldown },
      { backend: second.host, scope: 'gpt-4o', status: 200, duration: expect.any(Number) as number },
    ]);
    expect(second.lastCall).toMatchObject({
      method: 'POST',
      url: '/openai/deployments/gpt-4o/chat/completions?api-version=1',
    });
    expect(second.lastCall.body.toString()).toBe('{"a":1}');
  });

  test.each([400, 401, 403, 404, 408, 422])(
    'returns a %i to the caller and keeps the backend available',
    async (status) => {
      const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
      first.always({ status, body: { error: { code: 'content_filter' } } });
      const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
      const error = await rejectionOf(axios.get('/x', { adapter }));
      expect(error).toMatchObject({
        code: 'ERR_BAD_REQUEST',
        response: { status, data: { error: { code: 'content_filter' } } },
      });
      expect(error.attempts).toMatchObject([{ backend: first.host, status }]);
      expect(second.calls).toHaveLength(0);
      expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, successes: 0, failures: 0, pending: 0 });
    },
  );

  test.each([
    [301, { location: '/there' }],
    [304, {}],
  ])('treats a %i as a success if redirects are not followed', async (status, headers) => {
    const backend = await FakeBackend.start();
    backend.always({ status, headers: headers });
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    const response = await axios.get('/x', { adapter, maxRedirects: 0, validateStatus: null });
    expect(response.status).toBe(status);
    expect(adapter.pool.backends[0]).toMatchObject({ successes: 1, failures: 0 });
  });

  test('uses a backend again once its Retry-After of 43 ms has passed', async () => {
    const clock = fakeClock();
    const [reserved, other] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    reserved.script(throttle(43));
    const adapter = priorityAdapter([{ baseURL: reserved.url }, { baseURL: other.url, priority: 2 }]);
    const client = axios.create({ adapter });
    await client.get('/x');
    expect(adapter.pool.snapshot()[0]?.cooldowns[0]?.remaining).toBeLessThanOrEqual(43);
    clock.advance(43);
    await client.get('/x');
    expect([reserved.calls.length, other.calls.length]).toStrictEqual([2, 1]);
  });
});

describe('config.failover', () => {
  test('of false makes one attempt and returns its response as it is', async () => {
    const { adapter, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = { status: 429, data: 'own words' };
    const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({
      response: { status: 429, data: 'own words' },
      attempts: [{ backend: 'a', cooldown: 10_000 }],
    });
    expect(error.response).not.toHaveProperty('fabricated');
    expect(tried).toStrictEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', failures: 1 });
    pool.cool('b', 1000);
    expect(await rejectionOf(axios.get('/x', { adapter, failover: false }))).toMatchObject({
      response: { fabricated: true },
    });
  });

  test('as an object overrides the failover condition', async () => {
    const { adapter, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = 404;
    const failover = { failoverCondition: ({ status }: { status?: number }) => status === 404 };
    expect((await axios.get('/x', { adapter, failover })).status).toBe(200);
    expect(tried).toStrictEqual(['a', 'b']);
  });

  test.each<[unknown, string]>([
    [true, 'config.failover must be false or an object, got true'],
    [null, 'config.failover must be false or an object, got null'],
    [[], 'config.failover must be an object, got an empty array'],
    [{ attemptTimeout: -1 }, 'config.failover.attemptTimeout must be a finite number of ms ≥ 0, got -1'],
    [{ maxwait: 1 }, 'config.failover has an unknown field "maxwait"; did you mean "maxWait"?'],
    [{ failoverCondition: 1 }, 'config.failover.failoverCondition must be a function, got 1'],
  ])('of %j rejects the request', async (failover, message) => {
    const { adapter, tried } = stubPool({ a: {} });
    const error = await rejectionOf(axios.get('/x', { adapter, failover } as object));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
    expect(error.attempts).toStrictEqual([]);
    expect(tried).toStrictEqual([]);
  });
});

const thrower = (): never => {
  throw new Error('unreadable');
};

describe('the error of a fabricated 429', () => {
  const causeOf = async (reply: StubReply | undefined, own: Partial<BackendOptions> = {}) => {
    const { adapter, replies } = stubPool({ a: { ...own, name: 'east' } });
    if (reply !== undefined) replies.a = reply;
    const error = await rejectionOf(axios.get('/x', { adapter }));
    expect(error.response).toMatchObject({ fabricated: true });
    expect(Object.keys(error)).not.toContain('cause');
    return {
      cause: error.cause as Error & Record<string, unknown>,
      again: await rejectionOf(axios.get('/x', { adapter })),
    };
  };

  test('has a cause that names the status of the last attempt and its backend', async () => {
    const { cause, again } = await causeOf(throttled(60_000));
    expect(cause).toBeInstanceOf(Error);
    expect({ ...cause, message: cause.message }).toStrictEqual({
      message: 'east: HTTP 429',
      status: 429,
      backend: 'east',
    });
    // No attempt was made.
    expect(again.cause).toBeUndefined();
  });

  test('has a cause with the code and message of the network error, without the key', async () => {
    const { cause } = await causeOf(() => new axios.AxiosError('refused own-secret', 'ECONNREFUSED'), {
      apiKey: 'own-secret',
    });
    expect({ ...cause, message: cause.message }).toStrictEqual({
      message: 'east: refused ***',
      code: 'ECONNREFUSED',
      backend: 'east',
    });
  });

  test('has a cause with the code of a refusal inside a stream', async () => {
    const data = 'data: {"error":{"code":"rate_limit_exceeded","message":"busy"}}\n\n';
    const { cause } = await causeOf({ status: 200, headers: { 'content-type': 'text/event-stream' }, data });
    expect({ ...cause, message: cause.message }).toStrictEqual({
      message: 'east: HTTP 429',
      code: 'rate_limit_exceeded',
      status: 429,
      backend: 'east',
    });
  });

  test('has a cause with the innermost code and message, which axios keeps in a cause over fetch', async () => {
    const inner = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const { cause } = await causeOf(() =>
      Object.assign(new axios.AxiosError('Network Error', 'ERR_NETWORK'), {
        cause: Object.assign(new TypeError('fetch failed'), { cause: inner }),
      }),
    );
    expect({ ...cause, message: cause.message }).toStrictEqual({
      message: 'east: connect ECONNREFUSED',
      code: 'ECONNREFUSED',
      backend: 'east',
    });
  });

  test.each<[string, () => unknown]>([
    ['a cause that cannot be read', () => Object.defineProperty({}, 'cause', { get: thrower })],
    ['errors that cannot be read', () => Object.defineProperty({}, 'errors', { get: thrower })],
    ['a proxy that refuses everything', () => new Proxy({}, { get: thrower, getPrototypeOf: thrower })],
    ['a proxy that has been revoked', revoked],
    [
      'causes without end',
      () => Array.from({ length: 20_000 }).reduce<Error>((cause) => new Error('deep', { cause }), new Error('deepest')),
    ],
  ])('is about the backend even if its provider throws %s', async (_, thrown) => {
    const { request, replies } = stubPool({
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything can be thrown
      a: { apiKey: () => Promise.reject(thrown()) },
      b: { priority: 2 },
    });
    expect((await request()).attempts).toMatchObject([{ backend: 'a', reason: 'credential' }, { backend: 'b' }]);
    replies.b = 429;
    expect(await request({ validateStatus: null })).toMatchObject({ status: 429, fabricated: true });
  });

  test('has the unmodified error of a provider as the cause of its cause', async () => {
    const thrown = Object.freeze(new Error('vault is closed'));
    const { cause } = await causeOf(undefined, { apiKey: () => Promise.reject(thrown) });
    expect(cause).toMatchObject({
      message: 'east: backends[0].apiKey() failed',
      code: 'ERR_CREDENTIAL',
      backend: 'east',
    });
    expect(cause.cause).toBe(thrown);
  });
});
