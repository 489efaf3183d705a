import type { PoolEvent } from '../pool/events';

/** How many columns the timeline has at most. */
const COLUMNS = 150;
/** The most cooldowns that the timeline remembers. Beyond it, the oldest is forgotten. */
const MAX_SPANS = 200;

/** What became of an attempt. `other`: nobody's fault, such as a cancel or a stale connection. */
export type Outcome = 'answered' | 'throttled' | 'failed' | 'other';

/** The attempts of one backend that ended in one slot of time. */
export type Column = [slot: number, answered: number, throttled: number, failed: number];

/** A time in which a backend, or one deployment of it, was out. Times are ms of the wall clock. */
export interface Span {
  readonly backend: string;
  readonly scope?: string;
  readonly reason: string;
  readonly from: number;
  to: number;
}

/** A timeline as JSON. */
export interface TimelineData {
  /** ms */
  readonly history: number;
  readonly columns: readonly (readonly [backend: string, columns: readonly Column[]])[];
  readonly spans: readonly Span[];
}

export function outcomeOf(attempt: PoolEvent & { readonly type: 'attempt' }): Outcome {
  const { status, reason, code } = attempt;
  if (reason === 'throttled' || status === 429) return 'throttled';
  // A 4xx that is about the request says nothing against the backend.
  if (reason !== undefined && reason !== 'client-error') return reason === 'stale' ? 'other' : 'failed';
  return status !== undefined && code === undefined ? 'answered' : 'other';
}

/**
 * What the backends of a pool did in the last minutes: attempts in slots of time, and cooldowns. The server keeps one to
 * send to a new viewer, and the page goes on with it. It keeps counts, not attempts, so its size has a bound.
 */
export class Timeline {
  /** ms that each column covers */
  readonly slot: number;
  #columns = new Map<string, Column[]>();
  #spans: Span[] = [];

  /** ms */
  readonly history: number;

  constructor(history: number) {
    // The page divides by it.
    this.history = Math.max(1, history);
    this.slot = Math.max(1, history / COLUMNS);
  }

  static from({ history, columns, spans }: TimelineData): Timeline {
    const timeline = new Timeline(history);
    timeline.#columns = new Map(columns.map(([backend, counts]) => [backend, [...counts]]));
    timeline.#spans = [...spans];
    return timeline;
  }

  /** @param at ms of the wall clock */
  add(event: PoolEvent, at: number): void {
    if (event.type === 'attempt') this.#count(event.backend, outcomeOf(event), at);
    else if (event.type === 'cooldown') this.#beginSpan(event, at);
    else if (event.type === 'recovered') this.#endSpans(event, at);
  }

  /** Forgets backends that have left. */
  keep(backends: ReadonlySet<string>): void {
    for (const name of this.#columns.keys()) if (!backends.has(name)) this.#columns.delete(name);
  }

  columnsOf(backend: string, now: number): readonly Column[] {
    const first = this.#oldestSlot(now);
    return (this.#columns.get(backend) ?? []).filter(([slot]) => slot >= first);
  }

  spansOf(backend: string, now: number): readonly Span[] {
    return this.#spans.filter((span) => span.backend === backend && span.to > now - this.history);
  }

  /** ms of the time shown in which the backend as a whole was out. Its cooldowns may overlap. */
  timeOut(backend: string, now: number): number {
    const spans = this.spansOf(backend, now).filter(({ scope }) => scope === undefined);
    let sum = 0;
    let end = now - this.history;
    for (const { from, to } of spans.sort((a, b) => a.from - b.from)) {
      const until = Math.min(to, now);
      sum += Math.max(0, until - Math.max(from, end));
      end = Math.max(end, until);
    }
    return sum;
  }

  data(now: number): TimelineData {
    const { history } = this;
    const columns = [...this.#columns.keys()].map((name) => [name, this.columnsOf(name, now)] as const);
    return { history, columns, spans: this.#spans.filter(({ to }) => to > now - history) };
  }

  #oldestSlot(now: number): number {
    return Math.floor((now - this.history) / this.slot);
  }

  #count(backend: string, outcome: Outcome, at: number): void {
    if (outcome === 'other') return;
    let columns = this.#columns.get(backend);
    if (columns === undefined) this.#columns.set(backend, (columns = []));
    const slot = Math.floor(at / this.slot);
    let last = columns.at(-1);
    // The wall clock may have gone back; then the latest column goes on.
    if (last === undefined || last[0] < slot) {
      columns.push((last = [slot, 0, 0, 0]));
      if (columns[0]![0] < this.#oldestSlot(at) || columns.length > COLUMNS + 1) columns.shift();
    }
    last[outcome === 'answered' ? 1 : outcome === 'throttled' ? 2 : 3]++;
  }

  #beginSpan({ backend, scope, reason, duration }: PoolEvent & { readonly type: 'cooldown' }, at: number): void {
    const running = this.#spans.findLast((span) => span.backend === backend && span.scope === scope && span.to > at);
    if (running?.reason === reason) running.to = Math.max(running.to, at + duration);
    else {
      this.#spans.push({ backend, ...(scope !== undefined && { scope }), reason, from: at, to: at + duration });
      if (this.#spans.length > MAX_SPANS) this.#spans.shift();
    }
  }

  /** A recovery may be noticed long after the cooldown has passed. */
  #endSpans({ backend, scope }: PoolEvent & { readonly type: 'recovered' }, at: number): void {
    for (const span of this.#spans) {
      if (span.backend === backend && span.scope === scope) span.to = Math.min(span.to, at);
    }
  }
}
