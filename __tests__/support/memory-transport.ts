import type { Transport } from '../../src/sharing';

/** A broker in this process: everybody hears everything, also what they sent. */
export class MemoryBroker {
  readonly sent: string[] = [];
  /** Stops and continues the delivery. What is sent meanwhile is lost. */
  isUp = true;
  readonly #listeners = new Set<{ hear: (text: string, age?: number) => void; report: (error: unknown) => void }>();

  get listeners(): number {
    return this.#listeners.size;
  }

  transport(): Transport {
    return {
      send: (text) => {
        if (!this.isUp) return;
        this.sent.push(text);
        this.deliver(text);
      },
      listen: (hear, report) => {
        const listener = { hear, report };
        this.#listeners.add(listener);
        const stop = (): Promise<void> => Promise.resolve(void this.#listeners.delete(listener));
        return { ready: Promise.resolve(), stop };
      },
    };
  }

  /** Anybody can write anything. */
  deliver(text: unknown, age?: unknown): void {
    for (const { hear } of this.#listeners) hear(text as string, age as number);
  }

  report(error: unknown): void {
    for (const listener of this.#listeners) listener.report(error);
  }
}
