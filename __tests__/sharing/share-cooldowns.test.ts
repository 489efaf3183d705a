import type { BackendPool, PoolEvent } from '../../src';
import { shareCooldowns } from '../../src/sharing';
import type { SharingOptions, Transport } from '../../src/sharing';
import { read, written } from '../../src/sharing/message';
import type { CooldownMessage } from '../../src/sharing/message';
import { digestOf } from '../../src/sharing/digest';
import { MemoryBroker } from '../support/memory-transport';
import { eventLoopTurn, fakeClock, refused, stubPool, throttled } from '../support/stub-pool';

afterEach(() => jest.restoreAllMocks());

const two = { a: {}, b: { priority: 2 } };
const A = digestOf({ name: 'a', baseURL: 'https://a.example' });

/** Two processes: each has a pool and shares it. */
function fleet(options: SharingOptions = {}, backends: Parameters<typeof stubPool>[0] = two) {
  const clock = fakeClock();
  const broker = new MemoryBroker();
  const [one, other] = [start(broker, options, backends), start(broker, options, backends)];
  return { clock, broker, one, other };
}

function start(broker: MemoryBroker, options: SharingOptions = {}, backends: Parameters<typeof stubPool>[0] = two) {
  const stub = stubPool(backends);
  const events: PoolEvent[] = [];
  stub.pool.subscribe((event) => event.type !== 'attempt' && events.push(event));
  const sharing = shareCooldowns(stub.pool, broker.transport(), { onError: () => undefined, ...options });
  return { ...stub, events, sharing };
}

const cooldownsOf = (pool: BackendPool) => pool.snapshot()[0]!.cooldowns;

/** A message of a process that isn't ours. */
const foreign = (message: Partial<CooldownMessage> = {}): string =>
  written({ id: 'x.1', backend: A, scope: undefined, reason: 'throttled', kind: 'asked', ms: 1000, ...message })!;

describe('shared cooldowns', () => {
  test('reach the others with reason, scope and length, marked as remote, and are not sent again', async () => {
    const { broker, one, other } = fleet();
    one.replies.a = throttled(500);
    await one.request({ url: '/openai/deployments/chat/chat/completions' });
    await eventLoopTurn();
    expect(other.events).toStrictEqual([
      { type: 'cooldown', backend: 'a', scope: 'chat', reason: 'throttled', duration: 500, remote: true },
    ]);
    expect(one.events).toStrictEqual([
      { type: 'cooldown', backend: 'a', scope: 'chat', reason: 'throttled', duration: 500 },
    ]);
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(1);
  });

  test('are sent once while the clock runs', async () => {
    const { broker, one } = fleet();
    let time = 0;
    Object.defineProperty(performance, 'now', { value: () => (time += 0.01), configurable: true });
    one.replies.a = throttled(500);
    await one.request();
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(1);
  });

  test('are short messages without a name, URL, key, header or body', async () => {
    const { broker, one } = fleet();
    one.pool.cool('a', 1000, 'chat');
    await eventLoopTurn();
    const [text] = broker.sent;
    expect(text).toMatch(/^\{"v":1,"i":"\w+\.\w+","b":"\w+","s":"chat","r":"manual","k":"asked","ms":1000\}$/);
    expect(text!.length).toBeLessThan(130);
  });

  test('of a backend with another name or baseURL are ignored', async () => {
    const broker = new MemoryBroker();
    const one = start(broker);
    const others = [
      start(broker, {}, { c: { baseURL: 'https://a.example' } }),
      start(broker, {}, { a: { baseURL: 'https://c.example' } }),
    ];
    one.pool.cool('a', 1000);
    await eventLoopTurn();
    expect(others.map(({ pool }) => cooldownsOf(pool))).toStrictEqual([[], []]);
  });

  test('are sent once for many simultaneous refusals, and again for one that ends much later', async () => {
    const { broker, clock, one } = fleet();
    for (let i = 0; i < 100; i++) one.pool.cool('a', 1000 + i);
    await eventLoopTurn();
    expect(broker.sent.map((text) => read(text))).toMatchObject([{ ms: 1099 }]);
    one.pool.cool('a', 1120);
    one.pool.cool('a', 900);
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(1);
    clock.advance(10);
    one.pool.cool('a', 5000);
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(2);
  });

  test('are not sent by a process that has just heard nearly the same from another', async () => {
    const { broker, clock, one, other } = fleet();
    one.pool.cool('a', 1000);
    await eventLoopTurn();
    clock.advance(5);
    other.pool.cool('a', 1000);
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(1);
  });

  test('are not sent if they are short, for another reason, already over, or have an overlong scope', async () => {
    const { broker, clock, one } = fleet();
    one.pool.cool('a', 249);
    one.replies.a = 503;
    await one.request();
    one.pool.cool('b', 1000, 'x'.repeat(300));
    one.pool.cool('b', 1000, '\u0001'.repeat(256));
    one.pool.cool('b', 300);
    clock.advance(300);
    await eventLoopTurn();
    expect(broker.sent).toStrictEqual([]);
  });

  test('keep their kind: an oversized one ranks the backend behind the others, a guessed one leads to a trial', async () => {
    const { clock, one, other } = fleet({ reasons: ['oversized', 'connection'] });
    one.replies.a = throttled(86_400_000);
    await one.request();
    await eventLoopTurn();
    expect(other.pool.snapshot()[0]?.state).toBe('reserve');
    one.replies.b = refused();
    one.replies.a = throttled(400);
    await one.request();
    await eventLoopTurn();
    expect(other.pool.snapshot()[1]?.state).toBe('cooling');
    clock.advance(10_000);
    expect(other.pool.snapshot()[1]?.state).toBe('trial');
  });

  test('of a guessed kind are sent again when they are shorter', async () => {
    const { broker, one } = fleet({ reasons: ['connection'], minDuration: 0 });
    one.replies.a = refused();
    await one.request();
    await eventLoopTurn();
    one.pool.restore('a');
    await one.request();
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(2);
  });
});

describe('restore', () => {
  test('brings the backend back in every process, and an unknown name is an error', async () => {
    const { one, other } = fleet();
    one.pool.cool('a', 1000);
    await eventLoopTurn();
    other.sharing.restore('a');
    expect([cooldownsOf(one.pool), cooldownsOf(other.pool)]).toStrictEqual([[], []]);
    expect(() => one.sharing.restore('x')).toThrow('unknown backend "x"; expected one of a, b');
  });

  test('by hand in one process is not undone by the same message or an older one', () => {
    const { broker, clock, other } = fleet();
    broker.deliver(foreign());
    expect(cooldownsOf(other.pool)).toHaveLength(1);
    clock.advance(100);
    other.pool.restore('a');
    broker.deliver(foreign(), 100);
    broker.deliver(foreign({ id: 'x.2' }), 50);
    expect(cooldownsOf(other.pool)).toStrictEqual([]);
    broker.deliver(foreign({ id: 'x.3' }));
    expect(cooldownsOf(other.pool)).toHaveLength(1);
  });

  test('is ignored if it is older than the cooldown, or a repetition', () => {
    const { broker, clock, other } = fleet();
    const restore = (id: string) => JSON.stringify({ v: 1, i: id, b: A, r: 'restore', ms: 1000 });
    broker.deliver(restore('y.1'));
    clock.advance(10);
    broker.deliver(foreign());
    broker.deliver(restore('y.2'), 50);
    broker.deliver(restore('y.1'));
    expect(cooldownsOf(other.pool)).toHaveLength(1);
  });

  test('is ignored if it is older than this process’s own cooldown', async () => {
    const { broker, clock, one } = fleet();
    clock.advance(1000);
    one.pool.cool('a', 5000);
    one.pool.cool('b', 5000);
    await eventLoopTurn();
    broker.deliver(JSON.stringify({ v: 1, i: 'y.1', b: A, r: 'restore', ms: 1000 }), 500);
    expect(cooldownsOf(one.pool)).toHaveLength(1);
    clock.advance(1);
    broker.deliver(JSON.stringify({ v: 1, i: 'y.2', b: A, r: 'restore', ms: 1000 }));
    expect(cooldownsOf(one.pool)).toHaveLength(0);
  });

  test('removes what this process would send again', async () => {
    const { broker, one } = fleet();
    one.pool.cool('a', 1000);
    one.pool.cool('b', 1000);
    await eventLoopTurn();
    one.pool.restore('a');
    broker.report(undefined);
    expect(broker.sent).toHaveLength(3);
  });

  test('prevents the sending of a cooldown that was not sent yet', async () => {
    const { broker, one } = fleet();
    one.pool.cool('a', 1000);
    one.pool.restore('a');
    await eventLoopTurn();
    expect(broker.sent).toStrictEqual([]);
  });
});

describe('ages', () => {
  test('shorten learned cooldowns, and expired ones are ignored', () => {
    const { broker, other } = fleet();
    broker.deliver(foreign(), 1000);
    expect(cooldownsOf(other.pool)).toStrictEqual([]);
    broker.deliver(foreign({ id: 'x.2' }), 400);
    expect(cooldownsOf(other.pool)).toStrictEqual([{ reason: 'throttled', remaining: 600 }]);
  });

  test.each([-5, NaN, 'x', null, undefined])('that are invalid (%p) count as zero', (age) => {
    const { broker, other } = fleet();
    broker.deliver(foreign(), age);
    expect(cooldownsOf(other.pool)).toStrictEqual([{ reason: 'throttled', remaining: 1000 }]);
  });

  test('never extend a cooldown beyond maxDuration from when it was first heard', () => {
    const { broker, clock, other } = fleet({ maxDuration: 2000 });
    broker.deliver(foreign({ ms: 1e12 }));
    clock.advance(1500);
    broker.deliver(foreign({ ms: 1e12 }));
    expect(cooldownsOf(other.pool)).toStrictEqual([{ reason: 'throttled', remaining: 500 }]);
  });
});

describe('after an outage of the transport', () => {
  test('only cooldowns still in force are sent', async () => {
    const { broker, clock, one, other } = fleet({ reasons: ['oversized', 'manual'] });
    broker.isUp = false;
    one.pool.cool('a', 5000);
    one.pool.cool('b', 300);
    one.replies.b = 200;
    await eventLoopTurn();
    clock.advance(1000);
    broker.isUp = true;
    broker.report(undefined);
    expect(broker.sent).toHaveLength(1);
    expect(cooldownsOf(other.pool)).toStrictEqual([{ reason: 'manual', remaining: 4000 }]);
  });

  test('neither a cooldown that a success ended nor one of a removed backend is sent', async () => {
    const { broker, one } = fleet();
    one.replies.a = throttled(86_400_000);
    await one.request();
    await eventLoopTurn();
    one.replies.a = 200;
    one.pool.cool('b', 5000);
    await one.request();
    await eventLoopTurn();
    one.pool.update([{ name: 'a', baseURL: 'https://a.example' }]);
    broker.sent.length = 0;
    broker.report(undefined);
    expect(broker.sent).toStrictEqual([]);
  });

  test('5,000 cooldowns leave no more than 500 to send', async () => {
    const { broker, one } = fleet();
    broker.isUp = false;
    for (let i = 0; i < 5_000; i++) one.pool.cool('a', 60_000 + i, `deployment-${String(i)}`);
    await eventLoopTurn();
    broker.isUp = true;
    broker.report(undefined);
    expect(broker.sent).toHaveLength(500);
  });
});

describe('hostile messages', () => {
  test.each([
    ['a number', 5],
    ['invalid JSON', '{'],
    ['a JSON string', '"x"'],
    ['null', 'null'],
    ['another version', foreign().replace('"v":1', '"v":2')],
    ['no id', foreign({ id: '' })],
    ['a long id', foreign({ id: 'x'.repeat(41) })],
    ['no backend', foreign({ backend: '' })],
    ['another backend', foreign({ backend: 'other' })],
    ['no length', foreign({ ms: 0 })],
    ['a length given as text', foreign().replace('1000', '"1000"')],
    ['an empty scope', foreign({ scope: '' })],
    ['a long scope', foreign().replace('"r":', `"s":"${'x'.repeat(257)}","r":`)],
    ['an unknown reason', foreign().replace('throttled', 'toString')],
    ['an unknown kind', foreign().replace('asked', 'wished')],
    ['a kind that does not match the reason', foreign({ kind: 'oversized' })],
    ['a reason that is not shared', foreign({ reason: 'connection' })],
    ['too much text', ' '.repeat(1001) + foreign()],
  ])('are ignored: %s', (_what, text) => {
    const { broker, other } = fleet();
    broker.deliver(text);
    expect(other.events).toStrictEqual([]);
    broker.deliver(foreign({ id: 'x.9' }));
    expect(other.events).toHaveLength(1);
  });

  test('are limited in number: only the latest 10,000 message ids are kept', () => {
    const { broker, other } = fleet();
    broker.deliver(foreign());
    for (let i = 0; i < 10_000; i++) broker.deliver(foreign({ id: `y.${String(i)}` }));
    expect(cooldownsOf(other.pool)).toStrictEqual([{ reason: 'throttled', remaining: 1000 }]);
  });
});

describe('shareCooldowns', () => {
  test('is ready when the transport is, or when it is stopped', async () => {
    const never: Transport = {
      send: () => undefined,
      listen: () => ({ ready: new Promise(() => undefined), stop: () => Promise.resolve() }),
    };
    const { pool } = stubPool(two);
    const sharing = shareCooldowns(pool, never);
    await Promise.all([sharing.stop(), sharing.ready]);
    await start(new MemoryBroker()).sharing.ready;
  });

  test('sends what is pending when stopped, then neither sends nor hears anything', async () => {
    const { broker, one, other } = fleet();
    one.pool.cool('a', 1000);
    expect(one.sharing.stop()).toBe(one.sharing.stop());
    await one.sharing.stop();
    expect(broker.sent).toHaveLength(1);
    expect(broker.listeners).toBe(1);
    one.pool.cool('b', 1000);
    other.pool.cool('b', 2000);
    await eventLoopTurn();
    expect(broker.sent).toHaveLength(2);
    expect(one.pool.snapshot()[1]?.cooldowns).toStrictEqual([{ reason: 'manual', remaining: 1000 }]);
  });

  test('ignores a transport that continues after stop()', async () => {
    const { pool } = stubPool(two);
    let say!: (text: string) => void;
    const transport: Transport = {
      send: () => undefined,
      listen: (hear) => {
        say = hear;
        return { ready: Promise.resolve(), stop: () => Promise.resolve() };
      },
    };
    await shareCooldowns(pool, transport).stop();
    say(foreign());
    expect(cooldownsOf(pool)).toStrictEqual([]);
  });

  test('reports what the transport throws, and survives an onError that throws', async () => {
    const report = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { pool } = stubPool(two);
    const broker = new MemoryBroker();
    const thrown = new Error('no');
    const transport: Transport = {
      listen: (...args) => broker.transport().listen(...args),
      send: () => {
        throw thrown;
      },
    };
    const heard: unknown[] = [];
    shareCooldowns(pool, transport, {
      onError: (error) => {
        heard.push(error);
        throw new Error('onError');
      },
    });
    pool.cool('a', 1000);
    await eventLoopTurn();
    expect(heard).toStrictEqual([thrown]);
    expect(report).toHaveBeenCalledTimes(1);
  });

  test('calls onError when sharing works again only after an error', () => {
    const broker = new MemoryBroker();
    const heard: unknown[] = [];
    shareCooldowns(stubPool(two).pool, broker.transport(), { onError: (error) => heard.push(error) });
    for (const error of [undefined, 'away', undefined, undefined]) broker.report(error);
    expect(heard).toStrictEqual(['away', undefined]);
  });

  test('by default logs an error once, and once more when sharing works again', () => {
    const report = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const info = jest.spyOn(console, 'info').mockImplementation(() => undefined);
    const broker = new MemoryBroker();
    shareCooldowns(stubPool(two).pool, broker.transport());
    for (const error of [undefined, new Error('1'), new Error('2'), undefined, undefined]) broker.report(error);
    expect([report.mock.calls.length, info.mock.calls.length]).toStrictEqual([1, 1]);
  });

  test.each([
    [{}, new MemoryBroker().transport(), {}, 'pool must be a BackendPool, such as adapter.pool, got an object'],
    [undefined, null, {}, 'transport must have send and listen, got null'],
    [undefined, { send: () => undefined }, {}, 'transport must have send and listen, got an object'],
    [undefined, undefined, { minDuration: -1 }, 'options.minDuration must be a finite number of ms ≥ 0, got -1'],
    [undefined, undefined, { reasons: 'manual' }, 'options.reasons must be an array of reasons, got "manual"'],
    [undefined, undefined, { reasons: ['x'] }, 'options.reasons must hold only throttled, server-error, '],
    [undefined, undefined, { onError: 5 }, 'options.onError must be a function, got 5'],
    [
      undefined,
      undefined,
      { maxduration: 5 },
      'options has an unknown field "maxduration"; did you mean "maxDuration"?',
    ],
  ])('refuses bad input (%#)', (pool, transport, options, message) => {
    const { pool: good } = stubPool(two);
    const given = transport === undefined ? new MemoryBroker().transport() : transport;
    expect(() => shareCooldowns((pool ?? good) as BackendPool, given as Transport, options as SharingOptions)).toThrow(
      message,
    );
  });
});

describe('a transport of the user that fails', () => {
  const failing = (transport: Partial<Transport>, onError: (error: unknown) => unknown = () => undefined) => {
    const { pool } = stubPool(two);
    const listen = (): ReturnType<Transport['listen']> => ({ ready: Promise.resolve(), stop: () => Promise.resolve() });
    const whole = { send: () => undefined, listen, ...transport };
    return { pool, share: () => shareCooldowns(pool, whole, { onError: onError }) };
  };
  const failure = () => Promise.reject(new Error('broken'));
  // TypeScript takes an async function for one that returns nothing.
  const send = failure as unknown as () => undefined;

  test('when it listens, reports that, and ready stays pending until stop()', async () => {
    const onError = jest.fn();
    const listen = () => ({ ready: failure(), stop: () => Promise.resolve() });
    const sharing = failing({ listen }, onError).share();
    await eventLoopTurn();
    expect(onError.mock.calls).toStrictEqual([[new Error('broken')]]);
    await sharing.stop();
    await sharing.ready;
  });

  test('when it sends, by a promise, reports that', async () => {
    const onError = jest.fn();
    const { pool, share } = failing({ send }, onError);
    const sharing = share();
    pool.cool('a', 1000);
    await eventLoopTurn();
    expect(onError.mock.calls).toStrictEqual([[new Error('broken')]]);
    await sharing.stop();
  });

  test('with an async onError that fails too, is reported on the console', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation();
    const { pool, share } = failing({ send }, failure);
    const sharing = share();
    pool.cool('a', 1000);
    await eventLoopTurn();
    expect(error).toHaveBeenCalledWith('axios-priority-adapter: onError threw', new Error('broken'));
    await sharing.stop();
  });

  test('to listen at all leaves nothing behind', async () => {
    const send = jest.fn();
    const listen = () => {
      throw new Error('broken');
    };
    const { pool, share } = failing({ send, listen });
    expect(share).toThrow('broken');
    pool.cool('a', 1000);
    await eventLoopTurn();
    expect(send).not.toHaveBeenCalled();
  });

  test('after stop() is not heard of, and gets nothing more to send', async () => {
    const onError = jest.fn();
    const send = jest.fn();
    let report!: (error: unknown) => void;
    const listen: Transport['listen'] = (_, reportTo) => {
      report = reportTo;
      return { ready: Promise.resolve(), stop: () => Promise.resolve() };
    };
    const sharing = failing({ send, listen }, onError).share();
    await sharing.stop();
    report(new Error('late'));
    sharing.restore('a');
    expect([onError.mock.calls, send.mock.calls]).toStrictEqual([[], []]);
  });
});
