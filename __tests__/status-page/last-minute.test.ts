import { LastMinute } from '../../src/status-page/last-minute';

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
