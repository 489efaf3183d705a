/**
 * A provisioned deployment (PTU), as far as Microsoft documents it
 * (https://learn.microsoft.com/azure/ai-services/openai/concepts/provisioned-throughput): utilisation is a leaky bucket that
 * drains at a constant rate. Above 100 % a call is refused, and told the time until it is below. Any other call adds what its
 * prompt and `max_tokens` may cost, and when it ends, this is corrected to what it did cost.
 *
 * Costs are in ms of the deployment's whole capacity, so the bucket drains by one in each ms. Microsoft doesn't say how much
 * the bucket holds.
 */
export class Provisioned {
  #burst;
  #level = 0;
  #before = performance.now();

  /** @param burst what the bucket holds at 100 %, in ms of capacity. So much work may come at once after a quiet time */
  constructor(burst) {
    this.#burst = burst;
  }

  /** Returns the ms that the call has to wait; 0: it is accepted, whatever it costs. */
  admit(estimate) {
    this.#drain();
    if (this.#level > this.#burst) return this.#level - this.#burst;
    this.#level += estimate;
    return 0;
  }

  /** The call has ended. */
  correct(estimate, cost) {
    this.#drain();
    this.#add(cost - estimate);
  }

  #drain() {
    const now = performance.now();
    this.#add(this.#before - now);
    this.#before = now;
  }

  /** Capacity can't be saved for later, so the bucket is never less than empty. */
  #add(ms) {
    this.#level = Math.max(0, this.#level + ms);
  }
}
