import { must } from '../base/check';
import type { CooldownReason } from './reasons';

/** One attempt of a request, at one backend. */
export interface Attempt {
  /** The backend's name. */
  readonly backend: string;
  /** The backend's name for the deployment. Set if the URL names it, or the `model` of a body that had to be read. */
  readonly scope?: string;
  /**
   * The status of the response, if there was one. Below 400 with a `code`: the connection broke inside the body. For a
   * refusal inside a streamed 200: the 429 or 5xx that it stands for
   */
  readonly status?: number;
  /** The code of the error (`ECONNREFUSED`), or of the refusal in the stream (`rate_limit_exceeded`), if it has one. */
  readonly code?: string;
  /**
   * Why it failed, as in the pool's `cooldown` events; `stale`: a kept-alive connection that the server had closed, so
   * the request was sent again. `client-error` is also the reason of a 4xx that the caller gets. Not set for cancels,
   * local problems and other mistakes of the caller's own
   */
  readonly reason?: Exclude<CooldownReason, 'oversized' | 'manual'> | 'stale';
  /**
   * What the server calls the request: the first of the headers `apim-request-id`, `x-request-id`, `x-ms-request-id`.
   * Azure's support asks for it.
   */
  readonly requestId?: string;
  /** ms from its beginning to its response or failure. Reading a streamed body afterwards isn't counted. */
  readonly duration: number;
  /** ms of cooldown that this attempt cost its backend or deployment */
  readonly cooldown?: number;
}

/**
 * An event of a pool. `type` is one of:
 *
 * - `attempt`: an attempt ended
 * - `cooldown`: a backend, or one deployment of it, is on cooldown, or for longer than before
 * - `recovered`: it may be used again as before. There are no timers: a cooldown that has passed is noticed at the next
 *   request
 * - `waiting`: a request waits for a backend to become available (`maxWait`)
 * - `exhausted`: a request gets the fabricated 429
 *
 * No event holds a key, a token, a header or a body.
 */
export type PoolEvent =
  | ({
      /** An attempt ended. */
      readonly type: 'attempt';
    } & Attempt)
  | {
      /** A backend, or one deployment of it, is on cooldown. */
      readonly type: 'cooldown';
      /** Its name. */
      readonly backend: string;
      /** The deployment, if only that is on cooldown. */
      readonly scope?: string;
      /** Why it is on cooldown. */
      readonly reason: CooldownReason;
      /** ms from now until it ends */
      readonly duration: number;
      /** Set if another process told of it (`shareCooldowns`). */
      readonly remote?: true;
    }
  | {
      /** A backend, or one deployment of it, may be used again as before. */
      readonly type: 'recovered';
      /** Its name. */
      readonly backend: string;
      /** The deployment, if only that was on cooldown. */
      readonly scope?: string;
    }
  | {
      /** A request waits. */
      readonly type: 'waiting';
      /** About how many ms until it tries again */
      readonly duration: number;
    }
  | {
      /** A request gets the fabricated 429. */
      readonly type: 'exhausted';
      /** ms until a backend becomes available, as in the fabricated 429 */
      readonly retryAfter: number;
    };

type Listener = (event: PoolEvent) => unknown;

/** The listeners of a pool. */
export class Events {
  readonly #listeners = new Set<{ readonly tell: Listener }>();

  subscribe(listener: Listener): () => void {
    must(typeof listener === 'function', 'listener', 'be a function', listener);
    // A function may be subscribed twice, and each subscription ends by itself.
    const subscription = { tell: listener };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  emit(event: PoolEvent): void {
    // Iterates over a copy: a listener that is added during an event gets only later events.
    for (const subscription of [...this.#listeners]) {
      if (!this.#listeners.has(subscription)) continue;
      try {
        const returned = subscription.tell(event);
        if (returned instanceof Promise) returned.catch(report);
      } catch (error) {
        report(error);
      }
    }
  }

  /** An attempt ended. Builds no event if nobody listens. */
  attempted(attempt: Attempt): void {
    if (this.#listeners.size > 0) this.emit({ type: 'attempt', ...attempt });
  }

  /** @param scope the deployment, if only that is on cooldown */
  cooled(
    backend: string,
    scope: string | undefined,
    cooldown: { readonly reason: CooldownReason; readonly duration: number; readonly remote?: true },
  ): void {
    this.emit({ type: 'cooldown', backend, ...(scope !== undefined && { scope }), ...cooldown });
  }

  /** @param scope the deployment, if only that was on cooldown */
  recovered(backend: string, scope: string | undefined): void {
    this.emit({ type: 'recovered', backend, ...(scope !== undefined && { scope }) });
  }
}

/** A listener that throws must not fail the request. The console shows the error to its author. */
function report(error: unknown): void {
  console.error('axios-priority-adapter: a listener of the pool threw', error);
}
