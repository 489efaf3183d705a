import { inspect } from 'node:util';
import axios, { AxiosHeaders } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { priorityAdapter, roundRobin } from '../../src';
import { FakeBackend, closeBackendsAfterEach } from '../support/fake-backend';
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

test('the config of the caller is sent untouched if shouldBalance returns false', async () => {
  const { adapter, configs, tried } = stubPool(
    { a: { apiKey: 'secret-a' } },
    { shouldBalance: ({ url }) => url !== '/oauth' },
  );
  const response = await axios.post('/oauth', 'grant', {
    adapter,
    baseURL: 'https://login.example',
    headers: { 'api-key': 'own' },
  });
  expect(tried).toStrictEqual(['login']);
  expect(configs[0]).toMatchObject({ baseURL: 'https://login.example', url: '/oauth', data: 'grant' });
  expect(configs[0]?.headers.get('api-key')).toBe('own');
  expect(response.attempts).toBeUndefined();
  await axios.post('/other', 'x', { adapter, baseURL: 'https://login.example' });
  expect(tried).toStrictEqual(['login', 'a']);
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
    expect(responses.map(({ attempts }) => attempts![0]!.backend)).toStrictEqual(
      ['a', 'b', 'a', 'b'].map((n) => `${n}.example`),
    );
    expect(responses.map(({ config }) => config.url)).toStrictEqual(['/0', '/1', '/2', '/3']);
    expect(responses.every((response) => response.request === answer.request)).toBe(true);
    expect(Object.keys(answer)).toStrictEqual(['status', 'statusText', 'headers', 'data', 'config', 'request']);
    expect(answer.config).toStrictEqual({});
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
  expect(backend.calls).toStrictEqual([]);
});
