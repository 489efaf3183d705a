import axios from 'axios';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import type { Backend, PoolEvent } from '../../src';
import { FakeBackend, neverReply, rejectionOf, throttle, closeBackendsAfterEach } from '../support/fake-backend';
import { pair } from '../support/pair';
import { eventLoopTurn, stubPool, throttled } from '../support/stub-pool';

closeBackendsAfterEach();

afterEach(() => jest.useRealTimers());

// On the real clock, time passes between any two looks at it.
test('a wait ends at once when a backend is restored', async () => {
  const { request, pool } = stubPool({ a: {}, b: {} }, { maxWait: 60_000 });
  pool.cool('a', 40_000);
  pool.cool('b', 40_000);
  const response = request();
  await eventLoopTurn();
  pool.restore('b');
  expect((await response).attempts).toMatchObject([{ backend: 'b' }]);
});

test('a request that no backend has refused waits no longer than the cooldown', async () => {
  jest.useFakeTimers();
  const { request, pool } = stubPool({ a: {} }, { maxWait: 8 });
  pool.cool('a', 3);
  const response = request();
  await jest.advanceTimersByTimeAsync(8);
  expect(await response).toMatchObject({ status: 200 });
});

test('a request that waits is sent in the very millisecond in which its backend becomes available', async () => {
  jest.useFakeTimers();
  const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } }, { maxWait: 10_000 });
  replies.a = throttled(5000);
  replies.b = throttled(7000);
  const response = request();
  await jest.advanceTimersByTimeAsync(4999);
  expect(tried).toStrictEqual(['a', 'b']);
  replies.a = 200;
  await jest.advanceTimersByTimeAsync(1);
  expect(tried).toStrictEqual(['a', 'b', 'a']);
  expect(await response).toMatchObject({ status: 200 });
});

describe('maxWait', () => {
  const waiting = (options: object) => {
    jest.useFakeTimers();
    const all = stubPool({ a: {}, b: { priority: 2 } }, { maxWait: 1000, ...options });
    const events: PoolEvent[] = [];
    all.pool.subscribe((event) => void (event.type !== 'attempt' && event.type !== 'cooldown' && events.push(event)));
    return { ...all, events };
  };

  test('waits for a backend to become available and tries again', async () => {
    const { request, replies, tried, events } = waiting({});
    replies.a = throttled(500);
    replies.b = throttled(300);
    const response = request();
    await jest.advanceTimersByTimeAsync(0);
    replies.b = 200;
    await jest.advanceTimersByTimeAsync(299);
    expect(tried).toStrictEqual(['a', 'b']);
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

  test('releases the requests in order, ever faster', async () => {
    const { request, pool, configs } = waiting({});
    pool.cool('a', 300);
    pool.cool('b', 300);
    const responses = Array.from({ length: 20 }, (_, i) => request({ url: `/${String(i)}` }));
    await jest.advanceTimersByTimeAsync(299);
    expect(configs).toHaveLength(0);
    const sizes: number[] = [];
    for (let sent = 0; sent < 20; sent = configs.length) {
      await jest.advanceTimersByTimeAsync(1);
      if (configs.length > sent) sizes.push(configs.length - sent);
    }
    // One to each backend.
    expect(sizes[0]).toBe(2);
    expect(sizes.slice(0, -1)).toStrictEqual(sizes.slice(0, -1).sort((a, b) => a - b));
    expect(Math.max(...sizes)).toBeLessThan(10);
    expect(configs.map(({ url }) => url)).toStrictEqual(responses.map((_, i) => `/${String(i)}`));
    for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
  });

  test('does not let a new request overtake waiting ones, unless it cannot wait', async () => {
    const { request, pool, configs } = waiting({});
    pool.cool('a', 300);
    pool.cool('b', 300);
    const responses = Array.from({ length: 60 }, (_, i) => request({ url: `/${String(i)}` }));
    await jest.advanceTimersByTimeAsync(302);
    responses.push(request({ url: '/new' }), request({ url: '/urgent', failover: { maxWait: 0 } }));
    await jest.advanceTimersByTimeAsync(0);
    expect(configs.length).toBeLessThan(10);
    expect(configs.at(-1)?.url).toBe('/urgent');
    await jest.advanceTimersByTimeAsync(690);
    await Promise.all(responses);
    expect(configs.at(-1)?.url).toBe('/new');
  });

  test('does not let requests that cannot wait hold the waiting ones back', async () => {
    const { request, pool, replies } = waiting({ maxWait: 30_000 });
    // A refusal takes long, so the pace is slow.
    for (const name of ['a', 'b'])
      replies[name] = async () => {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return throttled(10);
      };
    await Promise.all([
      request({ failover: false }),
      request({ failover: false }),
      jest.advanceTimersByTimeAsync(1000),
    ]);
    for (const name of ['a', 'b'])
      replies[name] = async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return 200;
      };
    pool.cool('a', 100);
    pool.cool('b', 60_000);
    const done = Promise.all(Array.from({ length: 10 }, () => request()));
    let isDone = false;
    void done.then(() => (isDone = true));
    for (let ms = 0; ms < 2000; ms += 10) {
      void request({ failover: { maxWait: 0 } });
      await jest.advanceTimersByTimeAsync(10);
    }
    expect(isDone).toBe(true);
  });

  test('does not let a new request overtake those whose turn has just come', async () => {
    const order: string[] = [];
    const wrapped = (url: unknown) => {
      order.push(new URL(String(url)).pathname);
      return Promise.resolve(new Response('ok'));
    };
    const fetch = priorityFetch([{ baseURL: 'https://a.example', name: 'a' }], { fetch: wrapped, maxWait: 60_000 });
    const send = (path: string) => fetch(`https://x.example/${path}`);
    fetch.pool.cool('a', 50_000);
    const responses = Array.from({ length: 40 }, (_, i) => send(String(i)));
    await eventLoopTurn();
    fetch.pool.restore('a');
    responses.push(send('new'));
    await Promise.all(responses);
    expect([order[0], order.at(-1)]).toStrictEqual(['/0', '/new']);
  });

  test('keeps the order and the pace of requests wherever they name their deployment', async () => {
    const course = async (config: object): Promise<{ starts: number[]; order: number[] }> => {
      const { request, pool, replies, configs } = waiting({ maxWait: 60_000 });
      pool.cool('b', 60_000);
      replies.a = throttled(300);
      const send = (n: number): Promise<unknown> => request({ ...config, params: n } as never);
      const responses = Array.from({ length: 60 }, (_, i) => send(i));
      await jest.advanceTimersByTimeAsync(0);
      configs.length = 0;
      replies.a = 200;
      const starts: number[] = [];
      for (let ms = 1; ms < 1000; ms++) {
        await jest.advanceTimersByTimeAsync(1);
        if (configs.length === 3 && responses.length === 60) responses.push(send(60));
        while (starts.length < configs.length) starts.push(ms);
      }
      await Promise.all(responses);
      return { starts, order: configs.map(({ params }) => params as number) };
    };
    const ofUrl = await course({ url: '/openai/deployments/chat/responses' });
    const ofBody = await course({ url: '/openai/v1/responses', method: 'post', data: '{"model":"chat"}' });
    expect(ofUrl.order).toStrictEqual(Array.from({ length: 61 }, (_, i) => i));
    expect(ofBody).toStrictEqual(ofUrl);
  });

  test('does not let a new request overtake others for its deployment while requests wait for another one', async () => {
    const { request, pool, configs } = waiting({ maxWait: 60_000 });
    pool.cool('a', 200);
    pool.cool('b', 60_000);
    const chat = { url: '/openai/v1/responses', method: 'post', data: '{"model":"chat"}' };
    const responses = Array.from({ length: 60 }, (_, n) => request({ ...chat, params: n }));
    for (let n = 0; n < 60; n++) responses.push(request({ url: '/openai/deployments/other/responses' }));
    await jest.advanceTimersByTimeAsync(0);
    const ofChat = (): unknown[] =>
      configs.filter(({ params }) => params !== undefined).map(({ params }) => params as number);
    while (ofChat().length < 3) await jest.advanceTimersByTimeAsync(1);
    responses.push(request({ ...chat, params: 60 }));
    await jest.advanceTimersByTimeAsync(5000);
    await Promise.all(responses);
    expect(ofChat()).toStrictEqual(Array.from({ length: 61 }, (_, n) => n));
  });

  test('releases one request to each backend that becomes available, whatever its priority', async () => {
    const { request, pool, tried, replies } = waiting({});
    replies.a = throttled(100);
    pool.cool('a', 300);
    pool.cool('b', 300);
    const responses = Array.from({ length: 4 }, () => request());
    await jest.advanceTimersByTimeAsync(302);
    expect(tried).toStrictEqual(['a', 'b']);
    await jest.advanceTimersByTimeAsync(500);
    for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('holds the other requests back while a released one is refused', async () => {
    const { request, pool, replies, tried } = waiting({ maxWait: 60_000 });
    pool.cool('b', 60_000);
    replies.a = throttled(200);
    const responses = Array.from({ length: 50 }, () => request());
    await jest.advanceTimersByTimeAsync(1000);
    // The first 50 go at once. Then one goes in each 200 ms.
    expect(tried.length).toBeLessThanOrEqual(50 + 5);
    replies.a = 200;
    await jest.advanceTimersByTimeAsync(5000);
    for (const response of await Promise.all(responses)) expect(response.status).toBe(200);
  });

  test('tries a server that always specifies 20 ms about ten times in three seconds', async () => {
    const { request, pool, replies, tried } = waiting({ maxWait: 3000 });
    pool.cool('b', 60_000);
    replies.a = throttled(20);
    const response = request();
    await jest.advanceTimersByTimeAsync(4000);
    expect((await response).status).toBe(429);
    expect(tried).toHaveLength(10);
  });

  test('tries a server that always specifies 1 ms about ten times in three seconds', async () => {
    const { request, pool, replies, tried } = waiting({ maxWait: 3000 });
    pool.cool('b', 60_000);
    replies.a = throttled(1);
    const response = request();
    await jest.advanceTimersByTimeAsync(4000);
    expect((await response).status).toBe(429);
    expect(tried.length).toBeGreaterThanOrEqual(9);
    expect(tried.length).toBeLessThanOrEqual(12);
  });

  test('does not pause longer for a busy backend that answers others', async () => {
    const { request, pool, replies, tried } = waiting({ maxWait: 3000 });
    pool.cool('b', 60_000);
    replies.a = ({ url }) => (url === '/lucky' ? 200 : throttled(20));
    const response = request();
    for (let i = 0; i < 100; i++) {
      await jest.advanceTimersByTimeAsync(25);
      pool.restore('a');
      await request({ url: '/lucky' });
    }
    replies.a = 200;
    await jest.advanceTimersByTimeAsync(100);
    expect((await response).status).toBe(200);
    expect(tried.length - 100).toBeGreaterThan(30);
  });

  test('is not used if the wait would be longer: the request gets a 429 at once', async () => {
    const { request, replies, events } = waiting({});
    replies.a = replies.b = throttled(1001);
    expect((await request()).headers).toMatchObject({ 'retry-after-ms': '1001' });
    expect(events).toStrictEqual([{ type: 'exhausted', retryAfter: 1001 }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('limits all waits of a request together', async () => {
    const { request, replies, tried } = waiting({});
    replies.a = replies.b = throttled(400);
    const response = request();
    await jest.advanceTimersByTimeAsync(2000);
    expect((await response).status).toBe(429);
    expect(tried).toHaveLength(6);
  });

  test('allows several waits within the timeout', async () => {
    const { a, adapter } = await pair(
      { body: 'ok' },
      { maxWait: 10_000, selector: ([first]: readonly Backend[]) => first! },
    );
    adapter.pool.cool('b', 60_000);
    a.script(throttle(20), throttle(20));
    const response = await axios.get('/x', { adapter, timeout: 10_000 });
    expect(response.attempts).toMatchObject([{ status: 429 }, { status: 429 }, { status: 200 }]);
  });

  test('is not used if the wait cannot end within a longer timeout', async () => {
    const { adapter } = stubPool({ a: {} }, { maxWait: 60_000 });
    adapter.pool.cool('a', 10_000);
    const started = performance.now();
    const response = await axios.get('/x', { adapter, timeout: 5000, validateStatus: null });
    expect(response).toMatchObject({ fabricated: true });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('does not put a backend on cooldown when the timeout passes after a wait', async () => {
    const { a, adapter } = await pair(neverReply, { maxWait: 10_000 });
    adapter.pool.cool('a', 30);
    adapter.pool.cool('b', 60_000);
    expect(await rejectionOf(axios.post('/x', {}, { adapter, timeout: 300 }))).toMatchObject({ code: 'ECONNABORTED' });
    expect(a.calls).toHaveLength(1);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
  });

  test('is not used if the wait cannot end within the timeout', async () => {
    const { adapter, replies } = waiting({});
    replies.a = replies.b = throttled(400);
    const error = await rejectionOf(axios.get('/x', { adapter, timeout: 300 }));
    expect(error).toMatchObject({ response: { status: 429, fabricated: true } });
  });

  test('ends at once on a cancel, without leaving a timer', async () => {
    const { adapter, replies } = waiting({});
    replies.a = replies.b = throttled(400);
    const cancel = new AbortController();
    const error = rejectionOf(axios.get('/x', { adapter, signal: cancel.signal }));
    await jest.advanceTimersByTimeAsync(10);
    cancel.abort();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED' });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('ends early when a backend is restored or added', async () => {
    const { request, replies, pool, tried } = waiting({});
    replies.a = replies.b = throttled(900);
    const first = request();
    await jest.advanceTimersByTimeAsync(10);
    replies.a = 200;
    pool.restore('a');
    expect((await first).status).toBe(200);
    pool.cool('a', 900);
    const second = request();
    await jest.advanceTimersByTimeAsync(10);
    pool.update([{ name: 'c', baseURL: 'c.example' }]);
    expect((await second).attempts).toMatchObject([{ backend: 'c' }]);
    expect(tried).toStrictEqual(['a', 'b', 'a', 'c']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('ends even if a backend keeps specifying a wait of zero', async () => {
    const { request, replies, tried } = waiting({ maxWait: 20 });
    replies.a = replies.b = throttled(0);
    const response = request();
    await jest.advanceTimersByTimeAsync(100);
    expect((await response).status).toBe(429);
    expect(tried.length).toBeLessThan(50);
  });

  test('of the request overrides that of the adapter', async () => {
    const { adapter, replies } = waiting({});
    replies.a = replies.b = throttled(400);
    expect(await rejectionOf(axios.get('/x', { adapter, failover: { maxWait: 0 } }))).toMatchObject({
      response: { status: 429 },
    });
  });

  test('applies to failover: false too', async () => {
    const { adapter, pool } = waiting({});
    pool.cool('a', 300);
    pool.cool('b', 300);
    const response = axios.get('/x', { adapter, failover: false });
    await jest.advanceTimersByTimeAsync(400);
    expect((await response).status).toBe(200);
  });
});

test('all requests waiting for one throttled backend succeed', async () => {
  const backend = await FakeBackend.start();
  backend.script(throttle(50));
  const adapter = priorityAdapter([{ baseURL: backend.url }], { maxWait: 2000 });
  const all = await Promise.all(Array.from({ length: 20 }, () => axios.post('/x', {}, { adapter })));
  expect(all.every(({ status }) => status === 200)).toBe(true);
});

test('a listener that cancels the request on a waiting event ends the wait', async () => {
  const controller = new AbortController();
  const { adapter, replies, pool } = stubPool({ a: {} }, { maxWait: 60_000 });
  replies.a = throttled(30_000);
  pool.subscribe(({ type }) => type === 'waiting' && controller.abort());
  const error = await rejectionOf(axios.get('/x', { adapter, signal: controller.signal }));
  expect(error).toMatchObject({ code: 'ERR_CANCELED', attempts: [{ status: 429 }] });
});
