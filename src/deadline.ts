import type { AxiosRequestConfig, GenericAbortSignal } from 'axios';

/** The longest time a timer takes; beyond it `setTimeout` fires at once. */
export const MAX_TIMER = 2 ** 31 - 1;

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
  readonly #ends: number;
  readonly #stopTimer: (() => void) | undefined;
  readonly #unlisten: (() => void) | undefined;
  #interruption: Interruption | undefined;
  #interrupt: ((why: Interruption) => void) | undefined;

  /** @param timeout ms; 0 means none */
  constructor(config: AxiosRequestConfig, timeout: number) {
    this.#ends = timeout > 0 ? performance.now() + timeout : Infinity;
    if (timeout > 0) this.#stopTimer = after(timeout, () => this.#stop(new Interruption('timeout')));
    this.#unlisten = onCancel(config, (message) => this.#stop(new Interruption('cancelled', message)));
  }

  /** Whether anything can end the request, which the adapter must then be told of. */
  get bounded(): boolean {
    return this.#stopTimer !== undefined || this.#unlisten !== undefined;
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
  guard<T>(work: Promise<T>, onInterrupt?: () => void, limit = 0): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const interrupt = (why: Interruption): void => {
        over();
        onInterrupt?.();
        reject(why);
      };
      const stopTimer = limit > 0 && after(limit, () => interrupt(new Interruption('attempt-timeout')));
      // What was given up may end while the next is waited for.
      const over = (): void => {
        if (stopTimer) stopTimer();
        if (this.#interrupt === interrupt) this.#interrupt = undefined;
      };
      const ended =
        <A>(end: (outcome: A) => void) =>
        (outcome: A): void => {
          over();
          end(outcome);
        };
      this.#interrupt = interrupt;
      work.then(ended(resolve), ended(reject));
      // Perhaps it was interrupted while nobody was waiting.
      if (this.#interruption) interrupt(this.#interruption);
    });
  }

  /** Ends the budget and takes every listener away. */
  close(): void {
    this.#stopTimer?.();
    this.#unlisten?.();
  }

  #stop(why: Interruption): void {
    this.#interruption ??= why;
    this.#interrupt?.(this.#interruption);
  }
}

/** What all share that nothing from outside may end. */
const NEVER = /* @__PURE__ */ new Deadline({}, 0);

/** @param timeout ms; 0 means none */
export function deadlineOf(config: AxiosRequestConfig, timeout: number): Deadline {
  return timeout > 0 || config.signal || config.cancelToken ? new Deadline(config, timeout) : NEVER;
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
  const unlisten = signal && onAbort(signal, cancelled);
  // axios's types leave out these two, which its adapters use.
  const token = cancelToken as Subscribable | undefined;
  token?.subscribe(cancelled);
  return () => {
    unlisten?.();
    token?.unsubscribe(cancelled);
  };
}

/** Those who listen to one signal, and what tells them. */
interface Audience {
  readonly signal: GenericAbortSignal;
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/** Of the signal that was listened to last: one that many requests share is that of most of them. */
let latest: Audience | undefined;

/** One listener on a signal, however many requests share it: Node warns of more than ten. */
function onAbort(signal: GenericAbortSignal, listener: () => void): () => void {
  if (latest?.signal !== signal) latest = audienceOf(signal);
  const audience = latest;
  const { listeners, tell } = audience;
  if (listeners.add(listener).size === 1) signal.addEventListener?.('abort', tell);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    signal.removeEventListener?.('abort', tell);
    if (latest === audience) latest = undefined;
  };
}

function audienceOf(signal: GenericAbortSignal): Audience {
  const listeners = new Set<() => void>();
  // A copy, since whoever is told stops listening.
  return { signal, listeners, tell: () => [...listeners].forEach((each) => each()) };
}

interface Subscribable {
  subscribe(listener: () => void): void;
  unsubscribe(listener: () => void): void;
}

/** Calls back after `ms`, or after the 24.8 days that a timer can take. Returns what gives it up. */
export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.min(Math.ceil(ms), MAX_TIMER));
  return () => clearTimeout(timer);
}
