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

describe('afterArrivals', () => {
  /** The callbacks of the timers that are set, with their ms. They are called by the test. */
  function captureTimers(): { ms: number | undefined; fire: () => void }[] {
    const timers: { ms: number | undefined; fire: () => void }[] = [];
    const capture = (fire: () => void, ms?: number) => {
      timers.push({ ms, fire });
      return 0 as unknown as NodeJS.Timeout;
    };
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(capture);
    return timers;
  }

  test('calls back after the time and three turns of the event loop', async () => {
    const timers = captureTimers();
    let called = false;
    afterArrivals(5, () => (called = true));
    timers[0]!.fire();
    await turns(2);
    expect(called).toBe(false);
    await turns(2);
    expect([called, timers.map(({ ms }) => ms)]).toStrictEqual([true, [5]]);
  });

  test.each([
    [19, undefined],
    [20, 20],
    [30, 30],
    [400, 50],
  ])('gives what had arrived more time if its timer is %i ms late: %p ms', async (late, grace) => {
    const timers = captureTimers();
    let time = 1000;
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    let called = false;
    afterArrivals(5, () => (called = true));
    time += 5 + late;
    timers[0]!.fire();
    await turns(5);
    expect([called, timers[1]?.ms]).toStrictEqual([grace === undefined, grace]);
    timers[1]?.fire();
    await turns(5);
    expect(called).toBe(true);
  });

  test('can be cancelled, also while it gives more time', () => {
    const timers = captureTimers();
    const cleared = jest.spyOn(globalThis, 'clearTimeout').mockImplementation(() => undefined);
    const cancel = afterArrivals(5, () => undefined);
    cancel();
    const before = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(before + 1000);
    timers[0]!.fire();
    cancel();
    expect([cleared.mock.calls.length, timers.length]).toStrictEqual([2, 2]);
  });

  test('waits for no turns of the event loop, nor longer, with fake timers', async () => {
    jest.useFakeTimers();
    let called = false;
    afterArrivals(5, () => (called = true));
    jest.advanceTimersByTime(500);
    expect(called).toBe(true);
    await nextEventLoopTurn();
  });
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
    await new Promise<void>((resolve) => clock.afterArrivals(0, () => resolve(void called.push('arrivals'))));
    clock.afterTask(() => called.push('task'));
    await clock.nextEventLoopTurn();
    await turns(4);
    expect(called.sort()).toStrictEqual(['arrivals', 'task']);
  });
});
