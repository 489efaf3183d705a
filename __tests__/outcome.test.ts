import { createServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { generate } from 'selfsigned';
import { isAmbiguousFailure, isConnectionFailure, isServerError, isThrottled, priorityAdapter } from '../src';
import type { Failure, PriorityAdapter, WrappedAdapter } from '../src';
import { TestBackend, hang, rejection, reset, startBackends, truncate, useBackends } from './support/backend';
import type { Reply } from './support/backend';
import { scene } from './support/in-process';

useBackends();

const WIRES = ['http', 'fetch'] as const;

/** A pool whose first backend is `first`, with a healthy one behind it. */
async function pair(
  first: string,
  wire: WrappedAdapter,
): Promise<{ adapter: PriorityAdapter; second: TestBackend; failures: Failure[] }> {
  const second = await TestBackend.start();
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

describe.each(WIRES)('connection failures over %s go to the next backend, POST included', (wire) => {
  test('refused', async () => {
    const gone = await TestBackend.start();
    await gone.close();
    const { adapter, failures } = await pair(gone.url, wire);
    const response = await axios.post('/x', 'body', { adapter });
    expect(response.attempts).toMatchObject([
      { backend: 'first', cooldown: 10_000 },
      { backend: 'second', status: 200 },
    ]);
    expect(failures.map(isConnectionFailure)).toEqual([true]);
    expect(failures.map(isAmbiguousFailure)).toEqual([false]);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });

  test('DNS', async () => {
    const { adapter } = await pair('http://no-such-host.invalid', wire);
    expect((await axios.post('/x', 'body', { adapter })).attempts).toHaveLength(2);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });

  test('TLS that is not trusted', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const secure = await TestBackend.start(createServer({ key, cert }));
    const { adapter } = await pair(`https://${secure.host}`, wire);
    expect((await axios.post('/x', 'body', { adapter })).attempts).toHaveLength(2);
    expect(secure.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'connection' }]);
  });
});

const gzip = gzipSync(JSON.stringify({ text: 'x'.repeat(5000) }));

const cutGzip: Reply = (request, response) => {
  response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzip.length });
  response.write(gzip.subarray(0, 20), () => request.socket.destroy());
};

describe.each(WIRES)('ambiguous failures over %s', (wire) => {
  test.each([
    ['a hang-up', reset],
    ['a truncated 200', truncate],
    ['a gzip cut short', cutGzip],
  ] as const)('%s goes to the next backend for a GET alone; either way it cools', async (_, reply) => {
    const first = await TestBackend.start();
    first.always(reply);
    const { adapter, second, failures } = await pair(first.url, wire);
    expect((await axios.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'first' }, { backend: 'second' }]);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'ambiguous' }]);

    adapter.pool.restore('first');
    const error = await rejection(axios.post('/x', 'body', { adapter }));
    expect(error.attempts).toMatchObject([{ backend: 'first', cooldown: 10_000 }]);
    expect(error.config).toMatchObject({ url: '/x', data: 'body' });
    expect(second.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ state: 'cooling', pending: 0, failures: 2 });
    expect(failures.map(isAmbiguousFailure)).toEqual([true, true]);
    expect(failures.map(isConnectionFailure)).toEqual([false, false]);
  });

  test.each(['put', 'delete', 'head', 'options'])('a hang-up moves on for %s', async (method) => {
    const first = await TestBackend.start();
    first.always(reset);
    const { adapter } = await pair(first.url, wire);
    expect((await axios.request({ url: '/x', method, adapter })).attempts).toHaveLength(2);
  });

  test('a backend’s own axios timeout is one, for the reason of time', async () => {
    const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
    first.always(hang);
    const adapter = priorityAdapter(
      [
        { baseURL: first.url, request: { timeout: 30 } },
        { baseURL: second.url, priority: 2 },
      ],
      { adapter: wire },
    );
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'timeout' }]);
  });
});

describe.each(WIRES)('failures of the caller’s own making over %s touch no other backend and cool nothing', (wire) => {
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
    const first = await TestBackend.start();
    first.always((request, response) => {
      if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else response.end(big.body);
    });
    const { adapter, second, failures } = await pair(first.url, wire);
    const error = await rejection(axios.request({ url: '/x', adapter, ...config }));
    expect(error).toMatchObject({ code, attempts: [{ backend: 'first' }] });
    expect(second.calls).toHaveLength(0);
    expect(failures).toEqual([]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, pending: 0, failures: 0 });
  });

  test('a timeout that is no number is refused before anything is sent', async () => {
    const { adapter, second } = await pair((await TestBackend.start()).url, wire);
    const error = await rejection(axios.get('/x', { adapter, timeout: 'soon' as unknown as number }));
    expect(error).toMatchObject({ code: 'ERR_BAD_OPTION_VALUE', attempts: [] });
    expect(second.calls).toHaveLength(0);
  });

  test('a header that cannot be sent', async () => {
    const { adapter, second, failures } = await pair((await TestBackend.start()).url, wire);
    const error = await rejection(axios.get('/x', { adapter, headers: { 'bad name': '1' } }));
    expect(error.attempts).toMatchObject([{ backend: 'first' }]);
    expect(failures).toEqual([]);
    expect(second.calls).toHaveLength(0);
  });
});

describe('what cannot be told', () => {
  test('a network error without a code, as axios-mock-adapter’s, is ambiguous', async () => {
    const inner = axios.create();
    const mock = new MockAdapter(inner);
    mock.onAny('/x').networkErrorOnce().onAny('/x').reply(200);
    const backends = [{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }];
    const adapter = priorityAdapter(backends, { adapter: inner.defaults.adapter });
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
    mock.resetHandlers();
    mock.onAny('/x').networkErrorOnce().onAny('/x').reply(200);
    adapter.pool.restore('a.example');
    expect(await rejection(axios.post('/x', {}, { adapter }))).toMatchObject({ message: 'Network Error' });
  });

  test('a TypeError that nothing caused is a mistake in the program, not the backend’s', async () => {
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = new TypeError('x is not a function');
    expect(await rejection(request())).toMatchObject({ message: 'x is not a function', attempts: [{ backend: 'a' }] });
    expect(pool.snapshot()[0]).toMatchObject({ available: true });
  });

  test('what XMLHttpRequest throws of a bad header is the caller’s own making', async () => {
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = () => {
      throw new DOMException('not a valid header name', 'SyntaxError') as unknown as Error;
    };
    expect(await rejection(request())).toMatchObject({ name: 'SyntaxError', attempts: [{ backend: 'a' }] });
    expect(pool.snapshot()[0]).toMatchObject({ available: true });
  });

  test('a browser’s word of a broken network is ambiguous', async () => {
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = new TypeError('network error');
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
    // Of browsers, as axios's fetch adapter passes it on.
    [{ code: 'ERR_NETWORK', cause: new TypeError('Failed to fetch') }, 'ambiguous'],
    [{ code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of -1 exceeded' }, 'ambiguous'],
    [{ code: 'ERR_BAD_RESPONSE', message: 'stream has been aborted' }, 'ambiguous'],
  ])('%j is a failure for the reason of %s', async (fields, reason) => {
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = Object.assign(new Error('failed'), fields);
    await request();
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason }]);
  });

  test('an adapter that rejects with a status by itself is heard like one that resolves', async () => {
    const { adapter, answers, request } = scene({ a: {}, b: { priority: 2 } });
    const response = { status: 429, data: 'words', headers: { 'retry-after-ms': '50' } };
    answers.a = Object.assign(new Error('Request failed'), { code: 'ERR_BAD_REQUEST', response });
    expect((await request()).attempts).toMatchObject([{ status: 429, cooldown: 50 }, { status: 200 }]);
    adapter.pool.restore('a');
    const own = await axios.get('/x', { adapter, failover: false, validateStatus: null });
    expect(own).toMatchObject({ status: 429, data: 'words' });
  });

  test('predicates look at the status alone', () => {
    const failure = { attemptTimedOut: false } as Failure;
    expect(isThrottled({ ...failure, status: 429 })).toBe(true);
    expect(isThrottled({ ...failure, status: 500 })).toBe(false);
    expect(isServerError({ ...failure, status: 500 })).toBe(true);
    expect(isServerError({ ...failure, status: 499 })).toBe(false);
    expect(isServerError(failure)).toBe(false);
    expect(isConnectionFailure({ ...failure, status: 500, error: { code: 'ECONNREFUSED' } })).toBe(false);
    expect(isAmbiguousFailure({ ...failure, attemptTimedOut: true })).toBe(false);
    expect(isConnectionFailure({ ...failure, attemptTimedOut: true, error: { code: 'ECONNREFUSED' } })).toBe(false);
  });
});

test.each([
  ['http', 'ECONNREFUSED'],
  ['fetch', 'ERR_NETWORK'],
] as const)(
  'a POST redirected to where nobody is may have been billed, and is not sent again (%s)',
  async (via, code) => {
    const [first, gone] = (await startBackends(2)) as [TestBackend, TestBackend];
    await gone.close();
    first.always({ status: 307, headers: { location: gone.url } });
    const { adapter, second } = await pair(first.url, via);
    const error = await rejection(axios.post('/x', 'body', { adapter, maxRedirects: Infinity }));
    expect(error).toMatchObject({ code });
    expect(second.calls).toHaveLength(0);
    expect((await axios.get('/x', { adapter, params: { again: 1 } })).status).toBe(200);
  },
);

test('too many redirects, followed by fetch inside of a function, are no backend’s fault', async () => {
  const first = await TestBackend.start();
  first.always({ status: 302, headers: { location: '/x' } });
  const { adapter, second } = await pair(first.url, (config) => axios.getAdapter('fetch', config)(config));
  expect(await rejection(axios.get('/x', { adapter }))).toMatchObject({ code: 'ERR_NETWORK' });
  expect(second.calls).toHaveLength(0);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
});

test.each([404, 500])('a %i whose body breaks off is an error, not an answer without a body', async (status) => {
  const first = await TestBackend.start();
  first.always((request, response) => {
    response.writeHead(status, { 'content-length': '1000' });
    response.write('{"half":', () => request.socket.destroy());
  });
  const { adapter } = await pair(first.url, 'http');
  const error = await rejection(axios.post('/x', 'body', { adapter, failover: false }));
  expect(error).toMatchObject({ attempts: [{ backend: 'first', status }] });
  expect(error).not.toMatchObject({ response: { data: expect.anything() as unknown } });
});

test('an answer without any data, as mocks give it, is one', async () => {
  const { request, answers } = scene({ a: {} });
  answers.a = { status: 404, data: undefined };
  expect(await request({ validateStatus: () => true })).toMatchObject({ status: 404 });
});

test.each([[null], [undefined], ['text'], [{ message: 5, cause: null }]])(
  'an adapter may reject with %p',
  async (thrown) => {
    const adapter = priorityAdapter([{ baseURL: 'a.example', apiKey: 'secret-key' }], {
      adapter: jest.fn().mockRejectedValue(thrown),
    });
    const error: unknown = await axios.post('/x', 'body', { adapter }).catch((reason: unknown) => reason);
    expect(error).toEqual(thrown);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 1, cooldowns: [{ reason: 'ambiguous' }] });
  },
);

describe('an answer that', () => {
  const answering = (answer: object) =>
    priorityAdapter([{ baseURL: 'a.example' }], { adapter: () => Promise.resolve(answer as AxiosResponse) });

  test.each([200, 404, 429])('is frozen is one all the same: %i', async (status) => {
    const adapter = answering(Object.freeze({ status, data: 'cold', headers: {}, statusText: '' }));
    const response = await axios.get('/x', { adapter, validateStatus: null, failover: false });
    expect(response).toMatchObject({ status, data: 'cold', attempts: [{ status }], config: { url: '/x' } });
  });

  test('cannot be read rejects the request, and its backend is not under way for ever', async () => {
    const adapter = answering({
      status: 429,
      get headers() {
        throw new Error('unreadable');
      },
    });
    expect(await rejection(axios.get('/x', { adapter }))).toMatchObject({ message: 'unreadable' });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ pending: 0 });
  });
});

describe('a user’s own condition', () => {
  test('says whether a backend cools down where a request makes one attempt, too', async () => {
    const { adapter, answers, asked, pool } = scene(
      { a: {}, b: {} },
      { failoverCondition: () => true, selector: ([a]) => a! },
    );
    answers.a = 404;
    const config = { adapter, failover: false, validateStatus: null } as const;
    expect((await axios.get('/x', config)).attempts).toMatchObject([{ status: 404, cooldown: 10_000 }]);
    expect(asked).toEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ failures: 1, cooldowns: [{ reason: 'client-error' }] });
  });

  test('that is true for a 404 moves on and cools that deployment', async () => {
    const { request, answers, pool } = scene(
      { a: {}, b: { priority: 2 } },
      { failoverCondition: ({ status }) => status === 404 },
    );
    answers.a = 404;
    expect((await request({ url: '/openai/deployments/d/chat' })).attempts).toMatchObject([
      { status: 404, cooldown: 10_000 },
      { status: 200 },
    ]);
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'available',
      failures: 1,
      cooldowns: [{ scope: 'd', reason: 'client-error' }],
    });
  });

  test('that is false for a 429 hands it back; the backend cools all the same', async () => {
    const { adapter, answers, pool, asked } = scene({ a: {}, b: { priority: 2 } }, { failoverCondition: () => false });
    answers.a = { status: 429, data: 'own words' };
    expect(await rejection(axios.get('/x', { adapter }))).toMatchObject({ response: { data: 'own words' } });
    expect(asked).toEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled' }] });
  });

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('own fault');
      },
      'own fault',
    ],
    ['returns a promise', () => Promise.resolve(true), 'failoverCondition must return a boolean, got an object'],
    ['returns nothing', () => undefined, 'failoverCondition must return a boolean, got undefined'],
  ])('that %s rejects the request, and the failure is not forgotten', async (_, failoverCondition, message) => {
    const { request, answers, pool } = scene(
      { a: {}, b: { priority: 2 } },
      { failoverCondition: failoverCondition as () => boolean },
    );
    answers.a = 500;
    expect(await rejection(request())).toMatchObject({ message, attempts: [{ status: 500, cooldown: 10_000 }] });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', pending: 0, failures: 1 });
  });
});

describe('a user’s own cooldown', () => {
  test('is not asked about what is nobody’s failure', async () => {
    const cooldown = jest.fn(() => 1000);
    const { request, answers } = scene({ a: {} }, { cooldown });
    answers.a = 404;
    await request({ validateStatus: () => true });
    expect(cooldown).not.toHaveBeenCalled();
  });

  test('of more than maxCooldown is cut to that, and is no wait of the server’s', async () => {
    const { request, answers, pool } = scene({ a: {} }, { cooldown: () => 5000, maxCooldown: 1000 });
    answers.a = { status: 503, headers: { 'retry-after': '86400' } };
    await request({ validateStatus: () => true });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'server-error' }] });
  });

  test('of no time is no event', async () => {
    const { request, answers, pool } = scene({ a: {}, b: { priority: 2 } }, { cooldown: () => 0 });
    const events: string[] = [];
    pool.subscribe(({ type }) => void events.push(type));
    answers.a = 503;
    await request();
    expect(events).toEqual(['attempt', 'attempt']);
  });

  test.each([
    [250, 250],
    [0, undefined],
    [undefined, 43],
    [1e9, 300_000],
  ])('of %p takes the backend out for %p ms', async (own, expected) => {
    const { request, answers } = scene({ a: {}, b: { priority: 2 } }, { cooldown: () => own });
    answers.a = { status: 429, headers: { 'retry-after-ms': '43' } };
    expect((await request()).attempts?.[0]?.cooldown).toBe(expected);
  });

  test.each([[-1], [NaN], ['1s'], [Infinity]])('of %p rejects the request, and the default rule holds', async (own) => {
    const { request, answers, pool } = scene({ a: {} }, { cooldown: () => own as number });
    answers.a = 500;
    expect((await rejection(request())).message).toMatch(
      /^cooldown must return a finite number of ms ≥ 0 or undefined, got /,
    );
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling' });
  });
});

test('a request without a method is a GET, which may be sent again', async () => {
  const { request, answers, asked } = scene({ a: {}, b: { priority: 2 } });
  answers.a = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  await request({ method: undefined as unknown as string });
  expect(asked).toEqual(['a', 'b']);
});

test.each<[string, unknown]>([
  ['text', 'just words'],
  ['nothing', undefined],
  ['an object that is no error', { message: 7 }],
  ['an error that is frozen', Object.freeze(Object.assign(new Error('cold'), { code: 'ECONNRESET' }))],
])('an adapter that throws %s fails as any other, and the caller gets what was thrown', async (_, thrown) => {
  const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
    adapter: () => {
      throw thrown;
    },
  });
  let caught: unknown = 'nothing was thrown';
  await axios.post('/x', 'body', { adapter }).catch((error: unknown) => (caught = error));
  expect(caught).toBe(thrown);
  expect(adapter.pool.snapshot()).toMatchObject([{ failures: 1, cooldowns: [{ reason: 'ambiguous' }] }]);
});
