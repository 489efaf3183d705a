import type { PooledBackend } from '../pool/backend';

/** ms between rounds of a request: the shortest pause, which doubles from the third round on, and the longest. */
const MIN_BACKOFF = 10;
const MAX_BACKOFF = 1000;

/** What is known of a backend that failed this request. */
interface FailedRounds {
  /** In how many rounds it did. A round isn't counted if the backend has had a success since the one before. */
  readonly rounds: number;
  /** Its `successes` at the latest of them. */
  readonly successes: number;
}

/** How long one request pauses between two rounds, so that short waits don't become a hot loop. */
export class Backoff {
  /** By the names of the backends. Most requests need none. */
  #failed: Map<string, FailedRounds> | undefined;

  /** The backend has failed this request. */
  noteFailed({ info: { name, successes } }: Pick<PooledBackend, 'info'>): void {
    this.#failed ??= new Map();
    const before = this.#failed.get(name);
    // A backend that has answered others meanwhile is only busy, so the pause doesn't grow.
    const rounds = before === undefined ? 1 : before.successes === successes ? before.rounds + 1 : before.rounds;
    this.#failed.set(name, { rounds, successes });
  }

  /**
   * ms before this backend is tried. None for the first wait for a backend that hasn't refused this request. It doubles
   * from the third round on: a call that is refused once may only have come too early.
   */
  of({ info }: Pick<PooledBackend, 'info'>, hasWaited: boolean): number {
    const failed = this.#failed?.get(info.name);
    if (failed === undefined && !hasWaited) return 0;
    const { rounds = 0 } = failed ?? {};
    return Math.min(MIN_BACKOFF * 2 ** Math.max(rounds - 2, 0), MAX_BACKOFF);
  }
}
