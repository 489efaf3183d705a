/** The longest delay a timer accepts, 24.8 days. Beyond it, `setTimeout` fires at once. */
export const MAX_TIMER = 2 ** 31 - 1;

/** ms on a clock that only goes forward. Looked up at each call, so that fake timers can replace it. */
export function now(): number {
  return performance.now();
}

/** Calls back after `ms`, at most `MAX_TIMER`. Returns a function that cancels the timer. */
export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.min(Math.ceil(ms), MAX_TIMER));
  return () => clearTimeout(timer);
}

/** Captured at load, so that fake timers don't replace it. Browsers have none. */
const immediate = /* @__PURE__ */ (() => (typeof setImmediate === 'function' ? setImmediate : undefined))();

/**
 * Whether the timers are those of jest, vitest or sinon. With them, a test moves the time on without turns of the event
 * loop, so nothing may wait for one.
 */
function hasFakeTimers(): boolean {
  return 'clock' in setTimeout;
}

/** Runs the callback after what is in Node's `nextTick` queue, such as a stream's update of its listeners. */
export const afterTask: (callback: () => void) => void = /* @__PURE__ */ (() => {
  const { nextTick = queueMicrotask } = Object(globalThis.process) as { nextTick?: (callback: () => void) => void };
  return nextTick;
})();

/** Resolves in the next turn of the event loop, after pending microtasks. */
export function nextEventLoopTurn(): Promise<void> {
  if (hasFakeTimers()) return Promise.resolve();
  return new Promise((resolve) => void (immediate ?? setTimeout)(resolve));
}

/**
 * Calls back once Node's event loop has read what had arrived: after it was blocked, timers run before sockets are read.
 * A large response takes several turns.
 */
export function afterArrivals(callback: () => void, turns = 3): void {
  if (immediate === undefined || turns === 0 || hasFakeTimers()) callback();
  else immediate(() => afterArrivals(callback, turns - 1));
}
