import type { Transport } from './transport';

type Hear = Parameters<Transport['listen']>[0];
type Report = Parameters<Transport['listen']>[1];

/** The listeners of one transport: several pools of a process may share it. */
export class Listeners {
  readonly #all = new Set<{ readonly hear: Hear; readonly report: Report }>();

  get size(): number {
    return this.#all.size;
  }

  /** Returns a function that ends it. */
  add(hear: Hear, report: Report): () => void {
    const listener = { hear, report };
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  readonly hear: Hear = (text, age) => {
    for (const listener of [...this.#all]) listener.hear(text, age);
  };

  readonly report: Report = (error) => {
    for (const listener of [...this.#all]) listener.report(error);
  };
}
