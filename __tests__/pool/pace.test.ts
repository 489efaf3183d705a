import { Pace, ThrottleTime } from '../../src/pool/pace';

/** Sends for `ms` as fast as the pace allows, and returns how many went. `refusals` of the backend stay as they are. */
function send(pace: Pace, from: number, ms: number, refusals = 0): number {
  let gone = 0;
  for (let time = from; time < from + ms; time += 0.1) {
    if (pace.opensAt > time) continue;
    pace.noteStart(time, refusals, 10);
    gone++;
  }
  return gone;
}

describe('the pace of waiting requests', () => {
  test('begins with one in the time that a refusal takes, and doubles until the backend refuses', () => {
    const pace = new Pace();
    expect([0, 10, 20, 30].map((from) => send(pace, from, 10))).toStrictEqual([1, 2, 4, 8]);
  });

  test('shrinks by a third after a refusal, and then grows by one', () => {
    const pace = new Pace();
    for (const from of [0, 10, 20]) send(pace, from, 10);
    expect([30, 40, 50].map((from) => send(pace, from, 10, 1))).toStrictEqual([3, 4, 5]);
  });

  test('starts over if even the slowest one is refused', () => {
    const pace = new Pace();
    send(pace, 0, 10);
    expect([10, 20, 30, 40].map((from, i) => send(pace, from, 10, Math.min(i + 1, 1)))).toStrictEqual([1, 2, 4, 8]);
  });

  test('does not grow while less than half used', () => {
    const pace = new Pace();
    for (const from of [0, 10, 20]) send(pace, from, 10);
    for (let time = 30; time < 200; time += 30) pace.noteStart(time, 0, 10);
    expect(send(pace, 230, 10)).toBeLessThan(12);
  });

  test('is not slowed by requests that bypass it', () => {
    const pace = new Pace();
    pace.noteStart(0, 0, 1000);
    for (let time = 20; time < 1000; time += 20) pace.noteStart(time, 0, 1000);
    expect(pace.opensAt).toBe(1000);
  });
});

test('the time that a 429 takes is a moving average with a margin, and a slow one counts as 200 ms', () => {
  const time = new ThrottleTime();
  for (let i = 0; i < 100; i++) time.note(40);
  expect(time.usual).toBeCloseTo(60);
  time.note(100);
  expect(time.usual).toBeCloseTo(82.5);
  for (let i = 0; i < 100; i++) time.note(2000);
  expect(time.usual).toBeCloseTo(300);
});
