import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { BackendPool, priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { isQueryCredential, resolveCredentials } from '../../src/http/credentials';
import type { CredentialOptions } from '../../src/http/credentials';
import { FakeBackend, rejectionOf, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import { wires } from '../support/wires';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

async function headersAt(own: Partial<BackendOptions>, config: object = {}) {
  const backend = await FakeBackend.start();
  await axios.get('/x', { adapter: priorityAdapter([{ baseURL: backend.url, ...own }]), ...config });
  return backend.lastCall.headers;
}

/** As of another realm: it is no instance of the `URLSearchParams` here. */
class OtherSearchParams {
  readonly [Symbol.toStringTag] = 'URLSearchParams';

  constructor(private readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

const callers = {
  headers: {
    'Api-Key': 'callers',
    authorization: 'Bearer callers',
    'X-Api-Key': 'callers',
    other: 'kept',
    Host: 'caller.example',
  },
};

describe('a backend with its own credential', () => {
  test.each<[string, Partial<BackendOptions>, object]>([
    ['apiKey', { apiKey: 'own' }, { 'api-key': 'own' }],
    ['apiKey function', { apiKey: () => 'own' }, { 'api-key': 'own' }],
    ['apiKey promise', { apiKey: () => Promise.resolve('own') }, { 'api-key': 'own' }],
    ['azureADTokenProvider', { azureADTokenProvider: () => Promise.resolve('tok') }, { authorization: 'Bearer tok' }],
    [
      'token with its scheme',
      { azureADTokenProvider: () => Promise.resolve('bearer  tok') },
      { authorization: 'Bearer tok' },
    ],
    ['auth header', { headers: { 'Ocp-Apim-Subscription-Key': 'own' } }, { 'ocp-apim-subscription-key': 'own' }],
    ['Authorization header', { headers: { Authorization: 'Basic own' } }, { authorization: 'Basic own' }],
  ])('sends only that: %s', async (_, own, expected) => {
    const headers = await headersAt(own, { ...callers, auth: { username: 'caller', password: 'callers' } });
    expect(headers).toMatchObject({ ...expected, other: 'kept' });
    expect(JSON.stringify(headers)).not.toContain('callers');
    expect(headers.host).toMatch(/^127\.0\.0\.1:/);
  });

  test.each<[string, AxiosRequestConfig]>([
    ['in the URL', { url: '/x?api-key=callers&kept=1&Subscription-Key=callers' }],
    ['in the URL, hidden by a tab and a line break', { url: '/x?kept=1&api\t-\nkey=callers' }],
    ['in the URL, escaped', { url: '/x?api%2Dkey=callers&kept=1#part' }],
    ['in params', { params: { 'api-key': 'callers', 'Subscription-Key': ['callers'], kept: 1 } }],
    ['in params of a class', { params: new URLSearchParams('api-key=callers&kept=1&API-KEY=callers') }],
    ["in params of a polyfill's class", { params: new OtherSearchParams('api-key=callers&kept=1') }],
  ])('does not get a credential of the caller %s', async (_, config) => {
    const [own, none] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    for (const [server, apiKey] of [[own, 'own'], [none]] as const) {
      await axios.get(config.url ?? '/x', {
        ...config,
        adapter: priorityAdapter([{ baseURL: server.url, ...(apiKey && { apiKey }) }]),
      });
    }
    expect(own.lastCall.url).toBe('/x?kept=1');
    expect(none.lastCall.url).toContain('callers');
  });

  test('does not get a credential from the headers of a form', async () => {
    const form = Object.assign(Readable.from(['x']), {
      getHeaders: () => ({ Authorization: 'callers', 'x-form': '1' }),
    });
    const backend = await FakeBackend.start();
    const backends = ['a', 'b'].map((name) => ({ baseURL: backend.url, name, apiKey: 'own' }));
    await axios.post('/x', form, { adapter: priorityAdapter(backends) });
    expect(backend.lastCall.headers).toMatchObject({ 'api-key': 'own', 'x-form': '1' });
    expect(backend.lastCall.headers).not.toHaveProperty('authorization');
  });

  test('keeps its own query credential', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own', params: { 'subscription-key': 'mine' } }]);
    await axios.get('/x?subscription-key=callers', {
      adapter,
      params: new URLSearchParams('subscription-key=callers'),
    });
    expect(backend.lastCall.url).toBe('/x?subscription-key=mine');
  });

  test.each(wires())('removes those of the caller whose name axios trims, over %s', async (adapter) => {
    const backend = await FakeBackend.start();
    const backends = [{ baseURL: backend.url, apiKey: 'own', params: { v: '1' } }];
    const params = { ' api-key': 'callers', 'v ': '9', ' kept ': 'yes' };
    await axios.get('/x', { adapter: priorityAdapter(backends, { adapter }), params });
    expect(backend.lastCall.url).toBe('/x?kept=yes&v=1');
  });

  test('leaves the credentials of the caller to backends without one', async () => {
    expect(await headersAt({}, callers)).toMatchObject({ 'api-key': 'callers', authorization: 'Bearer callers' });
    const { authorization } = await headersAt({}, { auth: { username: 'u', password: 'p' } });
    expect(authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });

  test.each([null, false])(
    'does not count a header of %s as a credential, but as the removal of that header',
    async (none) => {
      const headers = await headersAt({ headers: { Authorization: none, 'x-on': true } }, callers);
      expect(headers).toMatchObject({ 'api-key': 'callers', 'x-api-key': 'callers', 'x-on': 'true' });
      expect(headers).not.toHaveProperty('authorization');
    },
  );

  test('sets its headers last, replacing those of the caller and its own apiKey', async () => {
    const headers = await headersAt(
      {
        apiKey: () => 'first',
        headers: { 'API-KEY': 'last', other: 'own', gone: null, none: undefined, list: ['a', 'b'], n: 1 },
      },
      { headers: { other: 'callers', gone: 'callers', none: 'kept' } },
    );
    expect(headers).toMatchObject({ 'api-key': 'last', other: 'own', none: 'kept', list: 'a, b', n: '1' });
    expect(headers).not.toHaveProperty('gone');
  });

  test('does not call an apiKey function that its headers override', async () => {
    const apiKey = jest.fn(() => 'first');
    expect(await headersAt({ apiKey, headers: { 'API-KEY': 'last' } })).toMatchObject({ 'api-key': 'last' });
    expect(apiKey).not.toHaveBeenCalled();
  });

  test.each(['', '  ', 'Bearer', 'bearer  ', ' Basic', ['']])(
    'rejects an empty credential header: %j',
    (authorization) => {
      expect(() => priorityAdapter([{ baseURL: 'a.example', headers: { authorization } }])).toThrow(
        'backends[0].headers["authorization"] must hold a credential, got an empty one',
      );
    },
  );

  test('never leaks what one attempt set into the next attempt', async () => {
    const [first, second, third] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    first.always({ status: 429 });
    second.always({ status: 500 });
    const adapter = priorityAdapter([
      { baseURL: first.url, apiKey: 'key-1', headers: { 'x-first': '1' } },
      { baseURL: second.url, priority: 2, azureADTokenProvider: () => Promise.resolve('token-2') },
      { baseURL: third.url, priority: 3 },
    ]);
    await axios.post('/x', { a: 1 }, { adapter, headers: { 'api-key': 'callers' } });
    expect(first.lastCall.headers).toMatchObject({ 'api-key': 'key-1', 'x-first': '1' });
    expect(second.lastCall.headers).toMatchObject({ authorization: 'Bearer token-2' });
    expect(second.lastCall.headers).not.toHaveProperty('api-key');
    expect(second.lastCall.headers).not.toHaveProperty('x-first');
    expect(third.lastCall.headers).toMatchObject({ 'api-key': 'callers' });
    expect(third.lastCall.headers).not.toHaveProperty('authorization');
  });
});

describe('a credential provider', () => {
  const failed = (name: string): string => `backends[0].${name}() failed`;
  const none = (name: string, got: string): string =>
    `backends[0].${name}() must return a non-empty string, got ${got}`;

  test.each<[string, Partial<BackendOptions>, string]>([
    [
      'throws',
      {
        apiKey: () => {
          throw new Error('vault says: top-secret');
        },
      },
      failed('apiKey'),
    ],
    [
      'rejects',
      { azureADTokenProvider: () => Promise.reject(new Error('vault says: top-secret')) },
      failed('azureADTokenProvider'),
    ],
    ['returns an empty string', { apiKey: () => '' }, none('apiKey', 'an empty string')],
    ['returns blanks', { apiKey: () => '  ' }, none('apiKey', 'a string')],
    [
      'returns a scheme without a token',
      { azureADTokenProvider: () => Promise.resolve('Bearer ') },
      none('azureADTokenProvider', 'an empty string'),
    ],
    [
      'returns undefined',
      { azureADTokenProvider: () => Promise.resolve(undefined as unknown as string) },
      none('azureADTokenProvider', 'undefined'),
    ],
    [
      'returns an invalid header value',
      { apiKey: () => 'top-secret\r\nx: y' },
      'backends[0].apiKey() returned an invalid header value',
    ],
  ])('that %s counts as a failed attempt of its backend', async (_, own, message) => {
    const { adapter, tried, pool } = stubPool({ a: own, b: { priority: 2 } });
    const response = await axios.post('/x', 'body', { adapter });
    expect(tried).toStrictEqual(['b']);
    expect(response.attempts).toMatchObject([
      { backend: 'a', code: 'ERR_CREDENTIAL', reason: 'credential', cooldown: 100 },
      { backend: 'b' },
    ]);
    expect(pool.snapshot()[0]).toMatchObject({ pending: 0, failures: 1, cooldowns: [{ reason: 'credential' }] });
    pool.restore('a');
    const error = await rejectionOf(axios.post('/x', 'body', { adapter, failover: false }));
    expect(error).toMatchObject({ code: 'ERR_CREDENTIAL', message });
  });

  test('is called for each attempt', async () => {
    let tried = 0;
    const { request, configs } = stubPool({ a: { apiKey: () => `key-${String(++tried)}` } });
    await request();
    await request();
    expect(configs.map(({ headers }) => headers['api-key'] as string)).toStrictEqual(['key-1', 'key-2']);
  });
});

test('a credential provider counts as failed, whatever it throws, in a pool that another copy of the package made', async () => {
  let pool!: BackendPool;
  await jest.isolateModulesAsync(async () => {
    const { BackendPool: Other } = await import('../../src');
    expect(Other).not.toBe(BackendPool);
    const azureADTokenProvider = () => Promise.reject(new axios.AxiosError('no token', 'ERR_BAD_REQUEST'));
    pool = new Other([
      { baseURL: 'a.example', name: 'a', azureADTokenProvider },
      { baseURL: 'b.example', name: 'b', priority: 2 },
    ]);
  });
  const wrapped = (config: InternalAxiosRequestConfig) =>
    Promise.resolve({ status: 200, statusText: '', headers: {}, data: '', config });
  const client = axios.create({ adapter: priorityAdapter(pool, { adapter: wrapped }) });
  const { attempts } = await client.post('/x', 'x');
  expect(attempts).toMatchObject([
    { backend: 'a', reason: 'credential' },
    { backend: 'b', status: 200 },
  ]);
  const error = await rejectionOf(client.post('/x', 'x', { failover: { backend: 'a' } }));
  expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_CREDENTIAL', config: { url: '/x' } });
  const viaFetch = priorityFetch(pool, { fetch: () => Promise.resolve(new Response('x')) });
  const rejected = await rejectionOf(viaFetch('https://x.example/', { failover: { backend: 'a' } }));
  expect(rejected).toBeInstanceOf(TypeError);
});

test.each(wires())('a header value with line breaks over %s cannot inject headers', async (wire) => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own' }], { adapter: wire });
  const headers = { 'x-bad': 'a\r\nhost: evil.example\r\napi-key: evil' };
  await axios.get('/x', { adapter, headers }).catch(() => undefined);
  for (const call of backend.calls) expect(call.headers).toMatchObject({ host: backend.host, 'api-key': 'own' });
});

test.each([
  ['api-key', true],
  ['API-Key', true],
  ['subscription-key', true],
  ['xapi-key', false],
  ['api-keys', false],
  ['key', false],
])('a query parameter %j carries an identity: %s', (name, expected) => {
  expect(isQueryCredential(name)).toBe(expected);
});

describe('the credentials of a backend', () => {
  const resolved = (options: CredentialOptions) => resolveCredentials(options, 'backends[0]');
  const auth = ['api-key', 'authorization', 'x-api-key', 'ocp-apim-subscription-key'];

  test('are each sent once: a header overrides an option of the same name', () => {
    const provider = () => Promise.resolve('token');
    const options = { apiKey: 'key', headers: { 'API-Key': 'other', 'X-Own': '1', none: undefined } };
    expect(resolved(options).headers).toStrictEqual([
      ['API-Key', 'other'],
      ['X-Own', '1'],
    ]);
    const both = resolved({ azureADTokenProvider: provider, headers: { AUTHORIZATION: 'Basic x' } });
    expect(both.headers).toStrictEqual([['AUTHORIZATION', 'Basic x']]);
  });

  test.each<[CredentialOptions, boolean, string[], string[]]>([
    [{}, false, ['host'], auth],
    [{ apiKey: 'key' }, true, ['host', ...auth], auth],
    [{ headers: { Authorization: 'x' } }, true, ['host', ...auth], auth],
    [{ headers: { 'X-Own': '1' } }, false, ['host', 'x-own'], [...auth, 'x-own']],
    [{ headers: { 'Api-Key': null } }, false, ['host', 'api-key'], auth],
    [{ headers: { 'Api-Key': false } }, false, ['host', 'api-key'], auth],
    [{ apiKey: 'key', headers: { 'X-Own': '1' } }, true, ['host', ...auth, 'x-own'], [...auth, 'x-own']],
  ])('%j replace the caller’s: %s', (options, replaceCallers, dropped, sensitive) => {
    const credentials = resolved(options);
    expect(credentials).toMatchObject({ replaceCallers, sensitive });
    expect([...credentials.dropped]).toStrictEqual(dropped);
  });

  test.each<[unknown, string]>([
    ['x', 'backends[0].headers must be an object, got a string'],
    [
      { 'x-a': Symbol('x') },
      'backends[0].headers["x-a"] must be a string, number, boolean, null or array of strings, got a symbol',
    ],
  ])('may not have the headers %p', (headers, message) => {
    expect(() => resolved({ headers: headers as never })).toThrow(new TypeError(message));
  });
});
