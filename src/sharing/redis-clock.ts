import { now } from '../base/clock';

/** ms. A slower reply tells little of the clock: the process may have been stopped meanwhile. */
const LONG = 1_000;
/** ms that a stamp may be in the future, as after a failover to a server whose clock is behind. A later one is forged. */
export const MAX_AHEAD = 60_000;

/** The clock of the Redis server, as seen from here. It serves for the ages of messages alone. */
export class RedisClock {
  /** ms to add to the process's own clock. */
  #offset: number | undefined;

  /** @param began when the server was asked, on the process's own clock */
  learn(serverTime: number, began: number): void {
    const ended = now();
    // Assume the midpoint. After a slow reply it may be far off, so an earlier result is better.
    if (ended - began <= LONG) this.#offset = serverTime - (began + ended) / 2;
    else this.#offset ??= serverTime - began;
  }

  /** ms since a stamp of the server. `undefined` for one that can't be the server's. */
  ageOf(stamp: number): number | undefined {
    if (this.#offset === undefined) return 0;
    const age = now() + this.#offset - stamp;
    return age < -MAX_AHEAD ? undefined : Math.max(0, age);
  }
}
