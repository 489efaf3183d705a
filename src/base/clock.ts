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

/** A timer that is later than this, in ms, tells that the event loop was blocked. */
const BLOCKED = 20;
/** ms. What had arrived may have to be decompressed first, which other threads do. */
const LONGEST_GRACE = 50;

/**
 * Calls back after `ms`, at most `MAX_TIMER`, but not before Node's event loop has read what had arrived by then: after it
 * was blocked, timers run before sockets are read. Returns a function that cancels it.
 */
export function afterArrivals(ms: number, callback: () => void): () => void {
  const due = now() + ms;
  let cancel = after(ms, () => {
    const late = hasFakeTimers() ? 0 : now() - due;
    if (late < BLOCKED) inTurns(3, callback);
    else cancel = after(Math.min(late, LONGEST_GRACE), () => inTurns(3, callback));
  });
  return () => cancel();
}

/** Calls back after some turns of the event loop: a large response takes several. */
function inTurns(turns: number, callback: () => void): void {
  if (immediate === undefined || turns === 0 || hasFakeTimers()) callback();
  else immediate(() => inTurns(turns - 1, callback));
}
