import { must } from './check';
import type { CooldownReason } from './health';

/** One try of one backend, as it went. */
export interface Attempt {
  /** The backend's name. */
  readonly backend: string;
  /** The answer's status, where there was an answer. Below 400 beside a `code`: the connection broke inside the body. */
  readonly status?: number;
  /** The error's code, axios's or Node's (`ECONNREFUSED`, `ECONNABORTED`), where there was an error that has one. */
  readonly code?: string;
  /** ms from its beginning to its answer or failure; what a caller reads from a stream afterwards is not counted. */
  readonly duration: number;
  /** ms for which this attempt took its backend, or a deployment of it, out of use. */
  readonly cooldown?: number;
}

/**
 * What a pool tells its listeners, told apart by `type`:
 *
 * - `attempt`: one try of one backend is over
 * - `cooldown`: a backend, or one deployment of it, is out of use from now on, or for longer than was known
 * - `recovered`: it may be used again as before. There are no timers: that a time has passed is noticed at the next
 *   request
 * - `waiting`: a request waits, because nobody is available (`maxWait`)
 * - `exhausted`: a request gets the fabricated 429
 *
 * No event holds a key, a token, a header or a body.
 */
export type PoolEvent =
  | ({
      /** One try of one backend is over. */
      readonly type: 'attempt';
    } & Attempt)
  | {
      /** A backend, or one deployment of it, is out of use. */
      readonly type: 'cooldown';
      /** Its name. */
      readonly backend: string;
      /** The deployment, where the cooldown covers that alone. */
      readonly scope?: string;
      /** What it was that went wrong. */
      readonly reason: CooldownReason;
      /** ms */
      readonly duration: number;
    }
  | {
      /** A backend, or one deployment of it, may be used again as before. */
      readonly type: 'recovered';
      /** Its name. */
      readonly backend: string;
      /** The deployment, where that alone was out of use. */
      readonly scope?: string;
    }
  | {
      /** A request waits. */
      readonly type: 'waiting';
      /** ms that it is going to wait for the soonest backend */
      readonly duration: number;
    }
  | {
      /** A request found nobody. */
      readonly type: 'exhausted';
      /** ms until the soonest backend, as the fabricated 429 says it */
      readonly retryAfter: number;
    };

type Listener = (event: PoolEvent) => unknown;

/** Who is told what happens in a pool. */
export class Events {
  readonly #listeners = new Set<{ readonly tell: Listener }>();

  subscribe(listener: Listener): () => void {
    must(typeof listener === 'function', 'listener', 'be a function', listener);
    // The same function may be subscribed twice, and each subscription ended alone.
    const subscription = { tell: listener };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  emit(event: PoolEvent): void {
    // Of those who listen now: one that subscribes anew is told of the next event.
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

  /** One attempt is over. Costs nothing where nobody listens. */
  attempted(attempt: Attempt): void {
    if (this.#listeners.size > 0) this.emit({ type: 'attempt', ...attempt });
  }
}

/** A listener disturbs no request, but its fault is not kept from its author either. */
function report(error: unknown): void {
  console.error('axios-priority-adapter: a listener of the pool threw', error);
}
