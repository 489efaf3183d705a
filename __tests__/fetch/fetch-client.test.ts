import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Agent, Response as UndiciResponse, RetryAgent, fetch as undiciFetch } from 'undici';
import { attemptsOf } from '../../src';
import type { PoolEvent } from '../../src';
import { isContextLengthExceeded, priorityFetch } from '../../src/fetch';
import type { Failure, PriorityFetch } from '../../src/fetch';
import type { Fetch, FetchInit } from '../../src/fetch/request';
import { closeConnectionsAfterEach, listening } from '../support/connections';
import {
  FakeBackend,
  closeBackendsAfterEach,
  neverReply,
  rejectionOf,
  startBackends,
  throttle,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { URL_, pair, post } from '../support/fetch-pair';
import { eventLoopTurn, refused } from '../support/stub-pool';

closeBackendsAfterEach();

closeConnectionsAfterEach();

describe('a refusal', () => {
  test('that a dispatcher turned into an error fails over, and its wait counts', async () => {
    const dispatcher = new RetryAgent(new Agent());
    const seen: Failure[] = [];
    const cooldown = (failure: Failure) => void seen.push(failure);
    const { fetch, a } = await pair(throttle(5000), { fetch: undiciFetch as never, cooldown });
    const init = { ...post(), dispatcher } as RequestInit;
    expect((await fetch(URL_, init)).attempts).toMatchObject([
      { backend: 'a', status: 429, reason: 'throttled', cooldown: 5000 },
      { backend: 'b', status: 200 },
    ]);
    // It is no response that anybody could read.
    expect(seen).toMatchObject([{ status: 429, code: 'UND_ERR_REQ_RETRY' }]);
    expect(seen[0]).not.toHaveProperty('response');
    a.always({ status: 503 });
    fetch.pool.restore('a');
    const error = await rejectionOf(fetch(URL_, { ...init, failover: false }));
    expect(error).toMatchObject({ message: 'fetch failed', attempts: [{ status: 503, reason: 'server-error' }] });
    await dispatcher.close();
  });

  test('that a fetch throws inside its error, as ky does, counts as that response', async () => {
    const response = new Response('{}', { status: 429, headers: { 'retry-after': '5' } });
    const seen: Failure[] = [];
    const given = jest
      .fn()
      .mockRejectedValueOnce(Object.assign(new Error('Request failed'), { response }))
      .mockResolvedValue(new Response('x'));
    const backends = ['a', 'b'].map((name, i) => ({ baseURL: `${name}.example`, name, priority: i + 1 }));
    const fetch = priorityFetch(backends, { fetch: given, cooldown: (failure) => void seen.push(failure) });
    expect((await fetch(URL_, post())).attempts).toMatchObject([
      { backend: 'a', status: 429, reason: 'throttled', cooldown: 5000 },
      { backend: 'b', status: 200 },
    ]);
    expect(seen[0]?.response).toBe(response);
  });

  test('whose body a dispatcher has read is known by its words and its code', async () => {
    const refusal = (statusCode: number, body: unknown) =>
      new TypeError('fetch failed', {
        cause: Object.assign(new Error('no'), { code: 'UND_ERR_RESPONSE', statusCode, headers: {}, body }),
      });
    const given = jest
      .fn()
      .mockRejectedValueOnce(refusal(429, 'Please retry after 6 seconds.'))
      .mockRejectedValueOnce(refusal(404, { error: { code: 'DeploymentNotFound' } }))
      .mockRejectedValueOnce(refusal(400, { error: { code: 'invalid_prompt' } }));
    const backends = ['a', 'b', 'c'].map((name, i) => ({ baseURL: `${name}.example`, name, priority: i + 1 }));
    const error = await rejectionOf(priorityFetch(backends, { fetch: given })(URL_, post()));
    expect(error).toMatchObject({ message: 'fetch failed', cause: { statusCode: 400 } });
    expect(attemptsOf(error)).toMatchObject([
      { backend: 'a', status: 429, cooldown: 6000 },
      { backend: 'b', status: 404, reason: 'client-error' },
      { backend: 'c', status: 400, reason: 'client-error' },
    ]);
  });

  test('is read for its wait and error code, and stays readable for the caller', async () => {
    const body = { error: { code: 'rate', message: 'Please retry after 6 seconds.' } };
    const seen: Failure[] = [];
    const failoverCondition = (failure: Failure) => !seen.push(failure);
    const { fetch } = await pair({ status: 429, body }, { failoverCondition });
    const response = await fetch(URL_, post());
    expect(seen[0]).toMatchObject({ status: 429, reason: 'throttled', errorCode: 'rate', response });
    expect(await response.clone().json()).toStrictEqual(body);
    expect(await response.json()).toStrictEqual(body);
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
    expect([own.status, own.statusText, own.ok, await own.text()]).toStrictEqual([
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
    expect([response.status, response.fabricated]).toStrictEqual([404, true]);
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
    expect([error.name, error.message]).toStrictEqual(['TypeError', 'fetch failed']);
    expect(attemptsOf(error)).toMatchObject([{ backend: 'a', code: 'UND_ERR_SOCKET', reason: 'ambiguous' }]);
    expect(Object.keys(error)).not.toContain('attempts');
    expect(b.calls).toStrictEqual([]);
  });

  test('a GET that was reset fails over', async () => {
    const { fetch } = await pair(reset);
    expect((await fetch(URL_)).attempts).toHaveLength(2);
  });

  test('attemptTimeout rejects with a TimeoutError if no other backend may be tried', async () => {
    const { fetch } = await pair(() => undefined, { attemptTimeout: 40 });
    const error = await rejectionOf(fetch(URL_, { ...post(), failover: false }));
    expect([error.name, error.message]).toStrictEqual(['TimeoutError', 'attemptTimeout of 40 ms exceeded']);
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
    expect(fetch.pool.backends.map(({ pending, failures }) => pending + failures)).toStrictEqual([0, 0]);
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

  test('the error of the caller’s own stream is the cause, as in fetch', async () => {
    const own = new RangeError('mine');
    const { fetch } = await pair({});
    const body = new ReadableStream({ pull: (controller) => controller.error(own) });
    const { message, cause } = await rejectionOf(fetch(URL_, { method: 'POST', body, duplex: 'half' } as FetchInit));
    expect([message, cause]).toStrictEqual(['fetch failed', own]);
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
    expect([error.message, attemptsOf(error)[0]!.reason]).toStrictEqual([
      'Network Error: the response has no status',
      'ambiguous',
    ]);
  });

  test('a status line with the status 0 is an ambiguous failure', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always((request) => void request.socket.end('HTTP/1.1 000 OK\r\ncontent-length: 2\r\n\r\nok'));
    const fetch = priorityFetch([{ baseURL: a.url }, { baseURL: b.url, priority: 2 }]);
    expect(attemptsOf(await fetch(URL_))).toMatchObject([{ reason: 'ambiguous' }, { status: 200 }]);
  });

  test.each(['Failed to fetch', 'fetch failed', 'NetworkError when attempting to fetch resource.'])(
    'an error with the words %j is the network’s, though a header of the backend occurs in it',
    async (message) => {
      const backends = [{ baseURL: 'a.example', name: 'a', headers: { 'X-Requested-With': 'fetch' } }];
      const fetch = priorityFetch(backends, { fetch: () => Promise.reject(new TypeError(message)) });
      const error = await rejectionOf(fetch(URL_, post()));
      expect([error.message, attemptsOf(error)[0]!.reason]).toStrictEqual([message, 'ambiguous']);
    },
  );

  test('a refusal whose body the wrapped fetch is reading itself fails over', async () => {
    const replies = [new Response('busy', { status: 503 }), new Response('ok')];
    const wrapped = () => {
      const response = replies.shift()!;
      response.body!.getReader();
      return Promise.resolve(response);
    };
    const fetch = priorityFetch([{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }], { fetch: wrapped });
    expect(attemptsOf(await fetch(URL_))).toMatchObject([{ status: 503 }, { status: 200 }]);
  });

  test('an event stream that the wrapped fetch is reading itself is passed on', async () => {
    const stream = new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } });
    stream.body!.getReader();
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: () => Promise.resolve(stream) });
    expect(await fetch(URL_)).toBe(stream);
  });

  test('a bug in the wrapped fetch rejects unchanged and puts no backend on cooldown', async () => {
    const bug = new Error('x is not a function');
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: () => Promise.reject(bug) });
    expect(await rejectionOf(fetch(URL_))).toBe(bug);
    expect(fetch.pool.backends[0]!.failures).toBe(0);
  });
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

  test('a refusal with fields of its own, which it keeps, and so do its clones', async () => {
    const response = Object.assign(new Response('no'), { timing: 12 });
    const refusal = Object.defineProperties(response, { url: { value: 'http://a.example' }, status: { value: 404 } });
    const returned = await priorityFetch(backends, { fetch: () => Promise.resolve(refusal) })(URL_);
    expect([returned.status, await returned.clone().text()]).toStrictEqual([404, 'no']);
    expect(returned).toHaveProperty('timing', 12);
    expect(returned.clone()).toHaveProperty('timing', 12);
  });

  test.each([
    [undefined, undefined, 'undefined'],
    ['key', 'text', '"text"'],
    ['key', undefined, 'undefined'],
  ])('a mock that returns no response is named in the error (apiKey %p, %p)', async (apiKey, returned, shown) => {
    const fetch = priorityFetch([{ baseURL: 'a.example', ...(apiKey !== undefined && { apiKey }) }], {
      fetch: () => Promise.resolve(returned) as never,
    });
    const error = await rejectionOf(fetch(URL_, post()));
    expect(error.message).toBe(`the wrapped fetch must return a Response, got ${shown}`);
    expect(fetch.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
  });

  test.each([404, 200])('a mock of a %i with a URL, a body and methods of its own', async (status) => {
    const body = new Blob(['data: {"choices":[{}]}\n\n']).stream();
    const text = () => Promise.resolve('of the mock');
    const headers = new Headers({ 'content-type': 'text/event-stream' });
    const mock = { url: 'http://a.example', status, headers, body, bodyUsed: false, text, clone: () => mock };
    const response = await priorityFetch(backends, { fetch: () => Promise.resolve(mock) as never })(URL_);
    expect([response.status, await response.text()]).toStrictEqual([status, 'data: {"choices":[{}]}\n\n']);
  });

  test.each(['opaque', 'opaqueredirect'])('a status of 0 of the type %s, which the caller asked for', async (type) => {
    const fetch = priorityFetch(backends, { fetch: () => Promise.resolve({ status: 0, type }) as never });
    expect(await fetch(URL_, { redirect: 'manual' })).toMatchObject({ status: 0, type });
  });

  test('a status of 0 of any other type', async () => {
    const fetch = priorityFetch(backends, { fetch: () => Promise.resolve({ status: 0, type: 'non-opaque' }) as never });
    expect((await rejectionOf(fetch(URL_, post()))).message).toBe('Network Error: the response has no status');
  });

  test('a status of 0 and no type', async () => {
    const fetch = priorityFetch(backends, { fetch: () => ({ status: 0 }) as never });
    expect((await rejectionOf(fetch(URL_, post()))).message).toBe('Network Error: the response has no status');
  });

  test('a frozen response, which then has no attempts', async () => {
    const frozen = Object.freeze(new Response('x'));
    const response = await priorityFetch(backends, { fetch: () => Promise.resolve(frozen) })(URL_);
    expect(response).toBe(frozen);
    expect(attemptsOf(response)).toStrictEqual([]);
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
    expect(fetch.pool.backends.map(({ failures }) => failures)).toStrictEqual([0, 0]);
  });
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

test('a port that fetch refuses is a connection failure, so a POST fails over', async () => {
  const { b } = await pair({});
  const fetch = priorityFetch([{ baseURL: 'http://127.0.0.1:6667' }, { baseURL: b.url, priority: 2 }]);
  expect(attemptsOf(await fetch(URL_, post()))).toMatchObject([{ reason: 'connection' }, { status: 200 }]);
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
  expect([response.status, response.headers.get('x-mock'), await response.text()]).toStrictEqual([
    400,
    '1',
    '{"error":{"code":"context_length_exceeded"}}',
  ]);
});

test.each<[string, ResponseInit, string]>([
  ['a refusal', { status: 400 }, '{"error":{"code":"context_length_exceeded"}}'],
  ['an event stream', { headers: { 'content-type': 'text/event-stream' } }, 'data: {"choices":[{}]}\n\n'],
])('%s that a mock answers with is returned itself, unread, and may be answered with again', async (_, init, body) => {
  class Mine extends Response {}
  const mine = new Mine(body, init);
  const fetch = priorityFetch([{ baseURL: 'https://a.example' }], { fetch: () => Promise.resolve(mine) });
  for (const signal of [undefined, new AbortController().signal]) {
    const response = await fetch(URL_, { ...post(), signal: signal! });
    expect(response).toBe(mine);
    expect(response.bodyUsed).toBe(false);
    expect(await response.clone().text()).toBe(body);
  }
});

test('the headers of a response whose beginning was read are immutable, as those of native fetch', async () => {
  const { fetch } = await pair({ status: 400, headers: { 'x-a': '1' }, body: '{}' });
  const response = await fetch(URL_, post());
  for (const each of [response.clone(), response]) {
    expect(each.headers.get('x-a')).toBe('1');
    expect(() => each.headers.set('x-a', '2')).toThrow('immutable');
  }
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

test('a refusal has immutable headers, whatever its reason phrase', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.end('HTTP/1.1 404 D\xe9ploiement\r\ncontent-length: 2\r\nx-a: 1\r\n\r\nno', 'latin1');
  });
  const baseURL = `http://127.0.0.1:${String(await listening(server))}`;
  const fetch = priorityFetch([{ baseURL }]);
  const response = await fetch(URL_);
  expect([response.status, response.headers.get('x-a'), await response.text()]).toStrictEqual([404, '1', 'no']);
  expect(() => response.headers.set('x', 'y')).toThrow('immutable');
});

test('an abort ends the body of an inspected event stream at once, whether anybody reads it or not', async () => {
  const { fetch } = await pair((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"choices":[{}]}\n\n');
  });
  const caller = new AbortController();
  const reader = (await fetch(URL_, { signal: caller.signal })).body!.getReader();
  await reader.read();
  const reason = new Error('mine');
  caller.abort(reason);
  await expect(reader.closed).rejects.toBe(reason);
});

test('an event stream whose content-type came twice is inspected too', async () => {
  const refused = 'data: {"error":{"code":"rate_limit_exceeded"}}\n\n';
  const twice = ['text/event-stream', 'text/event-stream'];
  const { fetch } = await pair({ headers: { 'content-type': twice as never }, body: refused });
  expect((await fetch(URL_)).attempts).toMatchObject([{ status: 429 }, { status: 200 }]);
});

test('fabricated responses leave no listener on the signal of the caller', async () => {
  const { fetch } = await pair({});
  for (const name of ['a', 'b']) fetch.pool.cool(name, 60_000);
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i++) expect(await fetch(URL_, { ...post(), signal })).toMatchObject({ fabricated: true });
  expect(getEventListeners(signal, 'abort')).toStrictEqual([]);
});

test('an inspected stream has the class of the wrapped fetch’s responses, and its body has its type', async () => {
  const reply = { headers: { 'content-type': 'text/event-stream' }, body: 'data: {"choices":[{}]}\n\n' };
  const { fetch } = await pair(reply, { fetch: undiciFetch as never });
  const response = await fetch(URL_, post());
  expect(response).toBeInstanceOf(UndiciResponse);
  expect((await response.blob()).type).toBe('text/event-stream');
  const { fetch: nodes } = await pair(reply);
  expect(await nodes(URL_, post())).toBeInstanceOf(Response);
});

test('attemptTimeout ends an attempt whose caller gave a signal, and frees its connection', async () => {
  let isClosed!: Promise<unknown>;
  const hanging: Reply = (request) => void (isClosed = once(request.socket, 'close'));
  const { fetch } = await pair(hanging, { attemptTimeout: 50 });
  const { attempts } = await fetch(URL_, { ...post(), signal: new AbortController().signal });
  expect(attempts).toMatchObject([{ backend: 'a', reason: 'timeout' }, { status: 200 }]);
  await isClosed;
});

test('an error that isn’t the reason of the aborted signal has attempts', async () => {
  const abort = new AbortController();
  const own = new Error('own fault');
  const failoverCondition = () => {
    abort.abort();
    throw own;
  };
  const { fetch } = await pair({ status: 503 }, { failoverCondition });
  expect(await rejectionOf(fetch(URL_, { ...post(), signal: abort.signal }))).toBe(own);
  expect(attemptsOf(own)).toMatchObject([{ backend: 'a', status: 503 }]);
  expect(attemptsOf(abort.signal.reason)).toStrictEqual([]);
});
