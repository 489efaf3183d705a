/** What is counted and remembered, and that it has bounds. */
import type { BackendPool, PoolEvent } from '../../src';
import { LastMinute } from '../../src/status-page/last-minute';
import { Monitor } from '../../src/status-page/monitor';
import { outcomeOf, Timeline } from '../../src/status-page/timeline';
import { EventBatch } from '../../src/status-page/event-batch';
import { fakeClock } from '../support/stub-pool';

afterEach(() => jest.restoreAllMocks());

type AttemptEvent = PoolEvent & { readonly type: 'attempt' };

const attempt = (fields: Partial<AttemptEvent> = {}): AttemptEvent => ({
  type: 'attempt',
  backend: 'one',
  duration: 5,
  ...fields,
});
const cooldown = (duration: number, fields: object = {}): PoolEvent => ({
  type: 'cooldown',
  backend: 'one',
  reason: 'throttled',
  duration,
  ...fields,
});

describe('the outcome of an attempt', () => {
  test.each([
    [{ status: 200 }, 'answered'],
    [{ status: 400, reason: 'client-error' }, 'answered'],
    [{ status: 404, reason: 'client-error', code: 'ECONNRESET' }, 'other'],
    [{ status: 429, reason: 'throttled' }, 'throttled'],
    [{ status: 403, reason: 'throttled' }, 'throttled'],
    [{ status: 429 }, 'throttled'],
    [{ status: 503, reason: 'server-error' }, 'failed'],
    [{ code: 'ECONNREFUSED', reason: 'connection' }, 'failed'],
    [{ status: 200, code: 'ECONNRESET', reason: 'ambiguous' }, 'failed'],
    [{ status: 200, code: 'ERR_CANCELED' }, 'other'],
    [{ reason: 'stale' }, 'other'],
    [{}, 'other'],
  ] as const)('of %j is %s', (fields, outcome) => {
    expect(outcomeOf(attempt(fields))).toBe(outcome);
  });
});

describe('the last minute', () => {
  test('forgets what is older than 60 s', () => {
    const minute = new LastMinute();
    minute.add(1_000);
    minute.add(30_500);
    expect([minute.total(30_900), minute.total(60_999), minute.total(61_000)]).toStrictEqual([2, 2, 1]);
    expect(minute.total(90_000)).toBe(0);
  });

  test('loses nothing when a time lies before the latest one', () => {
    const minute = new LastMinute();
    minute.add(30_500);
    minute.add(28_000);
    minute.add(31_000);
    expect([minute.total(29_000), minute.total(31_000)]).toStrictEqual([3, 3]);
    expect(minute.total(90_999)).toBe(1);
  });

  test('stays right after a long silence', () => {
    const minute = new LastMinute();
    for (let at = 0; at < 60_000; at += 500) minute.add(at);
    expect(minute.total(59_999)).toBe(120);
    expect(minute.total(86_400_000)).toBe(0);
    minute.add(86_400_000);
    expect(minute.total(86_400_000)).toBe(1);
  });
});

describe('the timeline', () => {
  const counts = (timeline: Timeline, now: number) => timeline.columnsOf('one', now);

  test('counts attempts in slots of time', () => {
    const timeline = new Timeline(300_000);
    timeline.add(attempt({ status: 200 }), 10_000);
    timeline.add(attempt({ status: 429, reason: 'throttled' }), 11_999);
    timeline.add(attempt({ status: 500, reason: 'server-error' }), 12_000);
    timeline.add(attempt(), 12_000);
    timeline.add({ type: 'waiting', duration: 5 }, 12_000);
    expect([timeline.slot, counts(timeline, 12_000)]).toStrictEqual([
      2_000,
      [
        [5, 1, 1, 0],
        [6, 0, 0, 1],
      ],
    ]);
    expect(timeline.columnsOf('two', 12_000)).toStrictEqual([]);
  });

  test('continues in the latest slot when the clock goes back', () => {
    const timeline = new Timeline(300_000);
    timeline.add(attempt({ status: 200 }), 10_000);
    timeline.add(attempt({ status: 200 }), 1_000);
    expect(counts(timeline, 10_000)).toStrictEqual([[5, 2, 0, 0]]);
  });

  test('is limited in size, whatever the traffic and however short the history', () => {
    for (const history of [300_000, 0]) {
      const timeline = new Timeline(history);
      for (let at = 0; at < 3_600_000; at += 500) timeline.add(attempt({ status: 200 }), at);
      for (let i = 0; i < 1_000; i++) timeline.add(cooldown(1_000 + i, { scope: `model-${String(i)}` }), 3_600_000);
      const { columns, spans } = timeline.data(3_600_000);
      expect(columns[0]![1].length).toBeLessThanOrEqual(151);
      expect(spans).toHaveLength(200);
    }
  });

  test('forgets the columns of old traffic while new traffic is rare', () => {
    const timeline = new Timeline(300_000);
    timeline.add(attempt({ status: 200 }), 0);
    timeline.add(attempt({ status: 200 }), 1_000_000);
    expect(timeline.data(1_000_000).columns).toStrictEqual([['one', [[500, 1, 0, 0]]]]);
  });

  test('merges a cooldown with what prolongs it, and keeps separate ones', () => {
    const timeline = new Timeline(300_000);
    timeline.add(cooldown(1_000), 0);
    timeline.add(cooldown(1_000), 500);
    timeline.add(cooldown(100), 600);
    timeline.add(cooldown(5_000, { scope: 'gpt-4o' }), 700);
    timeline.add(cooldown(5_000, { reason: 'manual' }), 800);
    expect(timeline.spansOf('one', 1_000)).toStrictEqual([
      { backend: 'one', reason: 'throttled', from: 0, to: 1_500 },
      { backend: 'one', scope: 'gpt-4o', reason: 'throttled', from: 700, to: 5_700 },
      { backend: 'one', reason: 'manual', from: 800, to: 5_800 },
    ]);
    timeline.add(cooldown(1_000), 2_000);
    expect(timeline.spansOf('one', 2_000)).toHaveLength(4);
  });

  test('ends a cooldown with its recovery, unless it had passed before', () => {
    const timeline = new Timeline(300_000);
    timeline.add(cooldown(1_000), 0);
    timeline.add(cooldown(9_000, { scope: 'gpt-4o' }), 0);
    timeline.add(cooldown(9_000), 5_000);
    timeline.add({ type: 'recovered', backend: 'one' }, 6_000);
    timeline.add({ type: 'recovered', backend: 'two' }, 6_000);
    expect(timeline.spansOf('one', 6_000).map(({ to }) => to)).toStrictEqual([1_000, 9_000, 6_000]);
    expect(timeline.spansOf('one', 305_000).map(({ to }) => to)).toStrictEqual([9_000, 6_000]);
  });

  test('can be restored from its data', () => {
    const timeline = new Timeline(300_000);
    timeline.add(attempt({ status: 200 }), 10_000);
    timeline.add(cooldown(1_000), 10_000);
    const data = timeline.data(10_000);
    const copy = Timeline.from(JSON.parse(JSON.stringify(data)) as typeof data);
    copy.add(attempt({ status: 200 }), 11_000);
    expect([copy.data(11_000).spans, counts(copy, 11_000)]).toStrictEqual([data.spans, [[5, 2, 0, 0]]]);
    expect(copy.data(11_000).columns).toHaveLength(1);
  });
});

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
