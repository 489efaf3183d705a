import { createServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { isAmbiguousFailure, isConnectionFailure, isServerError, isThrottled, priorityAdapter } from '../../src';
import type { Failure, PriorityAdapter, WrappedAdapter } from '../../src';
import { certificate } from '../support/certificate';
import {
  FakeBackend,
  neverReply,
  rejectionOf,
  resetConnection,
  startBackends,
  truncateBody,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

const WIRES = ['http', 'fetch'] as const;

/** An adapter over a backend at the address `first`, with a working one behind it. */
async function pair(
  first: string,
  wire: WrappedAdapter,
): Promise<{ adapter: PriorityAdapter; second: FakeBackend; failures: Failure[] }> {
  const second = await FakeBackend.start();
  const failures: Failure[] = [];
  const adapter = priorityAdapter(
    [
      { baseURL: first, name: 'first' },
      { baseURL: second.url, priority: 2, name: 'second' },
    ],
    {
      adapter: wire,
      cooldown: (failure) => void failures.push(failure),
    },
  );
  return { adapter, second, failures };
}

const gzip = gzipSync(JSON.stringify({ text: 'x'.repeat(5000) }));

const cutGzip: Reply = (request, response) => {
  response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzip.length });
  response.write(gzip.subarray(0, 20), () => request.socket.destroy());
};

describe.each(WIRES)('a connection failure over %s fails over, POST included:', (wire) => {
  test('a refused connection', async () => {
    const gone = await FakeBackend.start();
    await gone.close();
    const { adapter, failures } = await pair(gone.url, wire);
    const response = await axios.post('/x', 'body', { adapter });
    expect(response.attempts).toMatchObject([
      { backend: 'first', cooldown: 10_000 },
      { backend: 'second', status: 200 },
    ]);
    expect(failures.map(isConnectionFailure)).toStrictEqual([true]);
    expect(failures.map(isAmbiguousFailure)).toStrictEqual([false]);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });

  test('an unknown host', async () => {
    const { adapter } = await pair('http://no-such-host.invalid', wire);
    expect((await axios.post('/x', 'body', { adapter })).attempts).toHaveLength(2);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });

  test('an untrusted TLS certificate', async () => {
    const { key, cert } = await certificate();
    const secure = await FakeBackend.start(createServer({ key, cert }));
    const { adapter } = await pair(`https://${secure.host}`, wire);
    expect((await axios.post('/x', 'body', { adapter })).attempts).toHaveLength(2);
    expect(secure.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });
});

describe.each(WIRES)('an ambiguous failure over %s', (wire) => {
  test.each([
    ['a reset connection', resetConnection],
    ['a truncated 200', truncateBody],
    ['a gzip cut short', cutGzip],
  ] as const)('fails over for a GET only, and puts its backend on cooldown either way: %s', async (_, reply) => {
    const first = await FakeBackend.start();
    first.always(reply);
    const { adapter, second, failures } = await pair(first.url, wire);
    expect((await axios.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'first' }, { backend: 'second' }]);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'ambiguous' }]);

    adapter.pool.restore('first');
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(error.attempts).toMatchObject([{ backend: 'first', cooldown: 10_000 }]);
    expect(error.config).toMatchObject({ url: '/x', data: 'body' });
    expect(second.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ state: 'cooling', pending: 0, failures: 2 });
    expect(failures.map(isAmbiguousFailure)).toStrictEqual([true, true]);
    expect(failures.map(isConnectionFailure)).toStrictEqual([false, false]);
  });

  test.each(['put', 'delete', 'head', 'options'])('fails over for the idempotent method %s', async (method) => {
    const first = await FakeBackend.start();
    first.always(resetConnection);
    const { adapter } = await pair(first.url, wire);
    expect((await axios.request({ url: '/x', method, adapter })).attempts).toHaveLength(2);
  });

  test('includes an attemptTimeout of the backend, with the reason timeout', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always(neverReply);
    const adapter = priorityAdapter(
      [
        { baseURL: first.url, attemptTimeout: 30 },
        { baseURL: second.url, priority: 2 },
      ],
      { adapter: wire },
    );
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'timeout' }]);
  });
});

describe.each(WIRES)('a mistake of the caller over %s neither fails over nor puts a backend on cooldown:', (wire) => {
  const big = { body: 'x'.repeat(5000) };
  const cases: [string, AxiosRequestConfig, string][] = [
    ['maxContentLength', { method: 'get', maxContentLength: 100 }, 'ERR_BAD_RESPONSE'],
    ['maxBodyLength', { method: 'post', data: 'x'.repeat(200), maxBodyLength: 100 }, 'ERR_BAD_REQUEST'],
    ['a malformed protocol', { method: 'get', url: 'http:/x' }, 'ERR_INVALID_URL'],
    ['too many redirects', { method: 'get', url: '/loop', maxRedirects: 2 }, 'ERR_FR_TOO_MANY_REDIRECTS'],
  ];
  const forHttp: typeof cases = [
    [
      'a body of a kind that cannot be sent',
      { method: 'post', data: { a: 1 }, transformRequest: [] },
      'ERR_BAD_REQUEST',
    ],
    ['an unknown encoding', { method: 'get', responseEncoding: 'nope' }, 'ERR_UNKNOWN_ENCODING'],
  ];

  test.each([...cases, ...(wire === 'http' ? forHttp : [])])('%s', async (_, config, code) => {
    const first = await FakeBackend.start();
    first.always((request, response) => {
      if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else response.end(big.body);
    });
    const { adapter, second, failures } = await pair(first.url, wire);
    const error = await rejectionOf(axios.request({ url: '/x', adapter, ...config }));
    expect(error).toMatchObject({ code, attempts: [{ backend: 'first' }] });
    expect(second.calls).toHaveLength(0);
    expect(failures).toStrictEqual([]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, pending: 0, failures: 0 });
  });

  test('an invalid timeout, which is rejected before anything is sent', async () => {
    const { adapter, second } = await pair((await FakeBackend.start()).url, wire);
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 'soon' as unknown as number }));
    expect(error).toMatchObject({ code: 'ERR_BAD_OPTION_VALUE', attempts: [] });
    expect(second.calls).toHaveLength(0);
  });

  test('an invalid header name', async () => {
    const { adapter, second, failures } = await pair((await FakeBackend.start()).url, wire);
    const error = await rejectionOf(axios.get('/x', { adapter, headers: { 'bad name': '1' } }));
    expect(error.attempts).toMatchObject([{ backend: 'first' }]);
    expect(failures).toStrictEqual([]);
    expect(second.calls).toHaveLength(0);
  });
});

describe('a failure', () => {
  test('with the message Network Error and no code, as in axios-mock-adapter, is ambiguous', async () => {
    const inner = axios.create();
    const mock = new MockAdapter(inner);
    mock.onAny('/x').networkErrorOnce().onAny('/x').reply(200);
    const backends = [{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }];
    const adapter = priorityAdapter(backends, { adapter: inner.defaults.adapter });
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
    mock.resetHandlers();
    mock.onAny('/x').networkErrorOnce().onAny('/x').reply(200);
    adapter.pool.restore('a.example');
    expect(await rejectionOf(axios.post('/x', {}, { adapter }))).toMatchObject({ message: 'Network Error' });
  });

  test('that an adapter asserts is a bug in the program too', async () => {
    const bug = Object.assign(new Error('Expected values to be equal'), { code: 'ERR_ASSERTION' });
    const { request, replies, pool } = stubPool({ a: {}, b: {} });
    replies.a = replies.b = bug;
    expect(await rejectionOf(request())).toBe(bug);
    expect(pool.snapshot()).toMatchObject([{ failures: 0 }, { failures: 0 }]);
  });

  test('that is a TypeError without a cause is a bug in the program, not a failure of the backend', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = new TypeError('x is not a function');
    expect(await rejectionOf(request())).toMatchObject({
      message: 'x is not a function',
      attempts: [{ backend: 'a' }],
    });
    expect(pool.snapshot()[0]).toMatchObject({ available: true });
  });

  test('that Node throws for a value out of range is a mistake of the caller', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = Object.assign(new RangeError('out of range'), { code: 'ERR_OUT_OF_RANGE' });
    expect(await rejectionOf(request())).toMatchObject({ code: 'ERR_OUT_OF_RANGE', attempts: [{ backend: 'a' }] });
    expect(pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
  });

  test('that XMLHttpRequest throws for an invalid header is a mistake of the caller', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = () => {
      throw new DOMException('not a valid header name', 'SyntaxError') as unknown as Error;
    };
    expect(await rejectionOf(request())).toMatchObject({ name: 'SyntaxError', attempts: [{ backend: 'a' }] });
    expect(pool.snapshot()[0]).toMatchObject({ available: true });
  });

  test('with a browser’s message for a broken connection is ambiguous', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = new TypeError('network error');
    expect((await request()).attempts).toHaveLength(2);
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'ambiguous' }]);
  });

  test.each([
    [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'connection'],
    [{ code: 'ETIMEDOUT' }, 'timeout'],
    [{ code: 'ECONNABORTED' }, 'timeout'],
    [
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
      'connection',
    ],
    [{ code: 'ECONNRESET', message: 'read ECONNRESET' }, 'ambiguous'],
    [{ code: 'ERR_NETWORK', cause: { errors: [{ code: 'ENETUNREACH' }] } }, 'connection'],
    [{ code: 'ERR_NETWORK', cause: { code: 'CERT_HAS_EXPIRED' } }, 'connection'],
    [{ code: 'ERR_NETWORK' }, 'ambiguous'],
    // From browsers, as the fetch adapter of axios passes it on.
    [{ code: 'ERR_NETWORK', cause: new TypeError('Failed to fetch') }, 'ambiguous'],
    [{ code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of -1 exceeded' }, 'ambiguous'],
    [{ code: 'ERR_BAD_RESPONSE', message: 'stream has been aborted' }, 'ambiguous'],
  ])('with %j has the reason %s', async (fields, reason) => {
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = Object.assign(new Error('failed'), fields);
    await request();
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason }]);
  });

  test('that an adapter rejects with, with a response inside, counts as that response', async () => {
    const { adapter, replies, request } = stubPool({ a: {}, b: { priority: 2 } });
    const response = { status: 429, data: 'words', headers: { 'retry-after-ms': '50' } };
    replies.a = Object.assign(new Error('Request failed'), { code: 'ERR_BAD_REQUEST', response });
    expect((await request()).attempts).toMatchObject([{ status: 429, cooldown: 50 }, { status: 200 }]);
    adapter.pool.restore('a');
    const own = await axios.get('/x', { adapter, failover: false, validateStatus: null });
    expect(own).toMatchObject({ status: 429, data: 'words' });
  });

  test('is classified by the predicates from its status, its code and attemptTimedOut', () => {
    const failure = { attemptTimedOut: false } as Failure;
    expect(isThrottled({ ...failure, status: 429 })).toBe(true);
    expect(isThrottled({ ...failure, status: 500 })).toBe(false);
    expect(isServerError({ ...failure, status: 500 })).toBe(true);
    expect(isServerError({ ...failure, status: 499 })).toBe(false);
    expect(isServerError(failure)).toBe(false);
    expect(isConnectionFailure({ ...failure, status: 500, error: { code: 'ECONNREFUSED' } })).toBe(false);
    expect(isAmbiguousFailure({ ...failure, attemptTimedOut: true })).toBe(false);
    expect(isConnectionFailure({ ...failure, attemptTimedOut: true, error: { code: 'ECONNREFUSED' } })).toBe(false);
    // A failure that somebody made by hand may have no reason.
    expect(isConnectionFailure({ ...failure, error: { code: 'ECONNREFUSED' } })).toBe(true);
    expect(isConnectionFailure({ ...failure, error: { code: 'ERR_CREDENTIAL' } })).toBe(true);
    expect(isConnectionFailure({ ...failure, error: { code: 'EHOSTUNREACH', syscall: 'read' } })).toBe(false);
    expect(isConnectionFailure({ ...failure, error: { code: 'EHOSTUNREACH', syscall: 'write' } })).toBe(false);
    expect(isConnectionFailure({ ...failure, reason: 'connection' })).toBe(true);
  });
});

test.each([
  ['http', 'ECONNREFUSED'],
  ['fetch', 'ERR_NETWORK'],
] as const)('over %s, a POST whose redirect leads to a refused connection does not fail over', async (via, code) => {
  const [first, gone] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  await gone.close();
  first.always({ status: 307, headers: { location: gone.url } });
  const { adapter, second } = await pair(first.url, via);
  const error = await rejectionOf(axios.post('/x', 'body', { adapter, maxRedirects: Infinity }));
  expect(error).toMatchObject({ code });
  expect(second.calls).toHaveLength(0);
  expect((await axios.get('/x', { adapter, params: { again: 1 } })).status).toBe(200);
});

test('too many redirects followed by fetch itself do not put a backend on cooldown', async () => {
  const first = await FakeBackend.start();
  first.always({ status: 302, headers: { location: '/x' } });
  const { adapter, second } = await pair(first.url, (config) => axios.getAdapter('fetch', config)(config));
  expect(await rejectionOf(axios.get('/x', { adapter }))).toMatchObject({ code: 'ERR_NETWORK' });
  expect(second.calls).toHaveLength(0);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
});

test.each([404, 500])('a %i whose body breaks off is an error, not a response without a body', async (status) => {
  const first = await FakeBackend.start();
  first.always((request, response) => {
    response.writeHead(status, { 'content-length': '1000' });
    response.write('{"half":', () => request.socket.destroy());
  });
  const { adapter } = await pair(first.url, 'http');
  const error = await rejectionOf(axios.post('/x', 'body', { adapter, failover: false }));
  expect(error).toMatchObject({ attempts: [{ backend: 'first', status }] });
  expect(error).not.toMatchObject({ response: { data: expect.anything() as unknown } });
});

test.each(WIRES)('the code of a failure is that of its attempt, also if the body breaks off (%s)', async (wire) => {
  const first = await FakeBackend.start();
  first.always((request, response) => {
    response.writeHead(500, { 'content-length': '1000' });
    response.write('{"half":', () => request.socket.destroy());
  });
  const { adapter, failures } = await pair(first.url, wire);
  const { attempts } = await axios.post('/x', 'body', { adapter });
  expect(attempts).toMatchObject([{ status: 500, code: expect.any(String) as unknown }, { status: 200 }]);
  expect(failures).toMatchObject([{ status: 500, code: attempts![0]!.code }]);
});

test.each([[null], [undefined], ['text'], [{ message: 5, cause: null }]])(
  'an adapter that rejects with %p puts no backend on cooldown',
  async (thrown) => {
    const adapter = priorityAdapter([{ baseURL: 'a.example', apiKey: 'secret-key' }], {
      adapter: jest.fn().mockRejectedValue(thrown),
    });
    const error: unknown = await axios.post('/x', 'body', { adapter }).catch((reason: unknown) => reason);
    expect(error).toStrictEqual(thrown);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, cooldowns: [] });
  },
);

test.each(WIRES)(
  'a 403 behind a redirect to another origin, which got no credential, is returned and puts no backend on cooldown (%s)',
  async (adapter) => {
    const [a, b, storage] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    a.always({ status: 302, headers: { location: `${storage.url}/file` } });
    storage.always({ status: 403, body: 'expired' });
    const backends = [a, b].map(({ url }, priority) => ({ baseURL: url, priority, apiKey: 'own' }));
    const pooled = priorityAdapter(backends, { adapter });
    const error = await rejectionOf(axios.get('/x', { adapter: pooled }));
    expect(error).toMatchObject({ response: { data: 'expired' }, attempts: [{ status: 403, reason: 'client-error' }] });
    expect(pooled.pool.snapshot()[0]).toMatchObject({ failures: 0, cooldowns: [] });
    expect(b.calls).toStrictEqual([]);
    a.always({ status: 302, headers: { location: '/file' } }).script(
      { status: 302, headers: { location: '/file' } },
      { status: 403 },
    );
    await axios.get('/x', { adapter: pooled });
    expect(pooled.pool.snapshot()[0]).toMatchObject({ cooldowns: [{ reason: 'credential' }] });
  },
);

test('a request without a method is a GET, which may be sent again', async () => {
  const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  await request({ method: undefined as unknown as string });
  expect(tried).toStrictEqual(['a', 'b']);
});

test.each<[string, unknown]>([
  ['text', 'just words'],
  ['nothing', undefined],
  ['an object that is not an error', { message: 7 }],
])('an adapter that throws %s puts no backend on cooldown, and the caller gets what was thrown', async (_, thrown) => {
  const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
    adapter: () => {
      throw thrown;
    },
  });
  let caught: unknown = 'nothing was thrown';
  await axios.post('/x', 'body', { adapter }).catch((error: unknown) => (caught = error));
  expect(caught).toBe(thrown);
  expect(adapter.pool.snapshot()).toMatchObject([{ failures: 0, cooldowns: [] }]);
});
