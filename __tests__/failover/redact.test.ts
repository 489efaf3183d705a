import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosError, AxiosRequestConfig, AxiosResponse } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import pino from 'pino';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { discardBody } from '../../src/http/streams';
import type { BackendOptions, PoolEvent } from '../../src';
import {
  FakeBackend,
  neverReply,
  rejectionOf,
  resetConnection,
  startBackends,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { stubPool, revoked } from '../support/stub-pool';
import { wires } from '../support/wires';

closeBackendsAfterEach();

describe('keys and tokens', () => {
  const secrets = ['secret-key-a', 'secret-token-b', 'secret-header-c'];
  const backends = (urls: string[]): BackendOptions[] => [
    { baseURL: urls[0] ?? '', apiKey: 'secret-key-a' },
    { baseURL: urls[1] ?? '', priority: 2, azureADTokenProvider: () => Promise.resolve('secret-token-b') },
    { baseURL: urls[2] ?? '', priority: 3, headers: { 'x-team': 'secret-header-c' } },
  ];

  /** All that a program logs of an error or a response: the console, pino and JSON, at any depth. */
  function everything(value: object): string {
    let logged = '';
    const log = pino({}, { write: (line: string) => (logged += line) });
    log.error(value);
    log.info({ value });
    const { message = '', stack = '', config } = value as Partial<Error> & { config?: unknown };
    const json = 'toJSON' in value ? JSON.stringify(value) : '';
    return [inspect(value, { depth: 6 }), inspect(config, { showHidden: true }), logged, json, message, stack].join();
  }

  test.each([
    ['succeeds', { body: 'ok' }],
    ['rejects the credential', { status: 401, body: 'no' }],
    ['throttles', { status: 429 }],
    ['fails', { status: 500 }],
    ['resets the connection', resetConnection],
  ] as const)('never appear in events, status, responses or errors if every backend %s', async (_, reply) => {
    const servers = await startBackends(3);
    for (const server of servers) server.always(reply);
    const adapter = priorityAdapter(backends(servers.map(({ url }) => url)));
    const events: PoolEvent[] = [];
    adapter.pool.subscribe((event) => events.push(event));
    for (const failover of [undefined, false] as const) {
      for (const method of ['get', 'post']) {
        const outcome = await axios
          .request({ url: '/x', method, adapter, ...(failover === false && { failover }) })
          .catch((error: unknown) => error);
        for (const secret of secrets) expect(everything(outcome as object)).not.toContain(secret);
      }
    }
    const public_ =
      JSON.stringify([events, adapter.pool.snapshot(), adapter.pool.backends]) + inspect(adapter.pool, { depth: 20 });
    for (const secret of secrets) expect(public_).not.toContain(secret);
  });

  describe.each(wires())('over %s, are not printed by the console, pino or JSON:', (wire) => {
    // Not in this text, parts of which jest keeps in the context of each test.
    const random = randomUUID();
    const replies: [string, Reply][] = [
      ['a response', { body: 'ok' }],
      ['a compressed response', { body: gzipSync('ok'), headers: { 'content-encoding': 'gzip' } }],
      ['a 404', { status: 404 }],
      ['a 503', { status: 503 }],
      [
        'a body that is cut off',
        (_, response) => void response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
      ],
      ['a reset', resetConnection],
      ['a timeout', neverReply],
    ];
    // Each makes the native request visible in another way.
    const configs: [string, AxiosRequestConfig][] = [
      ['as JSON', {}],
      ['as a stream', { responseType: 'stream' }],
      ['as a stream, followed by axios', { responseType: 'stream', beforeRedirect: () => undefined }],
      ['through an agent of the caller', { responseType: 'stream', httpAgent: new Agent({ keepAlive: true }) }],
    ];
    const rows = replies.flatMap(([what, reply]) =>
      configs.map(([how, config]) => [what, how, reply, config] as const),
    );

    test.each(rows)('%s, %s', async (_what, _how, reply, config) => {
      const backend = await FakeBackend.start();
      backend.always(reply);
      const own = [{ baseURL: backend.url, apiKey: random, params: { sig: `in-query-${random}` } }];
      const adapter = priorityAdapter(own, { adapter: wire });
      const outcome = await axios
        .get('/x', { ...config, adapter, timeout: 150, failover: false })
        .catch((error: unknown) => error);
      const { request, response, data } = outcome as AxiosResponse & AxiosError;
      expect(typeof request).toBe('object');
      expect(backend.lastCall.url).toContain(random);
      expect(everything(outcome as object)).not.toContain(random);
      for (const body of [data, response?.data] as unknown[]) discardBody(body);
      (config.httpAgent as Agent | undefined)?.destroy();
    });
  });

  test('never appear in the error of a cancelled stream', async () => {
    const backend = await FakeBackend.start();
    backend.always((_, response) => void response.write('data: 1\n\n'));
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'secret-key-a' }]);
    const cancel = new AbortController();
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', {
      adapter,
      responseType: 'stream',
      signal: cancel.signal,
    });
    const failed = new Promise<object>((resolve) => data.on('error', resolve));
    cancel.abort();
    const error = await failed;
    expect(error).toMatchObject({ code: 'ERR_CANCELED', config: { url: '/x' } });
    expect(everything(error)).not.toContain('secret-key-a');
  });

  test.each<[string, (config: object) => Error]>([
    [
      'frozen',
      (config) => Object.freeze(Object.assign(new Error('bad secret-key-a'), { config, code: 'ECONNREFUSED' })),
    ],
    ['without a message to write on', () => new DOMException('bad secret-key-a', 'NetworkError')],
  ])('never appear in an error that is %s, and the failover continues', async (_, make) => {
    const { adapter, replies, pool } = stubPool({ a: { apiKey: 'secret-key-a' }, b: { priority: 2 } });
    replies.a = (config) => {
      throw make(config);
    };
    expect((await axios.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    pool.restore('a');
    const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({ message: 'bad ***', config: { url: '/x' }, attempts: [{ backend: 'a' }] });
    expect(everything(error)).not.toContain('secret-key-a');
    expect(pool.snapshot()[0]).toMatchObject({ pending: 0 });
  });

  test.each([
    [{ apiKey: 'abcd' }, 'refused abcd', 'refused ***'],
    [{ apiKey: 'abc' }, 'refused abc', 'refused abc'],
    [{ headers: { Authorization: 'Bearer own-token' } }, 'Bearer own-token or own-token', '*** or ***'],
    [{ headers: { Authorization: 'Basic own-token' } }, 'own-token', '***'],
    [{ headers: { Authorization: 'bearer own-token' } }, 'own-token', '***'],
    [{ headers: { 'x-team': 'Blue Team' } }, 'Blue Team or Team', '*** or Team'],
    [{ headers: { 'x-pins': [123456, 7] as never } }, 'refused 123456 7', 'refused *** 7'],
    [{ apiKey: 'own"to\\ken' }, '{"key":"own\\"to\\\\ken"}', '{"key":"***"}'],
    [{ params: { code: 8765432187654321 } }, '?code=8765432187654321', '?code=***'],
    [{ params: { filter: { key: 'own-code' } } }, 'own-code', '***'],
    [{ headers: { 'x-keys': ['first-key', 'second-key'] } }, 'first-key, second-key', '***, ***'],
    [{ headers: { 'x-pin': 123456 } }, 'refused 123456', 'refused ***'],
    [{ headers: { 'x-none': null, 'x-on': true, 'x-off': false } }, 'null true false', 'null true false'],
    [{ params: { sig: 'a b/c:d' } }, '?sig=a%20b%2Fc%3Ad or a+b%2Fc:d or a+b%2Fc%3Ad', '?sig=*** or *** or ***'],
    [{ params: { code: ['own-code'] } }, 'own-code', '***'],
    [{ params: { 'api-version': '2024-10-21', n: 1000, none: null } }, '2024-10-21 1000 null', '2024-10-21 1000 null'],
  ])(
    'are removed from messages and stacks, unless too short or too common to replace: %j',
    async (own, message, clean) => {
      const { adapter, replies } = stubPool({ a: own });
      replies.a = () => new axios.AxiosError(message, 'ECONNRESET');
      const error = await rejectionOf(axios.post('/x', {}, { adapter }));
      expect(error.message).toBe(clean);
      expect(error.stack?.includes(message)).toBe(clean === message);
    },
  );

  test('are removed from every text of an error', async () => {
    const { adapter, replies } = stubPool({ a: { params: { sig: 'own-secret' } } });
    replies.a = () =>
      Object.assign(new TypeError('Invalid URL'), { code: 'ECONNRESET', input: 'https://a?sig=own-secret' });
    expect(await rejectionOf(axios.post('/x', {}, { adapter }))).toMatchObject({ input: 'https://a?sig=***' });
  });

  test('are removed whole where one is a part of another', async () => {
    const headers = { 'x-tenant': 'contoso', 'api-key': 'contoso-9f3c77' };
    const { adapter, replies } = stubPool({ a: { headers } });
    replies.a = () => new axios.AxiosError('refused contoso-9f3c77', 'ECONNRESET');
    expect((await rejectionOf(axios.post('/x', {}, { adapter }))).message).toBe('refused ***');
  });

  test('leave the kind of an error as it is, even if a harmless header occurs in it', async () => {
    const { adapter, replies } = stubPool({ a: { headers: { 'x-client': 'RESET', 'x-from': 'Axios' } } });
    replies.a = () => Object.assign(new axios.AxiosError('RESET', 'ECONNRESET'), { syscall: 'key RESET' });
    const error = await rejectionOf(axios.post('/x', {}, { adapter }));
    expect(error).toMatchObject({ name: 'AxiosError', code: 'ECONNRESET', message: '***', syscall: 'key ***' });
    expect(error.attempts).toMatchObject([{ reason: 'ambiguous' }]);
  });

  test('are removed from the kind of an error if they are all of it', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'EGOAWAY' } });
    replies.a = () => Object.assign(new Error('no'), { code: 'EGOAWAY', syscall: 'connect' });
    const error = await rejectionOf(axios.post('/x', {}, { adapter }));
    expect(error).toMatchObject({ code: '***', syscall: 'connect' });
    expect(error.attempts).toMatchObject([{ code: '***' }]);
  });

  test('are removed from a string that an adapter throws', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as some do
    const adapter = () => Promise.reject('refused own-secret');
    const client = axios.create({
      adapter: priorityAdapter([{ baseURL: 'a.example', apiKey: 'own-secret' }], { adapter }),
    });
    await expect(client.get('/x')).rejects.toBe('refused ***');
  });

  test('are not enumerable if an adapter puts them on its error', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'own-secret' } });
    const deep = { request: { headers: [{ 'api-key': 'own-secret' }] } };
    const circle: Record<string, unknown> = { bytes: Buffer.alloc(10) };
    circle.self = circle;
    replies.a = () => Object.assign(new Error('no'), { options: deep, hints: { retry: 'never' }, circle, none: null });
    const error = await rejectionOf(axios.get('/x', { adapter }));
    expect(error.options).toBe(deep);
    expect(inspect(error, { depth: 10 })).not.toContain('own-secret');
    expect(Object.keys(error)).toStrictEqual(expect.arrayContaining(['hints', 'circle', 'none']));
  });

  const KEY = 'sk-of-the-backend';

  test.each<[string, (headers: Record<string, string>) => object]>([
    ['in a config, as axios does', (headers) => ({ config: { headers } })],
    ['in a request, as ky does', (headers) => ({ request: new Request('https://a.example', { headers }) })],
    ['in the options of a request', (headers) => ({ options: { headers: new Headers(headers) } })],
    ['in a Map', (headers) => ({ sent: new Map(Object.entries(headers)) })],
    ['under a symbol', (headers) => ({ [Symbol('sent')]: { headers } })],
    ['in a response', (headers) => ({ response: { status: 200, headers: {}, request: { headers } } })],
    ['deep inside', (headers) => ({ a: { b: { c: { d: { e: { f: { g: headers } } } } } } })],
    ['in a very large object', (headers) => ({ a: [...Array.from({ length: 2000 }, (_, i) => i), headers] })],
    ['in an error of axios', (headers) => new axios.AxiosError('no', 'ECONNRESET', { headers } as never)],
    [
      'beside what throws when it is read',
      (headers) => ({
        sent: {
          headers,
          get other() {
            throw new Error('unreadable');
          },
        },
      }),
    ],
  ])('are printed with no error of a fetch of the user, which put them %s', async (_where, fields) => {
    const fetch = priorityFetch([{ baseURL: 'a.example', apiKey: KEY }], {
      fetch: (_url, init) => {
        const given = fields(init!.headers as Record<string, string>);
        const error = given instanceof Error ? given : Object.assign(new TypeError('fetch failed'), given);
        return Promise.reject(error);
      },
    });
    const error = await rejectionOf(fetch('https://x.example/', { method: 'POST' }));
    expect(inspect(error, { depth: 20 })).not.toContain(KEY);
    expect(JSON.stringify(error)).not.toContain(KEY);
  });

  test.each<[string, () => object]>([
    [
      'a hidden getter that throws',
      () =>
        Object.defineProperty({}, 'own', {
          get() {
            throw new Error('not ready');
          },
        }),
    ],
    [
      'a getter that throws',
      () =>
        Object.defineProperty({}, 'own', {
          enumerable: true,
          get() {
            throw new Error('not ready');
          },
        }),
    ],
    ['what only calls itself Headers', () => ({ own: { [Symbol.toStringTag]: 'Headers' } })],
    ['a proxy that is revoked', () => ({ own: revoked() })],
    ['a large object that cannot be hidden', () => Object.freeze({ own: Array.from({ length: 2000 }, (_, i) => i) })],
  ])('do not keep a request from failing over: an error with %s', async (_what, make) => {
    for (const apiKey of [KEY, undefined]) {
      const fail = () => {
        const error = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        const given = make();
        Object.defineProperties(error, Object.getOwnPropertyDescriptors(given));
        return Promise.reject(Object.isFrozen(given) ? Object.freeze(error) : error);
      };
      const a = { baseURL: 'a.example', ...(apiKey !== undefined && { apiKey }) };
      const backends = [a, { baseURL: 'b.example', priority: 2 }];
      const given = jest.fn().mockImplementationOnce(fail).mockResolvedValue(new Response('x'));
      const { attempts } = await priorityFetch(backends, { fetch: given })('https://x.example/', { method: 'POST' });
      expect(attempts).toMatchObject([{ reason: 'connection' }, { status: 200 }]);
    }
  });

  test('of which a backend has none leave the fields of an error as they are', async () => {
    const own = Array.from({ length: 2000 }, (_, i) => i);
    const error = Object.assign(new Error('reset'), { code: 'ECONNRESET', own, config: { own } });
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: () => Promise.reject(error) });
    expect(Object.keys(await rejectionOf(fetch('https://x.example/', { method: 'POST' })))).toStrictEqual(
      expect.arrayContaining(['own', 'config']),
    );
    expect(error.config.own).toBe(own);
  });

  test('are removed from a message that lists all headers', async () => {
    const inner = axios.create();
    // The message of its error lists all headers.
    new MockAdapter(inner, { onNoMatch: 'throwException' });
    const adapter = priorityAdapter(
      [{ baseURL: 'a.example', azureADTokenProvider: () => Promise.resolve('secret-token-b') }],
      {
        adapter: inner.defaults.adapter,
      },
    );
    const error = await rejectionOf(axios.post('/x', {}, { adapter }));
    expect(error.message).toContain('Could not find mock');
    expect(error.message + String(error.stack)).not.toContain('secret-token-b');
  });
});

test('an error that an adapter throws at once shows no key, and has the config of the caller', async () => {
  const adapter = priorityAdapter([{ baseURL: 'a.example', apiKey: 'own-secret' }], {
    adapter: (config) => {
      throw Object.assign(new Error(`refused ${String(config.headers.get('api-key'))}`), { code: 'E_OWN', config });
    },
  });
  const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
  expect(error).toMatchObject({ message: 'refused ***', config: { adapter } });
});

test.each(wires())('over %s, the reason of a cancel is left unmodified', async (wire) => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-secret' }], { adapter: wire });
  const source = axios.CancelToken.source();
  backend.always(() => source.cancel('enough'));
  const error = await rejectionOf(axios.post('/x', {}, { adapter, cancelToken: source.token }));
  expect(error).toMatchObject({ code: 'ERR_CANCELED', message: 'enough' });
  expect(error).not.toBe(source.token.reason);
  const reason = source.token.reason as unknown as Record<string, unknown>;
  expect([reason.config, reason.request]).toStrictEqual([undefined, undefined]);

  const caller = new AbortController();
  const own = new axios.AxiosError('mine', 'ECONNRESET');
  backend.always(() => caller.abort(own));
  await expect(axios.post('/x', {}, { adapter, signal: caller.signal })).rejects.toMatchObject({
    code: 'ERR_CANCELED',
  });
  expect([own.config, own.request]).toStrictEqual([undefined, undefined]);
  expect(adapter.pool.backends[0]).toMatchObject({ failures: 0, pending: 0 });
});
