import axios, { AxiosHeaders } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { BackendPool, priorityAdapter } from '../src';
import type { Failure, PoolEvent } from '../src';
import { TestBackend, rejection, startBackends, throttle, useBackends } from './support/backend';
import { scene, stillClock, throttled } from './support/in-process';

useBackends();
afterEach(() => jest.restoreAllMocks());

describe('over real sockets', () => {
  test.each([429, 500, 502, 503, 599])('a %i moves on to the next backend and cools the first', async (status) => {
    const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
    first.always({ status });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const client = axios.create({ adapter });

    const response = await client.post('/openai/deployments/gpt-4o/chat/completions?api-version=1', { a: 1 });
    expect(response.data).toEqual({ ok: true });
    expect(response.attempts).toEqual([
      { backend: first.host, status, duration: expect.any(Number) as number, cooldown: 10_000 },
      { backend: second.host, status: 200, duration: expect.any(Number) as number },
    ]);
    expect(second.lastCall).toMatchObject({
      method: 'POST',
      url: '/openai/deployments/gpt-4o/chat/completions?api-version=1',
    });
    expect(second.lastCall.body.toString()).toBe('{"a":1}');

    await client.post('/openai/deployments/gpt-4o/chat/completions', {});
    expect(first.calls).toHaveLength(1);
    expect(second.calls).toHaveLength(2);
  });

  test.each([400, 401, 403, 404, 408, 422])('a %i is handed back and the backend stays available', async (status) => {
    const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
    first.always({ status, body: { error: { code: 'content_filter' } } });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const error = await rejection(axios.get('/x', { adapter }));
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      response: { status, data: { error: { code: 'content_filter' } } },
    });
    expect(error.attempts).toMatchObject([{ backend: first.host, status }]);
    expect(second.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, successes: 0, failures: 0, pending: 0 });
  });

  test.each([
    [301, { location: '/there' }],
    [304, {}],
  ])('a %i is a success where redirects are not followed', async (status, headers) => {
    const backend = await TestBackend.start();
    backend.always({ status, headers: headers });
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    const response = await axios.get('/x', { adapter, maxRedirects: 0, validateStatus: null });
    expect(response.status).toBe(status);
    expect(adapter.pool.backends[0]).toMatchObject({ successes: 1, failures: 0 });
  });

  test('one reserved deployment that asks for 43 ms is back after 43 ms', async () => {
    const [reserved, other] = (await startBackends(2)) as [TestBackend, TestBackend];
    reserved.script(throttle(43));
    const adapter = priorityAdapter([{ baseURL: reserved.url }, { baseURL: other.url, priority: 2 }]);
    const client = axios.create({ adapter });
    await client.get('/x');
    expect(adapter.pool.snapshot()[0]?.cooldowns[0]?.remaining).toBeLessThanOrEqual(43);
    await new Promise((resolve) => setTimeout(resolve, 45));
    await client.get('/x');
    expect([reserved.calls.length, other.calls.length]).toEqual([2, 1]);
  });

  test('the 429 of an exhausted pool is settled, transformed and described as a real one', async () => {
    const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
    first.always(throttle(9000));
    second.always(throttle(2500));
    const client = axios.create({ adapter: priorityAdapter([{ baseURL: first.url }, { baseURL: second.url }]) });
    const error = await rejection(client.get('/x'));
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: 'Request failed with status code 429',
      isAxiosError: true,
    });
    const { response } = error as unknown as { response: { headers: { get(name: string): string }; data: unknown } };
    expect(response).toMatchObject({ status: 429, statusText: 'Too Many Requests', fabricated: true });
    expect(response.headers.get('Retry-After')).toBe('3');
    expect(Number(response.headers.get('retry-after-ms'))).toBeGreaterThan(2000);
    expect(Number(response.headers.get('retry-after-ms'))).toBeLessThanOrEqual(2500);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.data).toEqual({
      error: {
        code: '429',
        type: 'no_backend_available',
        message: 'All 2 backends are throttled or failing. Please retry after 3 seconds.',
      },
    });
    expect(JSON.stringify(response.data)).not.toContain('127.0.0.1');
    expect(error.attempts).toHaveLength(2);

    const again = await rejection(
      client.get('/x', { responseType: 'text', transformResponse: (data: unknown) => data }),
    );
    expect(again.attempts).toEqual([]);
    expect((again as unknown as { response: { data: string } }).response.data).toContain('"code":"429"');
  });

  test('a pool of one that is throttled says so in the singular', async () => {
    const backend = await TestBackend.start();
    backend.always(throttle(100));
    const response = await axios.get('/x', {
      adapter: priorityAdapter([{ baseURL: backend.url }]),
      validateStatus: null,
    });
    expect((response.data as { error: { message: string } }).error.message).toBe(
      'The only backend is throttled or failing. Please retry after 1 second.',
    );
  });
});

describe('validateStatus', () => {
  test('decides about the fabricated 429 too', async () => {
    const { request, answers, adapter } = scene({ a: {} });
    answers.a = 500;
    const response = await request({ validateStatus: () => true });
    expect(response).toMatchObject({ status: 429, fabricated: true });
    const client = axios.create({ adapter });
    expect((await client.get('/x', { validateStatus: null })).status).toBe(429);
    expect((await rejection(client.get('/x'))).message).toBe('Request failed with status code 429');
  });

  test('of `() => true` does not hide a 429 from the failover', async () => {
    const { adapter, answers, asked } = scene({ a: {}, b: { priority: 2 } });
    answers.a = 429;
    const response = await axios.get('/x', { adapter, validateStatus: () => true });
    expect([response.status, asked]).toEqual([200, ['a', 'b']]);
  });

  test('of `() => false` makes an error of a 200, as axios-retry’s validateResponse needs it', async () => {
    const { adapter } = scene({ a: {} });
    const error = await rejection(axios.get('/x', { adapter, validateStatus: () => false }));
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 200 } });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, successes: 1 });
  });

  test('hands back a 5xx as ERR_BAD_RESPONSE', async () => {
    const { adapter, answers } = scene({ a: {} });
    answers.a = 503;
    expect(await rejection(axios.get('/x', { adapter, failover: false }))).toMatchObject({ code: 'ERR_BAD_RESPONSE' });
  });
});

describe('the order of attempts', () => {
  test('the best priority that is available always wins', async () => {
    const { request, answers, asked } = scene({
      last: { priority: 9 },
      first: { priority: 0 },
      middle: { priority: 3 },
    });
    for (let i = 0; i < 20; i++) await request();
    expect(new Set(asked)).toEqual(new Set(['first']));
    answers.first = 429;
    answers.middle = 500;
    asked.length = 0;
    await request();
    expect(asked).toEqual(['first', 'middle', 'last']);
  });

  test('each backend is tried at most once a request, even where it asks for no wait', async () => {
    const { request, answers, asked } = scene({ a: {}, b: {} });
    answers.a = answers.b = throttled(0);
    const response = await request();
    expect(asked.sort()).toEqual(['a', 'b']);
    expect(response.headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '0' });
  });

  test('equals share at random', async () => {
    const { request, asked } = scene({ a: {}, b: {}, c: { weight: 2 } });
    for (let i = 0; i < 4000; i++) await request();
    const share = (name: string) => asked.filter((each) => each === name).length / asked.length;
    expect(share('a')).toBeCloseTo(0.25, 1);
    expect(share('c')).toBeCloseTo(0.5, 1);
  });
});

describe('the caller’s config', () => {
  test('comes back as it was, so that a plugin that sends it again starts clean', async () => {
    const { adapter, answers, configs } = scene({ a: { apiKey: 'secret-a' }, b: { priority: 2 } });
    answers.a = 429;
    const response = await axios.get('/x', { adapter, baseURL: 'https://caller.example/base', headers: { own: '1' } });
    expect(response.config).toMatchObject({ baseURL: 'https://caller.example/base', url: '/x', adapter });
    expect(response.config.headers.toJSON()).toMatchObject({ own: '1' });
    expect(response.config.validateStatus).toBe(axios.defaults.validateStatus);
    expect(response.config.headers.toJSON()).not.toHaveProperty('api-key');
    expect(configs).toHaveLength(2);

    answers.b = 400;
    const error = await rejection(axios.get('/x', { adapter, baseURL: 'https://caller.example/base' }));
    expect(error).toMatchObject({ config: { baseURL: 'https://caller.example/base', url: '/x' } });
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is what a rule of the user’s sees, not that of the attempt', async () => {
    const seen: unknown[] = [];
    const failoverCondition = (failure: Failure) => {
      seen.push(failure.config, failure.response?.config);
      return true;
    };
    const { request, answers } = scene({ a: { apiKey: 'secret-a' }, b: { priority: 2 } }, { failoverCondition });
    answers.a = 503;
    const { config } = await request();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(config);
    expect(seen[1]).toBe(config);
  });

  test('is in an error of an adapter that speaks of a response too', async () => {
    const { adapter, answers } = scene({ a: { apiKey: 'secret-a' } });
    answers.a = (config) => {
      const response = { status: 200, statusText: '', headers: {}, data: 'half', config };
      return new axios.AxiosError('aborted', 'ECONNRESET', config, undefined, response);
    };
    const error = await rejection(axios.post('/x', 'body', { adapter }));
    expect(JSON.stringify(error.config)).not.toContain('secret-a');
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is given to the wrapped adapter as a copy for each attempt', async () => {
    const { adapter, answers, configs } = scene({ a: {}, b: { priority: 2 } });
    answers.a = (config) => {
      config.headers.set('content-length', '5');
      config.url = 'broken';
      return 503;
    };
    const response = await axios.post('/x', 'long enough', { adapter });
    expect(configs[1]?.headers.get('content-length')).toBeUndefined();
    expect(configs[1]).toMatchObject({ url: '/x', baseURL: 'https://b.example' });
    expect(configs[1]?.headers).toBeInstanceOf(axios.AxiosHeaders);
    expect(response.config.headers.get('content-length')).toBeUndefined();
  });

  test('sends the request untouched where shouldBalance says false', async () => {
    const { adapter, configs, asked } = scene(
      { a: { apiKey: 'secret-a' } },
      { shouldBalance: ({ url }) => url !== '/oauth' },
    );
    const response = await axios.post('/oauth', 'grant', {
      adapter,
      baseURL: 'https://login.example',
      headers: { 'api-key': 'own' },
    });
    expect(asked).toEqual(['login']);
    expect(configs[0]).toMatchObject({ baseURL: 'https://login.example', url: '/oauth', data: 'grant' });
    expect(configs[0]?.headers.get('api-key')).toBe('own');
    expect(response.attempts).toBeUndefined();
    await axios.post('/other', 'x', { adapter, baseURL: 'https://login.example' });
    expect(asked).toEqual(['login', 'a']);
  });
});

test.each([
  [499, 'ERR_BAD_REQUEST'],
  [500, 'ERR_BAD_RESPONSE'],
])('a %i that is handed back rejects with %s', async (status, code) => {
  const { adapter, answers } = scene({ a: {} });
  answers.a = status;
  expect(await rejection(axios.get('/x', { adapter, failover: false }))).toMatchObject({ code });
});

describe('config.failover', () => {
  test('of false makes one attempt and hands its answer back as it is', async () => {
    const { adapter, answers, asked, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = { status: 429, data: 'own words' };
    const error = await rejection(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({
      response: { status: 429, data: 'own words' },
      attempts: [{ backend: 'a', cooldown: 10_000 }],
    });
    expect(error.response).not.toHaveProperty('fabricated');
    expect(asked).toEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', failures: 1 });
    pool.cool('b', 1000);
    expect(await rejection(axios.get('/x', { adapter, failover: false }))).toMatchObject({
      response: { fabricated: true },
    });
  });

  test('of an object overrides the condition', async () => {
    const { adapter, answers, asked } = scene({ a: {}, b: { priority: 2 } });
    answers.a = 404;
    const failover = { failoverCondition: ({ status }: { status?: number }) => status === 404 };
    expect((await axios.get('/x', { adapter, failover })).status).toBe(200);
    expect(asked).toEqual(['a', 'b']);
  });

  test.each<[unknown, string]>([
    [true, 'config.failover must be false or an object, got true'],
    [null, 'config.failover must be an object, got null'],
    [[], 'config.failover must be an object, got an empty array'],
    [{ attemptTimeout: -1 }, 'config.failover.attemptTimeout must be a finite number of ms ≥ 0, got -1'],
    [{ maxwait: 1 }, 'config.failover has an unknown field "maxwait"; did you mean "maxWait"?'],
    [{ failoverCondition: 1 }, 'config.failover.failoverCondition must be a function, got 1'],
  ])('%j rejects that request', async (failover, message) => {
    const { adapter, asked } = scene({ a: {} });
    const error = await rejection(axios.get('/x', { adapter, failover } as object));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
    expect(error.attempts).toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe('events', () => {
  test('tell what happened, in order', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } });
    const events: PoolEvent[] = [];
    const unsubscribe = pool.subscribe((event) => events.push(event));
    answers.a = throttled(500);
    await request({ url: '/openai/deployments/gpt%204/chat' });
    expect(events.splice(0)).toEqual([
      { type: 'cooldown', backend: 'a', scope: 'gpt 4', reason: 'throttled', duration: 500 },
      { type: 'attempt', backend: 'a', status: 429, duration: 0, cooldown: 500 },
      { type: 'attempt', backend: 'b', status: 200, duration: 0 },
    ]);
    answers.b = 503;
    await request({ url: '/openai/deployments/gpt%204/chat' });
    expect(events.splice(0)).toEqual([
      { type: 'cooldown', backend: 'b', reason: 'server-error', duration: 10_000 },
      { type: 'attempt', backend: 'b', status: 503, duration: 0, cooldown: 10_000 },
      { type: 'exhausted', retryAfter: 500 },
    ]);
    clock.forward(500);
    expect(events).toEqual([]);
    answers.a = 200;
    await request();
    expect(events.splice(0)).toEqual([
      { type: 'recovered', backend: 'a', scope: 'gpt 4' },
      { type: 'attempt', backend: 'a', status: 200, duration: 0 },
    ]);
    unsubscribe();
    await request();
    expect(events).toEqual([]);
  });

  test('reach each subscription once, and a listener that throws or rejects disturbs nobody', async () => {
    const report = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { request, pool } = scene({ a: {} });
    const heard: string[] = [];
    const listener = (event: PoolEvent): void => void heard.push(event.type);
    const first = pool.subscribe(listener);
    pool.subscribe(listener);
    pool.subscribe(() => {
      throw new Error('thrown');
    });
    const rejecting: unknown = () => Promise.reject(new Error('rejected'));
    pool.subscribe(rejecting as () => void);
    expect((await request()).status).toBe(200);
    first();
    first();
    await request();
    expect(heard).toEqual(['attempt', 'attempt', 'attempt']);
    expect(report.mock.calls.map(([, error]) => (error as Error).message).sort()).toEqual([
      'rejected',
      'rejected',
      'thrown',
      'thrown',
    ]);
    expect(() => pool.subscribe(undefined as never)).toThrow('listener must be a function, got undefined');
  });

  test('reach those who subscribe inside of one from the next on, and who leaves inside of one hears no more', async () => {
    const { request, pool } = scene({ a: {} });
    const heard: string[] = [];
    const once = (name: string): void => {
      const end = pool.subscribe(() => {
        heard.push(name);
        end();
        leave();
        if (heard.length < 10) once('again');
      });
    };
    once('first');
    const leave = pool.subscribe(() => void heard.push('left'));
    await request();
    expect(heard).toEqual(['first']);
    await request();
    expect(heard).toEqual(['first', 'again']);
  });
});

test('several clients share one pool', async () => {
  const pool = new BackendPool([{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }]);
  const asked: unknown[] = [];
  const wrapped = (status: number) =>
    priorityAdapter(pool, {
      adapter: (config) => {
        asked.push(config.baseURL);
        const own = config.baseURL === 'https://a.example' ? status : 200;
        return Promise.resolve({ status: own, data: '', statusText: '', headers: {}, config });
      },
    });
  const first = wrapped(429);
  await axios.get('/x', { adapter: first });
  await axios.get('/x', { adapter: wrapped(200) });
  expect(first.pool).toBe(pool);
  expect(asked).toEqual(['https://a.example', 'https://b.example', 'https://b.example']);
});

test('what a config inherits from a template of an interceptor’s own reaches each attempt', async () => {
  const { adapter, answers, configs } = scene({ a: {}, b: { priority: 2 } });
  answers.a = 500;
  // The newest axios copies what an interceptor gives it; those before hand it to the adapter as it is.
  const template: Partial<InternalAxiosRequestConfig> = { insecureHTTPParser: true };
  const own = { url: '/x', method: 'get', headers: new AxiosHeaders() };
  await adapter(Object.assign(Object.create(template) as InternalAxiosRequestConfig, own));
  expect(configs.map(({ insecureHTTPParser }) => insecureHTTPParser)).toEqual([true, true]);
});

test('an axios from before the fetch adapter is taken as it is', async () => {
  const { getAdapter } = axios;
  const older = jest.spyOn(axios, 'getAdapter').mockImplementation((name, ...rest) => {
    if (name === 'fetch') throw new Error("Unknown adapter 'fetch'");
    return getAdapter(name, ...(rest as []));
  });
  const { adapter, answers } = scene({ a: {} });
  answers.a = 429;
  const { data } = await axios.get<object>('/x', { adapter, validateStatus: null, responseType: 'arraybuffer' });
  expect(Buffer.isBuffer(data)).toBe(true);
  older.mockRestore();
});
