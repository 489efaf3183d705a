import axios from 'axios';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { Agent, MockAgent, fetch as undiciFetch } from 'undici';
import { attemptsOf, priorityAdapter } from '../../src';
import type { PoolEvent } from '../../src';
import { BackendPool, affinity, isContextLengthExceeded, priorityFetch, roundRobin } from '../../src/fetch';
import type { BackendOptions, Failure, PriorityFetch, PriorityFetchOptions } from '../../src/fetch';
import {
  FakeBackend,
  closeBackendsAfterEach,
  neverReply,
  rejectionOf,
  startBackends,
  throttle,
} from '../support/fake-backend';
import { addressOf, callOf, openRequest } from '../../src/fetch/request';
import type { Reply } from '../support/fake-backend';
import { eventLoopTurn, refused } from '../support/stub-pool';

closeBackendsAfterEach();

type Fetch = typeof globalThis.fetch;

/** Two backends, a before b, and a fetch over them. The first one always replies so. */
async function pair(first: Reply, options: PriorityFetchOptions = {}, own: Partial<BackendOptions> = {}) {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always(first);
  const backends = [
    { baseURL: a.url, name: 'a', apiKey: 'secret-a' },
    { baseURL: b.url, name: 'b', priority: 2, apiKey: 'secret-b', ...own },
  ];
  return { a, b, fetch: priorityFetch(backends, options) };
}

const URL_ = 'http://pool.invalid/openai/v1/responses';
const post = (body: unknown = { model: 'chat' }) => ({ method: 'POST', body: JSON.stringify(body) });

describe('one pool for axios and fetch', () => {
  test('a cooldown caused by one of them applies to the other', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always(throttle(60_000));
    const adapter = priorityAdapter([
      { baseURL: a.url, name: 'a' },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const fetch = priorityFetch(adapter.pool);
    expect(fetch.pool).toBe(adapter.pool);
    await axios.post('/openai/v1/responses', { model: 'chat' }, { adapter });
    expect(attemptsOf(await fetch(URL_, post()))).toMatchObject([{ backend: 'b', scope: 'chat' }]);
    await axios.post('/openai/v1/responses', { model: 'other' }, { adapter });
    expect(a.calls).toHaveLength(2);
  });
});

describe('a refusal', () => {
  test('is read for its wait and error code, and stays readable for the caller', async () => {
    const body = { error: { code: 'rate', message: 'Please retry after 6 seconds.' } };
    const seen: Failure[] = [];
    const failoverCondition = (failure: Failure) => !seen.push(failure);
    const { fetch } = await pair({ status: 429, body }, { failoverCondition });
    const response = await fetch(URL_, post());
    expect(seen[0]).toMatchObject({ status: 429, reason: 'throttled', errorCode: 'rate', response });
    expect(await response.clone().json()).toEqual(body);
    expect(await response.json()).toEqual(body);
    const [{ remaining }] = fetch.pool.snapshot()[0]!.cooldowns as unknown as [{ remaining: number }];
    expect(remaining).toBeGreaterThan(5500);
    expect(response.attempts).toMatchObject([{ backend: 'a', status: 429, cooldown: 6000 }]);
  });

  test('that never ends is read for at most a second, and only within attemptTimeout', async () => {
    const endless: Reply = (_, response) => void response.writeHead(503).write('busy');
    const { fetch } = await pair(endless, { attemptTimeout: 100 });
    const started = performance.now();
    expect((await fetch(URL_, post())).attempts).toMatchObject([
      { backend: 'a', status: 503, reason: 'server-error' },
      { backend: 'b', status: 200 },
    ]);
    expect(performance.now() - started).toBeLessThan(900);
  });

  test('that is being read doesn’t delay a cancel', async () => {
    const arrived: Reply = (_, response) => void response.writeHead(503).write('busy');
    const { fetch, a } = await pair(arrived);
    const cancel = new AbortController();
    const reason = new Error('enough');
    const rejected = rejectionOf(fetch(URL_, { ...post(), signal: cancel.signal }));
    while (a.calls.length === 0) await eventLoopTurn();
    setTimeout(() => cancel.abort(reason), 50);
    expect(await rejected).toBe(reason);
    await a.connectionsClosed();
  });

  test.each([
    ['has a reason phrase that no Response can have', 'HTTP/1.1 503 \u00dcberlastet', 503],
    ['has a reason phrase in another script', 'HTTP/1.1 429 \u8bf7\u6c42\u8fc7\u591a', 429],
    ['has a status that no Response can have', 'HTTP/1.1 600 Odd', 600],
  ])('that %s fails over', async (_, head, status) => {
    const raw = createServer((socket) => {
      const encoding = /[\u0100-\uffff]/.test(head) ? 'utf8' : 'latin1';
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`${head}\r\ncontent-length: 2\r\n\r\nno`, encoding));
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const other = await FakeBackend.start();
    const baseURL = `http://127.0.0.1:${String((raw.address() as AddressInfo).port)}`;
    const fetch = priorityFetch([{ baseURL }, { baseURL: other.url, priority: 2 }]);
    expect((await fetch(URL_, post())).attempts).toMatchObject([
      { status, reason: status === 429 ? 'throttled' : 'server-error' },
      { status: 200 },
    ]);
    fetch.pool.restore(fetch.pool.backends[0]!.name);
    const native = await globalThis.fetch(baseURL, post());
    const own = await fetch(URL_, { ...post(), failover: false });
    expect([own.status, own.statusText, own.ok, await own.text()]).toEqual([
      native.status,
      native.statusText,
      false,
      'no',
    ]);
    raw.close();
  });

  test('of a class with a constructor of its own fails over', async () => {
    class Own extends Response {
      constructor(status: number) {
        super('no', { status });
      }
    }
    const given = jest
      .fn<Promise<Response>, []>()
      .mockResolvedValueOnce(new Own(503))
      .mockResolvedValueOnce(new Own(400));
    const response = await priorityFetch(
      ['a', 'b'].map((name) => ({ baseURL: `http://${name}.example` })),
      { fetch: given },
    )(URL_, post());
    expect(response.attempts).toMatchObject([{ status: 503 }, { status: 400 }]);
    expect(await response.text()).toBe('no');
  });

  test('is passed on with chunks of its own, so those of the wrapped fetch stay as they are', async () => {
    const chunk = new TextEncoder().encode('data: {"choices":[{"delta":{"content":"hello"}}]}\n\n');
    const given = (status: number) => () => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(chunk);
          controller.close();
        },
      });
      return Promise.resolve(new Response(body, { status, headers: { 'content-type': 'text/event-stream' } }));
    };
    for (const status of [200, 400, 200, 400]) {
      const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given(status) });
      expect(await (await fetch(URL_, post())).text()).toContain('hello');
    }
    expect(chunk.length).toBeGreaterThan(40);
  });

  test('that was read ahead rejects with the reason of a cancel while it is read', async () => {
    const { fetch } = await pair({ status: 400, body: 'no' });
    const cancel = new AbortController();
    const response = await fetch(URL_, { ...post(), signal: cancel.signal });
    cancel.abort(null);
    expect(
      await response.text().then(
        () => 'read',
        (error: unknown) => error,
      ),
    ).toBeNull();
    await expect(fetch(URL_, { signal: cancel.signal })).rejects.toBeNull();
  });

  test('whose body breaks off still fails over', async () => {
    const broken: Reply = (_, response) => {
      response.writeHead(429, { 'content-length': 100 }).write('Please', () => response.destroy());
    };
    const { fetch } = await pair(broken);
    expect((await fetch(URL_, post())).attempts).toMatchObject([{ status: 429 }, { status: 200 }]);
  });

  test('of a prompt that is too long fails over with isContextLengthExceeded', async () => {
    const body = { error: { code: 'context_length_exceeded' } };
    const { fetch } = await pair({ status: 400, body }, { failoverCondition: isContextLengthExceeded });
    expect((await fetch(URL_, post())).status).toBe(200);
    expect(fetch.pool.snapshot()[0]!.available).toBe(true);
  });

  test.each([204, 304])('from a custom fetch may have no body (%i)', async () => {
    const fetch = priorityFetch([{ baseURL: 'a.example' }], {
      fetch: () => Promise.resolve({ status: 503, headers: new Headers() } as Response),
      failoverCondition: () => false,
    });
    expect((await fetch(URL_)).status).toBe(503);
  });
});

describe('when no backend is left,', () => {
  test('it resolves to a Response with the fabricated 429', async () => {
    const { fetch, b } = await pair(throttle(7000));
    b.always(throttle(9000));
    const response = await fetch(URL_, post());
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 429, statusText: 'Too Many Requests', fabricated: true });
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toMatchObject({
      error: { type: 'no_backend_available', message: 'No backend is available: 2 throttled. Retry after 7 s.' },
    });
    expect(response.attempts).toHaveLength(2);
  });

  test('refused connections are counted by their error code', async () => {
    const { fetch, a, b } = await pair({});
    await Promise.all([a.close(), b.close()]);
    const response = await fetch(URL_, post());
    expect(response.attempts).toMatchObject([
      { code: 'ECONNREFUSED', reason: 'connection' },
      { code: 'ECONNREFUSED', reason: 'connection' },
    ]);
    expect(await response.text()).toContain('2 ECONNREFUSED');
  });

  test('a deployment that no backend has gets the fabricated 404', async () => {
    const fetch = priorityFetch([{ baseURL: 'a.example', deployments: { '*': false } }]);
    const response = await fetch(URL_, post({ model: 'o3' }));
    expect([response.status, response.fabricated]).toEqual([404, true]);
  });

  test('the fabricated Response is of the wrapped fetch’s own class', async () => {
    const own = Object.assign(() => Promise.reject(refused()), {
      Response: class Own extends Response {},
    });
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: own });
    expect((await fetch(URL_)).constructor).toBe(own.Response);
    expect(fetch).toHaveProperty('Response', own.Response);
    expect(fetch).toHaveProperty('Headers', Headers);
    expect(fetch).toHaveProperty('Request', Request);
  });
});

describe('failures reject as fetch does:', () => {
  const reset: Reply = (_, response) => response.destroy();

  test('a POST that was reset rejects with the error of the wrapped fetch, plus attempts', async () => {
    const { fetch, b } = await pair(reset);
    const error = await rejectionOf(fetch(URL_, post()));
    // Jest's realm has a TypeError of its own.
    expect([error.name, error.message]).toEqual(['TypeError', 'fetch failed']);
    expect(attemptsOf(error)).toMatchObject([{ backend: 'a', code: 'UND_ERR_SOCKET', reason: 'ambiguous' }]);
    expect(Object.keys(error)).not.toContain('attempts');
    expect(b.calls).toEqual([]);
  });

  test('a GET that was reset fails over', async () => {
    const { fetch } = await pair(reset);
    expect((await fetch(URL_)).attempts).toHaveLength(2);
  });

  test('attemptTimeout rejects with a TimeoutError if no other backend may be tried', async () => {
    const { fetch } = await pair(() => undefined, { attemptTimeout: 40 });
    const error = await rejectionOf(fetch(URL_, { ...post(), failover: false }));
    expect([error.name, error.message]).toEqual(['TimeoutError', 'attemptTimeout of 40 ms exceeded']);
    expect(error).toBeInstanceOf(DOMException);
  });

  test('attemptTimeout fails over and closes the connection', async () => {
    const { fetch, a } = await pair(() => undefined, { attemptTimeout: 40 });
    expect((await fetch(URL_, post())).attempts).toMatchObject([{ reason: 'timeout' }, { status: 200 }]);
    await a.connectionsClosed();
  });

  test('a failing provider’s error is kept unchanged as a cause', async () => {
    const own = new Error('no token');
    const azureADTokenProvider = () => Promise.reject(own);
    const fetch = priorityFetch([{ baseURL: 'a.example', azureADTokenProvider }]);
    const error = await rejectionOf(fetch(URL_, { failover: false }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error.cause as Error).cause).toBe(own);
    expect(attemptsOf(error)).toMatchObject([{ code: 'ERR_CREDENTIAL', reason: 'credential' }]);
    expect((await fetch(URL_)).status).toBe(429);
  });

  test('a cancel rejects with a reason that holds a key, unmodified', async () => {
    const { fetch, a } = await pair(neverReply);
    const cancel = new AbortController();
    const reason = new Error('not secret-a any more');
    const rejected = rejectionOf(fetch(URL_, { ...post(), signal: cancel.signal }));
    while (a.calls.length === 0) await eventLoopTurn();
    cancel.abort(reason);
    expect(await rejected).toBe(reason);
    expect(reason).toMatchObject({ message: 'not secret-a any more' });
    expect(reason).not.toHaveProperty('attempts');
  });

  test('the signal of an attempt is aborted with the reason that the caller gets', async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const given: Fetch = (_url, init) => {
      signals.push(init!.signal);
      return new Promise(() => undefined);
    };
    const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given, attemptTimeout: 20 });
    await rejectionOf(fetch(URL_, { ...post(), failover: false }));
    expect(signals).toMatchObject([{ aborted: true, reason: { name: 'TimeoutError' } }]);
  });

  test.each(['http://[', 'http://user:pass@pool.invalid/x'])('%s is refused with the words of fetch', async (url) => {
    const { fetch } = await pair({});
    const native = await rejectionOf(globalThis.fetch(url));
    const error = await rejectionOf(fetch(url));
    expect(error).toBeInstanceOf(TypeError);
    // Native fetch repeats the whole URL, credentials included.
    expect(error.message).toBe(native.message.replace(/: http.*/, ''));
    expect(fetch.pool.backends.map(({ pending, failures }) => pending + failures)).toEqual([0, 0]);
  });

  test.each<[string, () => Promise<string>]>([
    ['rejects', () => Promise.reject(new Error('no token'))],
    ['returns no token', () => Promise.resolve('')],
  ])('a provider that %s for a pinned request is a failed fetch', async (_, provider) => {
    const fetch = priorityFetch([{ baseURL: 'http://a.example', name: 'a', azureADTokenProvider: provider }]);
    expect(await rejectionOf(fetch(URL_, { failover: { backend: 'a' } }))).toMatchObject({
      message: 'fetch failed',
      cause: { code: 'ERR_CREDENTIAL' },
    });
  });

  test('a cancel rejects with the signal’s own reason, unmodified', async () => {
    const { fetch } = await pair(() => undefined);
    const reason = new Error('mine');
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(fetch(URL_, { signal }))).toBe(reason);
    expect(reason).not.toHaveProperty('attempts');
  });

  test('a status of 0 is an ambiguous failure', async () => {
    const fetch = priorityFetch([{ baseURL: 'a.example' }], {
      fetch: () => Promise.resolve({ status: 0, type: 'default', headers: new Headers() } as Response),
    });
    const error = await rejectionOf(fetch(URL_, post()));
    expect([error.message, attemptsOf(error)[0]!.reason]).toEqual([
      'Network Error: the response has no status',
      'ambiguous',
    ]);
  });

  test('a bug in the wrapped fetch rejects unchanged and puts no backend on cooldown', async () => {
    const bug = new Error('x is not a function');
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: () => Promise.reject(bug) });
    expect(await rejectionOf(fetch(URL_))).toBe(bug);
    expect(fetch.pool.backends[0]!.failures).toBe(0);
  });
});

describe('secrets:', () => {
  test('a backend removes the headers of the caller for which it has null or false', async () => {
    const backend = await FakeBackend.start();
    const fetch = priorityFetch([
      { baseURL: backend.url, headers: { 'X-None': null, 'X-False': false, 'X-Own': ['1', '2'] } },
    ]);
    await fetch(URL_, { headers: { 'x-none': 'callers', 'x-false': 'callers', 'x-own': 'callers', 'x-kept': '1' } });
    expect(backend.lastCall.headers).toMatchObject({ 'x-own': '1, 2', 'x-kept': '1' });
    expect(Object.keys(backend.lastCall.headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/none|false/)]),
    );
  });

  test('each backend gets its own credential and none of the caller’s', async () => {
    const { fetch, a, b } = await pair(throttle(60_000), {}, { headers: { 'x-none': null, 'x-list': ['1', '2'] } });
    const headers = { 'api-key': 'callers', Authorization: 'Bearer callers', 'x-none': 'x', 'X-Custom': 'kept' };
    await fetch(`${URL_}?api-key=callers&subscription-key=callers&kept=1`, { ...post(), headers });
    for (const [{ lastCall }, key] of [
      [a, 'secret-a'],
      [b, 'secret-b'],
    ] as const) {
      expect(lastCall.url).toBe('/openai/v1/responses?kept=1');
      expect(lastCall.headers).toMatchObject({ 'api-key': key, 'x-custom': 'kept' });
      expect(lastCall.headers).not.toHaveProperty('authorization');
    }
    expect(b.lastCall.headers).toMatchObject({ 'x-list': '1, 2' });
    expect(b.lastCall.headers).not.toHaveProperty('x-none');
  });

  test.each(['secret-a', undefined])('no key follows a redirect to another origin: backend key %s', async (apiKey) => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always({ status: 307, headers: { location: `${b.url}/elsewhere` } });
    const own = { headers: { 'x-gateway': 'secret' }, ...(apiKey !== undefined && { apiKey }) };
    const fetch = priorityFetch([{ baseURL: a.url, ...own }]);
    const headers = { authorization: 'Bearer callers', 'x-api-key': 'callers', cookie: 'callers', 'x-custom': 'kept' };
    const response = await fetch(URL_, { ...post(), headers });
    expect([response.redirected, response.url]).toEqual([true, `${b.url}/elsewhere`]);
    expect(b.lastCall).toMatchObject({ method: 'POST', headers: { 'x-custom': 'kept' } });
    expect(b.lastCall.body.toString()).toBe('{"model":"chat"}');
    for (const name of ['api-key', 'authorization', 'x-api-key', 'cookie', 'x-gateway'])
      expect(b.lastCall.headers).not.toHaveProperty(name);
  });

  test.each<[string, Fetch]>([
    ['opaque', () => Promise.resolve({ type: 'opaqueredirect', status: 0, headers: new Headers() } as Response)],
    ['rejected', () => Promise.reject(new Error('Redirect was cancelled'))],
  ])('a redirect that is %s rejects with an explanation and puts no backend on cooldown', async (_how, given) => {
    const { fetch, b } = await pair({}, { fetch: given });
    const error = await rejectionOf(fetch(URL_, post()));
    expect(error.message).toContain("this runtime's fetch hides where the redirect leads");
    expect(fetch.pool.backends.map(({ failures }) => failures)).toEqual([0, 0]);
    expect(b.calls).toEqual([]);
  });

  test('a custom fetch follows redirects by itself if there is no credential', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
    await fetch(URL_);
    expect(given.mock.calls[0]![1]).toMatchObject({ redirect: 'follow' });
  });

  test('a connection that is refused after a redirect is an ambiguous failure', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const { url } = b;
    await b.close();
    a.always({ status: 307, headers: { location: url } });
    const fetch = priorityFetch([{ baseURL: a.url }]);
    expect(attemptsOf(await rejectionOf(fetch(URL_, post())))).toMatchObject([{ reason: 'ambiguous' }]);
  });

  test('neither the message nor a log of an error shows a key', async () => {
    const fetch = priorityFetch([{ baseURL: 'http://a.example', apiKey: 'secret-a' }], {
      fetch: (_input, init) => {
        const { 'api-key': key } = init!.headers as Record<string, string>;
        return Promise.reject(new TypeError('fetch failed', { cause: new Error(`bad value ${key!}`) }));
      },
    });
    const error = await rejectionOf(fetch(URL_, post()));
    expect(inspect(error, { depth: 9 })).toContain('bad value ***');
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
  });

  test('an error that cannot be modified is replaced', async () => {
    const frozen = Object.freeze(new TypeError('fetch failed for secret-a'));
    const backends = [{ baseURL: 'http://a.example', apiKey: 'secret-a' }];
    const fetch = priorityFetch(backends, { fetch: () => Promise.reject(frozen) });
    expect((await rejectionOf(fetch(URL_, post()))).message).toBe('fetch failed for ***');
  });

  test('a URL of another scheme bypasses the backends, and the error for a relative URL shows no query', async () => {
    const { fetch, a, b } = await pair({});
    expect(await (await fetch('data:,x')).text()).toBe('x');
    const error = await rejectionOf(fetch('/x?secret=1'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('Failed to parse URL from /x');
    expect(error).not.toHaveProperty('attempts');
    expect([...a.calls, ...b.calls]).toEqual([]);
  });
});

test.each(['http:@', 'http:/', 'http:', ' http://', 'ht\ttp://', '\u0001http://'])(
  'a URL that begins with %j goes to a backend, and nowhere else',
  async (begin) => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const fetch = priorityFetch([{ baseURL: `${a.url}/prefix`, apiKey: 'secret-a' }]);
    await fetch(`${begin}${b.host}/x`);
    expect([a.lastCall.url, b.calls]).toEqual(['/prefix/x', []]);
  },
);

test('a backend cannot override the caller’s redirect mode', async () => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 302, headers: { location: b.url } });
  const request = { fetchOptions: { redirect: 'follow' } };
  const fetch = priorityFetch([{ baseURL: a.url, apiKey: 'secret-a', request }]);
  expect((await fetch(URL_, { redirect: 'manual' })).status).toBe(302);
  expect(b.calls).toEqual([]);
});

test('a custom fetch whose bodies are Node streams fails over', async () => {
  const [first, second] = [503, 200].map((status) => () => {
    const body = Readable.from(['text']);
    return Promise.resolve({ status, headers: new Headers(), body, bodyUsed: false, clone: () => ({ body }) });
  });
  const given = jest.fn().mockImplementationOnce(first!).mockImplementation(second);
  const fetch = priorityFetch([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], { fetch: given });
  expect((await fetch(URL_, post())).attempts).toMatchObject([{ status: 503 }, { status: 200 }]);
});

test('a priority fetch may replace the global fetch but not wrap another priority fetch', async () => {
  const backend = await FakeBackend.start();
  const { fetch } = globalThis;
  const ours = priorityFetch([{ baseURL: backend.url }]);
  globalThis.fetch = ours;
  try {
    expect((await globalThis.fetch(URL_)).status).toBe(200);
  } finally {
    globalThis.fetch = fetch;
  }
  expect(() => priorityFetch([{ baseURL: 'a.example' }], { fetch: ours })).toThrow(
    'options.fetch is a priority fetch; pass the fetch that it wraps',
  );
});

describe("a request that fails by the caller's own doing puts no backend on cooldown:", () => {
  const moved = (status = 307): Reply => {
    return (_, response, { url }) =>
      url === '/end' ? void response.end('end') : void response.writeHead(status, { location: '/end' }).end();
  };

  test('a stream body that a redirect needs twice', async () => {
    const a = await FakeBackend.start();
    a.always(moved());
    const fetch = priorityFetch([{ baseURL: a.url }]);
    const error = await rejectionOf(
      fetch(URL_, { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as never),
    );
    expect([error.message, (error.cause as Error).message]).toEqual([
      'fetch failed',
      'the request body is a stream, which can be sent only once',
    ]);
    expect(attemptsOf(error)).toMatchObject([{ code: 'ERR_BAD_REQUEST' }]);
    expect(attemptsOf(error)[0]).not.toHaveProperty('reason');
    expect(fetch.pool.snapshot()[0]!.available).toBe(true);
  });

  test('the body of a Request is streamed if no redirect is followed', async () => {
    const a = await FakeBackend.start();
    const fetch = priorityFetch([{ baseURL: a.url }]);
    await fetch(new Request(URL_, { method: 'POST', body: 'x', redirect: 'manual' }));
    expect(a.lastCall.headers).not.toHaveProperty('content-length');
    await fetch(new Request(URL_, { method: 'POST', body: 'x' }));
    expect(a.lastCall.headers).toHaveProperty('content-length', '1');
  });

  test('a failed integrity check', async () => {
    const { fetch, b } = await pair({ body: 'text' });
    const error = await rejectionOf(fetch(URL_, { integrity: `sha256-${'A'.repeat(43)}=` }));
    expect((error.cause as Error).message).toBe('integrity mismatch');
    expect(fetch.pool.snapshot().map(({ available }) => available)).toEqual([true, true]);
    expect(b.calls).toEqual([]);
  });

  test('a redirect to an address with userinfo', async () => {
    const { fetch, b } = await pair({ status: 302, headers: { location: 'http://user:word@127.0.0.1/' } });
    const error = await rejectionOf(fetch(URL_));
    expect((error.cause as Error).message).toBe('Redirected request failed: the Location contains credentials');
    expect(inspect(error, { depth: 9 })).not.toContain('word');
    expect(fetch.pool.snapshot()[0]!.available).toBe(true);
    expect(b.calls).toEqual([]);
  });
});

test('integrity is not checked for a refusal, which still fails over', async () => {
  const { fetch, b } = await pair(throttle(60_000));
  b.always({ body: 'text' });
  const integrity = 'sha256-mC2eOmuYJcRLxtjfwYIY6nQbx4oJ7ajWCZBEBSnFMHM=';
  const response = await rejectionOf(fetch(URL_, { integrity }));
  expect(attemptsOf(response)).toMatchObject([{ backend: 'a', status: 429 }, { backend: 'b' }]);
});

describe('a custom fetch may return', () => {
  const backends = [
    { baseURL: 'http://a.example', apiKey: 'secret-a' },
    { baseURL: 'b.example', priority: 2 },
  ];

  test.each<[string, () => unknown]>([
    ['a response without headers', () => Promise.resolve({ status: 200 })],
    ['headers that are a plain object', () => Promise.resolve({ status: 200, headers: { 'x-a': '1' } })],
    ['a Response without a promise', () => new Response('x')],
  ])('%s', async (_what, given) => {
    const fetch = priorityFetch(backends, { fetch: given as never });
    expect(await fetch(URL_)).toMatchObject({ status: 200, attempts: [{ backend: 'a.example', status: 200 }] });
  });

  test('a refusal without headers', async () => {
    const given = jest.fn().mockReturnValueOnce({ status: 429 }).mockReturnValueOnce({ status: 200 });
    expect((await priorityFetch(backends, { fetch: given })(URL_)).attempts).toMatchObject([
      { status: 429 },
      { status: 200 },
    ]);
  });

  test('a status of 0 and no type', async () => {
    const fetch = priorityFetch(backends, { fetch: () => ({ status: 0 }) as never });
    expect((await rejectionOf(fetch(URL_, post()))).message).toBe('Network Error: the response has no status');
  });

  test('a frozen response, which then has no attempts', async () => {
    const frozen = Object.freeze(new Response('x'));
    const response = await priorityFetch(backends, { fetch: () => Promise.resolve(frozen) })(URL_);
    expect(response).toBe(frozen);
    expect(attemptsOf(response)).toEqual([]);
  });

  test('responses without clone(), even after a redirect', async () => {
    const given = jest
      .fn()
      .mockReturnValueOnce({ status: 302, headers: { Location: '/x' } })
      .mockReturnValueOnce({ status: 503, body: new Blob(['x']).stream() })
      .mockReturnValueOnce({ status: 200 });
    expect((await priorityFetch(backends, { fetch: given })(URL_)).attempts).toMatchObject([
      { status: 503 },
      { status: 200 },
    ]);
  });

  test('undefined: the request rejects, and no backend goes on cooldown', async () => {
    const fetch = priorityFetch(backends, { fetch: () => undefined as never });
    expect((await rejectionOf(fetch(URL_))).message).toContain('undefined');
    expect(fetch.pool.backends.map(({ failures }) => failures)).toEqual([0, 0]);
  });
});

describe('an aborted signal cancels the body of the request', () => {
  const reason = new Error('mine');

  test('while it is being read into memory', async () => {
    const cancelled = jest.fn();
    const controller = new AbortController();
    const body = new ReadableStream({ pull: () => controller.abort(reason), cancel: cancelled }, { highWaterMark: 0 });
    const { fetch } = await pair({});
    const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as never;
    expect(await rejectionOf(fetch(URL_, init))).toBe(reason);
    expect(cancelled).toHaveBeenCalledWith(reason);
  });

  test('if it is a Node stream', async () => {
    const body = Readable.from(['x']);
    const { fetch } = await pair({});
    const init = { method: 'POST', body, duplex: 'half', signal: AbortSignal.abort(reason) };
    expect(await rejectionOf(fetch(URL_, init as never))).toBe(reason);
    expect(body.destroyed).toBe(true);
  });

  test('even if its cancel() fails', async () => {
    const cancel = () => Promise.reject(new Error('no'));
    const { fetch } = await pair({});
    const init = { method: 'POST', body: new ReadableStream({ cancel }), duplex: 'half' };
    expect(await rejectionOf(fetch(URL_, { ...init, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('the model of a Blob', () => {
  const deployments = { chat: 'gpt-b' };
  const blob = (text: string, type = 'application/json') => new Blob([text], { type });
  const sent = async (body: Blob, init: RequestInit = {}, options: PriorityFetchOptions = {}) => {
    const { fetch, b } = await pair(throttle(60_000), options, { deployments });
    await fetch(URL_, { method: 'POST', body, ...init });
    return [b.lastCall.body.toString(), b.lastCall.headers['content-type']];
  };

  test.each<[string, Parameters<typeof sent>, string[]]>([
    ['is renamed', [blob('{"model":"chat"}')], ['{"model":"gpt-b"}', 'application/json']],
    [
      'is renamed if a header says that it is JSON',
      [blob('{"model":"chat"}', 'text/x'), { headers: { 'Content-Type': 'application/json; charset=utf-8' } }],
      ['{"model":"gpt-b"}', 'application/json; charset=utf-8'],
    ],
    ['is not looked for in other types', [blob('{"model":"chat"}', 'text/x')], ['{"model":"chat"}', 'text/x']],
    ['may be missing', [blob('{}')], ['{}', 'application/json']],
    [
      'is not looked for in a Blob over maxReplaySize',
      [blob('{"model":"chat"}'), {}, { maxReplaySize: 5 }],
      ['{"model":"chat"}', 'application/json'],
    ],
  ])('%s', async (_what, call, expected) => {
    expect(await sent(...call)).toEqual(expected);
  });

  test('is left alone if its file has changed', async () => {
    const broken = Object.assign(blob('{}'), { arrayBuffer: () => Promise.reject(new Error('changed')) });
    expect(await sent(broken)).toEqual(['{}', 'application/json']);
  });
});

test('a priority fetch that is used as an axios adapter rejects with a hint', async () => {
  const { fetch } = await pair({});
  await expect(axios.get('/x', { adapter: fetch as never })).rejects.toThrow(
    new TypeError('this is a fetch; for axios, use priorityAdapter'),
  );
});

test.each([
  [null, 'init.failover must be false or an object, got null'],
  [{ strategy: 1 }, 'init.failover has an unknown field "strategy"'],
  [{ retries: 1 }, 'init.failover has an unknown field "retries"'],
])('init.failover of %j is refused', async (failover, message) => {
  const { fetch, a } = await pair({});
  await expect(fetch(URL_, { failover } as never)).rejects.toThrow(new TypeError(message));
  expect(a.calls).toEqual([]);
});

test.each<[unknown, unknown, string]>([
  [
    priorityAdapter([{ baseURL: 'a.example' }]),
    {},
    'backends is a client; pass its pool, as in priorityFetch(adapter.pool)',
  ],
  [
    'https://user:hunter2@a.example/x',
    { method: 'post', signal: null },
    'backends must be a non-empty array or a BackendPool, got a string: write [{ baseURL: "https://***@a.example/x" }]. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
  ],
  [
    new Request('https://a.example'),
    {},
    'backends must be a non-empty array or a BackendPool, got a request. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
  ],
  [[{ baseURL: 'a.example' }], { retries: 2 }, 'options has an unknown field "retries"'],
  [[{ baseURL: 'a.example' }], { httpsAgent: {} }, 'options has an unknown field "httpsAgent"'],
  [
    [{ baseURL: 'a.example', request: { dispatcher: {} } }],
    {},
    'backends[0].request has an unknown field "dispatcher"; did you mean "fetchOptions"?',
  ],
  [[{ baseURL: new URL('http://a.example') }], {}, 'backends[0].baseURL must be a non-empty string, got an object'],
])('priorityFetch rejects bad input (%#)', (backends, options, message) => {
  expect(() => priorityFetch(backends as never, options as never)).toThrow(new TypeError(message));
});

test('an iterable body is left alone if the request is not balanced', async () => {
  const next = jest.fn();
  const body = { [Symbol.asyncIterator]: () => ({ next }) };
  const given = () => Promise.resolve(new Response('x'));
  const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: given, shouldBalance: () => false });
  await fetch(URL_, { method: 'POST', body, duplex: 'half' } as never);
  expect(next).not.toHaveBeenCalled();
});

describe('the request of each attempt', () => {
  test('has the path, the parameters and the model of its backend', async () => {
    const params = { 'api-version': '2', gone: null, list: ['1', '2'], at: new Date(0) };
    const own = { params, deployments: { chat: 'gpt-b' } };
    const { fetch, a, b } = await pair(throttle(60_000), {}, { ...own });
    b.always({});
    const init = { ...post({ model: 'chat', n: 1 }), headers: { 'content-length': '22' } };
    await fetch(new URL('http://pool.invalid/openai/v1/responses?api-version=1&gone=1&kept=%20#part'), init);
    expect(a.lastCall.url).toBe('/openai/v1/responses?api-version=1&gone=1&kept=%20');
    expect(b.lastCall.url).toBe(
      '/openai/v1/responses?kept=%20&api-version=2&list[]=1&list[]=2&at=1970-01-01T00%3A00%3A00.000Z',
    );
    expect(b.lastCall.body.toString()).toBe('{"model":"gpt-b","n":1}');
    for (const body of [{ model: 'other' }, {}]) {
      await fetch(URL_, post(body));
      expect(JSON.parse(b.lastCall.body.toString())).toEqual(body);
    }
    await fetch('http://pool.invalid/openai/deployments/chat/chat/completions', post());
    expect(b.lastCall.url).toContain('/openai/deployments/gpt-b/chat/completions?api-version=2&list');
  });

  test('has the same parameters of its backend as over axios, objects included', async () => {
    const params = {
      o: { x: 1, 'y z': { deep: ['1', 2] }, none: null },
      list: [{ a: 1 }, { b: true }],
      gone: undefined,
    };
    const { fetch, b } = await pair(throttle(60_000), {}, { params });
    await fetch(URL_);
    await axios.get(URL_, { adapter: priorityAdapter(fetch.pool) });
    const [byFetch, byAxios] = b.calls.map(({ url }) => [...new URL(url, b.url).searchParams]);
    expect(byFetch).toEqual(byAxios);
    expect(byFetch).toContainEqual(['o[y z][deep][1]', '2']);
  });

  test('keeps the rest of a URL from which the backend removes a parameter', async () => {
    const { fetch, b } = await pair(throttle(60_000), {}, { params: { 'api-version': null } });
    await fetch(`${URL_}?api-version=1`, post());
    expect(b.lastCall.url).toBe('/openai/v1/responses');
  });

  test('has the fetchOptions of its backend and the caller’s init, without options of the package', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const request = { fetchOptions: { dispatcher: 'of the backend' }, proxy: false as const };
    const fetch = priorityFetch([{ baseURL: 'http://a.example', request }], { fetch: given });
    await fetch(URL_, { dispatcher: 'mine', cache: 'no-store', failover: { maxWait: 5 } } as never);
    const [url, init] = given.mock.calls[0]!;
    expect(url).toBe('http://a.example/openai/v1/responses');
    expect(init).toMatchObject({ dispatcher: 'of the backend', cache: 'no-store', method: 'GET' });
    for (const name of ['failover', 'proxy']) expect(init).not.toHaveProperty(name);
  });

  test('has the fields of a Request', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
    await fetch(new Request(URL_, { cache: 'no-cache', keepalive: true, redirect: 'manual', headers: { 'x-a': '1' } }));
    expect(given.mock.calls[0]![1]).toMatchObject({
      cache: 'no-cache',
      keepalive: true,
      redirect: 'manual',
      headers: { 'x-a': '1' },
    });
  });

  test('has the body of a Request even if the runtime does not expose it', async () => {
    const { fetch, b } = await pair(throttle(60_000));
    const request = new Request(URL_, { method: 'POST', body: 'kept' });
    Object.defineProperty(request, 'body', { value: undefined });
    await fetch(request);
    expect(b.lastCall.body.toString()).toBe('kept');
  });

  test('needs duplex for a stream if the wrapped fetch requires it', async () => {
    const { fetch, b } = await pair(throttle(60_000));
    const stream = () => new Blob(['x']).stream();
    await expect(fetch(URL_, { method: 'POST', body: stream() })).rejects.toThrow('duplex option is required');
    await fetch(URL_, { method: 'POST', body: stream(), duplex: 'half' } as never);
    expect(b.lastCall.body.toString()).toBe('x');
  });
});

describe('callbacks', () => {
  test('get the config that axios would give them', async () => {
    const configs: unknown[] = [];
    const note = (config: unknown) => void configs.push(config);
    const signal = new AbortController().signal;
    const { fetch } = await pair(throttle(60_000), {
      shouldBalance: (config) => !note(config),
      selector: ([first], config) => (note(config), first!),
      failoverCondition: ({ config }) => !note(config),
      cooldown: ({ config }) => note(config),
    });
    const failover = { maxWait: 1 };
    await fetch(URL_, { method: 'Put', headers: { 'X-Custom': 'a' }, body: 'text', signal, failover });
    expect(configs).toHaveLength(5);
    expect(configs[0]).toEqual({
      url: URL_,
      method: 'put',
      headers: { 'x-custom': 'a' },
      data: 'text',
      signal,
      failover,
    });
    expect(new Set(configs).size).toBe(1);
  });

  test('shouldBalance false sends the request through the wrapped fetch untouched', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: given, shouldBalance: () => false });
    const [input, init] = [new Request('http://elsewhere.example'), { failover: { nonsense: 1 } as never }];
    const response = await fetch(input, init);
    expect(given).toHaveBeenCalledWith(input, init);
    expect(response).not.toHaveProperty('attempts');
  });

  test('an affinity selector keeps a user on one backend', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const selector = affinity(({ headers }) => (headers as Record<string, string>)['x-user']);
    const fetch = priorityFetch([{ baseURL: a.url }, { baseURL: b.url }], { selector });
    for (let i = 0; i < 4; i++) await fetch(URL_, { headers: { 'X-User': 'one' } });
    expect([a.calls.length, b.calls.length].sort()).toEqual([0, 4]);
  });
});

describe('failover in init', () => {
  test('false makes one attempt, and returns its response as it is', async () => {
    const { fetch, b } = await pair({ status: 429, body: 'real' });
    const response = await fetch(URL_, { ...post(), failover: false });
    expect([response.status, await response.text(), b.calls.length]).toEqual([429, 'real', 0]);
    expect(response).not.toHaveProperty('fabricated');
  });

  test('pins a request to a backend', async () => {
    const { fetch, a } = await pair({});
    expect((await fetch(URL_, { failover: { backend: 'b' } })).attempts[0]!.backend).toBe('b');
    expect(a.calls).toEqual([]);
    await expect(fetch(URL_, { failover: { backend: 'c' } })).rejects.toThrow(
      'init.failover.backend: unknown backend "c"; expected one of a, b',
    );
  });

  test('waits within maxWait', async () => {
    const { fetch, a, b } = await pair({});
    a.script(throttle(30));
    b.always(throttle(60_000));
    expect((await fetch(URL_, { ...post(), failover: { maxWait: 2000 } })).status).toBe(200);
    expect(a.calls).toHaveLength(2);
  });
});

test.each<[PriorityFetchOptions, string]>([
  [{ fetch: 'x' as never }, 'options.fetch must be a function, got "x"'],
  [
    { connectTimeout: 5 } as never,
    "options.connectTimeout is for axios alone; the runtime's fetch has a limit of its own",
  ],
  [{ adapter: 'http' } as never, 'options.adapter is for axios alone; pass the fetch to wrap as fetch'],
  [{ selector: roundRobin as never }, 'options.selector is roundRobin itself; write roundRobin()'],
])('priorityFetch rejects the options %j', (options, message) => {
  expect(() => priorityFetch([{ baseURL: 'a.example' }], options)).toThrow(new TypeError(message));
});

test.each<[object, string]>([
  [{ fetch: 'x' }, 'options.fetch must be a function, got "x"'],
  [{ adapter: 'http' }, 'pass the fetch to wrap as fetch'],
  [{ connectTimeout: 5 }, "the runtime's fetch has a limit of its own"],
])('the options %j are refused', (options, message) => {
  expect(() => priorityFetch([{ baseURL: 'http://a.example' }], options)).toThrow(message);
});

test('pool options are rejected with a ready pool, and the pool of another client is accepted', () => {
  const pool = new BackendPool([{ baseURL: 'a.example' }]);
  expect(() => priorityFetch(pool, { maxCooldown: 5 })).toThrow('options.maxCooldown belongs to the pool');
  expect(priorityFetch(pool).pool).toBe(pool);
});

test('the global fetch is looked up at each call', async () => {
  const { fetch } = globalThis;
  const ours = priorityFetch([{ baseURL: 'http://a.example' }]);
  globalThis.fetch = () => Promise.resolve(new Response('replaced'));
  try {
    expect(await (await ours(URL_)).text()).toBe('replaced');
  } finally {
    globalThis.fetch = fetch;
  }
});

test('events include the request id', async () => {
  const { fetch } = await pair({ status: 503, headers: { 'x-request-id': 'id-1', 'apim-request-id': '' } });
  const events: PoolEvent[] = [];
  fetch.pool.subscribe((event) => events.push(event));
  await fetch('http://pool.invalid/openai/deployments/chat/x', post());
  expect(events).toMatchObject([
    { type: 'cooldown', backend: 'a' },
    { type: 'attempt', backend: 'a', scope: 'chat', status: 503, requestId: 'id-1' },
    { type: 'attempt', backend: 'b', scope: 'chat', status: 200 },
  ]);
});

describe('no resources leak:', () => {
  test('10,000 requests on one signal leave no listener on it', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const given: Fetch = (_url, init) => {
      expect(init!.signal!.aborted).toBe(false);
      return Promise.resolve(new Response('x'));
    };
    const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
    for (let i = 0; i < 10_000; i++) await fetch(URL_, { signal });
    expect(listeners).toBe(0);
  });

  test('discarded responses free their connection: 500 failovers need only one', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always({ status: 503, body: 'x'.repeat(200_000) });
    const dispatcher = new Agent({ connections: 1 });
    const backends = [{ baseURL: a.url }, { baseURL: b.url, priority: 2 }];
    const fetch = priorityFetch(backends, { fetch: undiciFetch as never, cooldown: () => 0 });
    for (let i = 0; i < 500; i++) await (await fetch(URL_, { dispatcher } as never)).text();
    expect([a.calls.length, b.calls.length]).toEqual([500, 500]);
    await dispatcher.close();
  });

  test('a cancel ends a body that is being read, and frees its connection', async () => {
    const { fetch, b } = await pair(throttle(60_000), { attemptTimeout: 5000 });
    b.always((_, response) => void response.writeHead(200).write('begin'));
    const controller = new AbortController();
    const response = await fetch(URL_, { ...post(), signal: controller.signal });
    controller.abort();
    expect((await rejectionOf(response.text())).name).toBe('AbortError');
    await b.connectionsClosed();
  });

  test('without AbortSignal.any, the signal itself is passed on', async () => {
    const any = AbortSignal.any.bind(AbortSignal);
    Reflect.deleteProperty(AbortSignal, 'any');
    try {
      const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
      const fetch: PriorityFetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
      const { signal } = new AbortController();
      await fetch(URL_, { signal });
      expect(given.mock.calls[0]![1]!.signal).toBe(signal);
    } finally {
      Object.assign(AbortSignal, { any });
    }
  });

  test('a streamed upload keeps its back-pressure if it cannot be sent again', async () => {
    const backend = await FakeBackend.start();
    const fetch = priorityFetch([{ baseURL: backend.url }]);
    let pulled = 0;
    const body = new ReadableStream(
      {
        pull(controller) {
          if (++pulled > 20) controller.close();
          else controller.enqueue(new Uint8Array(1000));
        },
      },
      { highWaterMark: 0 },
    );
    await fetch(URL_, { method: 'POST', body, duplex: 'half' } as never);
    expect(backend.lastCall.body).toHaveLength(20_000);
    expect(backend.lastCall.headers).not.toHaveProperty('content-length');
  });

  test('a cancelled body stream calls return() of its iterable', async () => {
    const end = jest.fn(() => Promise.resolve({ done: true }));
    const body = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true }), return: end }) };
    const call = callOf('http://a.example', addressOf('http://a.example'), { body, duplex: 'half' } as never);
    await (openRequest(call, globalThis.fetch).body as ReadableStream).cancel();
    expect(end).toHaveBeenCalled();
  });
});

test('a stream needs no duplex if the runtime does not require it', async () => {
  const { Request: Original } = globalThis;
  globalThis.Request = jest.fn() as never;
  try {
    const backend = await FakeBackend.start();
    await jest.isolateModulesAsync(async () => {
      const { priorityFetch: fresh } = await import('../../src/fetch');
      const fetch = fresh([{ baseURL: backend.url }, { baseURL: backend.url, name: 'b' }]);
      await fetch(URL_, { method: 'POST', body: new Blob(['x']).stream() });
    });
    expect(backend.lastCall.body.toString()).toBe('x');
  } finally {
    globalThis.Request = Original;
  }
});

describe('as with native fetch:', () => {
  test('a response from another origin has its type', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always({ status: 307, headers: { location: `${b.url}/x` } });
    const ours = await priorityFetch([{ baseURL: a.url }])(URL_);
    const plain = await fetch(a.url);
    expect([ours.type, ours.redirected, ours.url]).toEqual([plain.type, plain.redirected, plain.url]);
    a.always({ status: 307, headers: { location: '/y' } });
    a.script({ status: 307, headers: { location: '/y' } }, { body: 'ok' });
    expect((await priorityFetch([{ baseURL: a.url }])(URL_)).type).toBe('basic');
  });

  test('a null body in init keeps the body of a Request', async () => {
    const { fetch, a } = await pair({});
    await fetch(new Request(URL_, post()), { body: null });
    expect(a.lastCall.body.toString()).toBe('{"model":"chat"}');
  });

  test('a polyfilled signal without a reason cancels with an AbortError, even while the body is read', async () => {
    class PolyfilledSignal extends EventTarget {
      aborted = false;
    }
    const { fetch, a } = await pair((_, response) => void response.writeHead(200).write('x'));
    const aborted = Object.assign(new PolyfilledSignal(), { aborted: true });
    await expect(fetch(URL_, { signal: aborted as never })).rejects.toMatchObject({ name: 'AbortError' });
    expect(a.calls).toEqual([]);
    const given: unknown[] = [];
    const wrapped = priorityFetch([{ baseURL: a.url }], {
      attemptTimeout: 5_000,
      fetch: async (_, init) => {
        given.push(init?.signal);
        return Promise.resolve(new Response('x'));
      },
    });
    const signal = new PolyfilledSignal();
    await wrapped(URL_, { signal: signal as never });
    // `AbortSignal.any` would not hear it.
    expect(given).toEqual([signal]);
  });
});

test.each<[string, () => RequestInit]>([
  ['a wrong content-length', () => ({ method: 'PUT', body: 'abc', headers: { 'content-length': '5' } })],
  [
    'a closed dispatcher',
    () => {
      const dispatcher = new Agent();
      void dispatcher.destroy();
      return { dispatcher } as RequestInit;
    },
  ],
  [
    'a mock without a matching rule',
    () => {
      const dispatcher = new MockAgent();
      dispatcher.disableNetConnect();
      return { dispatcher } as RequestInit;
    },
  ],
])('%s puts no backend on cooldown', async (_what, init) => {
  const { fetch, b } = await pair({}, { fetch: undiciFetch as never });
  await expect(fetch(URL_, init())).rejects.toThrow('fetch failed');
  expect(fetch.pool.snapshot()).toMatchObject([{ failures: 0, available: true }, { failures: 0 }]);
  expect(b.calls).toEqual([]);
});

test('a port that fetch refuses is a connection failure, so a POST fails over', async () => {
  const { b } = await pair({});
  const fetch = priorityFetch([{ baseURL: 'http://127.0.0.1:6667' }, { baseURL: b.url, priority: 2 }]);
  expect(attemptsOf(await fetch(URL_, post()))).toMatchObject([{ reason: 'connection' }, { status: 200 }]);
});

test('the headers of a form are sent, but not its credential', async () => {
  const { fetch, b } = await pair({ status: 503 });
  const form = Object.assign(Readable.from(['x']), {
    getHeaders: () => ({ 'api-key': 'secret of the form', 'x-form': '1' }),
  });
  await fetch(URL_, { method: 'POST', body: form as never, duplex: 'half' } as RequestInit);
  expect(b.lastCall.headers).toMatchObject({ 'api-key': 'secret-b', 'x-form': '1' });
});

test('keys are masked in a string that the wrapped fetch throws', async () => {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as some do
  const { fetch } = await pair({}, { fetch: () => Promise.reject('refused secret-a') });
  await expect(fetch(URL_, post())).rejects.toBe('refused ***');
});

test('a cloneable mock is inspected', async () => {
  const mock = (): object => ({
    ...{ status: 400, statusText: 'Bad Request', headers: new Headers({ 'x-mock': '1' }), type: 'default' },
    body: new Blob(['{"error":{"code":"context_length_exceeded"}}']).stream(),
    clone: mock,
  });
  const seen: Failure[] = [];
  const { fetch } = await pair(
    {},
    { fetch: () => Promise.resolve(mock() as Response), failoverCondition: (failure) => seen.push(failure) > 5 },
  );
  const response = await fetch(URL_, post());
  expect(seen).toMatchObject([{ status: 400, errorCode: 'context_length_exceeded' }]);
  expect([response.status, response.headers.get('x-mock'), await response.text()]).toEqual([
    400,
    '1',
    '{"error":{"code":"context_length_exceeded"}}',
  ]);
});
