import { now } from '../base/clock';
import type { PoolEvent } from '../pool/events';

/** How many events wait at most. */
const MAX_UNREAD = 64;

/** An event with its time. */
export interface Unread {
  readonly event: PoolEvent;
  /** ms of the wall clock */
  readonly at: number;
  /** ms on the clock that only goes forward */
  readonly time: number;
}

/**
 * The events of all pools that nobody has counted or sent yet, in order. They are read together, when many have come or
 * somebody asks. That costs about half as much: one by one, the code would have to be fetched into the processor's cache
 * between two requests.
 */
export class UnreadEvents {
  readonly #events: (Unread & { readonly read: (unread: Unread) => void })[] = [];

  /** @param read is called later, once */
  add(event: PoolEvent, read: (unread: Unread) => void): void {
    if (this.#events.push({ event, at: Date.now(), time: now(), read }) >= MAX_UNREAD) this.read();
  }

  read(): void {
    for (const unread of this.#events.splice(0)) unread.read(unread);
  }
}
