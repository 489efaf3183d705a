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

/** Taken once: under fake timers, it would wait for a later time. Browsers have none. */
const immediate = /* @__PURE__ */ (() => (typeof setImmediate === 'function' ? setImmediate : undefined))();

/** Calls back after what Node does at the end of the running task, such as telling of changed listeners of a stream. */
export const afterTask: (callback: () => void) => void = /* @__PURE__ */ (() => {
  const { nextTick = queueMicrotask } = Object(globalThis.process) as { nextTick?: (callback: () => void) => void };
  return nextTick;
})();

/** Resolves in the next turn of the event loop, when all promises that are settled now have been followed to their end. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void (immediate ?? setTimeout)(resolve));
}

/**
 * Calls back once Node's event loop has read what had arrived: after it was blocked, timers run before sockets are read.
 * A large response takes several turns.
 */
export function afterArrivals(callback: () => void, turns = 3): void {
  if (immediate === undefined || turns === 0) callback();
  else immediate(() => afterArrivals(callback, turns - 1));
}
