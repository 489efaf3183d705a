import axios from 'axios';
import type { PoolEvent } from '../../src';
import { BackendPool, priorityAdapter } from '../../src';
import type { Cooldown, SharingObserver } from '../../src/pool/pool-core';
import { coreOf } from '../../src/pool/pool-core';
import { deferred, eventLoopTurn, fakeClock, stubPool, throttled } from '../support/stub-pool';

function learning() {
  const clock = fakeClock();
  const stub = stubPool({ a: {}, b: { priority: 2 } });
  const core = coreOf(stub.pool);
  const events: PoolEvent[] = [];
  stub.pool.subscribe((event) => events.push(event));
  const learn = (cooldown: Partial<Cooldown> & Pick<Cooldown, 'reason' | 'kind'>): void => {
    core.learn(core.backends.named('a'), { scope: undefined, duration: 1000, ...cooldown });
  };
  return { ...stub, clock, core, events, learn };
}

describe('a cooldown learned from another process', () => {
  test('is marked as remote in the event', () => {
    const { events, learn } = learning();
    learn({ reason: 'throttled', kind: 'asked', scope: 'chat' });
    expect(events).toStrictEqual([
      { type: 'cooldown', backend: 'a', scope: 'chat', reason: 'throttled', duration: 1000, remote: true },
    ]);
  });

  test('that a server asked for ends on time, and no trial follows', async () => {
    const { clock, learn, pool, request, tried } = learning();
    learn({ reason: 'throttled', kind: 'asked' });
    await request();
    clock.advance(1000);
    await request();
    expect(tried).toStrictEqual(['b', 'a']);
    expect(pool.snapshot()[0]?.state).toBe('available');
  });

  test('that was guessed is followed by a trial, even after the success of an earlier attempt', async () => {
    const { clock, learn, pool, request, replies } = learning();
    const slow = deferred<number>();
    replies.a = () => slow.promise;
    const early = request();
    await eventLoopTurn();
    learn({ reason: 'connection', kind: 'guessed' });
    slow.resolve(200);
    await early;
    expect(pool.snapshot()[0]?.state).toBe('cooling');
    clock.advance(1000);
    expect(pool.snapshot()[0]?.state).toBe('trial');
    replies.a = 200;
    await request();
    expect(pool.snapshot()[0]?.state).toBe('available');
  });

  test('for an oversized wait ranks the backend behind the others until a trial', () => {
    const { clock, learn, pool } = learning();
    learn({ reason: 'oversized', kind: 'oversized' });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'reserve', cooldowns: [{ reason: 'oversized' }] });
    clock.advance(1000);
    expect(pool.snapshot()[0]?.state).toBe('trial');
  });

  test.each([
    ['throttled', 'throttled'],
    ['manual', 'taken out by hand'],
  ] as const)('for the reason %s is described in the fabricated 429', async (reason, words) => {
    const { core, request } = learning();
    for (const name of ['a', 'b'])
      core.learn(core.backends.named(name), { scope: undefined, reason, kind: 'asked', duration: 1000 });
    expect(JSON.stringify((await request()).data)).toContain(`2 ${words}`);
  });

  test('emits no event if the backend has left the pool or another cooldown ends later', () => {
    const { core, events, learn, pool } = learning();
    pool.cool('a', 5000);
    learn({ reason: 'throttled', kind: 'asked' });
    const gone = core.backends.named('a');
    pool.update([{ name: 'b', baseURL: 'https://b.example' }]);
    core.learn(gone, { scope: undefined, reason: 'throttled', kind: 'asked', duration: 9000 });
    expect(events).toHaveLength(1);
  });
});

describe('a watcher', () => {
  const watching = () => {
    const stub = learning();
    const told: unknown[] = [];
    const watcher: SharingObserver = {
      cooled: ({ info }, cooldown) => told.push({ name: info.name, ...cooldown }),
      restored: ({ info }) => told.push(info.name),
    };
    stub.core.observers.add(watcher);
    return { ...stub, told };
  };

  test('is notified of each restore and each cooldown, even one that ends before another', async () => {
    const { pool, replies, request, told } = watching();
    replies.a = throttled(500);
    await request();
    pool.cool('a', 100);
    replies.b = 503;
    await request();
    pool.restore('a');
    expect(told).toStrictEqual([
      { name: 'a', scope: undefined, reason: 'throttled', kind: 'asked', duration: 500 },
      { name: 'a', scope: undefined, reason: 'manual', kind: 'asked', duration: 100 },
      { name: 'b', scope: undefined, reason: 'server-error', kind: 'guessed', duration: 100 },
      'a',
    ]);
  });

  test('isn’t notified of learned cooldowns or removed backends', async () => {
    const { learn, pool, replies, request, told } = watching();
    learn({ reason: 'throttled', kind: 'asked', duration: 1 });
    replies.b = () => {
      pool.update([{ name: 'a', baseURL: 'https://a.example' }]);
      return throttled(500);
    };
    await request();
    expect(told).toStrictEqual([]);
  });
});

test('several clients can share one pool', async () => {
  const pool = new BackendPool([{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }]);
  const tried: unknown[] = [];
  const wrapped = (status: number) =>
    priorityAdapter(pool, {
      adapter: (config) => {
        tried.push(config.baseURL);
        const own = config.baseURL === 'https://a.example' ? status : 200;
        return Promise.resolve({ status: own, data: '', statusText: '', headers: {}, config });
      },
    });
  const first = wrapped(429);
  await axios.get('/x', { adapter: first });
  await axios.get('/x', { adapter: wrapped(200) });
  expect(first.pool).toBe(pool);
  expect(tried).toStrictEqual(['https://a.example', 'https://b.example', 'https://b.example']);
});

test('a pool of another release of the package is refused with a clear error', () => {
  const pool: unknown = Object.defineProperty({}, Symbol.for('axios-priority-adapter.pool'), { value: true });
  expect(BackendPool.isPool(pool)).toBe(true);
  expect(() => priorityAdapter(pool as BackendPool)).toThrow(
    'the pool was made by another release of axios-priority-adapter; use the same release everywhere in a process',
  );
});
