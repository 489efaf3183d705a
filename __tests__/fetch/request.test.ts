import { Agent as HttpAgent } from 'node:http';
import { Readable } from 'node:stream';
import { Agent, MockAgent, fetch as undiciFetch } from 'undici';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { addressOf, callOf, dictionaryOf, hidesBody, openRequest } from '../../src/fetch/request';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import { URL_, pair, post } from '../support/fetch-pair';
import { eventLoopTurn } from '../support/stub-pool';

closeBackendsAfterEach();

test.each(['http:@', 'http:/', 'http:', ' http://', 'ht\ttp://', '\u0001http://'])(
  'a URL that begins with %j goes to a backend, and nowhere else',
  async (begin) => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const fetch = priorityFetch([{ baseURL: `${a.url}/prefix`, apiKey: 'secret-a' }]);
    await fetch(`${begin}${b.host}/x`);
    expect([a.lastCall.url, b.calls]).toStrictEqual(['/prefix/x', []]);
  },
);

describe('a stream that is being read elsewhere is refused as native fetch refuses it, whether a backend is available or not:', () => {
  test.each<[string, () => [string | Request, RequestInit?]]>([
    [
      'the body',
      () => {
        const body = new ReadableStream();
        body.getReader();
        return [URL_, { method: 'POST', body, duplex: 'half' } as RequestInit];
      },
    ],
    [
      "a Request's body",
      () => {
        const request = new Request(URL_, post());
        request.body!.getReader();
        return [request];
      },
    ],
  ])('%s', async (_, args) => {
    const { fetch } = await pair({});
    const { message } = await rejectionOf(globalThis.fetch(...args()));
    for (const ms of [0, 60_000]) {
      for (const name of ['a', 'b']) if (ms > 0) fetch.pool.cool(name, ms);
      expect(await rejectionOf(fetch(...args()))).toMatchObject({ name: 'TypeError', message });
    }
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

test.each([
  [null, 'init.failover must be false or an object, got null'],
  [{ strategy: 1 }, 'init.failover has an unknown field "strategy"'],
  [{ retries: 1 }, 'init.failover has an unknown field "retries"'],
])('init.failover of %j is refused', async (failover, message) => {
  const { fetch, a } = await pair({});
  await expect(fetch(URL_, { failover } as never)).rejects.toThrow(new TypeError(message));
  expect(a.calls).toStrictEqual([]);
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
    'backends must be a non-empty array, got a string: write [{ baseURL: "https://***@a.example/x" }]. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
  ],
  [
    new Request('https://a.example'),
    {},
    'backends must be a non-empty array, got a request. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
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
    expect([ours.type, ours.redirected, ours.url]).toStrictEqual([plain.type, plain.redirected, plain.url]);
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
    expect(a.calls).toStrictEqual([]);
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
    expect(given).toStrictEqual([signal]);
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
  ['an agent that is no dispatcher', () => ({ dispatcher: new HttpAgent() }) as unknown as RequestInit],
  [
    'a bug in a dispatcher',
    () => {
      const dispatch = () => (undefined as unknown as { length: number }).length;
      return { dispatcher: { dispatch } } as unknown as RequestInit;
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
  expect(b.calls).toStrictEqual([]);
});

test.each<[unknown, string]>([
  [5, '5'],
  ['soon', '"soon"'],
  [{}, 'an object'],
])('a signal that is %j is refused before anything is sent', async (signal, shown) => {
  const { fetch, a } = await pair({});
  const error = await rejectionOf(fetch(URL_, { signal: signal as AbortSignal }));
  expect(error).toMatchObject({ name: 'TypeError', message: `init.signal must be an AbortSignal, got ${shown}` });
  expect(a.calls).toStrictEqual([]);
});

test.each([
  [true, true],
  [true, false],
  [false, true],
])('a web stream that was kept is sent again by a later call (signals: %p, %p)', async (...withSignal) => {
  const { fetch, a } = await pair({});
  const body = new Blob(['text']).stream();
  for (const has of withSignal) {
    const signal = has ? new AbortController().signal : null;
    await fetch(URL_, { method: 'POST', body, signal, duplex: 'half' } as RequestInit);
  }
  expect(a.calls.map((call) => call.body.toString())).toStrictEqual(['text', 'text']);
});

test('a web stream that was cancelled while it was being read is never sent again in part', async () => {
  const { fetch, a, b } = await pair({}, { maxWait: 60_000 });
  const abort = new AbortController();
  let read = 0;
  const pull = (controller: ReadableStreamDefaultController) => {
    controller.enqueue(new TextEncoder().encode('part '));
    if (++read === 2) abort.abort();
    if (read === 5) controller.close();
  };
  const body = new ReadableStream({ pull }, { highWaterMark: 0 });
  const send = (signal: AbortSignal | null) =>
    rejectionOf(fetch(URL_, { method: 'POST', body, signal, duplex: 'half' } as RequestInit));
  expect(await send(abort.signal)).toBe(abort.signal.reason);
  for (const signal of [null, new AbortController().signal]) expect((await send(signal)).name).toBe('TypeError');
  expect([...a.calls, ...b.calls]).toStrictEqual([]);
});

test('a web stream that waits to be sent is not taken away by another call', async () => {
  const { fetch, a } = await pair({}, { maxWait: 60_000 });
  for (const name of ['a', 'b']) fetch.pool.cool(name, 50_000);
  const body = new Blob(['text']).stream();
  const send = () =>
    fetch(URL_, { method: 'POST', body, signal: new AbortController().signal, duplex: 'half' } as RequestInit);
  const first = send();
  await eventLoopTurn();
  expect((await rejectionOf(send())).message).toBe('Response body object should not be disturbed or locked');
  fetch.pool.restore('a');
  expect((await first).status).toBe(200);
  expect(a.lastCall.body.toString()).toBe('text');
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

describe('what native fetch refuses is refused in its words, even if no backend is available:', () => {
  test.each<[string, RequestInit]>([
    ['a GET with a body', { body: 'x' }],
    ['the method CONNECT', { method: 'CONNECT' }],
    ['an unknown mode', { mode: 'nope' as never }],
    ['an invalid header', { headers: { 'a b': 'x' } }],
  ])('%s', async (_, init) => {
    const { fetch } = await pair({});
    const { message } = await rejectionOf(globalThis.fetch(URL_, init));
    for (const name of ['a', 'b']) fetch.pool.cool(name, 60_000);
    expect(await rejectionOf(fetch(URL_, init))).toMatchObject({ name: 'TypeError', message });
  });
});

describe('what a call of fetch passes in', () => {
  test('is the fields of a Request that can be passed on, and those of init before them', () => {
    const request = { url: 'http://a.example', method: 'GET', mode: 'navigate', integrity: '', cache: 'no-store' };
    const input = { ...request, clone: () => input, credentials: undefined } as unknown as Request;
    expect(callOf(input, addressOf(input), {}).init).toStrictEqual({ cache: 'no-store', method: 'GET' });
    expect(callOf(input, addressOf(input), { cache: 'reload' }).init).toStrictEqual({ cache: 'reload', method: 'GET' });
  });

  test('is a Request with its own body, unless init has another', () => {
    const request = new Request('http://a.example', { method: 'POST', body: 'text' });
    expect(callOf(request, addressOf(request), {})).toMatchObject({ source: request, init: { duplex: 'half' } });
    const other = callOf(request, addressOf(request), { body: 'other' });
    expect(other.source).toBeUndefined();
    expect(other.init).not.toHaveProperty('duplex');
    expect(callOf(request, addressOf(request), { body: null }).source).toBe(request);
  });

  test('is refused if init is no object', () => {
    expect(() => dictionaryOf(5 as never)).toThrow(new TypeError('init must be an object, got 5'));
    expect(dictionaryOf(null)).toStrictEqual({});
  });

  test('has a body that the runtime hides if its method has one', () => {
    const hides = (method: string, init: RequestInit = {}, body?: unknown) =>
      hidesBody({ url: '', method, body, clone: () => undefined } as never, init);
    expect([hides('POST'), hides('FORGET'), hides('HEADS')]).toStrictEqual([true, true, true]);
    expect([hides('get'), hides('HEAD'), hides('POST', { body: 'x' }), hides('POST', {}, null)]).toStrictEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(hidesBody('http://a.example', {})).toBe(false);
  });

  test('makes a request that is streamed, and ended by a signal of its own', () => {
    const { signal } = new AbortController();
    const request = openRequest(callOf(URL_, addressOf(URL_), { signal }), fetch);
    expect(request).toMatchObject({ streamed: true, obeysCancel: false, needsAbort: true, timeout: 0, resends: false });
  });
});

test('an `init` that is not empty resets the referrer of a Request, as in native fetch', async () => {
  const [backend] = await startBackends(1);
  const fetch = priorityFetch([{ baseURL: backend!.url }]);
  const request = () =>
    new Request(`${backend!.url}/x`, { referrer: 'http://ref.example/a', referrerPolicy: 'unsafe-url' });
  const refererWith = async (client: typeof globalThis.fetch, init?: object) => {
    await client(request(), init);
    return backend!.lastCall.headers.referer;
  };
  for (const init of [undefined, {}, { signal: undefined }, { method: 'GET' }, { headers: { a: '1' } }])
    expect([init, await refererWith(fetch as never, init)]).toStrictEqual([
      init,
      await refererWith(globalThis.fetch, init),
    ]);
  expect(await refererWith(fetch as never, { failover: {} })).toBe('http://ref.example/a');
});
