/** What is counted and remembered, and that it has bounds. */
import type { BackendPool, PoolEvent } from '../../src';
import { Monitor } from '../../src/status-page/monitor';
import { EventBatch } from '../../src/status-page/event-batch';
import { fakeClock } from '../support/stub-pool';
import { attempt, cooldown } from './support';

afterEach(() => jest.restoreAllMocks());

describe('a monitor', () => {
  /** A pool that a test makes the events of. */
  function watched(history = 300_000) {
    let emit!: (event: PoolEvent) => void;
    const backends = [{ name: 'one' }];
    const subscribe = (listener: typeof emit) => ((emit = listener), () => undefined);
    const pool = { backends, subscribe, snapshot: () => backends } as unknown as BackendPool;
    const told: PoolEvent[] = [];
    const unread = new EventBatch();
    const monitor = new Monitor(pool, history, unread, (event) => told.push(event));
    return { monitor, emit: (event: PoolEvent) => emit(event), backends, told };
  }

  test.each(['report', 'history'] as const)('tells of the events so far when asked for its %s', (method) => {
    const { monitor, emit, told } = watched();
    const events = [attempt({ status: 200 }), cooldown(1_000)];
    events.forEach(emit);
    expect(told).toStrictEqual([]);
    monitor[method]();
    expect([told, monitor.seen]).toStrictEqual([events, 2]);
  });

  test('counts events without being asked, so that they take a limited amount of memory', () => {
    const { emit, told } = watched();
    for (let i = 0; i < 1_000; i++) emit({ type: 'exhausted', retryAfter: i });
    expect(told.length).toBeGreaterThan(900);
  });

  test('remembers a limited number of events other than successful attempts', () => {
    const { monitor, emit } = watched();
    emit(attempt({ status: 200 }));
    emit(attempt({ status: 500, reason: 'server-error' }));
    emit({ type: 'exhausted', retryAfter: 5 });
    expect(monitor.history().events.map(({ type }) => type)).toStrictEqual(['attempt', 'exhausted']);
    for (let i = 0; i < 1_000; i++) emit({ type: 'exhausted', retryAfter: i });
    expect(monitor.history().events).toHaveLength(200);
    expect(monitor.history().events.at(-1)).toMatchObject({ retryAfter: 999 });
  });

  test('forgets events that are older than the history', () => {
    const { monitor, emit } = watched(0);
    emit({ type: 'exhausted', retryAfter: 5 });
    expect(monitor.history().events).toStrictEqual([]);
  });

  test('counts the last minute by a clock that nobody sets', () => {
    const clock = fakeClock();
    const { monitor, emit } = watched();
    emit(attempt({ status: 200 }));
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    expect(monitor.report()).toMatchObject([{ share: 1 }]);
    clock.advance(70_000);
    expect(monitor.report()).toMatchObject([{ share: 0 }]);
  });

  test('forgets removed backends once there are many, and keeps the others', () => {
    const { monitor, emit, backends } = watched();
    for (let i = 0; i < 5_000; i++) {
      emit(attempt({ backend: `gone-${String(i)}`, status: 200 }));
      emit(attempt({ status: 200 }));
    }
    expect(monitor.history().timeline.columns.length).toBeLessThanOrEqual(102);
    expect(monitor.report()).toMatchObject([{ name: 'one', attempts: 5_000, share: 0.5 }]);
    expect(backends).toHaveLength(1);
  });
});
