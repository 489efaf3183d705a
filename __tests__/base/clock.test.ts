import type * as clockModule from '../../src/base/clock';
import { MAX_TIMER, after, afterArrivals, afterTask, nextEventLoopTurn, now } from '../../src/base/clock';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** Lets this many turns of the event loop pass, after those of earlier calls. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve));
}

test('the longest delay is that of Node, beyond which a timer fires at once', () => {
  expect(MAX_TIMER).toBe(2_147_483_647);
  const setTimer = jest.spyOn(globalThis, 'setTimeout');
  for (const ms of [Infinity, MAX_TIMER + 1, 1.2]) after(ms, () => undefined)();
  expect(setTimer.mock.calls.map(([, ms]) => ms)).toStrictEqual([MAX_TIMER, MAX_TIMER, 2]);
});

test('a timer that was cancelled does not call back', () => {
  jest.useFakeTimers();
  const called: string[] = [];
  const cancel = after(10, () => called.push('cancelled'));
  after(10, () => called.push('kept'));
  cancel();
  jest.advanceTimersByTime(10);
  expect(called).toStrictEqual(['kept']);
});

test('the time is that of `performance` at each call, so fake timers move it', () => {
  jest.useFakeTimers();
  const before = now();
  jest.advanceTimersByTime(5);
  expect(now() - before).toBe(5);
});

test('afterArrivals calls back after three turns of the event loop', async () => {
  let called = false;
  afterArrivals(() => (called = true));
  await turns(2);
  expect(called).toBe(false);
  await turns(2);
  expect(called).toBe(true);
});

test('with fake timers, nothing waits for turns of the event loop', async () => {
  jest.useFakeTimers();
  let called = false;
  afterArrivals(() => (called = true));
  expect(called).toBe(true);
  await nextEventLoopTurn();
});

test('nextEventLoopTurn resolves after pending microtasks', async () => {
  const order: string[] = [];
  const turn = nextEventLoopTurn().then(() => order.push('turn'));
  for (let i = 0; i < 20; i++) await Promise.resolve();
  order.push('microtasks');
  await turn;
  expect(order).toStrictEqual(['microtasks', 'turn']);
});

test('afterTask calls back after what is queued for the next tick', async () => {
  const order: string[] = [];
  process.nextTick(() => order.push('queued'));
  afterTask(() => order.push('after'));
  await turns(1);
  expect(order).toStrictEqual(['queued', 'after']);
});

describe.each<[string, Partial<typeof globalThis>]>([
  ['setImmediate', { setImmediate: undefined as never }],
  ['process', { process: undefined as never }],
])('in a runtime without %s,', (_, missing) => {
  async function loaded(): Promise<typeof clockModule> {
    const before = Object.fromEntries(Object.keys(missing).map((name) => [name, Reflect.get(globalThis, name)]));
    Object.assign(globalThis, missing);
    try {
      let clock!: typeof clockModule;
      await jest.isolateModulesAsync(async () => void (clock = await import('../../src/base/clock')));
      return clock;
    } finally {
      Object.assign(globalThis, before);
    }
  }

  test('afterArrivals and afterTask call back, and a turn of the event loop ends', async () => {
    const clock = await loaded();
    const called: string[] = [];
    clock.afterArrivals(() => called.push('arrivals'));
    clock.afterTask(() => called.push('task'));
    await clock.nextEventLoopTurn();
    await turns(4);
    expect(called.sort()).toStrictEqual(['arrivals', 'task']);
  });
});
