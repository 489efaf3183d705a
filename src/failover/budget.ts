import { afterArrivals, now } from '../base/clock';
import type { RequestConfig } from '../http/messages';
import { AbortReason, onCancel } from './abort';
import type { Cancellable } from './abort';

/**
 * What may end a request from outside: the caller's `timeout`, which is one budget for all attempts, bodies and waits
 * together, and the caller's `signal` or `cancelToken`. It keeps a timer and listeners only while something is guarded.
 */
export class Budget {
  readonly #ends: number;
  readonly #caller: Cancellable;
  #isWhole = true;
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

  /** Whether nothing has used any of it: no wait, no reading of the body, no attempt. */
  get isWhole(): boolean {
    return this.#isWhole;
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

  /**
   * The ms that are left.
   *
   * @throws AbortReason if the caller has cancelled or the time is over, so that nothing new begins
   */
  check(): number {
    if (this.isCancelled) throw this.#cancelled();
    const remaining = this.remaining();
    if (remaining <= 0) throw new AbortReason('timeout', this.timeout);
    return remaining;
  }

  /**
   * Starts `work` and waits for it, but no longer than until the caller cancels, the budget is spent or `limit` ms have
   * passed. Then it calls `giveUp` and rejects with the same `AbortReason`. `work` itself goes on; its result is ignored.
   *
   * @param limit in ms; 0 means none
   */
  guard<T>(work: () => Promise<T>, limit = 0, giveUp?: (reason: AbortReason) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const remaining = this.check();
      this.#isWhole = false;
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
        // First: whatever `giveUp` does, nobody waits for ever.
        reject(reason);
        giveUp?.(reason);
      };
      const timedOut = () =>
        end(isLimited ? new AbortReason('attempt-timeout', limit) : new AbortReason('timeout', this.timeout));
      const ms = isLimited ? limit : remaining;
      // A response that has arrived by then is still used.
      if (ms !== Infinity) stopTimer = afterArrivals(ms, timedOut);
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
