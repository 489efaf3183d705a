import { now } from '../base/clock';
import type { PoolEvent } from '../pool/events';

/** How many events wait at most. */
const MAX_UNREAD = 64;

/**
 * Reads an event.
 *
 * @param at ms of the wall clock
 * @param time ms on the clock that only goes forward
 */
export type Reader = (event: PoolEvent, at: number, time: number) => void;

/**
 * The events of all pools that nobody has counted or sent yet, in order. They are read together, when many have come or
 * somebody asks. That costs about half as much: one by one, the code would have to be fetched into the processor's cache
 * between two requests.
 */
export class EventBatch {
  readonly #events: { readonly event: PoolEvent; readonly at: number; readonly time: number; readonly read: Reader }[] =
    [];

  /** @param read is called later, once */
  add(event: PoolEvent, read: Reader): void {
    if (this.#events.push({ event, at: Date.now(), time: now(), read }) >= MAX_UNREAD) this.read();
  }

  read(): void {
    for (const { event, at, time, read } of this.#events.splice(0)) read(event, at, time);
  }
}
