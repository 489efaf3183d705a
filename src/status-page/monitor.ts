import { now } from '../base/clock';
import type { PoolEvent } from '../pool/events';
import type { BackendPool, BackendStatus } from '../pool/pool';
import { LastMinute } from './last-minute';
import { outcomeOf, Timeline } from './timeline';
import type { Outcome, TimelineData } from './timeline';
import type { Reader, EventBatch } from './event-batch';

/** The most events that are kept for a new viewer. */
const MAX_EVENTS = 200;
/** Backends that have left are forgotten when this many are remembered beyond those of the pool. */
const MAX_GONE = 100;

/** A backend as the page shows it. */
export interface BackendReport extends BackendStatus {
  /**
   * Attempts that ended since the page was made: the sum of the next three, and those that blame no backend: cancelled,
   * sent again, or without a free socket.
   */
  readonly attempts: number;
  /** Attempts that ended in a success, or in a 4xx that is about the request. */
  readonly answered: number;
  /** Attempts whose reason was `throttled`: mostly a 429. */
  readonly throttled: number;
  /** Attempts that failed in another way. */
  readonly failed: number;
  /** The part of the pool's attempts in the last minute that this backend had, from 0 to 1. */
  readonly share: number;
}

/** An event with its time, in ms of the wall clock. */
export type TimedEvent = { readonly at: number } & PoolEvent;

/** What a new viewer of a pool gets of the past. */
export interface PoolHistory {
  readonly timeline: TimelineData;
  readonly events: readonly TimedEvent[];
}

class Counts {
  readonly outcomes: Record<Outcome, number> = { answered: 0, throttled: 0, failed: 0, other: 0 };
  readonly lastMinute = new LastMinute();
}

/** Counts what happens in a pool. It runs no timers. */
export class Monitor {
  readonly #pool: BackendPool;
  readonly #history: number;
  readonly #tell: (event: PoolEvent, at: number) => void;
  readonly #unread: EventBatch;
  readonly #counts = new Map<string, Counts>();
  readonly #lastMinute = new LastMinute();
  readonly #timeline: Timeline;
  readonly #events: TimedEvent[] = [];
  /** How many events have been read. */
  seen = 0;
  /** Ends the subscription. */
  readonly close: () => void;

  /** @param tell is called for each event when it is read */
  constructor(pool: BackendPool, history: number, unread: EventBatch, tell: (event: PoolEvent, at: number) => void) {
    this.#pool = pool;
    this.#history = history;
    this.#unread = unread;
    this.#tell = tell;
    this.#timeline = new Timeline(history);
    const note: Reader = (event, at, time) => this.#note(event, at, time);
    this.close = pool.subscribe((event) => unread.add(event, note));
  }

  report(): BackendReport[] {
    this.#unread.read();
    const time = now();
    const total = this.#lastMinute.total(time);
    return this.#pool.snapshot().map((status) => {
      const counts = this.#counts.get(status.name);
      const mine = counts?.lastMinute.total(time) ?? 0;
      const outcomes: Partial<Counts['outcomes']> = counts?.outcomes ?? {};
      const { answered = 0, throttled = 0, failed = 0, other = 0 } = outcomes;
      const attempts = answered + throttled + failed + other;
      return { ...status, attempts, answered, throttled, failed, share: mine / Math.max(total, 1) };
    });
  }

  history(): PoolHistory {
    this.#unread.read();
    const time = Date.now();
    const events = this.#events.filter(({ at }) => at > time - this.#history);
    return { timeline: this.#timeline.data(time), events };
  }

  #note(event: PoolEvent, at: number, time: number): void {
    this.seen++;
    this.#timeline.add(event, at);
    this.#tell(event, at);
    if (event.type === 'attempt' && this.#count(event, time) === 'answered') return;
    this.#events.push({ at, ...event });
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  #count(attempt: PoolEvent & { readonly type: 'attempt' }, time: number): Outcome {
    let counts = this.#counts.get(attempt.backend);
    if (counts === undefined) {
      this.#forgetGone();
      this.#counts.set(attempt.backend, (counts = new Counts()));
    }
    const outcome = outcomeOf(attempt);
    counts.outcomes[outcome]++;
    counts.lastMinute.add(time);
    this.#lastMinute.add(time);
    return outcome;
  }

  #forgetGone(): void {
    const { backends } = this.#pool;
    if (this.#counts.size < backends.length + MAX_GONE) return;
    const names = new Set(backends.map(({ name }) => name));
    for (const name of this.#counts.keys()) if (!names.has(name)) this.#counts.delete(name);
    this.#timeline.keep(names);
  }
}
