import axios from 'axios';
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { attachPriorityAdapter, priorityAdapter } from '../../src';
import { FakeBackend, rejectionOf, startBackends, throttle, closeBackendsAfterEach } from '../support/fake-backend';

closeBackendsAfterEach();

const hosts = [
  { baseURL: 'a.example', apiKey: 'secret-a' },
  { baseURL: 'b.example', priority: 2, apiKey: 'secret-b' },
];

/** An adapter that replies with a 429 for the first backend. */
function refusing(seen: string[] = []): AxiosAdapter {
  return (config) => {
    seen.push(String(config.baseURL));
    const status = config.baseURL === 'https://a.example' ? 429 : 200;
    return Promise.resolve({ status, data: config.headers['api-key'] as unknown, statusText: '', headers: {}, config });
  };
}

test('attachPriorityAdapter adds failover to an instance that is already in use', async () => {
  const [own, first, second] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  first.always(throttle(1000));
  const client = axios.create({ baseURL: `${own.url}/base`, headers: { 'x-own': '1' } });
  await client.get('/before');
  const { pool } = attachPriorityAdapter(client, [{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
  const response = await client.get('/after');
  expect(own.calls).toHaveLength(1);
  expect(second.lastCall).toMatchObject({ url: '/base/after', headers: { 'x-own': '1' } });
  expect(response.attempts).toMatchObject([{ status: 429 }, { status: 200 }]);
  expect(pool.backends.map(({ failures, successes }) => [failures, successes])).toStrictEqual([
    [1, 0],
    [0, 1],
  ]);
});

test('detach restores the adapter of the instance and leaves no trace', async () => {
  const adapter = refusing();
  const client = axios.create({ adapter, baseURL: 'https://a.example' });
  const { detach } = attachPriorityAdapter(client, hosts);
  expect((await client.get('/x')).data).toBe('secret-b');
  detach();
  expect(await client.get('/x')).toMatchObject({ status: 429, data: undefined });
  expect(client.defaults.adapter).toBe(adapter);
  expect(Object.getOwnPropertySymbols(client)).toStrictEqual([]);

  const again = attachPriorityAdapter(client, hosts);
  detach();
  expect((await client.get('/x')).data).toBe('secret-b');
  expect(() => attachPriorityAdapter(client, hosts)).toThrow('already has a priority adapter');
  again.detach();
});

test('detach lets a request in flight finish with failover', async () => {
  const client = axios.create({ adapter: refusing() });
  const { detach } = attachPriorityAdapter(client, hosts);
  const underWay = client.get('/x');
  detach();
  expect((await underWay).data).toBe('secret-b');
});

describe('attachPriorityAdapter on an instance mocked by axios-mock-adapter', () => {
  const mocked = (client: ReturnType<typeof axios.create>) => {
    const mock = new MockAdapter(client);
    mock.onGet('https://a.example/x').reply(429).onGet('/x').reply(200, 'mocked');
    return mock;
  };

  test('uses a mock installed before it', async () => {
    const client = axios.create();
    const mock = mocked(client);
    attachPriorityAdapter(client, hosts);
    expect((await client.get('/x')).data).toBe('mocked');
    expect(mock.history.get?.map(({ baseURL }) => baseURL)).toStrictEqual(['https://a.example', 'https://b.example']);
  });

  test('uses a mock installed after it, and the real adapter once the mock is restored', async () => {
    const seen: string[] = [];
    const client = axios.create({ adapter: refusing(seen) });
    attachPriorityAdapter(client, hosts);
    const mock = mocked(client);
    expect((await client.get('/x')).data).toBe('mocked');
    expect(seen).toStrictEqual([]);
    mock.restore();
    await client.get('/x');
    expect(seen).toHaveLength(1);
  });

  test('sends the requests that the mock passes through', async () => {
    const backend = await FakeBackend.start();
    const client = axios.create();
    const mock = new MockAdapter(client);
    mock.onGet('/x').passThrough();
    attachPriorityAdapter(client, [{ baseURL: backend.url, apiKey: 'secret-a' }]);
    const response = await client.get('/x');
    expect(response.data).toStrictEqual({ ok: true });
    expect(backend.calls).toHaveLength(1);
    expect(backend.lastCall.headers).toMatchObject({ 'api-key': 'secret-a' });
    expect(response.config.headers.toJSON()).not.toHaveProperty('api-key');
    expect(response.attempts).toHaveLength(1);
  });
});

describe('axios-mock-adapter installed on a client with a priority adapter', () => {
  test('answers mocked requests itself and passes the others to the pool', async () => {
    const backend = await FakeBackend.start();
    const client = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url, apiKey: 'secret-a' }]) });
    const mock = new MockAdapter(client, { onNoMatch: 'passthrough' });
    mock.onGet('/mocked').reply(200, 'mocked');
    expect((await client.get('/mocked')).data).toBe('mocked');
    expect(backend.calls).toHaveLength(0);
    expect((await client.get('/real')).data).toStrictEqual({ ok: true });
    expect(backend.lastCall.headers).toMatchObject({ 'api-key': 'secret-a' });
  });
});

test('attachPriorityAdapter wraps the adapter that a request sets for itself', async () => {
  const seen: string[] = [];
  const client = axios.create();
  attachPriorityAdapter(client, hosts);
  const adapter = refusing(seen);
  const response = await client.get('/x', { adapter });
  expect(seen).toStrictEqual(['https://a.example', 'https://b.example']);
  expect(response.config.adapter).toBe(adapter);
});

test('a request for an adapter that axios does not have rejects without an attempt', async () => {
  const client = axios.create();
  attachPriorityAdapter(client, hosts);
  const error = await rejectionOf(client.get('/x', { adapter: 'none' as never }));
  expect(error.message).toMatch(/none/);
  expect(error.attempts).toStrictEqual([]);
});

test('a request that is not to be balanced rejects as in plain axios if axios does not have its adapter', async () => {
  const client = axios.create();
  attachPriorityAdapter(client, hosts, { shouldBalance: () => false });
  const error = await rejectionOf(client.get('/x', { adapter: 'none' as never }));
  expect(error.message).toMatch(/none/);
  expect(error).not.toHaveProperty('attempts');
});

test('attachPriorityAdapter wraps options.adapter instead of the adapter of the instance', async () => {
  const seen: string[] = [];
  const client = axios.create({ adapter: () => Promise.reject(new Error('not this one')) });
  attachPriorityAdapter(client, hosts, { adapter: refusing(seen) });
  await client.get('/x');
  expect(seen).toHaveLength(2);
});

test('a plugin that resends response.config does not wrap the adapter twice', async () => {
  const seen: string[] = [];
  const client = axios.create({ adapter: refusing(seen) });
  attachPriorityAdapter(client, hosts);
  let again = 3;
  client.interceptors.response.use((response) => (again-- > 0 ? client.request(response.config) : response));
  const response = await client.get('/x');
  expect(response.attempts).toHaveLength(1);
  expect(seen).toStrictEqual(['https://a.example', ...Array<string>(4).fill('https://b.example')]);
  expect(response.config).toMatchObject({ url: '/x', adapter: client.defaults.adapter });
  expect(response.config.baseURL).toBeUndefined();
});

// axios runs the last request interceptor first.
test('an interceptor that sends a config already wrapped counts each request once', async () => {
  const backend = await FakeBackend.start();
  const instance = axios.create();
  let sentOn = false;
  instance.interceptors.request.use(async (config) => {
    if (sentOn) return config;
    sentOn = true;
    await instance.request({ ...config, url: '/before' });
    return config;
  });
  const { pool } = attachPriorityAdapter(instance, [{ baseURL: backend.url }]);
  await instance.get('/x');
  expect(backend.calls.map(({ url }) => url)).toStrictEqual(['/before', '/x']);
  expect(pool.backends[0]).toMatchObject({ successes: 2 });
});

test.each(['before', 'after'])(
  'a config captured %s the interceptor of the plugin ran is not wrapped twice when it is sent again',
  async (when) => {
    const seen: string[] = [];
    const client = axios.create({ adapter: refusing(seen) });
    let caught: InternalAxiosRequestConfig | undefined;
    if (when === 'before') attachPriorityAdapter(client, hosts);
    const catcher = client.interceptors.request.use(
      (config) => {
        caught = { ...config };
        return config;
      },
      undefined,
      { synchronous: true },
    );
    if (when === 'after') attachPriorityAdapter(client, hosts);
    await client.get('/x');
    client.interceptors.request.eject(catcher);
    seen.length = 0;
    const response = await client.request(caught!);
    expect(response.attempts).toHaveLength(1);
    expect(seen).toStrictEqual(['https://b.example']);
  },
);

test('attachPriorityAdapter falls back to the adapter of axios if the config has none', async () => {
  const backend = await FakeBackend.start();
  const client = axios.create();
  delete client.defaults.adapter;
  attachPriorityAdapter(client, [{ baseURL: backend.url }]);
  const response = await client.get('/x');
  expect(response.data).toStrictEqual({ ok: true });
  expect(response.config).not.toHaveProperty('adapter');
});

test('attachPriorityAdapter leaves a request untouched if shouldBalance returns false', async () => {
  const seen: string[] = [];
  const client = axios.create({ adapter: refusing(seen), baseURL: 'https://login.example' });
  attachPriorityAdapter(client, hosts, { shouldBalance: () => false });
  const response = await client.get('/oauth');
  expect(seen).toStrictEqual(['https://login.example']);
  expect(response.config.adapter).toBe(client.defaults.adapter);
});

test.each<[string, unknown, string]>([
  ['undefined', undefined, 'instance must be an axios instance, got undefined'],
  ['an object', {}, 'instance must be an axios instance, got an object'],
])('attachPriorityAdapter rejects %s in place of an instance', (_, instance, message) => {
  expect(() => attachPriorityAdapter(instance as never, hosts)).toThrow(new TypeError(message));
});

test('attachPriorityAdapter rejects an instance that already has a priority adapter', () => {
  const client = axios.create();
  attachPriorityAdapter(client, hosts);
  expect(() => attachPriorityAdapter(client, hosts)).toThrow(
    new TypeError('instance already has a priority adapter attached; call its detach() first'),
  );
  expect(() => attachPriorityAdapter(axios.create({ adapter: priorityAdapter(hosts) }), hosts)).toThrow(
    new TypeError('instance.defaults.adapter is already a priority adapter; attach to an instance without one'),
  );
});

describe('a priority adapter set as axios.defaults.adapter', () => {
  const original = axios.defaults.adapter;
  afterEach(() => {
    if (original !== undefined) axios.defaults.adapter = original;
  });

  test('serves all of axios, but no client that has a pool of its own', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    axios.defaults.adapter = priorityAdapter([{ baseURL: first.url }]);
    await axios.get('/global');
    const client = axios.create({ adapter: priorityAdapter([{ baseURL: second.url }]) });
    await client.get('/own');
    expect([first.calls.length, second.calls.length]).toStrictEqual([1, 1]);
    axios.defaults.adapter = [priorityAdapter([{ baseURL: first.url }], { adapter: ['xhr', 'http'] }), 'fetch'];
    const another = axios.create({ adapter: priorityAdapter([{ baseURL: second.url, apiKey: 'own-key' }]) });
    await another.get('/own');
    expect([first.calls.length, second.calls.length]).toStrictEqual([1, 2]);
    expect(() => attachPriorityAdapter(axios.create(), hosts)).toThrow('is already a priority adapter');
  });
});

test('a request that sets its own priority adapter bypasses the attached pool', async () => {
  const [own, others]: [string[], string[]] = [[], []];
  const client = axios.create({ adapter: refusing(others) });
  attachPriorityAdapter(client, hosts);
  const adapter = priorityAdapter([{ baseURL: 'c.example' }], { adapter: refusing(own) });
  expect((await client.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'c.example' }]);
  expect((await client.get('/x', { adapter: [adapter] })).attempts).toMatchObject([{ backend: 'c.example' }]);
  expect([own, others]).toStrictEqual([['https://c.example', 'https://c.example'], []]);
});

test('detach removes its own interceptor alone, and a second call does nothing', async () => {
  const client = axios.create({ adapter: refusing() });
  const first = attachPriorityAdapter(client, hosts);
  client.interceptors.request.clear();
  const callers = jest.fn((config: InternalAxiosRequestConfig) => config);
  client.interceptors.request.use(callers);
  const eject = jest.spyOn(client.interceptors.request, 'eject');
  first.detach();
  expect(eject).not.toHaveBeenCalled();
  const second = attachPriorityAdapter(client, hosts);
  first.detach();
  expect((await client.get('/x')).data).toBe('secret-b');
  expect(callers).toHaveBeenCalledTimes(1);
  Object.defineProperty(client.interceptors.request, 'handlers', { value: undefined });
  second.detach();
  expect(eject).toHaveBeenCalledTimes(1);
});

test('detach finds its interceptor among others', async () => {
  const client = axios.create({ adapter: refusing() });
  const asItIs = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => config;
  const before = client.interceptors.request.use(asItIs);
  const { detach } = attachPriorityAdapter(client, hosts);
  client.interceptors.request.use(asItIs);
  client.interceptors.request.eject(before);
  detach();
  expect(await client.get('/x')).not.toHaveProperty('attempts');
});

test('attachPriorityAdapter changes nothing if it cannot attach', async () => {
  const client = axios.create({ adapter: refusing() });
  Object.freeze(client);
  expect(() => attachPriorityAdapter(client, hosts)).toThrow(TypeError);
  expect(await client.get('/x', { validateStatus: null })).not.toHaveProperty('attempts');
  expect(() => attachPriorityAdapter({ interceptors: {} } as never, hosts)).toThrow(
    'instance must be an axios instance',
  );
});
