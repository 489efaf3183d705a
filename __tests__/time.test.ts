import type { ServerResponse } from 'node:http';
import axios from 'axios';
import { priorityAdapter } from '../src';
import type { Backend, PoolEvent } from '../src';
import { TestBackend, hang, rejection, startBackends, throttle, useBackends } from './support/backend';
import { deferred, scene, stillClock, throttled, turn } from './support/in-process';

useBackends();
afterEach(() => jest.useRealTimers());

/** Sends a byte at a time and never ends. */
const trickle = (_: unknown, response: ServerResponse): void => {
  response.writeHead(200);
  const timer = setInterval(() => response.write('x'), 5);
  response.on('close', () => clearInterval(timer));
};

async function pair(first: Parameters<TestBackend['always']>[0], options = {}) {
  const [a, b] = (await startBackends(2)) as [TestBackend, TestBackend];
  a.always(first);
  const adapter = priorityAdapter(
    [
      { baseURL: a.url, name: 'a' },
      { baseURL: b.url, name: 'b', priority: 2 },
    ],
    options,
  );
  return { a, b, adapter };
}

describe.each(['http', 'fetch'])('timeout over %s', (wire) => {
  test.each([
    ['a backend that hangs', hang],
    ['a body that trickles in', trickle],
  ] as const)('ends a request to %s, which is blamed for having had the whole budget', async (_, reply) => {
    const { adapter, b } = await pair(reply, { adapter: wire });
    const error = await rejection(axios.get('/x', { adapter, timeout: 60 }));
    expect(error).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 60ms exceeded', config: { url: '/x' } });
    expect(error.attempts).toMatchObject([{ backend: 'a', code: 'ECONNABORTED', cooldown: 10_000 }]);
    expect(b.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ pending: 0, cooldowns: [{ reason: 'timeout' }] });
  });

  test('is one budget over all attempts, and a backend that had but a part of it is not blamed', async () => {
    const { adapter, b } = await pair((_, response) => void setTimeout(() => response.writeHead(500).end(), 40), {
      adapter: wire,
    });
    b.always(hang);
    const started = performance.now();
    const error = await rejection(axios.get('/x', { adapter, timeout: 80 }));
    expect(performance.now() - started).toBeLessThan(200);
    expect(error).toMatchObject({ code: 'ECONNABORTED', attempts: [{ backend: 'a', status: 500 }, { backend: 'b' }] });
    expect(adapter.pool.snapshot()[1]).toMatchObject({ available: true, pending: 0, failures: 0 });
  });

  test('has axios’s own code and message', async () => {
    const { adapter } = await pair(hang, { adapter: wire });
    const own = { adapter, timeout: 20, timeoutErrorMessage: 'own words', transitional: { clarifyTimeoutError: true } };
    expect(await rejection(axios.get('/x', own))).toMatchObject({
      code: 'ETIMEDOUT',
      message: 'own words',
      name: 'AxiosError',
    });
  });

  test('ends with the headers for a stream, as axios’s http adapter has it', async () => {
    if (wire === 'fetch') return; // axios's fetch adapter ends it with the body
    const { adapter } = await pair((request, response) => {
      trickle(request, response);
      setTimeout(() => response.end('last'), 100);
    });
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', { adapter, timeout: 40, responseType: 'stream' });
    let text = '';
    for await (const chunk of data) text += String(chunk);
    expect(text).toMatch(/^x+last$/);
  });
});

describe('attemptTimeout', () => {
  test.each(['http', 'fetch'])('gives one attempt up over %s and moves on, POST included', async (wire) => {
    const { adapter, a, b } = await pair(hang, { adapter: wire, attemptTimeout: 50 });
    const response = await axios.post('/x', { a: 1 }, { adapter });
    expect(response.attempts).toMatchObject([
      { backend: 'a', code: 'ECONNABORTED', cooldown: 10_000 },
      { backend: 'b', status: 200 },
    ]);
    expect(b.lastCall.body.toString()).toBe('{"a":1}');
    await axios.post('/x', {}, { adapter });
    expect(a.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'timeout' }]);
    // The connection of the attempt that was given up is closed.
    await new Promise<void>((resolve) => {
      const [socket] = a.sockets;
      if (socket === undefined || socket.destroyed) resolve();
      else socket.once('close', () => resolve());
    });
  });

  test('covers the body', async () => {
    const { adapter } = await pair(trickle, { attemptTimeout: 50 });
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
  });

  test('is overridden by the request, and 0 means none', async () => {
    const { adapter } = await pair((_, response) => void setTimeout(() => response.end('late'), 60), {
      attemptTimeout: 20,
    });
    const failover = { attemptTimeout: 0 };
    expect((await axios.get('/x', { adapter, failover })).data).toBe('late');
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
  });

  test('does not count for a stream that is being read', async () => {
    const { adapter } = await pair(
      (_, response) => {
        response.write('first');
        setTimeout(() => response.end('last'), 80);
      },
      { attemptTimeout: 40 },
    );
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', { adapter, responseType: 'stream' });
    let text = '';
    for await (const chunk of data) text += String(chunk);
    expect(text).toBe('firstlast');
  });

  test('counts the time that a credential takes, and nothing is sent afterwards', async () => {
    jest.useFakeTimers();
    const token = deferred<string>();
    const { request, asked } = scene(
      { a: { azureADTokenProvider: () => token.promise }, b: { priority: 2 } },
      { attemptTimeout: 50 },
    );
    const response = request();
    await jest.advanceTimersByTimeAsync(50);
    expect((await response).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    token.resolve('late');
    await jest.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['b']);
  });

  test('moves on even where the adapter does not listen, whose late answer is let go', async () => {
    jest.useFakeTimers();
    const late = deferred<{ data: unknown }>();
    const { request, answers } = scene({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    answers.a = () => late.promise;
    const response = request();
    await jest.advanceTimersByTimeAsync(50);
    expect((await response).attempts).toHaveLength(2);
    const destroyed = jest.fn();
    late.resolve({ data: { pipe: () => undefined, on: () => undefined, destroy: destroyed } });
    await jest.advanceTimersByTimeAsync(0);
    expect(destroyed).toHaveBeenCalled();
  });

  test('leaves the next attempt open to a cancel, also when what was given up ends', async () => {
    jest.useFakeTimers();
    const late = deferred<object>();
    const controller = new AbortController();
    const { request, answers } = scene({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    answers.a = () => late.promise;
    answers.b = () => new Promise(() => undefined);
    const error = rejection(request({ signal: controller.signal }));
    await jest.advanceTimersByTimeAsync(50);
    late.resolve({});
    await jest.advanceTimersByTimeAsync(1);
    controller.abort();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED', attempts: [{ backend: 'a' }, { backend: 'b' }] });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('closes the socket of what it gives up, also where the caller gave a signal', async () => {
    const { a, adapter } = await pair(hang, { attemptTimeout: 50 });
    const { signal } = new AbortController();
    expect((await axios.get('/x', { adapter, signal })).attempts).toHaveLength(2);
    while ([...a.sockets].some((socket) => !socket.destroyed)) await turn();
  });

  test('of one request ends no other', async () => {
    jest.useFakeTimers();
    const { request, answers } = scene({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    const slow = deferred<object>();
    answers.a = () => slow.promise;
    const first = request();
    await jest.advanceTimersByTimeAsync(25);
    const second = request();
    await jest.advanceTimersByTimeAsync(25);
    expect((await first).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    slow.resolve({});
    expect((await second).attempts).toMatchObject([{ backend: 'a', status: 200 }]);
  });

  test('that a condition does not let move on is axios’s timeout', async () => {
    const { adapter } = await pair(hang, { attemptTimeout: 30, failoverCondition: () => false });
    expect(await rejection(axios.get('/x', { adapter }))).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 30ms exceeded',
    });
  });
});

describe('maxWait', () => {
  const waiting = (options: object) => {
    jest.useFakeTimers();
    const all = scene({ a: {}, b: { priority: 2 } }, { maxWait: 1000, ...options });
    const events: PoolEvent[] = [];
    all.pool.subscribe((event) => void (event.type !== 'attempt' && event.type !== 'cooldown' && events.push(event)));
    return { ...all, events };
  };

  test('waits for the soonest and tries again', async () => {
    const { request, answers, asked, events } = waiting({});
    answers.a = throttled(500);
    answers.b = throttled(300);
    const response = request();
    await jest.advanceTimersByTimeAsync(0);
    answers.b = 200;
    await jest.advanceTimersByTimeAsync(299);
    expect(asked).toEqual(['a', 'b']);
    await jest.advanceTimersByTimeAsync(80);
    expect((await response).attempts).toMatchObject([
      { backend: 'a' },
      { backend: 'b', status: 429 },
      { backend: 'b', status: 200 },
    ]);
    const [{ type, duration }] = events as [{ type: string; duration: number }];
    expect(type).toBe('waiting');
    expect(duration).toBeGreaterThanOrEqual(300);
    expect(duration).toBeLessThanOrEqual(375);
  });

  test('brings many who wait back apart from each other', async () => {
    const { request, pool, events } = waiting({});
    pool.cool('a', 300);
    pool.cool('b', 300);
    const responses = Array.from({ length: 20 }, () => request());
    await jest.advanceTimersByTimeAsync(0);
    const durations = events.map((event) => (event as { duration: number }).duration);
    expect(durations).toHaveLength(20);
    expect(Math.min(...durations)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...durations)).toBeGreaterThan(310);
    expect(new Set(durations.map(Math.round)).size).toBeGreaterThan(5);
    await jest.advanceTimersByTimeAsync(1000);
    for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
  });

  test('later than the longest wait is a 429 at once', async () => {
    const { request, answers, events } = waiting({});
    answers.a = answers.b = throttled(1001);
    expect((await request()).headers).toMatchObject({ 'retry-after-ms': '1001' });
    expect(events).toEqual([{ type: 'exhausted', retryAfter: 1001 }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('counts all waits of a request together', async () => {
    const { request, answers, asked } = waiting({});
    answers.a = answers.b = throttled(400);
    const response = request();
    await jest.advanceTimersByTimeAsync(2000);
    expect((await response).status).toBe(429);
    expect(asked).toHaveLength(6);
  });

  test('is begun where it can end within the timeout, and so is the next', async () => {
    const { a, adapter } = await pair(
      { body: 'ok' },
      { maxWait: 10_000, selector: ([first]: readonly Backend[]) => first! },
    );
    adapter.pool.cool('b', 60_000);
    a.script(throttle(20), throttle(20));
    const response = await axios.get('/x', { adapter, timeout: 10_000 });
    expect(response.attempts).toMatchObject([{ status: 429 }, { status: 429 }, { status: 200 }]);
  });

  test('is not begun where it cannot end within the timeout, whatever maxWait says', async () => {
    const { adapter } = scene({ a: {} }, { maxWait: 60_000 });
    adapter.pool.cool('a', 10_000);
    const started = performance.now();
    const response = await axios.get('/x', { adapter, timeout: 5000, validateStatus: null });
    expect(response).toMatchObject({ fabricated: true });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('is as long as it must be for many, but not longer than each may wait', async () => {
    const { request, pool } = scene({ a: {} }, { maxWait: 100 });
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const waits: number[] = [];
    pool.subscribe((event) => void (event.type === 'waiting' && waits.push(event.duration)));
    pool.cool('a', 90);
    await Promise.all(Array.from({ length: 30 }, () => request()));
    random.mockRestore();
    expect(waits.length).toBeGreaterThanOrEqual(30);
    expect(Math.max(...waits)).toBeLessThanOrEqual(96);
  });

  test('of a request leaves its backend without blame when the caller’s time is up', async () => {
    const { a, adapter } = await pair(hang, { maxWait: 10_000 });
    adapter.pool.cool('a', 30);
    adapter.pool.cool('b', 60_000);
    expect(await rejection(axios.post('/x', {}, { adapter, timeout: 300 }))).toMatchObject({ code: 'ECONNABORTED' });
    expect(a.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
  });

  test('is not begun where it cannot end within the timeout', async () => {
    const { adapter, answers } = waiting({});
    answers.a = answers.b = throttled(400);
    const error = await rejection(axios.get('/x', { adapter, timeout: 300 }));
    expect(error).toMatchObject({ response: { status: 429, fabricated: true } });
  });

  test('ends at once on a cancel, without a timer left', async () => {
    const { adapter, answers } = waiting({});
    answers.a = answers.b = throttled(400);
    const cancel = new AbortController();
    const error = rejection(axios.get('/x', { adapter, signal: cancel.signal }));
    await jest.advanceTimersByTimeAsync(10);
    cancel.abort();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED' });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('ends early when a backend is restored or joins', async () => {
    const { request, answers, pool, asked } = waiting({});
    answers.a = answers.b = throttled(900);
    const first = request();
    await jest.advanceTimersByTimeAsync(10);
    answers.a = 200;
    pool.restore('a');
    expect((await first).status).toBe(200);
    pool.cool('a', 900);
    const second = request();
    await jest.advanceTimersByTimeAsync(10);
    pool.update([{ name: 'c', baseURL: 'c.example' }]);
    expect((await second).attempts).toMatchObject([{ backend: 'c' }]);
    expect(asked).toEqual(['a', 'b', 'a', 'c']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('comes to an end where a backend asks for no wait again and again', async () => {
    const { request, answers, asked } = waiting({ maxWait: 20 });
    answers.a = answers.b = throttled(0);
    const response = request();
    await jest.advanceTimersByTimeAsync(100);
    expect((await response).status).toBe(429);
    expect(asked.length).toBeLessThan(50);
  });

  test('of the request overrides the adapter’s', async () => {
    const { adapter, answers } = waiting({});
    answers.a = answers.b = throttled(400);
    expect(await rejection(axios.get('/x', { adapter, failover: { maxWait: 0 } }))).toMatchObject({
      response: { status: 429 },
    });
  });

  test('serves failover: false too', async () => {
    const { adapter, pool } = waiting({});
    pool.cool('a', 300);
    pool.cool('b', 300);
    const response = axios.get('/x', { adapter, failover: false });
    await jest.advanceTimersByTimeAsync(400);
    expect((await response).status).toBe(200);
  });
});

describe('the fabricated wait', () => {
  test.each([
    [42.2, '43', '1'],
    [1000, '1000', '1'],
    [1001, '1001', '2'],
  ])('of %d ms is said as %s ms and %s s', async (ms, inMs, inSeconds) => {
    stillClock();
    const { request, answers } = scene({ a: {} });
    answers.a = throttled(ms);
    expect((await request()).headers).toMatchObject({ 'retry-after-ms': inMs, 'retry-after': inSeconds });
  });
});

describe.each(['signal', 'cancelToken'] as const)('a %s', (kind) => {
  const canceller = () => {
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    return kind === 'signal'
      ? { config: { signal: controller.signal }, cancel: () => controller.abort() }
      : { config: { cancelToken: source.token }, cancel: () => source.cancel('own words') };
  };
  const message = kind === 'signal' ? 'canceled' : 'own words';

  test('that is cancelled before the first attempt lets none begin', async () => {
    const { adapter, asked } = scene({ a: {} });
    const { config, cancel } = canceller();
    cancel();
    const direct = adapter({ url: '/x', method: 'get', headers: {}, ...config } as never);
    expect(await rejection(direct)).toMatchObject({ code: 'ERR_CANCELED', message, attempts: [] });
    expect(asked).toEqual([]);
  });

  test.each([0, 1000])('during an attempt ends it at once, and blames nobody (timeout: %i)', async (timeout) => {
    const { a, b, adapter } = await pair(hang);
    const { config, cancel } = canceller();
    const error = rejection(axios.post('/x', {}, { adapter, timeout, ...config }));
    while (a.calls.length === 0) await turn();
    cancel();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED', message, name: 'CanceledError', config: { url: '/x' } });
    expect((await error).attempts).toMatchObject([{ backend: 'a', code: 'ERR_CANCELED' }]);
    expect(axios.isCancel(await error)).toBe(true);
    expect(b.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, pending: 0, failures: 0 });
    while ([...a.sockets].some((socket) => !socket.destroyed)) await turn();
  });

  test('between two attempts lets no other begin', async () => {
    const { config, cancel } = canceller();
    const { adapter, answers, asked, pool } = scene({ a: {}, b: { priority: 2 } });
    answers.a = 500;
    pool.subscribe(({ type }) => void (type === 'attempt' && cancel()));
    expect(await rejection(axios.get('/x', { adapter, ...config }))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(asked).toEqual(['a']);
  });

  test('while a credential is asked for lets nothing be sent', async () => {
    const token = deferred<string>();
    const { adapter, asked, pool } = scene({ a: { azureADTokenProvider: () => token.promise } });
    const { config, cancel } = canceller();
    const error = rejection(axios.get('/x', { adapter, ...config }));
    await turn();
    cancel();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED' });
    token.resolve('late');
    await turn();
    expect(asked).toEqual([]);
    expect(pool.snapshot()[0]).toMatchObject({ available: true, pending: 0 });
  });

  test.each([
    ['http', 0],
    ['http', 5000],
    ['fetch', 0],
    ['fetch', 5000],
  ])('while a stream is read over %s ends it (timeout: %i)', async (wire, timeout) => {
    const backend = await TestBackend.start();
    backend.always(trickle);
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const { config, cancel } = canceller();
    const { data } = await axios.get<AsyncIterable<Uint8Array>>('/x', {
      adapter,
      responseType: 'stream',
      timeout,
      ...config,
    });
    const read = async () => {
      for await (const _ of data) cancel();
    };
    expect(await rejection(read())).toMatchObject({ code: 'ERR_CANCELED' });
    while ([...backend.sockets].some((socket) => !socket.destroyed)) await turn();
  });

  test('tells one request nothing of another', async () => {
    const { config, cancel } = canceller();
    const { adapter, answers } = scene({ a: {} });
    answers.a = () => new Promise(() => undefined);
    const errors = [1, 2].map((n) => rejection(axios.get(`/${String(n)}`, { adapter, ...config })));
    await turn();
    cancel();
    const [first, second] = (await Promise.all(errors)) as [object, object];
    expect(first).not.toBe(second);
    expect([first, second]).toMatchObject([{ config: { url: '/1' } }, { config: { url: '/2' } }]);
  });
});

test('no listener stays on a long-lived signal, whatever the requests come to', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listening = 0;
  const types = new Set<string>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listening++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listening--;
    types.add(args[0]);
    remove(...args);
  };
  const warned = jest.fn();
  process.on('warning', warned);
  const { adapter, answers } = scene({ a: {}, b: { priority: 2 } }, { defaultCooldown: 0 });
  let i = 0;
  answers.a = () => [200, 429, 500, 404, new Error('reset')][i++ % 5] as number;
  await Promise.all(
    Array.from({ length: 10_000 }, (_, n) =>
      axios
        .get('/x', { adapter, signal, timeout: n % 2 ? 10_000 : 0, failover: n % 3 ? { attemptTimeout: 5000 } : {} })
        .catch(() => undefined),
    ),
  );
  expect(listening).toBe(0);
  expect([...types]).toEqual(['abort']);
  await turn();
  expect(warned).not.toHaveBeenCalled();
  process.off('warning', warned);
});

test.each([
  ['http', 0],
  ['http', 5000],
  ['fetch', 5000],
])('no listener stays after a stream over %s was read, with a timeout of %i', async (wire, timeout) => {
  const backend = await TestBackend.start();
  backend.always({ body: 'all of it' });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
  const controller = new AbortController();
  const add = jest.spyOn(controller.signal, 'addEventListener');
  const remove = jest.spyOn(controller.signal, 'removeEventListener');
  const { data } = await axios.get<AsyncIterable<Uint8Array>>('/x', {
    adapter,
    responseType: 'stream',
    signal: controller.signal,
    timeout,
  });
  let text = '';
  for await (const chunk of data) text += Buffer.from(chunk).toString();
  await turn();
  expect(text).toBe('all of it');
  expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
});

test.each(['http', 'fetch'])(
  'nothing is listened for after a rejected stream over %s that nobody reads',
  async (wire) => {
    const backend = await TestBackend.start();
    backend.always({ status: 400, body: 'x'.repeat(1_000_000) });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    const error = await rejection(axios.get('/x', { adapter, responseType: 'stream', signal }));
    expect(error).toMatchObject({ response: { status: 400 } });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove).toHaveBeenCalledTimes(1);
  },
);

test('nothing is listened for while nobody reads a fabricated stream', async () => {
  const { adapter, answers } = scene({ a: {} });
  answers.a = 429;
  const { signal } = new AbortController();
  const add = jest.spyOn(signal, 'addEventListener');
  const remove = jest.spyOn(signal, 'removeEventListener');
  const config = { adapter, responseType: 'stream', validateStatus: null, signal } as const;
  expect((await axios.get('/x', config)).fabricated).toBe(true);
  expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
});

test('a timeout in words is named as axios names it', async () => {
  const { adapter, answers } = scene({ a: {} });
  answers.a = () => new Promise(() => undefined);
  const error = await rejection(axios.get('/x', { adapter, timeout: '20ms' as never }));
  expect(error).toMatchObject({ message: 'timeout of 20msms exceeded' });
});

test.each(['http', 'fetch'])('a timeout longer than a timer can take does not fire at once over %s', async (wire) => {
  const { adapter } = await pair((_, response) => void setTimeout(() => response.end('ok'), 30), { adapter: wire });
  expect((await axios.get('/x', { adapter, timeout: 2 ** 31 + 5 })).data).toBe('ok');
  expect((await axios.get('/x', { adapter, timeout: 5000, failover: { maxWait: 2 ** 40 } })).data).toBe('ok');
});

test('a pool whose only backend throttles for a moment serves everybody who waits', async () => {
  const backend = await TestBackend.start();
  backend.script(throttle(50));
  const adapter = priorityAdapter([{ baseURL: backend.url }], { maxWait: 2000 });
  const all = await Promise.all(Array.from({ length: 20 }, () => axios.post('/x', {}, { adapter })));
  expect(all.every(({ status }) => status === 200)).toBe(true);
});

test('a cancel by who is told of a wait ends it', async () => {
  const controller = new AbortController();
  const { adapter, answers, pool } = scene({ a: {} }, { maxWait: 60_000 });
  answers.a = throttled(30_000);
  pool.subscribe(({ type }) => type === 'waiting' && controller.abort());
  const error = await rejection(axios.get('/x', { adapter, signal: controller.signal }));
  expect(error).toMatchObject({ code: 'ERR_CANCELED', attempts: [{ status: 429 }] });
});

test('an adapter may put a signal of its own in the place of the attempt’s', async () => {
  const { adapter, answers } = scene({ a: {} });
  const own = new AbortController().signal;
  let seen: unknown[] = [];
  answers.a = (config) => {
    seen = [config.signal instanceof AbortSignal, Object.keys(config).includes('signal')];
    config.signal = own;
    seen.push(config.signal === own);
    return 200;
  };
  await axios.get('/x', { adapter, timeout: 1000 });
  expect(seen).toEqual([true, true, true]);
});
