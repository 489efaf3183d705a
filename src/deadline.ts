import type { AxiosRequestConfig } from 'axios';

/** The longest time a timer takes; beyond it `setTimeout` fires at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** Why a request, or one attempt of it, is given up before its answer came. */
export class Interruption extends Error {
  constructor(
    readonly why: 'cancelled' | 'timeout' | 'attempt-timeout',
    /** What the caller said when cancelling. */
    readonly said?: string,
  ) {
    super(why);
  }
}

/**
 * What may end a request from outside: the caller's `timeout`, one budget for all attempts, bodies and waits together,
 * and the caller's `signal` or `cancelToken`. One listener each for the whole request, gone with `close`.
 */
export class Deadline {
  /** Whether a timer may end the request, which an adapter must then be told of by a signal of its own. */
  readonly timed: boolean;
  readonly #ends: number;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #unlisten: (() => void) | undefined;
  #interruption: Interruption | undefined;
  #interrupt: ((why: Interruption) => void) | undefined;

  /** @param timeout ms; 0 means none */
  constructor(config: AxiosRequestConfig, timeout: number) {
    this.timed = timeout > 0;
    this.#ends = this.timed ? performance.now() + timeout : Infinity;
    if (this.timed) this.#timer = after(timeout, () => this.#stop(new Interruption('timeout')));
    this.#unlisten = onCancel(config, (message) => this.#stop(new Interruption('cancelled', message)));
  }

  /** Throws the `Interruption` where the request is to end: nothing new may be begun. */
  check(): void {
    if (this.#interruption) throw this.#interruption;
  }

  /** ms */
  remaining(): number {
    return this.#ends - performance.now();
  }

  /**
   * Waits for `work`, and rejects with an `Interruption` as soon as the request is to end. `work` itself goes on; what
   * comes of it then is the business of `onInterrupt`.
   */
  async guard<T>(work: Promise<T>, onInterrupt?: () => void, limit = 0): Promise<T> {
    if (!this.timed && this.#unlisten === undefined && limit === 0) return work;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#interrupt = (why) => {
          onInterrupt?.();
          reject(why);
        };
        if (limit > 0) timer = after(limit, () => this.#interrupt?.(new Interruption('attempt-timeout')));
        work.then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      this.#interrupt = undefined;
    }
  }

  /** Ends the budget and takes every listener away. */
  close(): void {
    clearTimeout(this.#timer);
    this.#unlisten?.();
  }

  #stop(why: Interruption): void {
    this.#interruption ??= why;
    this.#interrupt?.(this.#interruption);
  }
}

/**
 * Listens to the caller's `signal` and `cancelToken`, also to one that is cancelled already. Returns what takes the
 * listeners away, `undefined` where there is nothing to listen to.
 */
export function onCancel(
  { signal, cancelToken }: AxiosRequestConfig,
  listener: (message?: string) => void,
): (() => void) | undefined {
  if (!signal && !cancelToken) return undefined;
  const cancelled = (): void => listener(cancelToken?.reason?.message);
  if (signal?.aborted || cancelToken?.reason) cancelled();
  signal?.addEventListener?.('abort', cancelled);
  // axios's types leave out these two, which its adapters use.
  const token = cancelToken as Subscribable | undefined;
  token?.subscribe(cancelled);
  return () => {
    signal?.removeEventListener?.('abort', cancelled);
    token?.unsubscribe(cancelled);
  };
}

interface Subscribable {
  subscribe(listener: () => void): void;
  unsubscribe(listener: () => void): void;
}

/** The caller's `timeout` in ms, read as axios reads it; 0 means none. What is no number is left for axios to refuse. */
export function timeoutOf({ timeout }: AxiosRequestConfig): number {
  const ms = timeout === undefined ? 0 : Number.parseInt(String(timeout), 10);
  return ms > 0 ? ms : 0;
}

/** Calls back after `ms`, or after the 24.8 days that a timer can take. */
export function after(ms: number, callback: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(callback, Math.min(ms, MAX_TIMER));
}
