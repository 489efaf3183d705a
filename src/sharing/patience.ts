import { after } from '../base/clock';

/** ms in which the others answer. After that there is nobody who shares. */
const PATIENCE = 200;

/** Waits for the first answer of the others, and not for ever. */
export class Patience {
  /** Resolves when it is over: answered, in vain, or ended. */
  readonly over: Promise<void>;
  #resolve!: () => void;
  readonly #cancel: () => void;

  constructor() {
    this.over = new Promise((resolve) => (this.#resolve = resolve));
    this.#cancel = after(PATIENCE, this.#resolve);
  }

  end(): void {
    this.#cancel();
    this.#resolve();
  }
}
