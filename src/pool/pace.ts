/** Factors: growth while the quota is unknown, reduction after a refusal. */
const FIRST_GROWTH = 2;
const SHRINKAGE = 0.7;
/** ms that a timer may be late without slowing the pace. */
const LATENESS = 2;
/** ms. A refusal in less counts as this, so that several don't go before the first can be refused. */
const SHORTEST_REFUSAL = 5;

/**
 * How fast waiting requests go to one backend: so many in the time that a refusal takes, evenly spread. Whoever isn't
 * refused within that time is accepted, so no answer needs to be awaited. The pace begins at one, and doubles until the
 * backend refuses a call. From then on it shrinks by a third or so with each refusal and grows by one without, so it
 * stays close to the quota. A backend that refuses even the slowest pace may have changed, so what is known of it is
 * forgotten. The pace grows only if more than half of it was used.
 */
export class Pace {
  /** When the next request may go. */
  opensAt = 0;
  #size = 1;
  #knowsQuota = false;
  /** Until then, refusals of the latest batch may still arrive. */
  #knownAt = 0;
  /** The size of that batch: requests since the pace was last adapted. */
  #gone = 0;
  /** The backend's refusals when the batch began. */
  #refusals = 0;

  /** @param refusals how many calls the backend has refused so far */
  noteStart(time: number, refusals: number, refusalTime: number): void {
    const period = Math.max(refusalTime, SHORTEST_REFUSAL);
    if (time >= this.#knownAt) {
      this.#adapt(refusals > this.#refusals);
      this.#gone = 0;
      this.#refusals = refusals;
      this.#knownAt = time + period;
    }
    this.#gone++;
    // Requests that can't wait bypass the pace. However many they are, the next paced one waits one interval at most.
    const began = Math.min(Math.max(this.opensAt, time - LATENESS), time);
    this.opensAt = began + period / this.#size;
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

/** ms that a refused call is taken to take before one was seen. */
const INITIAL_REFUSAL_TIME = 10;
/** How much longer than usual a refusal may take. */
const REFUSAL_MARGIN = 1.5;
/** The newest sample weighs 1/4 in the moving average. */
const REFUSAL_MEMORY = 4;

/** How long the refused calls of a pool take. */
export class RefusalTime {
  /** ms that one usually takes: the moving average, and a margin. */
  usual = INITIAL_REFUSAL_TIME;

  /** @param duration ms that a refused call took */
  note(duration: number): void {
    this.usual += (REFUSAL_MARGIN * duration - this.usual) / REFUSAL_MEMORY;
  }
}
