import { inspect } from 'node:util';
import axios, { AxiosHeaders } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { priorityAdapter, roundRobin } from '../../src';
import type { Failure } from '../../src';
import { FakeBackend, rejectionOf, closeBackendsAfterEach } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

afterEach(() => jest.restoreAllMocks());

test.each<[string, unknown]>([
  ['a name', 'http'],
  ['a list of names, of which the first available one is used', ['xhr', 'http']],
  ['a list with a function', [axios.getAdapter('http')]],
  ['a function', axios.getAdapter('http')],
])('options.adapter may be %s', async (_, wrapped) => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wrapped as 'http' });
  expect((await axios.get('/x', { adapter })).status).toBe(200);
});

describe('the config of the caller', () => {
  test('comes back unchanged in responses and errors, so that a plugin can send it again', async () => {
    const { adapter, replies, configs } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } });
    replies.a = 429;
    const response = await axios.get('/x', { adapter, baseURL: 'https://caller.example/base', headers: { own: '1' } });
    expect(response.config).toMatchObject({ baseURL: 'https://caller.example/base', url: '/x', adapter });
    expect(response.config.headers.toJSON()).toMatchObject({ own: '1' });
    expect(response.config.validateStatus).toBe(axios.defaults.validateStatus);
    expect(response.config.headers.toJSON()).not.toHaveProperty('api-key');
    expect(configs).toHaveLength(2);

    replies.b = 400;
    const error = await rejectionOf(axios.get('/x', { adapter, baseURL: 'https://caller.example/base' }));
    expect(error).toMatchObject({ config: { baseURL: 'https://caller.example/base', url: '/x' } });
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is what a failover condition sees, not the config of the attempt', async () => {
    const seen: unknown[] = [];
    const failoverCondition = (failure: Failure) => {
      seen.push(failure.config, failure.response?.config);
      return true;
    };
    const { request, replies } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } }, { failoverCondition });
    replies.a = 503;
    const { config } = await request();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(config);
    expect(seen[1]).toBe(config);
  });

  test('replaces that of the attempt in an error that holds a response', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = (config) => {
      const response = { status: 200, statusText: '', headers: {}, data: 'half', config };
      return new axios.AxiosError('aborted', 'ECONNRESET', config, undefined, response);
    };
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(JSON.stringify(error.config)).not.toContain('secret-a');
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is copied for each attempt, so that an adapter may change it', async () => {
    const { adapter, replies, configs } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = (config) => {
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

  test('is sent untouched if shouldBalance returns false', async () => {
    const { adapter, configs, tried } = stubPool(
      { a: { apiKey: 'secret-a' } },
      { shouldBalance: ({ url }) => url !== '/oauth' },
    );
    const response = await axios.post('/oauth', 'grant', {
      adapter,
      baseURL: 'https://login.example',
      headers: { 'api-key': 'own' },
    });
    expect(tried).toEqual(['login']);
    expect(configs[0]).toMatchObject({ baseURL: 'https://login.example', url: '/oauth', data: 'grant' });
    expect(configs[0]?.headers.get('api-key')).toBe('own');
    expect(response.attempts).toBeUndefined();
    await axios.post('/other', 'x', { adapter, baseURL: 'https://login.example' });
    expect(tried).toEqual(['login', 'a']);
  });
});

test('properties that a config inherits from its prototype reach each attempt', async () => {
  const { adapter, replies, configs } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = 500;
  // The newest axios copies the config of an interceptor. Older ones pass it to the adapter as it is.
  const template: Partial<InternalAxiosRequestConfig> = { insecureHTTPParser: true };
  const own = { url: '/x', method: 'get', headers: new AxiosHeaders() };
  await adapter(Object.assign(Object.create(template) as InternalAxiosRequestConfig, own));
  expect(configs.map(({ insecureHTTPParser }) => insecureHTTPParser)).toEqual([true, true]);
});

test('the adapter works with an axios that has no fetch adapter', async () => {
  const { getAdapter } = axios;
  const older = jest.spyOn(axios, 'getAdapter').mockImplementation((name, ...rest) => {
    if (name === 'fetch') throw new Error("Unknown adapter 'fetch'");
    return getAdapter(name, ...(rest as []));
  });
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = 429;
  const { data } = await axios.get<object>('/x', { adapter, validateStatus: null, responseType: 'arraybuffer' });
  expect(Buffer.isBuffer(data)).toBe(true);
  older.mockRestore();
});

test.each<[string, (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig]>([
  ['a proxy of it', (config) => new Proxy(config, {})],
  ['an object derived from it', (config) => Object.create(config) as InternalAxiosRequestConfig],
])('a custom adapter may read the signal of its config through %s', async (_, derive) => {
  const { request, replies } = stubPool({ a: {} });
  replies.a = (config) => ({ data: derive(config).signal instanceof AbortSignal });
  expect((await request({ timeout: 1000 })).data).toBe(true);
});

test('a custom adapter gets a config with the prototype of the caller’s', async () => {
  const { request, configs } = stubPool({ a: {} });
  await request();
  expect(configs[0]).toBeInstanceOf(Object);
  const bare = Object.assign(Object.create(null) as InternalAxiosRequestConfig, {
    url: '/x',
    method: 'get',
    headers: new AxiosHeaders(),
  });
  const { adapter, configs: seen } = stubPool({ a: {} });
  await adapter(bare);
  expect('constructor' in (seen[0] as object)).toBe(false);
});

test('shouldBalance: false leaves what the adapter returns or throws unmodified', async () => {
  const thrown = new Error('own');
  const given = { status: 200, data: 'plain value' };
  let answers: () => unknown = () => given;
  const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
    adapter: (() => answers()) as never,
    shouldBalance: () => false,
  });
  const config = { url: '/x', method: 'get', headers: new AxiosHeaders() };
  expect(await adapter(config)).toBe(given);
  answers = () => {
    throw thrown;
  };
  await expect(adapter(config)).rejects.toBe(thrown);
  expect(thrown).not.toHaveProperty('attempts');
});

test.each([undefined, null])(
  'a config whose headers are %s is sent, as axios’s own adapters send it',
  async (headers) => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'secret-a' }]);
    expect(await adapter({ url: '/x', method: 'get', headers: headers as never })).toMatchObject({ status: 200 });
    expect(backend.lastCall.headers).toMatchObject({ 'api-key': 'secret-a' });
  },
);

describe('what a mock answers with', () => {
  test('may be the same for all requests, and is not written on', async () => {
    const answer = { status: 200, statusText: 'OK', headers: {}, data: 'ok', config: {} as never, request: {} };
    const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], {
      adapter: () => Promise.resolve(answer),
      selector: roundRobin(),
    });
    const send = (i: number) => axios.get(`/${String(i)}`, { adapter });
    const responses = [await send(0), ...(await Promise.all([1, 2, 3].map(send)))];
    expect(responses.map(({ attempts }) => attempts![0]!.backend)).toEqual(
      ['a', 'b', 'a', 'b'].map((n) => `${n}.example`),
    );
    expect(responses.map(({ config }) => config.url)).toEqual(['/0', '/1', '/2', '/3']);
    expect(responses.every((response) => response.request === answer.request)).toBe(true);
    expect(Object.keys(answer)).toEqual(['status', 'statusText', 'headers', 'data', 'config', 'request']);
    expect(answer.config).toEqual({});
  });

  test.each([{}, { responseURL: 'https://a.example/x' }])(
    'may have the request %j, which stays as it is',
    async (request) => {
      const { adapter, replies } = stubPool({ a: {} });
      replies.a = { request: { ...request } };
      const response = await axios.get('/x', { adapter });
      expect(response.request).toStrictEqual(request);
      expect(JSON.stringify(response.request)).toBe(JSON.stringify(request));
      expect(Object.keys(response)).not.toContain('request');
    },
  );

  test('may have a request with headers, which nothing prints', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = ({ headers }) => ({ request: { headers: { ...headers } } });
    const response = await axios.get('/x', { adapter });
    expect(inspect(response.request, { depth: 9 }) + JSON.stringify(response.request)).not.toContain('secret-a');
  });
});

test('a URL that holds its data goes to no backend', async () => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url }]);
  // Older versions of axios take the form with base64 alone.
  const { data } = await axios.get<string>('data:text/plain;base64,aGk=', { adapter, responseType: 'text' });
  expect(data).toBe('hi');
  expect(backend.calls).toEqual([]);
});
