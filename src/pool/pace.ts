/** Factors: growth while the quota is unknown, reduction after a 429. */
const FIRST_GROWTH = 2;
const SHRINKAGE = 0.7;
/** ms that a timer may be late without slowing the pace. */
const LATENESS = 2;
/** ms. A 429 that takes less counts as this, so that several requests don't go before the first can be refused. */
const SHORTEST_THROTTLE = 5;

/**
 * How fast waiting requests go to one backend: so many in the time that a 429 takes, evenly spread. A request that gets
 * no 429 within that time is accepted, so no answer needs to be awaited. The pace begins at one, and doubles until the
 * backend answers with a 429. From then on it shrinks by a third or so after each 429 and grows by one without, so it
 * stays close to the quota. A backend that answers even the slowest pace with a 429 may have changed, so what is known of
 * it is forgotten. The pace grows only if more than half of it was used. (Slow start, then additive increase and
 * multiplicative decrease, as in TCP.)
 */
export class Pace {
  /** When the next request may go. */
  opensAt = 0;
  #size = 1;
  #knowsQuota = false;
  /** Until then, 429s to the latest batch may still arrive. */
  #knownAt = 0;
  /** The size of that batch: requests since the pace was last adapted. */
  #gone = 0;
  /** The backend's 429s when the batch began. */
  #throttles = 0;

  /** @param throttles how many calls the backend has answered with a 429 so far */
  noteStart(time: number, throttles: number, throttleTime: number): void {
    const period = Math.max(throttleTime, SHORTEST_THROTTLE);
    if (time >= this.#knownAt) {
      this.#adapt(throttles > this.#throttles);
      this.#gone = 0;
      this.#throttles = throttles;
      this.#knownAt = time + period;
    }
    this.#gone++;
    // A request that doesn't wait bypasses the pace. However many do, they don't hold the next paced one back.
    if (time >= this.opensAt) this.opensAt = Math.max(this.opensAt, time - LATENESS) + period / this.#size;
  }

  #adapt(wasRefused: boolean): void {
    if (wasRefused) {
      this.#knowsQuota = this.#size > 1;
      this.#size = Math.max(1, this.#size * SHRINKAGE);
    } else if (this.#gone > this.#size / 2) {
      this.#size = this.#knowsQuota ? this.#size + 1 : this.#size * FIRST_GROWTH;
    }
  }
}

/** ms. Before the first 429. */
const INITIAL_TIME = 10;
/** How much longer than usual a 429 may take. */
const MARGIN = 1.5;
/** ms. A 429 that took more counts as this, or the pace would stay slow for long: its body, or a stream, may have been slow. */
const LONGEST_THROTTLE = 200;
/** The newest sample weighs 1/4 in the moving average. */
const MEMORY = 4;

/** How long the 429s of a pool's backends take. */
export class ThrottleTime {
  /** ms that one usually takes: the moving average, and a margin. */
  usual = INITIAL_TIME;

  /** @param duration ms that a 429 took */
  note(duration: number): void {
    this.usual += (MARGIN * Math.min(duration, LONGEST_THROTTLE) - this.usual) / MEMORY;
  }
}
