import type { Backend } from '../../src';
import { Backoff } from '../../src/failover/backoff';

const backend = (name: string) => {
  const info = { name, successes: 0 };
  return { info, pooled: { info: info as Backend & { successes: number } } };
};

test('the first wait for a backend that has not refused the request has no pause, later ones have the shortest', () => {
  const pause = new Backoff();
  expect(pause.of(backend('a').pooled, false)).toBe(0);
  expect(pause.of(backend('a').pooled, true)).toBe(10);
});

test('the pause doubles from the third refusal on, up to a second', () => {
  const pause = new Backoff();
  const { pooled } = backend('a');
  const pauses = Array.from({ length: 10 }, () => {
    pause.noteFailed(pooled);
    return pause.of(pooled, false);
  });
  expect(pauses).toStrictEqual([10, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
  expect(pause.of(backend('b').pooled, false)).toBe(0);
});

test('the pause does not grow while the backend answers other requests', () => {
  const pause = new Backoff();
  const { info, pooled } = backend('a');
  for (let round = 0; round < 5; round++) {
    pause.noteFailed(pooled);
    info.successes++;
  }
  expect(pause.of(pooled, true)).toBe(10);
  pause.noteFailed(pooled);
  pause.noteFailed(pooled);
  expect(pause.of(pooled, true)).toBe(10);
  pause.noteFailed(pooled);
  expect(pause.of(pooled, true)).toBe(20);
});
