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
