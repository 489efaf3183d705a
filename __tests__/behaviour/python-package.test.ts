/** What users of openai-priority-loadbalancer, the Python package, expect, and its bugs that must not come back. */
import axios from 'axios';
import { BackendPool, priorityAdapter } from '../../src';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, startBackends, throttle } from '../support/fake-backend';
import { fakeClock, stubPool, throttled } from '../support/stub-pool';

closeBackendsAfterEach();

describe('as in the Python package,', () => {
  test('a backend is a host and a priority', () => {
    const [backend] = new BackendPool([{ baseURL: 'oai-eastus.openai.azure.com', priority: 1 }]).snapshot();
    expect(backend).toMatchObject({
      baseURL: 'https://oai-eastus.openai.azure.com',
      priority: 1,
      available: true,
      successes: 0,
      cooldowns: [],
    });
  });

  test.each(['/ai', '/ai/'])('a backend may have the path %s and an API key', async (path) => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url + path, priority: 1, apiKey: 'c3d1' }]);
    const client = axios.create({
      adapter,
      baseURL: 'https://foo.openai.azure.com',
      headers: { 'api-key': 'example API key' },
    });
    await client.post('/openai/completions?api-version=2024-04-01-preview', { model: 'my-deployment-model' });
    expect(backend.lastCall).toMatchObject({
      url: '/ai/openai/completions?api-version=2024-04-01-preview',
      headers: { 'api-key': 'c3d1' },
    });
  });

  test('a client takes the load balancer as its transport', async () => {
    const backends = await startBackends(3);
    const client = axios.create({ adapter: priorityAdapter(backends.map(({ url }) => ({ baseURL: url }))) });
    expect((await client.get('/x')).status).toBe(200);
    expect(backends.flatMap(({ calls }) => calls)).toHaveLength(1);
  });

  test.each([429, 500, 503])('a %i puts a backend on cooldown until its Retry-After has passed', async (status) => {
    const clock = fakeClock();
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = { status, headers: { 'Retry-After': '3' } };
    await request();
    replies.a = 200;
    clock.advance(2999);
    await request();
    clock.advance(1);
    await request();
    expect(tried).toStrictEqual(['a', 'b', 'b', 'a']);
  });

  test('the best available priority always wins', async () => {
    const { request, tried, pool } = stubPool({ b: { priority: 2 }, a: { priority: 1 }, c: { priority: 2 } });
    await request();
    pool.cool('a', 3000);
    await request();
    expect(tried[0]).toBe('a');
    expect(['b', 'c']).toContain(tried[1]);
  });

  test('backends of the same priority share the requests at random', async () => {
    const { request, tried } = stubPool({ a: {}, b: {}, c: {} });
    for (let i = 0; i < 3000; i++) await request();
    for (const name of ['a', 'b', 'c']) expect(tried.filter((each) => each === name).length).toBeGreaterThan(850);
    expect(new Set(tried.slice(0, -1).map((name, i) => name + String(tried[i + 1]))).size).toBe(9);
  });

  test('a 4xx other than 429 is returned to the caller', async () => {
    const { adapter, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = 400;
    expect(await rejectionOf(axios.post('/x', {}, { adapter }))).toMatchObject({ response: { status: 400 } });
    expect(tried).toStrictEqual(['a']);
  });

  test('a request gets a 429 with the soonest Retry-After if every backend is on cooldown', async () => {
    const backends = await startBackends(3);
    for (const [i, seconds] of [3, 1, 5].entries()) backends[i]?.always(throttle(seconds * 1000));
    const adapter = priorityAdapter(backends.map(({ url }) => ({ baseURL: url })));
    const { response } = (await rejectionOf(axios.post('/x', {}, { adapter }))) as unknown as {
      response: { status: number; headers: object };
    };
    expect(response).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(backends.map(({ calls }) => calls.length)).toStrictEqual([1, 1, 1]);
  });

  test('a backend counts its successes', async () => {
    const { request, pool } = stubPool({ a: {} });
    await Promise.all([request(), request(), request()]);
    expect(pool.snapshot()[0]?.successes).toBe(3);
  });

  test('a pool of one backend behaves like a plain client', async () => {
    const backend = await FakeBackend.start();
    const plain = axios.create({ baseURL: backend.url, validateStatus: null });
    const balanced = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url }]), validateStatus: null });
    for (const status of [200, 201, 302, 400, 401, 404]) {
      backend.always({ status, body: { status }, headers: { 'x-own': '1' } });
      const [one, other] = await Promise.all([plain, balanced].map((client) => client.post('/x?y=1', { a: 1 })));
      expect([other?.status, other?.data, other?.headers['x-own']]).toStrictEqual([
        one?.status,
        one?.data,
        one?.headers['x-own'],
      ]);
    }
    const [first, second] = backend.calls.slice(-2);
    expect(first).toStrictEqual(second);
    backend.always(throttle(1000));
    expect((await balanced.get('/x')).status).toBe((await plain.get('/x')).status);
  });
});

describe('unlike in the Python package,', () => {
  test('paths do not accumulate over several attempts', async () => {
    const { adapter, replies, configs } = stubPool({ a: {}, b: { priority: 2 }, c: { priority: 3 } });
    replies.a = replies.b = 500;
    await axios.get('/openai/x', { adapter });
    expect(configs.map(({ baseURL = '', url = '' }) => baseURL + url)).toStrictEqual(
      ['a', 'b', 'c'].map((name) => `https://${name}.example/openai/x`),
    );
  });

  test('the key of one backend does not reach the next', async () => {
    const { adapter, replies, configs } = stubPool({ a: { apiKey: 'key of a' }, b: { priority: 2 } });
    replies.a = 429;
    await axios.get('/x', { adapter });
    expect(configs[1]?.headers.has('api-key')).toBe(false);
  });

  test.each(['1s', 'Thu, 15 Jan 2099 12:00:30 GMT', 'soon'])('a Retry-After of %j does not crash', async (wait) => {
    const { request, replies } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = { status: 429, headers: { 'retry-after': wait } };
    expect((await request()).status).toBe(200);
  });

  test('concurrent requests count their attempts separately', async () => {
    const { request, replies } = stubPool({ a: {}, b: {} });
    replies.a = replies.b = throttled(1000);
    const responses = await Promise.all(Array.from({ length: 10 }, () => request()));
    for (const { status, attempts = [] } of responses) {
      expect(status).toBe(429);
      expect(new Set(attempts.map(({ backend }) => backend)).size).toBe(attempts.length);
    }
  });
});
