import { outcomeOf, Timeline } from '../../src/status-page/timeline';
import { attempt, cooldown } from './support';

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

  test('sums up the time that a backend was out, and counts what overlaps once', () => {
    const timeline = new Timeline(300_000);
    timeline.add(cooldown(30_000, { scope: 'gpt-4o' }), 0);
    timeline.add(cooldown(60_000), 0);
    timeline.add(cooldown(120_000, { reason: 'manual' }), 10_000);
    timeline.add(cooldown(1_000), 200_000);
    expect([5_000, 50_000, 100_000, 150_000, 250_000].map((now) => timeline.timeOut('one', now))).toStrictEqual([
      5_000, 50_000, 100_000, 130_000, 131_000,
    ]);
    expect([340_000, 600_000].map((now) => timeline.timeOut('one', now))).toStrictEqual([91_000, 0]);
    expect(timeline.timeOut('two', 50_000)).toBe(0);
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
