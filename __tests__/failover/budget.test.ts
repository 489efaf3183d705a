import { Readable } from 'node:stream';
import { getEventListeners } from 'node:events';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { Selector } from '../../src';
import type * as clock from '../../src/base/clock';
import { Budget } from '../../src/failover/budget';
import {
  FakeBackend,
  neverReply,
  rejectionOf,
  startBackends,
  trickle,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { pair } from '../support/pair';
import { deferred, fakeClock, stubPool } from '../support/stub-pool';
import { wires } from '../support/wires';

closeBackendsAfterEach();

afterEach(() => jest.useRealTimers());

/** The code of a timeout, by adapter: axios's fetch adapter has one of its own. */
const CODES = { http: 'ECONNABORTED', fetch: 'ETIMEDOUT' };

describe.each(['http', 'fetch'] as const)('timeout over %s', (wire) => {
  const code = CODES[wire];

  test.each([
    ['a backend that hangs', neverReply],
    ['a body that trickles in', trickle],
  ] as const)('ends a request to %s and puts it on cooldown for using up the whole timeout', async (_, reply) => {
    const { adapter, b } = await pair(reply, { adapter: wire });
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 60 }));
    expect(error).toMatchObject({ code, message: 'timeout of 60ms exceeded', config: { url: '/x' } });
    expect(error.attempts).toMatchObject([{ backend: 'a', code, cooldown: 10_000 }]);
    expect(b.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ pending: 0, cooldowns: [{ reason: 'timeout' }] });
  });

  test.each<[string, (abort: AbortController) => object]>([
    ['a cancel', (abort) => (abort.abort(), {})],
    ['a cancel with an error', (abort) => (abort.abort(new Error('user left')), {})],
    ['a cancel with a text', (abort) => (abort.abort('user left'), {})],
    ['a timeout', () => ({ timeout: 80 })],
  ])('%s under way has the message, the code and the request that it has with plain axios', async (_, end) => {
    const backend = await FakeBackend.start();
    const rejection = async (config: AxiosRequestConfig) => {
      const abort = new AbortController();
      backend.always(() => void end(abort));
      const limits = end(new AbortController());
      return rejectionOf(axios.get('/x', { adapter: wire, signal: abort.signal, ...limits, ...config }));
    };
    const plain = await rejection({ baseURL: backend.url });
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own' }], { adapter: wire });
    for (const own of [
      await rejection({ adapter }),
      await rejection({ adapter, failover: { attemptTimeout: 5000 } }),
    ]) {
      expect([own.name, own.code]).toStrictEqual([plain.name, plain.code]);
      // Older versions have other words for a timeout over fetch.
      if (!('installedAxios' in globalThis))
        expect([own.message, own.cause]).toStrictEqual([plain.message, plain.cause]);
      expect([typeof plain.request, typeof own.request]).toStrictEqual(['object', 'object']);
      expect(Object.keys(own)).not.toContain('request');
    }
  });

  test('covers all attempts together, and a backend that had only a part of it stays available', async () => {
    const { adapter, b } = await pair((_, response) => void setTimeout(() => response.writeHead(500).end(), 60), {
      adapter: wire,
    });
    b.always(neverReply);
    const started = performance.now();
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 250 }));
    expect(performance.now() - started).toBeLessThan(700);
    expect(error).toMatchObject({ code, attempts: [{ backend: 'a', status: 500 }, { backend: 'b' }] });
    expect(adapter.pool.snapshot()[1]).toMatchObject({ available: true, pending: 0, failures: 0 });
  });

  test('rejects with the code and message of axios', async () => {
    const { adapter } = await pair(neverReply, { adapter: wire });
    const own = { adapter, timeout: 20, timeoutErrorMessage: 'own words', transitional: { clarifyTimeoutError: true } };
    expect(await rejectionOf(axios.get('/x', own))).toMatchObject({
      code: 'ETIMEDOUT',
      message: wire === 'http' ? 'own words' : 'timeout of 20ms exceeded',
      name: 'AxiosError',
    });
  });

  test('stops at the headers of a streamed response, as in the http adapter of axios', async () => {
    if (wire === 'fetch') return; // axios's fetch adapter ends it with the body
    const { adapter } = await pair((request, response) => {
      // Not a pause: axios also ends a connection that is silent for as long as `timeout`.
      trickle(request, response);
      setTimeout(() => response.end('last'), 400);
    });
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', { adapter, timeout: 200, responseType: 'stream' });
    let text = '';
    for await (const chunk of data) text += String(chunk);
    expect(text).toMatch(/^x+last$/);
  });
});

describe('a `cooldown` option', () => {
  test.each([
    [250, 250],
    [0, undefined],
    [undefined, 10_000],
  ])('that returns %p sets what a request costs whose whole timeout one attempt took', async (own, cost) => {
    const cooldown = jest.fn(() => own);
    const failoverCondition = jest.fn(() => true);
    const { adapter, b } = await pair(neverReply, { cooldown, failoverCondition });
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 20 }));
    expect(error.attempts).toMatchObject([{ backend: 'a', reason: 'timeout', code: 'ECONNABORTED' }]);
    expect((error.attempts as { cooldown?: number }[])[0]?.cooldown).toBe(cost);
    expect(cooldown.mock.calls).toMatchObject([[{ reason: 'timeout', backend: { name: 'a' } }]]);
    // Its answer doesn't matter: no time is left for another backend.
    expect(failoverCondition.mock.calls).toStrictEqual(cooldown.mock.calls);
    expect(b.calls).toHaveLength(0);
  });

  test('is not asked about an attempt that had only a part of the timeout, but the condition is', async () => {
    const cooldown = jest.fn(() => 250);
    const failoverCondition = jest.fn(() => true);
    const refusing = { status: 429, headers: { 'retry-after-ms': '60000' } };
    const { a, b, adapter } = await pair(refusing, { cooldown, failoverCondition });
    b.always(neverReply);
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 100 }));
    expect(error).toMatchObject({ code: 'ECONNABORTED', attempts: [{ backend: 'a', status: 429 }, { backend: 'b' }] });
    expect((error.attempts as object[])[1]).not.toHaveProperty('reason');
    expect(cooldown).toHaveBeenCalledTimes(1);
    expect(failoverCondition.mock.calls).toMatchObject([
      [{ backend: { name: 'a' }, status: 429 }],
      [{ backend: { name: 'b' }, reason: 'timeout', code: 'ECONNABORTED' }],
    ]);
    expect(adapter.pool.snapshot()[1]).toMatchObject({ failures: 0, available: true });
    expect(a.calls).toHaveLength(1);
  });

  test('that throws rejects the request, and the default cooldown applies', async () => {
    const cooldown = () => {
      throw new Error('own');
    };
    const { adapter } = await pair(neverReply, { cooldown });
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 20 }));
    expect(error).toMatchObject({ message: 'own', attempts: [{ reason: 'timeout', cooldown: 10_000 }] });
  });
});

/** Where the head of a response is seen before its body: not over the fetch adapter of an older axios. */
const HEADS = 'installedAxios' in globalThis ? ['http'] : wires();

describe('a refusal whose body stalls', () => {
  const stalling: Reply = (_, response) => {
    response.writeHead(429, { 'retry-after': '60', 'content-length': '100' }).write('{');
  };

  test.each(HEADS)('is classified by its head when `timeout` passes over %s', async (wire) => {
    const { adapter } = await pair(stalling, { adapter: wire });
    const error = await rejectionOf(axios.post('/x', {}, { adapter, timeout: 80 }));
    expect(error).toMatchObject({
      message: 'timeout of 80ms exceeded',
      attempts: [{ status: 429, reason: 'throttled', cooldown: 60_000 }],
    });
  });

  test.each(wires())('is ignored when the caller cancels over %s', async (wire) => {
    const caller = new AbortController();
    const { adapter, a } = await pair(
      (...call) => {
        stalling(...call);
        setTimeout(() => caller.abort(), 50);
      },
      { adapter: wire },
    );
    const error = await rejectionOf(axios.post('/x', {}, { adapter, signal: caller.signal }));
    expect(axios.isCancel(error)).toBe(true);
    expect(a.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true, cooldowns: [] });
  });

  test('counts as a sign of life for other attempts', async () => {
    const { a, adapter } = await pair(stalling);
    a.script(neverReply);
    const other = rejectionOf(axios.post('/x', {}, { adapter }));
    while (a.calls.length === 0) await new Promise(setImmediate);
    const [socket] = a.sockets;
    await rejectionOf(axios.post('/x', {}, { adapter, timeout: 80 }));
    socket!.destroy();
    expect(await other).toMatchObject({ attempts: [{ reason: 'ambiguous', cooldown: 100 }] });
  });
});

describe('attemptTimeout', () => {
  test('runs its callback in a microtask where there is no nextTick, as in browsers', async () => {
    const nextTick = process.nextTick.bind(process);
    Object.assign(process, { nextTick: undefined });
    const callback = jest.fn();
    jest.isolateModules(() => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must be loaded anew
      const { afterTask } = require('../../src/base/clock') as typeof clock;
      afterTask(callback);
    });
    Object.assign(process, { nextTick });
    expect(callback).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('needs no setImmediate, which browsers lack', async () => {
    const { setImmediate } = globalThis;
    Reflect.deleteProperty(globalThis, 'setImmediate');
    let turn: Promise<unknown> | undefined;
    jest.isolateModules(() => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must be loaded anew
      const { afterArrivals, nextEventLoopTurn } = require('../../src/base/clock') as typeof clock;
      turn = new Promise<void>((resolve) => void afterArrivals(0, resolve)).then(nextEventLoopTurn);
    });
    globalThis.setImmediate = setImmediate;
    await expect(turn).resolves.toBeUndefined();
  });

  test.each(HEADS)(
    'passes over %s while the body of a refusal stalls: the refusal is classified by its head',
    async (wire) => {
      const stalling: Reply = (_, response) => {
        response.writeHead(429, { 'retry-after': '60', 'content-length': '100' }).write('{');
      };
      const { adapter } = await pair(stalling, { adapter: wire, attemptTimeout: 80 });
      const { attempts } = await axios.post('/openai/deployments/chat/x', {}, { adapter });
      expect(attempts).toMatchObject([
        { backend: 'a', status: 429, reason: 'throttled', cooldown: 60_000, scope: 'chat' },
        { backend: 'b', status: 200 },
      ]);
    },
  );

  test.each(HEADS)('passes over %s while the body of a 400 stalls, and puts no backend on cooldown', async (wire) => {
    const stalling: Reply = (_, response) => {
      response.writeHead(400, { 'content-length': '100' }).write('{');
    };
    const { adapter, b } = await pair(stalling, { adapter: wire, attemptTimeout: 80 });
    const error = await rejectionOf(axios.post('/x', {}, { adapter }));
    expect(error).toMatchObject({ attempts: [{ backend: 'a', status: 400 }] });
    expect(error.message).toMatch(/^timeout of 80ms exceeded$/);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
    expect(b.calls).toStrictEqual([]);
  });

  test('of a request overrides that of a backend, which overrides the option', async () => {
    const slow = await FakeBackend.start();
    slow.always(neverReply);
    const took = async (own: object, option: object, failover: object) => {
      const adapter = priorityAdapter([{ baseURL: slow.url, ...own }], option);
      const { attempts } = await axios.get('/x', { adapter, failover, validateStatus: null });
      return attempts?.[0]?.duration;
    };
    expect(await took({}, { attemptTimeout: 50 }, {})).toBeLessThan(1000);
    expect(await took({ attemptTimeout: 50 }, { attemptTimeout: 5000 }, {})).toBeLessThan(1000);
    expect(await took({ attemptTimeout: 5000 }, { attemptTimeout: 5000 }, { attemptTimeout: 50 })).toBeLessThan(1000);
    // 0 means none.
    const one = priorityAdapter([{ baseURL: slow.url, attemptTimeout: 0 }], { attemptTimeout: 20 });
    expect(await rejectionOf(axios.get('/x', { adapter: one, timeout: 100 }))).toMatchObject({
      message: 'timeout of 100ms exceeded',
    });
  });

  test.each(['http', 'fetch'] as const)('ends one attempt over %s and fails over, POST included', async (wire) => {
    const { adapter, a, b } = await pair(neverReply, { adapter: wire, attemptTimeout: 150 });
    const response = await axios.post('/x', { a: 1 }, { adapter });
    expect(response.attempts).toMatchObject([
      { backend: 'a', code: CODES[wire], cooldown: 10_000 },
      { backend: 'b', status: 200 },
    ]);
    expect(b.lastCall.body.toString()).toBe('{"a":1}');
    await axios.post('/x', {}, { adapter });
    expect(a.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]?.cooldowns).toMatchObject([{ reason: 'timeout' }]);
    await a.connectionsClosed();
  });

  test('covers the response body', async () => {
    const { adapter } = await pair(trickle, { attemptTimeout: 150 });
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
  });

  test('is overridden by the request, where 0 means none', async () => {
    const { adapter } = await pair((_, response) => void setTimeout(() => response.end('late'), 400), {
      attemptTimeout: 150,
    });
    const failover = { attemptTimeout: 0 };
    expect((await axios.get('/x', { adapter, failover })).data).toBe('late');
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
  });

  test('does not apply to a stream that is being read', async () => {
    const { adapter } = await pair(
      (_, response) => {
        response.write('first');
        setTimeout(() => response.end('last'), 400);
      },
      { attemptTimeout: 200 },
    );
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', { adapter, responseType: 'stream' });
    let text = '';
    for await (const chunk of data) text += String(chunk);
    expect(text).toBe('firstlast');
  });

  test('covers the time that a credential provider takes, and nothing is sent afterwards', async () => {
    jest.useFakeTimers();
    const token = deferred<string>();
    const { request, tried } = stubPool(
      { a: { azureADTokenProvider: () => token.promise }, b: { priority: 2 } },
      { attemptTimeout: 50 },
    );
    const response = request();
    await jest.advanceTimersByTimeAsync(50);
    expect((await response).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    token.resolve('late');
    await jest.advanceTimersByTimeAsync(0);
    expect(tried).toStrictEqual(['b']);
  });

  test('fails over even if the adapter ignores it, and discards its late response', async () => {
    jest.useFakeTimers();
    const late = deferred<{ data: unknown }>();
    const { request, replies } = stubPool({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    replies.a = () => late.promise;
    const response = request();
    await jest.advanceTimersByTimeAsync(50);
    expect((await response).attempts).toHaveLength(2);
    const destroyed = jest.fn();
    late.resolve({ data: { pipe: () => undefined, on: () => undefined, destroy: destroyed } });
    await jest.advanceTimersByTimeAsync(0);
    expect(destroyed).toHaveBeenCalled();
  });

  test('of several attempts passes as fake timers advance, without turns of the event loop', async () => {
    jest.useFakeTimers();
    const { request, replies, tried } = stubPool({ a: {}, b: {}, c: { priority: 2 } }, { attemptTimeout: 50 });
    replies.a = replies.b = () => new Promise(() => undefined);
    const response = request();
    await jest.advanceTimersByTimeAsync(99);
    expect(tried).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(tried).toHaveLength(3);
    expect((await response).attempts).toMatchObject([
      { duration: 50 },
      { duration: 50 },
      { backend: 'c', status: 200 },
    ]);
  });

  test('leaves the next attempt cancellable, even when the earlier one ends late', async () => {
    jest.useFakeTimers();
    const late = deferred<object>();
    const controller = new AbortController();
    const { request, replies } = stubPool({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    replies.a = () => late.promise;
    replies.b = () => new Promise(() => undefined);
    const error = rejectionOf(request({ signal: controller.signal }));
    await jest.advanceTimersByTimeAsync(50);
    // A response that had arrived by then would be used.
    for (let turn = 0; turn < 5; turn++) await jest.advanceTimersByTimeAsync(0);
    late.resolve({});
    await jest.advanceTimersByTimeAsync(1);
    controller.abort();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED', attempts: [{ backend: 'a' }, { backend: 'b' }] });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('closes the socket of the attempt even if the caller gave a signal', async () => {
    const { a, adapter } = await pair(neverReply, { attemptTimeout: 150 });
    const { signal } = new AbortController();
    expect((await axios.get('/x', { adapter, signal })).attempts).toHaveLength(2);
    await a.connectionsClosed();
  });

  test('of one request does not end another', async () => {
    jest.useFakeTimers();
    const { request, replies } = stubPool({ a: {}, b: { priority: 2 } }, { attemptTimeout: 50 });
    const slow = deferred<object>();
    replies.a = () => slow.promise;
    const first = request();
    await jest.advanceTimersByTimeAsync(25);
    const second = request();
    await jest.advanceTimersByTimeAsync(25);
    expect((await first).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    slow.resolve({});
    expect((await second).attempts).toMatchObject([{ backend: 'a', status: 200 }]);
  });

  test('rejects with the timeout error of axios if the condition does not fail over', async () => {
    const { adapter } = await pair(neverReply, { attemptTimeout: 30, failoverCondition: () => false });
    expect(await rejectionOf(axios.get('/x', { adapter }))).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 30ms exceeded',
    });
  });
});

test('a timeout given as text has the error message of axios', async () => {
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = () => new Promise(() => undefined);
  const error = await rejectionOf(axios.get('/x', { adapter, timeout: '20ms' as never }));
  expect(error).toMatchObject({ message: 'timeout of 20msms exceeded' });
});

test.each(wires())('over %s, what is left of a deadline that has passed is a timeout at once', async (wire) => {
  const { adapter, a } = await pair(neverReply, { adapter: wire });
  for (const timeout of [-5, '-1' as never]) {
    const error = await rejectionOf(axios.get('/x', { adapter, timeout }));
    expect(error).toMatchObject({ code: wire.includes('fetch') ? 'ETIMEDOUT' : 'ECONNABORTED', attempts: [] });
    expect(error.message).toBe(`timeout of ${String(timeout)}ms exceeded`);
  }
  expect(a.calls).toHaveLength(0);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
});

test.each(wires())('over %s, a timeout below a millisecond is none', async (wire) => {
  const { adapter } = await pair({ body: 'ok' }, { adapter: wire });
  expect((await axios.get('/x', { adapter, timeout: 0.5 })).data).toBe('ok');
});

test.each(['http', 'fetch'])('over %s, a timeout longer than a timer allows does not fire at once', async (wire) => {
  const { adapter } = await pair((_, response) => void setTimeout(() => response.end('ok'), 30), { adapter: wire });
  expect((await axios.get('/x', { adapter, timeout: 2 ** 31 + 5 })).data).toBe('ok');
  expect((await axios.get('/x', { adapter, timeout: 5000, failover: { maxWait: 2 ** 40 } })).data).toBe('ok');
});

test('a wrapped adapter gets no timeout that is longer than a timer allows', async () => {
  const { request, configs } = stubPool({ a: {} });
  await request({ timeout: 2 ** 31 + 5 });
  await request({ timeout: 5 });
  expect(configs.map(({ timeout }) => timeout)).toStrictEqual([0, 5]);
});

test('a backend’s attemptTimeout longer than a timer allows does not fire at once', async () => {
  const backend = await FakeBackend.start();
  backend.always((_, response) => void setTimeout(() => response.end('ok'), 30));
  const adapter = priorityAdapter([{ baseURL: backend.url, attemptTimeout: 2 ** 31 + 5 }]);
  expect((await axios.get('/x', { adapter })).data).toBe('ok');
});

test.each(['signal', 'timeout'])(
  'an adapter that throws at once leaves no listener or timer behind: %s',
  async (kind) => {
    const caller = new AbortController();
    const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
      adapter: () => {
        throw new Error('thrown at once');
      },
    });
    const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const config = kind === 'signal' ? { signal: caller.signal } : { timeout: 100_000 };
    await expect(axios.get('/x', { adapter, failover: false, ...config })).rejects.toThrow('thrown at once');
    expect(getEventListeners(caller.signal, 'abort')).toStrictEqual([]);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(timers);
  },
);

test('a slow upload does not put its backend on cooldown when the timeout of the caller passes', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always(neverReply);
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
  const slow = new Readable({ read: () => undefined });
  slow.push('x');
  setTimeout(() => slow.push(null), 60);
  expect(await rejectionOf(axios.post('/x', slow, { adapter, timeout: 100 }))).toMatchObject({ code: 'ECONNABORTED' });
  expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
});

describe('a backend’s attemptTimeout', () => {
  test('ends an attempt whose DNS lookup never answers', async () => {
    const [, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const request = { lookup: () => undefined };
    const adapter = priorityAdapter([
      { baseURL: 'http://hang.test', name: 'hangs', attemptTimeout: 50, request },
      { baseURL: second.url, name: 'b', priority: 2 },
    ]);
    const { attempts } = await axios.get('/x', { adapter });
    expect(attempts?.map(({ backend, code }) => [backend, code])).toStrictEqual([
      ['hangs', 'ECONNABORTED'],
      ['b', undefined],
    ]);
  });

  test('is not restarted by each byte of the head', async () => {
    const slow = await FakeBackend.start();
    slow.always((_, response) => {
      const timer = setInterval(() => response.writeProcessing(), 10);
      response.on('close', () => clearInterval(timer));
    });
    const adapter = priorityAdapter([{ baseURL: slow.url, attemptTimeout: 60 }]);
    const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({ code: 'ECONNABORTED' });
  });
});

test('a wait is not begun if it cannot end in what the reading of a model leaves of the timeout', async () => {
  const clock = fakeClock();
  const { request, pool } = stubPool({ a: { deployments: { chat: 'chat-a' } } }, { maxWait: 60_000 });
  pool.cool('a', 1200, 'chat-a');
  const { parse } = JSON;
  JSON.parse = (text) => {
    clock.advance(400);
    return parse(text) as unknown;
  };
  try {
    const answer = request({ method: 'post', data: '{"model":"chat"}', timeout: 1000 });
    expect(await answer).toMatchObject({ status: 429, fabricated: true });
  } finally {
    JSON.parse = parse;
  }
});

test('the time that a selector takes is no part of an attempt', async () => {
  const clock = fakeClock();
  const selector: Selector = (candidates) => {
    clock.advance(50);
    return candidates[0]!;
  };
  const { adapter } = stubPool({ a: {} }, { selector });
  expect((await axios.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'a', duration: 0 }]);
});

test('the time that a condition takes is no part of an attempt', async () => {
  const clock = fakeClock();
  const failoverCondition = () => {
    clock.advance(50);
    return true;
  };
  const { request, replies } = stubPool({ a: {}, b: { priority: 2 } }, { failoverCondition });
  replies.a = 503;
  expect((await request()).attempts).toMatchObject([{ duration: 0 }, { duration: 0 }]);
});

describe('the budget of a request', () => {
  test('check() throws once the budget is spent', () => {
    const clock = fakeClock();
    const budget = new Budget({}, 10);
    clock.advance(9);
    expect(() => budget.check()).not.toThrow();
    clock.advance(1);
    expect(() => budget.check()).toThrow(expect.objectContaining({ why: 'timeout', ms: 10 }) as Error);
  });

  test('guard() rejects if the work throws at once, and removes its listener', async () => {
    const { signal } = new AbortController();
    const work = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(new Budget({ signal }, 100_000).guard(work)).rejects.toThrow('at once');
    expect(getEventListeners(signal, 'abort')).toStrictEqual([]);
  });
});

test('what resolves in the turns of the event loop after the time is used', async () => {
  let fire!: () => void;
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void) => (fire = callback)) as never);
  const { promise, resolve } = deferred<string>();
  const giveUp = jest.fn();
  const guarded = new Budget({}, 0).guard(() => promise, 5, giveUp);
  fire();
  await new Promise((next) => void setImmediate(next));
  resolve('just in time');
  expect(await guarded).toBe('just in time');
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => void setImmediate(next));
  expect(giveUp).not.toHaveBeenCalled();
  jest.restoreAllMocks();
});
