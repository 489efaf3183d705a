import type { PoolEvent } from '../pool/events';
import { message } from './viewers';

/** How many backends have the text of their latest attempt kept. */
const MAX_LATEST = 100;

type AttemptEvent = PoolEvent & { readonly type: 'attempt' };

/**
 * Writes the events of a pool for its viewers. Most attempts differ from the one before in their times and the id of the
 * request alone, and making JSON would be the largest part of what a viewer costs, so the rest of the text is made once
 * for each backend.
 */
export class PoolMessages {
  readonly #pool: string;
  readonly #latest = new Map<string, { readonly attempt: AttemptEvent; readonly json: string }>();

  constructor(pool: string) {
    this.#pool = JSON.stringify(pool);
  }

  /** How many backends have text kept. */
  get remembered(): number {
    return this.#latest.size;
  }

  /** @param at ms of the wall clock */
  of(event: PoolEvent, at: number): string {
    if (!('duration' in event)) return this.#message(at, withoutBraces(event));
    const duration = Math.round(event.duration * 1_000) / 1_000;
    if (event.type !== 'attempt') return this.#message(at, withoutBraces({ ...event, duration }));
    let latest = this.#latest.get(event.backend);
    if (latest === undefined || !isAlike(event, latest.attempt)) {
      latest = { attempt: event, json: withoutBraces({ ...event, requestId: undefined, duration: undefined }) };
      // Backends come and go.
      if (this.#latest.size >= MAX_LATEST) this.#latest.clear();
      this.#latest.set(event.backend, latest);
    }
    const { requestId } = event;
    const id = requestId === undefined ? '' : `,"requestId":${JSON.stringify(requestId)}`;
    return this.#message(at, `${latest.json}${id},"duration":${String(duration)}`);
  }

  #message(at: number, json: string): string {
    return message('pool', `{"pool":${this.#pool},"at":${String(at)},${json}}`);
  }
}

const withoutBraces = (value: object) => JSON.stringify(value).slice(1, -1);

/** Whether two attempts at one backend have the same text, but for their times and ids. */
function isAlike(one: AttemptEvent, other: AttemptEvent): boolean {
  return (
    one.scope === other.scope &&
    one.status === other.status &&
    one.code === other.code &&
    one.reason === other.reason &&
    one.cooldown === other.cooldown
  );
}
