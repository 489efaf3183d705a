import { after } from '../base/clock';

/** A wait under way. */
export interface Wait {
  /** Resolves when the time has passed, or earlier if a backend becomes available earlier. */
  readonly over: Promise<void>;
  /** Removes the timer. */
  readonly end: () => void;
}

/** The requests that wait for a backend to become available. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  get count(): number {
    return this.#wakes.size;
  }

  /** @param ms until it is over at the latest */
  wait(ms: number): Wait {
    let wake!: () => void;
    const over = new Promise<void>((resolve) => (wake = resolve));
    // A timer may fire a millisecond early, and then the backend would still be on cooldown.
    const stopTimer = after(ms + 1, wake);
    this.#wakes.add(wake);
    const end = (): void => {
      stopTimer();
      this.#wakes.delete(wake);
    };
    return { over, end };
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }
}
