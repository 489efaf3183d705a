/** The stream of server-sent events, over real HTTP and real backends. */
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import axios from 'axios';
import { BackendPool, priorityAdapter } from '../../src';
import { statusPage } from '../../src/status-page';
import { closeBackendsAfterEach, startBackends, throttle } from '../support/fake-backend';
import { fakeClock } from '../support/stub-pool';
import { ask, serve, snapshotOf, Stream, toClose, until } from './support';

closeBackendsAfterEach();

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

interface State {
  readonly name: string;
  readonly state: string;
  readonly pending: number;
  readonly attempts: number;
}

const newPool = (name = 'one') => new BackendPool([{ name, baseURL: 'https://one.example', apiKey: 'secret' }]);

async function open(pools: BackendPool | Record<string, BackendPool>, options = {}) {
  const page = toClose(statusPage(pools, options));
  const served = await serve(page);
  const look = async () => {
    const stream = await Stream.open(`${served.url}/events`);
    if (stream.status === 200) await until(() => stream.messages.length >= 2);
    return stream;
  };
  return { ...served, page, look };
}

/** Ticks pass only when the test says so. */
async function openWithFakeTicks() {
  const doNotFake = ['Date', 'nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout', 'clearTimeout'] as const;
  jest.useFakeTimers({ doNotFake: [...doNotFake] });
  const pool = newPool();
  return { pool, ...(await open(pool)) };
}

const firstOf = (snapshot: unknown) => (snapshot as { pools: { pool: { backends: [State] } } }).pools.pool.backends[0];

describe('a viewer', () => {
  test('gets events at once behind a middleware that compresses responses', async () => {
    const pool = newPool();
    const page = toClose(statusPage(pool));
    const flush = jest.fn();
    const { url } = await serve((request, response) => page(request, Object.assign(response, { flush })));
    const stream = await Stream.open(`${url}/events`);
    await until(() => stream.messages.length >= 2);
    expect(flush).toHaveBeenCalledTimes(1);
    pool.cool('one', 60_000);
    await until(() => stream.of('pool').length === 1);
    expect(flush.mock.calls.length).toBeGreaterThan(1);
  });

  test('gets a retry delay, a snapshot and the history at once', async () => {
    const pool = newPool();
    const { look } = await open(pool);
    pool.cool('one', 60_000);
    const stream = await look();
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    expect(stream.raw[0]).toBe('retry: 2000');
    expect(stream.messages.map(({ event }) => event)).toStrictEqual(['snapshot', 'history']);
    expect(firstOf(stream.of('snapshot')[0])).toMatchObject({ name: 'one', state: 'cooling' });
    expect(stream.of('history')[0]).toMatchObject({
      pools: { pool: { events: [{ type: 'cooldown', backend: 'one', reason: 'manual', duration: 60_000 }] } },
    });
  });

  test('gets each event of each pool, with its time', async () => {
    const pools = { chat: newPool(), mail: newPool() };
    const { look } = await open(pools);
    const stream = await look();
    const before = Date.now();
    pools.mail.cool('one', 60_000, 'gpt-4o');
    pools.mail.restore('one');
    await until(() => stream.of('pool').length === 2);
    const [cooldown, recovered] = stream.of('pool');
    expect(cooldown).toStrictEqual({
      pool: 'mail',
      at: expect.any(Number),
      type: 'cooldown',
      backend: 'one',
      scope: 'gpt-4o',
      reason: 'manual',
      duration: 60_000,
    });
    expect(Number(cooldown!.at)).toBeGreaterThanOrEqual(before);
    expect(recovered).toMatchObject({ type: 'recovered' });
  });

  test('gets the events of several pools in the order in which they happened', async () => {
    const pools = { chat: newPool(), mail: newPool() };
    const { look } = await open(pools);
    const stream = await look();
    const order = Array.from({ length: 150 }, (_, i) => (i % 3 === 0 ? 'chat' : 'mail'));
    order.forEach((name, i) => pools[name].cool('one', 60_000 + i));
    await until(() => stream.of('pool').length === order.length);
    expect(stream.of('pool').map(({ pool }) => pool)).toStrictEqual(order);
  });

  test('gets a snapshot when something changed, at most once a second, and none otherwise', async () => {
    const { pool, look } = await openWithFakeTicks();
    const stream = await look();
    for (let i = 1; i <= 8; i++) {
      pool.cool('one', 60_000 * i);
      jest.advanceTimersByTime(250);
    }
    // A cooldown runs all the while, but that it runs is no change.
    jest.advanceTimersByTime(15_000);
    await until(() => stream.raw.includes(':'));
    expect(stream.of('pool')).toHaveLength(8);
    expect(stream.of('snapshot')).toHaveLength(3);
  });

  test('that comes later gets a snapshot at most once a second too', async () => {
    const { pool, look } = await openWithFakeTicks();
    const first = await look();
    jest.advanceTimersByTime(750);
    const second = await look();
    pool.cool('one', 60_000);
    const counts = async () => {
      jest.advanceTimersByTime(250);
      pool.cool('one', 70_000 + 1_000 * first.of('pool').length);
      // What was sent before has arrived with the event that is sent after it.
      const { length } = first.of('pool');
      jest.advanceTimersByTime(250);
      await until(() => first.of('pool').length > length && second.of('pool').length > length);
      return [first, second].map((stream) => stream.of('snapshot').length);
    };
    expect(await counts()).toStrictEqual([2, 1]);
    expect(await counts()).toStrictEqual([2, 2]);
  });

  test('sees a cooldown that passes without a request, and a request under way', async () => {
    const [backend] = await startBackends(1);
    const answers: (() => void)[] = [];
    backend!.always((_, response) => void answers.push(() => response.end()));
    const pool = new BackendPool([{ name: 'one', baseURL: backend!.url }]);
    pool.cool('one', 1_100);
    const { look } = await open(pool);
    const stream = await look();
    const last = () => firstOf(stream.of('snapshot').at(-1));
    expect(last().state).toBe('cooling');
    await until(() => last().state === 'available');
    expect(stream.of('pool')).toStrictEqual([]);
    const client = axios.create({ adapter: priorityAdapter(pool) });
    const call = client.get('/x');
    await until(() => last().pending === 1);
    answers[0]!();
    await call;
    await until(() => last().pending === 0);
    expect(last().attempts).toBe(1);
    expect(stream.of('pool').at(-1)).toMatchObject({ type: 'attempt', backend: 'one', status: 200 });
  });

  test('gets a comment when nothing has happened for a while, so that no proxy hangs up', async () => {
    const clock = fakeClock();
    const { look } = await open(newPool());
    const stream = await look();
    clock.advance(20_000);
    await until(() => stream.raw.includes(':'));
    expect(stream.messages).toHaveLength(2);
  });
});

describe('the number of viewers', () => {
  test('has a limit: one more gets a 503, until another has left', async () => {
    const { url, look } = await open(newPool(), { maxClients: 2 });
    const [first] = [await look(), await look()];
    const refused = await ask(`${url}/events`);
    expect([refused.status, refused.headers['retry-after']]).toStrictEqual([503, '10']);
    // A HEAD is answered as the GET would be.
    expect((await ask(`${url}/events`, 'HEAD')).status).toBe(503);
    first.close();
    let stream = await Stream.open(`${url}/events`);
    for (let i = 0; i < 50 && stream.status === 503; i++) stream = await Stream.open(`${url}/events`);
    expect(stream.status).toBe(200);
  });

  test('isn’t raised by a client that left while another middleware had its request', async () => {
    const page = toClose(statusPage(newPool(), { maxClients: 1 }));
    const waiting: (() => Promise<void>)[] = [];
    const { url } = await serve((request, response) => {
      if (waiting.length === 2) page(request, response);
      else waiting.push(async () => void (await once(response, 'close').then(() => page(request, response))));
    });
    for (let i = 0; i < 2; i++) {
      const leaving = get(`${url}/events`, { agent: false }).on('error', () => undefined);
      await until(() => waiting.length > i);
      const handled = waiting[i]!();
      leaving.destroy();
      await handled;
    }
    let stream = await Stream.open(`${url}/events`);
    for (let i = 0; i < 50 && stream.status === 503; i++) stream = await Stream.open(`${url}/events`);
    expect(stream.status).toBe(200);
  });

  test('isn’t raised by a client that left while its requests waited for each other', async () => {
    const { url } = await open(newPool(), { maxClients: 5 });
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    client.write('GET /events HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5));
    await once(client, 'data');
    expect((await Stream.open(`${url}/events`)).status).toBe(503);
    client.destroy();
    for (let opened = 0; opened < 5;) {
      if ((await Stream.open(`${url}/events`)).status === 200) opened++;
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test('isn’t raised by a HEAD', async () => {
    const { url, look } = await open(newPool(), { maxClients: 1 });
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await ask(`${url}/events`, 'HEAD');
      expect([status, headers['content-type'], headers['x-accel-buffering']]).toStrictEqual([
        200,
        'text/event-stream',
        'no',
      ]);
    }
    expect((await look()).status).toBe(200);
  });

  test('goes down when a viewer that doesn’t read is dropped, and no other is', async () => {
    const pool = newPool();
    const { url, look } = await open(pool, { maxClients: 2 });
    const [slow, quick] = [await look(), await look()];
    slow.pause();
    const scope = 'x'.repeat(10_000);
    // What the system's buffers hold comes first.
    for (let sent = 0; (await ask(`${url}/events`, 'HEAD')).status === 503;) {
      for (const end = sent + 64; sent < end; sent++) pool.cool('one', 100_000 + sent, scope);
      await until(() => quick.of('pool').length >= sent);
    }
    expect((await ask(`${url}/events`, 'HEAD')).status).toBe(200);
    expect(quick.ended).toBe(false);
    slow.resume();
    await until(() => slow.ended);
  });
});

describe('without viewers', () => {
  test('no timer runs and no snapshot is taken', async () => {
    const begin = jest.spyOn(globalThis, 'setInterval');
    const end = jest.spyOn(globalThis, 'clearInterval');
    const pool = newPool();
    const snapshot = jest.spyOn(pool, 'snapshot');
    const { look } = await open(pool);
    pool.cool('one', 1_000);
    expect(begin).not.toHaveBeenCalled();
    expect(snapshot).not.toHaveBeenCalled();
    const streams = [await look(), await look()];
    expect(begin).toHaveBeenCalledTimes(1);
    const timer = begin.mock.results[0]!.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(false);
    streams[0]!.close();
    streams[1]!.close();
    await until(() => end.mock.calls.some(([each]) => each === timer));
  });

  test('events aren’t kept for the next viewer', async () => {
    const pool = newPool();
    const { look, url } = await open(pool);
    const first = await look();
    first.close();
    await until(() => first.ended);
    await snapshotOf(url);
    pool.cool('one', 60_000);
    const second = await look();
    pool.restore('one');
    await until(() => second.of('pool').length > 0);
    expect(second.of('pool')).toMatchObject([{ type: 'recovered' }]);
  });
});

describe('when the server closes,', () => {
  test('the viewers’ connections end too', async () => {
    const { look, server } = await open(newPool());
    const streams = [await look(), await look()];
    await new Promise((resolve) => server.close(resolve));
    await until(() => streams.every(({ ended }) => ended));
  });
});

test('many events are sent before the next tick', async () => {
  const pool = newPool();
  const { look } = await open(pool);
  const stream = await look();
  for (let i = 1; i <= 1_200; i++) pool.cool('one', i * 1_000);
  await until(() => stream.of('pool').length === 1_200);
});

test('no secret of a backend or of a request is sent', async () => {
  const [first, second] = await startBackends(2);
  first!.always({ status: 503, headers: { 'set-cookie': 'secret-cookie' } });
  const pool = new BackendPool([
    {
      name: 'one',
      baseURL: first!.url,
      headers: { 'x-key': 'secret-header' },
      params: { code: 'secret-parameter' },
    },
    { name: 'two', baseURL: second!.url, apiKey: 'secret-key', priority: 2 },
  ]);
  const { url, look } = await open(pool);
  const stream = await look();
  const client = axios.create({ adapter: priorityAdapter(pool), headers: { 'api-key': 'secret-own' } });
  await client.post('/x', { prompt: 'secret-prompt' });
  await until(() => stream.of('pool').some(({ backend, status }) => backend === 'two' && status === 200));
  const late = await look();
  expect(first!.lastCall.url).toContain('secret-parameter');
  expect(first!.lastCall.headers).toMatchObject({ 'x-key': 'secret-header' });
  const texts = [...stream.raw, ...late.raw, (await ask(`${url}/snapshot.json`)).body].join('');
  expect(texts).toContain('"backend":"one"');
  expect(texts).not.toContain('secret');
});

test('the counts and the shares follow the requests', async () => {
  const [first, second] = await startBackends(2);
  first!.script({}, throttle(60_000));
  second!.script({}, { status: 503 });
  const pool = new BackendPool([
    { name: 'first', baseURL: first!.url },
    { name: 'second', baseURL: second!.url, priority: 2 },
  ]);
  const { url } = await open(pool);
  const client = axios.create({ adapter: priorityAdapter(pool) });
  for (let i = 0; i < 4; i++) await client.get('/x', { validateStatus: null });
  const { backends } = (await snapshotOf(url)).pools.pool!;
  expect(backends).toMatchObject([
    { name: 'first', attempts: 2, answered: 1, throttled: 1, failed: 0, share: 0.4 },
    { name: 'second', attempts: 3, answered: 2, throttled: 0, failed: 1, share: 0.6 },
  ]);
});
