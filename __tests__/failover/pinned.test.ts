import { PassThrough } from 'node:stream';
import axios from 'axios';
import { attemptsOf, priorityAdapter } from '../../src';
import type { PoolEvent } from '../../src';
import { closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import { deferred, stubPool, throttled } from '../support/stub-pool';

closeBackendsAfterEach();

const toB = { failover: { backend: 'b' } };

describe('a request that is pinned to a backend', () => {
  test('goes there whatever its priority, without calling the selector', async () => {
    const selector = jest.fn(([first]: readonly unknown[]) => first) as never;
    const { request, tried } = stubPool({ a: {}, b: { priority: 2 } }, { selector });
    const { attempts } = await request(toB);
    expect(tried).toStrictEqual(['b']);
    expect(attemptsOf({ attempts }).at(-1)!.backend).toBe('b');
    expect(selector).not.toHaveBeenCalled();
  });

  test.each([503, 429, 500])('gets the real %i, and no other backend is tried', async (status) => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.b = { status, data: 'real' };
    const response = await request(toB);
    expect(response).toMatchObject({ status, data: 'real' });
    expect(response).not.toHaveProperty('fabricated');
    expect(tried).toStrictEqual(['b']);
  });

  test('gets the real error of a connection that is refused', async () => {
    const [a, b] = await startBackends(2);
    const { url } = b!;
    await b!.close();
    const backends = [{ baseURL: a!.url }, { baseURL: url, name: 'b', priority: 2 }];
    const client = axios.create({ adapter: priorityAdapter(backends) });
    expect(await rejectionOf(client.get('/x', toB))).toMatchObject({
      code: 'ECONNREFUSED',
      attempts: [{ backend: 'b', reason: 'connection' }],
    });
    expect(a!.calls).toStrictEqual([]);
  });

  test('is held back by a cooldown that the server asked for, and the 429 names only that backend', async () => {
    const { request, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } });
    const events: PoolEvent[] = [];
    replies.b = throttled(5000);
    await request(toB);
    pool.subscribe((event) => events.push(event));
    const response = await request(toB);
    expect(response).toMatchObject({ status: 429, fabricated: true, attempts: [] });
    expect(response.data).toContain('No backend is available: 1 throttled. Retry after 5 s.');
    expect(events.map(({ type }) => type)).toStrictEqual(['exhausted']);
    expect((await request()).attempts).toMatchObject([{ backend: 'a' }]);
    expect(tried).toStrictEqual(['b', 'a']);
  });

  test('is held back by a cooldown set by hand', async () => {
    const { request, pool } = stubPool({ a: {}, b: {} });
    pool.cool('b', 1000);
    expect(await request(toB)).toMatchObject({ status: 429, fabricated: true });
  });

  test('is not held back by a guessed cooldown, since no other backend can serve it', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.b = new Error('Network Error');
    await request(toB).catch(() => undefined);
    replies.b = 200;
    expect((await request(toB)).status).toBe(200);
    expect(tried).toStrictEqual(['b', 'b']);
  });

  test('waits for that backend within maxWait, although another is available', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } }, { maxWait: 2000 });
    replies.b = () => {
      replies.b = 200;
      return throttled(30);
    };
    expect((await request(toB)).status).toBe(200);
    expect(tried).toStrictEqual(['b', 'b']);
  });

  test('gets the real refusal of its latest attempt when the wait would be too long', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } }, { maxWait: 500 });
    replies.b = () => {
      replies.b = { ...throttled(60_000), data: 'second' };
      return throttled(20);
    };
    expect(await request(toB)).toMatchObject({ status: 429, data: 'second' });
    expect(tried).toStrictEqual(['b', 'b']);
  });

  test('doesn’t block requests for other backends', async () => {
    const { request, replies, pool, tried } = stubPool({ a: {}, b: {} }, { maxWait: 5000 });
    pool.cool('a', 60_000);
    pool.cool('b', 60_000);
    const [one, other] = [request(toB), request({ failover: { backend: 'a', maxWait: 70_000 } })];
    void other.catch(() => undefined);
    expect(await one).toMatchObject({ status: 429, fabricated: true });
    replies.a = 200;
    pool.restore('a');
    expect((await other).status).toBe(200);
    expect(tried).toStrictEqual(['a']);
  });

  test('gets the fabricated 404 if that backend does not have the deployment', async () => {
    const { request, tried } = stubPool({ a: {}, b: { deployments: { o3: false } } });
    expect(await request({ ...toB, url: '/openai/deployments/o3/x' })).toMatchObject({ status: 404, fabricated: true });
    expect(tried).toStrictEqual([]);
  });

  test.each<[unknown, string]>([
    ['x', 'unknown backend "x"; expected one of a, b'],
    ['', 'unknown backend ""; expected one of a, b'],
    ['https://user:hunter2@a?b', 'unknown backend "https://***@a?***"; expected one of a, b'],
    [7, 'unknown backend 7; expected one of a, b'],
  ])('is refused if the backend %p is unknown', async (backend, message) => {
    const { adapter, tried } = stubPool({ a: {}, b: {} });
    const failover = { backend: backend as string };
    const error = await rejectionOf(axios.get('/x', { adapter, failover }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(`config.failover.backend: ${message}`);
    expect(tried).toStrictEqual([]);
  });

  test('survives the end of a refusal that is kept while the request waits', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: {} }, { maxWait: 1000 });
    const data = new PassThrough({ highWaterMark: 100_000 });
    data.write(Buffer.alloc(70_000));
    const answers: unknown[] = [{ status: 429, headers: { 'retry-after-ms': '500' }, data }, 200];
    replies.b = () => answers.shift() as never;
    const closed = new Promise((resolve) => data.on('close', resolve));
    pool.subscribe(({ type }) => type === 'waiting' && data.destroy(new Error('connection lost')));
    const response = request({ ...toB, responseType: 'stream' });
    await closed;
    pool.restore('b');
    expect(await response).toMatchObject({ status: 200 });
  });

  test('gets the answer of its attempt if the backend leaves the pool after it', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: {} }, { maxWait: 1000 });
    replies.b = () => {
      pool.update([{ baseURL: 'https://a.example', name: 'a' }]);
      return throttled(10);
    };
    const response = await request(toB);
    expect(response).toMatchObject({ status: 429, attempts: [{ backend: 'b' }] });
    expect(response).not.toHaveProperty('fabricated');
  });

  test('gets the answer of its attempt if the backend leaves the pool while the request waits again', async () => {
    const { request, replies, pool } = stubPool({ a: {}, b: {} }, { maxWait: 60_000 });
    replies.b = throttled(50_000);
    pool.subscribe(({ type }) => type === 'waiting' && pool.update([{ baseURL: 'https://a.example', name: 'a' }]));
    expect(await request(toB)).toMatchObject({ status: 429, attempts: [{ backend: 'b' }] });
  });

  test('is refused if the backend leaves the pool while the request waits', async () => {
    const { request, pool } = stubPool({ a: {}, b: {} }, { maxWait: 60_000 });
    pool.cool('b', 50_000);
    const waiting = deferred<undefined>();
    pool.subscribe(({ type }) => type === 'waiting' && waiting.resolve(undefined));
    const refused = expect(request(toB)).rejects.toThrow('unknown backend "b"; expected one of a');
    await waiting.promise;
    pool.update([{ baseURL: 'https://a.example', name: 'a' }]);
    await refused;
  });
});
