import type { PooledBackend } from './backend';
import type { Wanted } from './candidates';
import { WaitingQueue } from './waiting-queue';
import type { Waiter, WaitersPool } from './waiting-queue';

/** A wait under way. */
export interface Wait {
  /** Resolves when the request may try again: a backend is available, or none will be in time. */
  readonly whenOver: Promise<void>;
  /** Leaves the queue. A second call does nothing. */
  readonly end: () => void;
}

/**
 * The requests that wait for a backend to become available, in one queue for all that need the same. If all of them went
 * at once, most would be refused, and refused calls count towards the quota. So they go one by one, in order of arrival,
 * and to each backend at its own pace. Where many wait, a new request queues behind them.
 */
export class Waiters {
  readonly #queues = new Map<string, WaitingQueue>();
  #orders = 0;

  constructor(private readonly pool: WaitersPool) {}

  /** The number of a request that waits for the first time. */
  nextOrder(): number {
    return ++this.#orders;
  }

  wait(waiter: Waiter): Wait {
    const { wanted } = waiter;
    const key = keyOf(wanted);
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, (queue = new WaitingQueue(this.pool, wanted)));
    let go!: () => void;
    const whenOver = new Promise<void>((resolve) => (go = resolve));
    const place = { ...waiter, go };
    queue.add(place);
    const end = (): void => {
      queue.remove(place);
      if (queue.isEmpty && this.#queues.get(key) === queue) this.#queues.delete(key);
    };
    return { whenOver, end };
  }

  /** Whether any request waits for a backend with a certain deployment. */
  waitForDeployments(): boolean {
    for (const { wanted } of this.#queues.values()) if (wanted.deployment !== undefined) return true;
    return false;
  }

  /** Whether any request waits for what this one needs. */
  hasAny(wanted: Wanted): boolean {
    return this.#queueOf(wanted) !== undefined;
  }

  /** Whether so many wait for it that they would stampede. */
  isCrowded(wanted: Wanted): boolean {
    return this.#queueOf(wanted)?.isCrowded === true;
  }

  /** Whether requests wait for their turn although a backend that they need is available. */
  hasReady(wanted: Wanted): boolean {
    return this.#queueOf(wanted)?.isReady() === true;
  }

  /** Whether a request that may wait has to skip this backend, whose next slot is for those that wait already. */
  holdsBack(wanted: Wanted, backend: PooledBackend, time: number): boolean {
    return this.#queueOf(wanted)!.opensAt(backend) > time;
  }

  /** A request went to this backend. */
  noteStart(wanted: Wanted, backend: PooledBackend, time: number): void {
    this.#queueOf(wanted)?.noteStart(backend, time);
  }

  /** Something became available earlier than expected. */
  wake(): void {
    for (const queue of [...this.#queues.values()]) queue.run();
  }

  #queueOf(wanted: Wanted): WaitingQueue | undefined {
    return this.#queues.size === 0 ? undefined : this.#queues.get(keyOf(wanted));
  }
}

function keyOf({ deployment, pinned, final }: Wanted): string {
  return JSON.stringify([deployment, pinned, ...[...final].sort()]);
}
