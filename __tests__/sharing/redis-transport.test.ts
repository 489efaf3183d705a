import { redisTransport } from '../../src/sharing';
import type { RedisClientLike, RedisTransportOptions } from '../../src/sharing';
import { RedisClock } from '../../src/sharing/redis-clock';
import { FakeIoRedis, FakeNodeRedis, FakeRedis } from '../support/fake-redis';
import { deferred, eventLoopTurn, fakeClock } from '../support/stub-pool';

let redis: FakeRedis;
let clock: ReturnType<typeof fakeClock>;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['performance', 'setImmediate', 'nextTick', 'queueMicrotask'] });
  clock = fakeClock();
  redis = new FakeRedis();
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const message = (id: string, more: object = {}): string =>
  JSON.stringify({ v: 1, i: id, b: 'A', s: id, r: 'manual', k: 'asked', ms: 60_000, ...more });

function listen(client: RedisClientLike) {
  const transport = redisTransport(client, { prefix: 'app' });
  const heard: [string, number | undefined][] = [];
  const reports: unknown[] = [];
  const listening = transport.listen(
    (text, age) => heard.push([text, age]),
    (error) => reports.push(error),
  );
  return { transport, heard, reports, ready: listening.ready, stop: () => listening.stop() };
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await eventLoopTurn();
};

/** A moment later, on both clocks. */
async function later(ms: number): Promise<void> {
  clock.advance(ms);
  jest.advanceTimersByTime(ms);
  await settled();
}

test('the transport loads what is remembered once it has subscribed, and then reports success', async () => {
  redis.values.set('x', `${String(redis.time() - 500)} ${message('x.1')}`);
  const { heard, ready, reports } = listen(new FakeNodeRedis(redis));
  await ready;
  expect(heard).toStrictEqual([[message('x.1'), 500]]);
  expect(reports).toStrictEqual([undefined]);
});

test('a second listener is ready only after a load that began after it', async () => {
  const first = listen(new FakeNodeRedis(redis));
  await first.ready;
  const slow = deferred<undefined>();
  const run = redis.run.bind(redis);
  const replyAt = [Promise.resolve(), slow.promise];
  jest.spyOn(redis, 'run').mockImplementation(async (...args) => {
    const reply = await run(...args);
    await replyAt.shift();
    return reply;
  });
  // Begins a load, whose reply is soon there. That of the next one isn't.
  jest.advanceTimersByTime(31_000);
  clock.advance(1);
  redis.values.set('x', `${String(redis.time())} ${message('x.1')}`);
  const heard: string[] = [];
  const second = first.transport.listen(
    (text) => heard.push(text),
    () => undefined,
  );
  let isReady = false;
  void second.ready?.then(() => (isReady = true));
  await settled();
  expect([isReady, heard]).toStrictEqual([false, []]);
  slow.resolve(undefined);
  await second.ready;
  expect(heard).toStrictEqual([message('x.1')]);
  await Promise.all([first.stop(), second.stop()]);
});

test('a second listener hears what is remembered, and each stops for itself', async () => {
  const client = new FakeNodeRedis(redis);
  const first = listen(client);
  await first.ready;
  redis.values.set('x', `${String(redis.time())} ${message('x.1')}`);
  const heard: string[] = [];
  const second = first.transport.listen(
    (text) => heard.push(text),
    () => undefined,
  );
  await second.ready;
  expect(heard).toStrictEqual([message('x.1')]);
  await first.stop();
  expect(client.copies[0]!.closed).toBe(0);
  await second.stop();
  expect(client.copies[0]!.closed).toBe(1);
  expect(client.listenerCount('ready')).toBe(0);
  redis.publish(`5 ${message('x.2')}`);
  client.copies[0]!.emit('error', new Error());
  expect(first.reports).toStrictEqual([undefined]);
});

test('the transport reloads every 30 s, and reports nothing if nothing was wrong', async () => {
  const { heard, ready, reports } = listen(new FakeNodeRedis(redis));
  await ready;
  await later(1_000);
  redis.values.set('x', `${String(redis.time())} ${message('x.1')}`);
  await later(30_000);
  expect(heard).toHaveLength(1);
  expect(reports).toStrictEqual([undefined]);
});

test('the transport sends only while the client is ready, and asks for what was missed to be sent again', async () => {
  const client = new FakeNodeRedis(redis);
  const { ready, reports, transport } = listen(client);
  await ready;
  client.isReady = false;
  transport.send(message('y.1'));
  client.emit('ready');
  expect(reports).toStrictEqual([undefined]);
  client.isReady = true;
  client.emit('ready');
  await settled();
  expect(redis.told).toStrictEqual([]);
  expect(reports).toStrictEqual([undefined, undefined]);
  transport.send(message('y.1'));
  transport.send('no message');
  await settled();
  expect(redis.told).toStrictEqual([message('y.1')]);
});

test('unsent messages are requested again after the next load, even if the client emits no event', async () => {
  const client = new FakeNodeRedis(redis);
  const { ready, reports, transport } = listen(client);
  await ready;
  await later(1_000);
  client.isReady = false;
  transport.send(message('y.1'));
  client.isReady = true;
  await later(30_000);
  expect(reports).toStrictEqual([undefined, undefined]);
});

test('no more than 1,000 commands are pending, and the rest is requested again once', async () => {
  const { ready, reports, transport } = listen(new FakeNodeRedis(redis));
  await ready;
  redis.hangs = true;
  for (let i = 0; i < 1_500; i++) transport.send(message(`y.${String(i)}`));
  await later(60_000);
  redis.goOn();
  await settled();
  expect(redis.told).toHaveLength(1_000);
  expect(reports).toStrictEqual([undefined, undefined]);
});

test('no load begins while another is pending', async () => {
  const { ready } = listen(new FakeNodeRedis(redis));
  await ready;
  redis.hangs = true;
  const run = jest.spyOn(redis, 'run');
  await later(31_000);
  await later(31_000);
  expect(run).toHaveBeenCalledTimes(1);
});

test('a failed command is reported, and its message requested again after the next load', async () => {
  const client = new FakeNodeRedis(redis);
  const { ready, reports, transport } = listen(client);
  await ready;
  const error = (redis.error = new Error('NOPERM'));
  transport.send(message('y.1'));
  client.emit('ready');
  await settled();
  expect(reports).toStrictEqual([undefined, error, error]);
  redis.error = undefined;
  await later(1_000);
  await later(30_000);
  expect(reports).toStrictEqual([undefined, error, error, undefined]);
});

test('a server that refuses to be written is tried every second, and is well again only when it no longer does', async () => {
  for (const client of [new FakeNodeRedis(redis), new FakeIoRedis(redis, false)]) {
    const { ready, reports, stop, transport } = listen(client);
    if ('status' in client) client.copies[0]!.emit('ready');
    await ready;
    const error = (redis.refusal = new Error('OOM command not allowed'));
    transport.send(message('y.1'));
    await settled();
    await later(1_000);
    await later(1_000);
    expect(reports).toStrictEqual([undefined, error, error, error]);
    redis.refusal = undefined;
    await later(1_000);
    await later(60_000);
    // What was refused isn't told by the transport: it may have ended.
    expect([reports, redis.told]).toStrictEqual([[undefined, error, error, error, undefined], []]);
    await stop();
  }
});

test('a load that fails is tried again every second, and then every 30 s', async () => {
  const { ready, reports } = listen(new FakeNodeRedis(redis));
  await ready;
  await later(1_000);
  const loads = jest.spyOn(redis, 'run');
  const error = (redis.error = new Error('LOADING'));
  await later(30_000);
  for (let i = 0; i < 3; i++) await later(1_000);
  expect(reports).toStrictEqual([undefined, error, error, error, error]);
  redis.error = undefined;
  await later(1_000);
  await later(1_000);
  expect(loads).toHaveBeenCalledTimes(6);
  expect(reports.at(-1)).toBeUndefined();
  await later(30_000);
  expect(loads).toHaveBeenCalledTimes(7);
});

test('a command that fails after the end leaves no timer', async () => {
  const { ready, stop, transport } = listen(new FakeNodeRedis(redis));
  await ready;
  redis.error = new Error('closed');
  transport.send(message('y.1'));
  await stop();
  await settled();
  expect(jest.getTimerCount()).toBe(0);
});

test('while the subscription is away, what is in force is loaded every second, but sharing does not count as restored', async () => {
  const client = new FakeNodeRedis(redis);
  const { heard, ready, reports } = listen(client);
  await ready;
  const copy = client.copies[0]!;
  copy.isReady = false;
  const error = new Error('Socket closed unexpectedly');
  copy.emit('error', error);
  redis.values.set('x', `${String(redis.time())} ${message('x.1')}`);
  await later(1_000);
  await later(1_000);
  expect(heard).toHaveLength(2);
  expect(reports).toStrictEqual([undefined, error]);
  copy.isReady = true;
  copy.emit('ready');
  await settled();
  expect(reports).toStrictEqual([undefined, error, undefined]);
});

test.each(['lost', 'renewed'])(
  'a load that began before the subscription was %s does not count as restored',
  async (what) => {
    const client = new FakeNodeRedis(redis);
    const { ready, reports } = listen(client);
    await ready;
    const copy = client.copies[0]!;
    redis.hangs = true;
    client.emit('ready');
    const error = new Error('lost');
    Object.assign(copy, { isReady: false }).emit('error', error);
    if (what === 'renewed') {
      // The load that follows hangs for longer.
      jest.spyOn(redis, 'run').mockImplementationOnce(() => new Promise(() => undefined));
      Object.assign(copy, { isReady: true }).emit('ready');
      await settled();
    }
    redis.goOn();
    await settled();
    expect(reports).toStrictEqual([undefined, error]);
  },
);

test('invalid values are ignored, and so is a timestamp far in the future', async () => {
  const { heard, ready } = listen(new FakeNodeRedis(redis));
  await ready;
  const time = redis.time();
  for (const value of ['', 'x', '5', ' {}', `${String(time + 100_000)} x`, `${'9'.repeat(16)} x`]) redis.publish(value);
  redis.publish(`${String(time + 5_000)} ${message('x.1')}`);
  expect(heard).toStrictEqual([[message('x.1'), 0]]);
});

test('a process that was suspended adds the time of its suspension to the age', () => {
  const redisClock = new RedisClock();
  expect(redisClock.ageOf(5)).toBe(0);
  const began = performance.now();
  clock.advance(6_000);
  redisClock.learn(1_000_000, began);
  expect(redisClock.ageOf(1_000_000)).toBe(6_000);
  redisClock.learn(1_000_000 + 6_000, performance.now());
  expect(redisClock.ageOf(1_000_000)).toBe(6_000);
  const again = performance.now();
  clock.advance(6_000);
  redisClock.learn(1_006_000, again);
  expect(redisClock.ageOf(1_006_000)).toBe(6_000);
});

describe('node-redis', () => {
  test('loads again after a reconnect, and copies get a listener for errors', async () => {
    const client = new FakeNodeRedis(redis);
    const { ready, reports } = listen(client);
    await ready;
    const [copy] = client.copies;
    const error = new Error('Socket closed unexpectedly');
    copy!.emit('error', error);
    copy!.emit('ready');
    await settled();
    expect(reports).toStrictEqual([undefined, error, undefined]);
  });

  test('opens another connection a second after it gave up, unless it was stopped', async () => {
    const client = new FakeNodeRedis(redis);
    const error = new Error('gave up');
    client.prepare = (copy) => (copy.connecting = Promise.reject(error));
    const { reports, ready, stop } = listen(client);
    await settled();
    client.prepare = () => undefined;
    await later(1_000);
    await ready;
    expect(client.copies).toHaveLength(2);
    expect(reports).toStrictEqual([error, undefined]);
    await stop();
    client.prepare = (copy) => (copy.connecting = Promise.reject(error));
    await listen(client).stop();
    await later(5_000);
    expect(client.copies).toHaveLength(3);
  });

  test('opens another connection if it gives up after it had connected', async () => {
    const client = new FakeNodeRedis(redis);
    const { ready, reports } = listen(client);
    await ready;
    const error = new Error('Socket closed unexpectedly');
    Object.assign(client.copies[0]!, { isReady: false, isOpen: false }).emit('error', error);
    client.copies[0]!.emit('error', error);
    await later(1_000);
    expect(client.copies).toHaveLength(2);
    expect(reports).toStrictEqual([undefined, error, undefined]);
  });

  test('closes a connection that is made after stop', async () => {
    const client = new FakeNodeRedis(redis);
    const slow = deferred<undefined>();
    client.prepare = (copy) => (copy.connecting = slow.promise);
    const { stop } = listen(client);
    await stop();
    slow.resolve(undefined);
    await settled();
    expect(client.copies[0]!.closed).toBe(2);
  });

  test('is copied without a limit of time for silence, and otherwise as it is', async () => {
    for (const [socket, overrides] of [
      [undefined, []],
      [{ host: 'a' }, []],
      [{ host: 'a', socketTimeout: 5 }, [{ socket: { host: 'a', socketTimeout: undefined } }]],
    ] as const) {
      const client = new FakeNodeRedis(redis);
      if (socket !== undefined) client.options = { socket };
      const { ready, stop } = listen(client);
      await ready;
      expect(client.overrides).toStrictEqual(overrides);
      await stop();
    }
  });

  test('of version 4, in its legacy mode, sends over its methods that return promises', async () => {
    const client = new FakeNodeRedis(redis);
    client.options = { legacyMode: true };
    client.v4 = { eval: (script, options) => redis.run(script, options.arguments) };
    client.eval = () => undefined as never;
    const { ready, transport } = listen(client);
    await ready;
    transport.send(message('y.1'));
    await settled();
    expect([client.overrides, redis.told]).toStrictEqual([[{ legacyMode: false }], [message('y.1')]]);
  });

  test('of version 4, in a Cluster, has neither isReady nor destroy', async () => {
    const client = new FakeNodeRedis(redis);
    client.isReady = undefined;
    client.prepare = (copy) => (copy.destroy = copy.isReady = undefined);
    const { ready, reports, stop, transport } = listen(client);
    await ready;
    // Of one of its nodes, so the subscription isn't away.
    const error = new Error('Socket closed unexpectedly');
    client.copies[0]!.emit('error', error);
    await later(1_000);
    expect(reports).toStrictEqual([undefined, error, undefined]);
    transport.send(message('y.1', { s: undefined, r: 'restore', k: undefined }));
    expect(redis.told).toHaveLength(1);
    await stop();
    await settled();
    expect(client.copies[0]!.closed).toBe(1);
  });
});

describe('ioredis', () => {
  test('subscribes whenever it is ready, and opens another connection after it ended', async () => {
    const client = new FakeIoRedis(redis, false);
    const { heard, ready, reports, stop, transport } = listen(client);
    client.copies[0]!.emit('ready');
    await ready;
    transport.send(message('y.1'));
    await settled();
    expect(heard).toStrictEqual([[message('y.1'), expect.any(Number)]]);
    client.copies[0]!.emit('close');
    await later(1_000);
    expect(reports).toStrictEqual([undefined]);
    client.copies[0]!.emit('end');
    client.copies[0]!.emit('end');
    await later(1_000);
    expect(client.copies).toHaveLength(2);
    client.copies[1]!.emit('ready');
    await settled();
    expect(reports).toStrictEqual([undefined, undefined]);
    await stop();
    expect(client.copies[1]!.closed).toBe(1);
    const [overrides] = client.overrides as [{ retryStrategy: (times: number) => number }];
    expect([1, 100].map((times) => overrides.retryStrategy(times))).toStrictEqual([50, 2000]);
  });

  test('with lazyConnect is connected explicitly, and a Cluster gets no overrides', async () => {
    const client = new FakeIoRedis(redis, true);
    client.status = 'wait';
    const { reports } = listen(client);
    await settled();
    expect(client.copies[0]!.connected).toBe(1);
    expect(client.overrides).toStrictEqual([]);
    expect(reports).toStrictEqual([new Error('refused')]);
  });
});

test.each([
  [{}, { prefix: 'x' }, 'client must be a client of redis or ioredis, got an object'],
  [
    { eval: () => 0, on: () => 0 },
    { prefix: 'x' },
    'client must have duplicate (over Sentinel: redis 6 or ioredis), got an object',
  ],
  [undefined, {}, 'options.prefix must be a non-empty string, got undefined'],
  [undefined, { prefix: '' }, 'options.prefix must be a non-empty string, got ""'],
  [undefined, { prefix: 'x', prefx: 'x' }, 'options has an unknown field "prefx"; did you mean "prefix"?'],
  [undefined, 'x', 'options must be an object, got a string'],
])('the transport refuses bad input (%#)', (client, options, text) => {
  const given = (client ?? new FakeNodeRedis(redis)) as RedisClientLike;
  expect(() => redisTransport(given, options as RedisTransportOptions)).toThrow(text);
});
