import { must } from './check';
import type { CooldownReason } from './health';

/** One try of one backend, as it went. */
export interface Attempt {
  /** The backend's name. */
  readonly backend: string;
  readonly status?: number;
  /** The error's code, where there was an error. */
  readonly code?: string;
  /** ms */
  readonly duration: number;
  /** ms for which this attempt took its backend, or a deployment of it, out of use. */
  readonly cooldown?: number;
}

export type PoolEvent =
  | ({ readonly type: 'attempt' } & Attempt)
  | {
      readonly type: 'cooldown';
      readonly backend: string;
      /** The deployment, where the cooldown covers that alone. */
      readonly scope?: string;
      readonly reason: CooldownReason;
      /** ms */
      readonly duration: number;
    }
  | { readonly type: 'recovered'; readonly backend: string; readonly scope?: string }
  /** ms that a request is going to wait for the soonest backend */
  | { readonly type: 'waiting'; readonly duration: number }
  /** ms until the soonest backend, as the fabricated 429 says it */
  | { readonly type: 'exhausted'; readonly retryAfter: number };

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
    for (const { tell } of this.#listeners) {
      try {
        const returned = tell(event);
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
