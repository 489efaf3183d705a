import { BackendPool } from '../../src';
import type { PooledBackend } from '../../src/pool/backend';
import { NO_NAMES } from '../../src/pool/candidates';
import { ThrottleTime } from '../../src/pool/pace';
import { coreOf } from '../../src/pool/pool-core';
import { WaitingQueue } from '../../src/pool/waiting-queue';
import type { Waiter } from '../../src/pool/waiting-queue';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const WANTED = { deployment: undefined, pinned: undefined, final: NO_NAMES };

/** A queue for backends that become available after so many ms. Times are in ms from now. */
function queueFor(availableIn: Record<string, number>) {
  const start = performance.now();
  const list = Object.keys(availableIn).map((name) => ({ name, baseURL: `${name}.example` }));
  const { backends } = coreOf(new BackendPool(list));
  const availableAt = new Map(
    backends.byPriority.map((backend) => [backend, start + availableIn[backend.info.name]!] as const),
  );
  const ask = jest.fn((opensAt: (one: PooledBackend) => number) => {
    const at = [...availableAt].map(([backend, time]) => Math.max(time, opensAt(backend)));
    return Math.max(0, Math.min(...at) - performance.now());
  });
  const queue = new WaitingQueue(
    { availableIn: (_wanted, opensAt = () => 0) => ask(opensAt), throttleTime: new ThrottleTime() },
    WANTED,
  );
  const went: string[] = [];
  return {
    queue,
    went,
    ask,
    /** Returns a function that leaves the queue. */
    add: ({ order = 1, readyAt = 0, deadline = Infinity }: Partial<Waiter>, name: string) => {
      const go = (): void => void went.push(`${name} at ${String(performance.now() - start)}`);
      const place = { wanted: WANTED, order, readyAt: start + readyAt, deadline: start + deadline, go };
      queue.add(place);
      return () => queue.remove(place);
    },
    noteStart: (name: string) => queue.noteStart(backends.named(name), performance.now()),
    becomeAvailable: (name: string, inMs = 0) => {
      availableAt.set(backends.named(name), performance.now() + inMs);
    },
  };
}

describe('a queue of waiting requests', () => {
  test('lets the first one go in the millisecond in which the backend becomes available', () => {
    const { queue, went, add } = queueFor({ a: 100 });
    add({}, 'a');
    jest.advanceTimersByTime(99);
    expect(went).toStrictEqual([]);
    jest.advanceTimersByTime(1);
    expect(went).toStrictEqual(['a at 100']);
    expect([queue.isEmpty, jest.getTimerCount()]).toStrictEqual([true, 0]);
  });

  test('keeps the order in which requests began to wait, also for one that waits again', () => {
    const { went, add, noteStart } = queueFor({ a: 100 });
    add({ order: 2 }, 'b');
    add({ order: 3 }, 'c');
    add({ order: 1 }, 'a');
    for (let turn = 0; turn < 3; turn++) {
      jest.advanceTimersByTime(100);
      noteStart('a');
    }
    expect(went.map((one) => one[0])).toStrictEqual(['a', 'b', 'c']);
  });

  test('lets the next one go at the pace of the backend, without waiting for an answer', () => {
    const { went, add, noteStart } = queueFor({ a: 0 });
    add({}, 'a');
    noteStart('a');
    for (const [i, name] of ['b', 'c', 'd'].entries()) add({ order: i + 2 }, name);
    jest.advanceTimersByTime(10);
    noteStart('a');
    jest.advanceTimersByTime(5);
    noteStart('a');
    jest.advanceTimersByTime(5);
    // Before the first 429, one is expected to take 10 ms, and the pace doubles in that time.
    expect(went).toStrictEqual(['a at 0', 'b at 10', 'c at 15', 'd at 20']);
  });

  test('lets one go whose own pause is over, before an earlier one that still pauses', () => {
    const { went, add } = queueFor({ a: 10 });
    add({ order: 1, readyAt: 500 }, 'pausing');
    add({ order: 2 }, 'ready');
    jest.advanceTimersByTime(10);
    expect(went).toStrictEqual(['ready at 10']);
    jest.advanceTimersByTime(489);
    expect(went).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(went).toStrictEqual(['ready at 10', 'pausing at 500']);
  });

  test('lets those go at once that the backend cannot serve in time, and only those', () => {
    const { went, add, queue } = queueFor({ a: 100 });
    add({ order: 1, deadline: 100 }, 'in time');
    add({ order: 2, deadline: 99 }, 'too short');
    expect(went).toStrictEqual(['too short at 0']);
    expect(queue.isEmpty).toBe(false);
  });

  test('lets one go when its deadline passes, although its own pause is not over', () => {
    const { went, add } = queueFor({ a: 0 });
    add({ readyAt: 300, deadline: 200 }, 'a');
    jest.advanceTimersByTime(200);
    expect(went).toStrictEqual(['a at 200']);
  });

  test('lets those go that can no longer be served in time after a cooldown was extended', () => {
    const { queue, went, add, becomeAvailable } = queueFor({ a: 100 });
    add({ order: 1, deadline: 300 }, 'short');
    add({ order: 2, deadline: 900 }, 'long');
    jest.advanceTimersByTime(50);
    becomeAvailable('a', 500);
    queue.run();
    expect(went).toStrictEqual(['short at 50']);
    jest.advanceTimersByTime(500);
    expect(went).toStrictEqual(['short at 50', 'long at 550']);
  });

  test('lets the first one go at once when a backend becomes available earlier than expected', () => {
    const { queue, went, add, becomeAvailable } = queueFor({ a: 5000 });
    add({}, 'a');
    jest.advanceTimersByTime(7);
    becomeAvailable('a');
    queue.run();
    expect(went).toStrictEqual(['a at 7']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('stops its timer when the last one leaves, and not before', () => {
    const { queue, add } = queueFor({ a: 100 });
    const [leaveFirst, leaveSecond] = [add({ order: 1 }, 'a'), add({ order: 2 }, 'b')];
    leaveFirst();
    leaveFirst();
    expect([queue.isEmpty, jest.getTimerCount()]).toStrictEqual([false, 1]);
    leaveSecond();
    expect([queue.isEmpty, jest.getTimerCount()]).toStrictEqual([true, 0]);
  });

  test('has one timer, whatever the number of those that wait', () => {
    const { add } = queueFor({ a: 100 });
    for (let order = 1; order <= 50; order++) add({ order }, 'one');
    expect(jest.getTimerCount()).toBe(1);
  });

  test('is crowded with more than 32 requests', () => {
    const { queue, add } = queueFor({ a: 100 });
    for (let order = 1; order <= 32; order++) add({ order }, 'one');
    expect(queue.isCrowded).toBe(false);
    add({ order: 33 }, 'one more');
    expect(queue.isCrowded).toBe(true);
  });

  test('is ready if a backend is available and the pause of one of its requests is over', () => {
    const { queue, add, noteStart, becomeAvailable } = queueFor({ a: 0 });
    noteStart('a');
    add({ readyAt: 1 }, 'a');
    expect(queue.isReady()).toBe(false);
    jest.advanceTimersByTime(1);
    expect(queue.isReady()).toBe(true);
    becomeAvailable('a', 1000);
    expect(queue.isReady()).toBe(false);
  });

  test('sets another timer if its timer fires early', () => {
    const { went, add, becomeAvailable } = queueFor({ a: 10 });
    add({}, 'a');
    jest.advanceTimersByTime(9);
    becomeAvailable('a', 20);
    jest.advanceTimersByTime(1);
    expect([went.length, jest.getTimerCount()]).toStrictEqual([0, 1]);
    jest.advanceTimersByTime(19);
    expect(went).toStrictEqual(['a at 29']);
  });

  test('lets the next one go at once when the first one took another backend', () => {
    const { went, add, noteStart } = queueFor({ a: 100, b: 100 });
    for (const [i, name] of ['first', 'second', 'third'].entries()) add({ order: i + 1 }, name);
    jest.advanceTimersByTime(100);
    expect(went).toStrictEqual(['first at 100']);
    noteStart('a');
    expect(went).toStrictEqual(['first at 100', 'second at 100']);
    noteStart('b');
    expect(went).toHaveLength(2);
  });

  test('sets at most one timer for one that has left', () => {
    const { ask, add } = queueFor({ a: 50 });
    const leave = add({ order: 1, readyAt: 60 }, 'left');
    add({ order: 2, readyAt: 5000 }, 'stays');
    leave();
    ask.mockClear();
    jest.advanceTimersByTime(4999);
    // Two questions for the timer of the one that left.
    expect(ask).toHaveBeenCalledTimes(2);
  });
});
