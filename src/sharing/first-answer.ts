import { after } from '../base/clock';

/** ms to wait for a reply. After that, no other process is assumed to share. */
const MAX_WAIT = 200;

/** Waits for the first reply, at most 200 ms. */
export class FirstAnswer {
  /** Resolves at the first reply, when the time is over, or at `end()`. */
  readonly over: Promise<void>;
  #resolve!: () => void;
  readonly #cancel: () => void;

  constructor() {
    this.over = new Promise((resolve) => (this.#resolve = resolve));
    this.#cancel = after(MAX_WAIT, this.#resolve);
  }

  end(): void {
    this.#cancel();
    this.#resolve();
  }
}
