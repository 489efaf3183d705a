const SECONDS = 60;

/** Counts what happened in the last minute, second by second, in a fixed amount of memory. */
export class LastMinute {
  readonly #counts = new Uint32Array(SECONDS);
  #second = 0;
  #total = 0;

  /** @param now ms. An earlier time than before counts as the same */
  add(now: number): void {
    this.#advance(now);
    this.#counts[this.#second % SECONDS]!++;
    this.#total++;
  }

  total(now: number): number {
    this.#advance(now);
    return this.#total;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second <= this.#second) return;
    for (let each = Math.max(this.#second + 1, second - SECONDS + 1); each <= second; each++) {
      this.#total -= this.#counts[each % SECONDS]!;
      this.#counts[each % SECONDS] = 0;
    }
    this.#second = second;
  }
}
