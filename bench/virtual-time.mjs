import { setImmediate } from 'node:timers/promises';
import FakeTimers from '@sinonjs/fake-timers';
import { seeded } from './random.mjs';

/**
 * Runs `work` while the clock, the timers and `Math.random` are fake. The clock jumps from one timer to the next, so minutes
 * of traffic take seconds, and the same seed always gives the same result.
 *
 * @returns what `work` resolves with
 */
export async function inVirtualTime(seed, work) {
  const { random } = Math;
  const clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'], loopLimit: Infinity });
  Math.random = seeded(seed);
  try {
    let isDone = false;
    const result = work().finally(() => (isDone = true));
    while (!isDone) {
      clock.next();
      // All that the timer has set in motion runs before this is over.
      await setImmediate();
    }
    return await result;
  } finally {
    Math.random = random;
    clock.uninstall();
  }
}

/** In virtual time, where the promises of `node:timers` would wait in real time. */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
