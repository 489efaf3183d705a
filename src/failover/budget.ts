import { after, afterArrivals, now } from '../base/clock';
import type { RequestConfig } from '../http/messages';

/** Why a request, or one attempt of it, ended before its response arrived. The client turns it into its own error. */
export class AbortReason extends Error {
  constructor(
    readonly why: 'cancelled' | 'timeout' | 'attempt-timeout',
    /** The time that passed, in ms. */
    readonly ms: number,
    /** The caller's message when cancelling with a `cancelToken`. */
    readonly cancelMessage?: string,
    /** The `reason` of the caller's signal. */
    readonly signalReason?: unknown,
  ) {
    super(why);
  }
}

/** The part of an `AbortSignal` that is used; axios accepts polyfills too. */
interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: 'abort', listener: (event?: unknown) => void): void;
  removeEventListener?(type: 'abort', listener: (event?: unknown) => void): void;
}

/** axios's `CancelToken`. Its types leave out two methods that axios's adapters use. */
interface CancelTokenLike {
  readonly reason?: { readonly message?: string } | undefined;
  subscribe(listener: () => void): void;
  unsubscribe(listener: () => void): void;
}

/** How the caller may cancel a request. */
export interface Cancellable {
  readonly signal?: SignalLike | undefined;
  readonly cancelToken?: CancelTokenLike | undefined;
}

/**
 * What may end a request from outside: the caller's `timeout`, which is one budget for all attempts, bodies and waits
 * together, and the caller's `signal` or `cancelToken`. It keeps a timer and listeners only while something is guarded.
 */
export class Budget {
  readonly #ends: number;
  readonly #caller: Cancellable;
  /** Whether the caller can cancel the request. */
  readonly cancellable: boolean;

  /** @param timeout in ms; 0 means none */
  constructor(
    config: RequestConfig,
    readonly timeout: number,
  ) {
    this.#caller = config as Cancellable;
    this.cancellable = Boolean(this.#caller.signal ?? this.#caller.cancelToken);
    this.#ends = timeout > 0 ? now() + timeout : Infinity;
  }

  /** ms */
  remaining(): number {
    return this.#ends === Infinity ? Infinity : this.#ends - now();
  }

  /** Whether the caller has cancelled the request. */
  get isCancelled(): boolean {
    const { signal, cancelToken } = this.#caller;
    return signal?.aborted === true || cancelToken?.reason !== undefined;
  }

  /** @throws AbortReason if the caller has cancelled or the time is over, so that nothing new begins */
  check(): void {
    if (this.isCancelled) throw this.#cancelled();
    if (this.remaining() <= 0) throw new AbortReason('timeout', this.timeout);
  }

  /**
   * Starts `work` and waits for it, but no longer than until the caller cancels, the budget is spent or `limit` ms have
   * passed. Then it calls `giveUp` and rejects with the same `AbortReason`. `work` itself goes on; its result is ignored.
   *
   * @param limit in ms; 0 means none
   */
  guard<T>(work: () => Promise<T>, limit = 0, giveUp?: (reason: AbortReason) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.check();
      const remaining = this.remaining();
      const isLimited = limit > 0 && limit < remaining;
      let stopTimer: (() => void) | undefined;
      let unlisten: (() => void) | undefined;
      let isOver = false;
      const release = (): void => {
        isOver = true;
        stopTimer?.();
        unlisten?.();
      };
      const end = (reason: AbortReason): void => {
        if (isOver) return;
        release();
        giveUp?.(reason);
        reject(reason);
      };
      const timedOut = () =>
        end(isLimited ? new AbortReason('attempt-timeout', limit) : new AbortReason('timeout', this.timeout));
      const ms = isLimited ? limit : remaining;
      if (ms !== Infinity) stopTimer = after(ms, () => afterArrivals(timedOut));
      if (this.cancellable) unlisten = onCancel(this.#caller, () => end(this.#cancelled()));
      const failed = (error: unknown): void => {
        release();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
        reject(error);
      };
      try {
        work().then((value) => {
          release();
          resolve(value);
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  #cancelled(): AbortReason {
    const { signal, cancelToken } = this.#caller;
    return new AbortReason('cancelled', 0, cancelToken?.reason?.message, signal?.reason);
  }
}

/**
 * A small `AbortController` for one attempt. axios's own adapters accept it as their `signal`. Everybody else reads
 * `signal`, which makes a real `AbortSignal` on first use.
 */
export class Abort implements SignalLike {
  aborted = false;
  #controller: AbortController | undefined;
  readonly #listeners = new Set<(event?: unknown) => void>();
  /** What the signal was aborted with. */
  reason: unknown;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const listener of [...this.#listeners]) listener({ type: 'abort' });
    this.#listeners.clear();
  }

  addEventListener(_type: 'abort', listener: (event?: unknown) => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: (event?: unknown) => void): void {
    this.#listeners.delete(listener);
  }
}

/** Calls back when the caller cancels. Returns a function that removes the listeners. */
export function onCancel({ signal, cancelToken }: Cancellable, listener: () => void): () => void {
  const unlisten = signal && onAbort(signal, listener);
  cancelToken?.subscribe(listener);
  return () => {
    unlisten?.();
    cancelToken?.unsubscribe(listener);
  };
}

/** The requests that listen to one signal, and the one listener that is registered with it. */
interface SharedListener {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/** One listener for each signal, however many requests share it: Node warns of more than ten. */
const sharedListeners = new Map<SignalLike, SharedListener>();

function onAbort(signal: SignalLike, listener: () => void): () => void {
  const { listeners, tell } = sharedListeners.get(signal) ?? listenTo(signal);
  listeners.add(listener);
  return () => {
    // May run late, after an attempt was given up. By then, other requests may be listening.
    if (!listeners.delete(listener) || listeners.size > 0) return;
    signal.removeEventListener?.('abort', tell);
    sharedListeners.delete(signal);
  };
}

function listenTo(signal: SignalLike): SharedListener {
  const listeners = new Set<() => void>();
  // Iterates over a copy, because each listener removes itself.
  const shared = { listeners, tell: () => [...listeners].forEach((each) => each()) };
  signal.addEventListener?.('abort', shared.tell);
  sharedListeners.set(signal, shared);
  return shared;
}
