/** Why a backend, or one deployment of it, is out of use. */
export type CooldownReason =
  | 'throttled'
  | 'server-error'
  | 'connection'
  | 'ambiguous'
  | 'timeout'
  | 'client-error'
  | 'credential'
  | 'oversized'
  | 'manual';

/** May a backend be used? The middle answer: only if nobody else can. */
export type Answer = 'yes' | 'last' | 'no';

/** One attempt under way, as the health of its backend sees it. */
export interface Ticket {
  /** The deployment, by the name that this backend knows it by. */
  readonly scope: string | undefined;
  /** Attempts and failures of a pool are numbered in one row, so that "began after" holds within one tick too. */
  readonly began: number;
}

/** A failure, as it is written down. */
export interface Cooldown {
  readonly scope: string | undefined;
  readonly reason: CooldownReason;
  /** ms */
  readonly duration: number;
  /** What follows when it has passed. */
  readonly then: 'available' | 'trial';
}

/** How one entry of `BackendStatus.cooldowns` looks. */
export interface CooldownStatus {
  readonly scope?: string;
  readonly reason: CooldownReason;
  /** ms */
  readonly remaining: number;
}

/**
 * What one backend, or one deployment of it, is in. Times are of a clock that only goes forward.
 * `trial`: it failed without a word of the server about when to come back, so one request at a time finds out.
 * `reserve`: it asked to be left alone for longer than any cooldown may last, so it stands behind the others.
 */
type State =
  Rest | { readonly is: 'cooling'; readonly until: number; readonly reason: CooldownReason; readonly then: Rest };
type Rest =
  | { readonly is: 'available' }
  | { readonly is: 'trial'; readonly holder: Ticket | undefined }
  | { readonly is: 'reserve'; readonly until: number };

const AVAILABLE: Rest = { is: 'available' };
const TRIAL: Rest = { is: 'trial', holder: undefined };

/** The state of a backend or of one deployment, and its failures in a row. */
interface Track {
  state: State;
  strikes: number;
  /** Number of the last failure; attempts numbered lower began before it and are part of the same strike. */
  lastFailure: number;
}

/** Deployments of one backend that are remembered at once; beyond it, those that come back first are forgotten. */
const MAX_SCOPES = 500;

/**
 * One backend's cooldowns, trial and strikes: a state machine that is told the time and knows of no timer. `whole` is
 * the backend, `scopes` are the deployments that anything is to be remembered of.
 */
export class Health {
  #whole: Track = freshTrack();
  readonly #scopes = new Map<string, Track>();

  get scoped(): boolean {
    return this.#scopes.size > 0;
  }

  answer(scope: string | undefined): Answer {
    const whole = answerOf(this.#whole.state);
    if (whole === 'no' || scope === undefined) return whole;
    const track = this.#scopes.get(scope);
    return track === undefined ? whole : worse(whole, answerOf(track.state));
  }

  /** When the answer will be "yes", as far as is known now. */
  yesAt(scope: string | undefined, now: number): number {
    const track = scope === undefined ? undefined : this.#scopes.get(scope);
    return Math.max(now, yesAt(this.#whole.state), track === undefined ? 0 : yesAt(track.state));
  }

  /** The next time at which something changes by itself, or `Infinity`. */
  nextChange(): number {
    let next = nextChange(this.#whole.state);
    for (const track of this.#scopes.values()) next = Math.min(next, nextChange(track.state));
    return next;
  }

  /** Lets what has passed by `now` be over. Returns the scopes that may be used again as before. */
  advance(now: number): (string | undefined)[] {
    const recovered: (string | undefined)[] = [];
    for (const [scope, track] of this.#tracks()) {
      const state = advance(track.state, now);
      if (state === track.state) continue;
      track.state = state;
      if (state.is === 'available') recovered.push(scope);
      this.#dropIfClean(scope, track);
    }
    return recovered;
  }

  /** Takes the trial's place if it is free. Returns whether it did. */
  begin(ticket: Ticket): boolean {
    if (this.#whole.state.is !== 'trial' || this.#whole.state.holder !== undefined) return false;
    this.#whole.state = { is: 'trial', holder: ticket };
    return true;
  }

  /** Frees the trial's place, whatever came of it. Returns whether `ticket` had it. */
  end(ticket: Ticket): boolean {
    if (this.#whole.state.is !== 'trial' || this.#whole.state.holder !== ticket) return false;
    this.#whole.state = TRIAL;
    return true;
  }

  /**
   * A success ends a trial, a reserve and a row of failures, but no cooldown, and none of what came after the attempt
   * began. Returns the scopes that may be used again as before.
   */
  succeed(ticket: Ticket): (string | undefined)[] {
    const recovered: (string | undefined)[] = [];
    if (this.#whole.lastFailure < ticket.began && this.#recover(this.#whole)) recovered.push(undefined);
    const track = ticket.scope === undefined ? undefined : this.#scopes.get(ticket.scope);
    if (track !== undefined && ticket.scope !== undefined && track.lastFailure < ticket.began) {
      if (this.#recover(track)) recovered.push(ticket.scope);
      this.#dropIfClean(ticket.scope, track);
    }
    return recovered;
  }

  /** Counts a failure. Returns how many there are in a row; concurrent ones are one. */
  strike(scope: string | undefined, began: number, number: number): number {
    const track = this.#trackOf(scope);
    if (track.lastFailure < began) track.strikes++;
    track.lastFailure = number;
    return Math.max(1, track.strikes);
  }

  /** Takes out of use; a deadline only ever moves later. `number`: what attempts that begin later are above. */
  cool({ scope, reason, duration, then }: Cooldown, number: number, now: number): void {
    const track = this.#trackOf(scope);
    track.lastFailure = number;
    const until = now + duration;
    if (reason === 'oversized') track.state = reserved(track.state, until);
    else track.state = cooled(track.state, until, reason, then === 'trial' ? TRIAL : AVAILABLE);
    this.#forget();
  }

  /** As if nothing had ever happened. Returns the scopes that were out of use. */
  restore(): (string | undefined)[] {
    const recovered = [...this.#tracks()].filter(([, track]) => track.state.is !== 'available').map(([scope]) => scope);
    this.#whole = freshTrack();
    this.#scopes.clear();
    return recovered;
  }

  /** The state by `now`, without letting anything happen. */
  state(now: number): State['is'] {
    return advance(this.#whole.state, now).is;
  }

  cooldowns(now: number): CooldownStatus[] {
    return [...this.#tracks()].flatMap(([scope, { state }]) => statusOf(advance(state, now), scope, now));
  }

  *#tracks(): Generator<[string | undefined, Track]> {
    yield [undefined, this.#whole];
    yield* this.#scopes;
  }

  #trackOf(scope: string | undefined): Track {
    if (scope === undefined) return this.#whole;
    const track = this.#scopes.get(scope) ?? freshTrack();
    this.#scopes.set(scope, track);
    return track;
  }

  #recover(track: Track): boolean {
    track.strikes = 0;
    if (track.state.is !== 'trial' && track.state.is !== 'reserve') return false;
    track.state = AVAILABLE;
    return true;
  }

  #dropIfClean(scope: string | undefined, track: Track): void {
    if (scope !== undefined && track.state.is === 'available' && track.strikes === 0) this.#scopes.delete(scope);
  }

  #forget(): void {
    if (this.#scopes.size <= MAX_SCOPES) return;
    const soonestFirst = [...this.#scopes].sort(([, a], [, b]) => yesAt(a.state) - yesAt(b.state));
    // A tenth at once, so that the sorting is not done for every new name.
    for (const [scope] of soonestFirst.slice(0, MAX_SCOPES / 10)) this.#scopes.delete(scope);
  }
}

function freshTrack(): Track {
  return { state: AVAILABLE, strikes: 0, lastFailure: 0 };
}

function answerOf(state: State): Answer {
  switch (state.is) {
    case 'available':
      return 'yes';
    case 'cooling':
      return 'no';
    case 'reserve':
      return 'last';
    case 'trial':
      return state.holder === undefined ? 'yes' : 'last';
  }
}

function worse(a: Answer, b: Answer): Answer {
  return a === 'no' || b === 'no' ? 'no' : a === 'last' || b === 'last' ? 'last' : 'yes';
}

function yesAt(state: State): number {
  if (state.is === 'cooling') return Math.max(state.until, yesAt(state.then));
  return state.is === 'reserve' ? state.until : 0;
}

function nextChange(state: State): number {
  return state.is === 'cooling' || state.is === 'reserve' ? state.until : Infinity;
}

function advance(state: State, now: number): State {
  if (state.is === 'cooling' && state.until <= now) return advance(state.then, now);
  return state.is === 'reserve' && state.until <= now ? AVAILABLE : state;
}

function cooled(state: State, until: number, reason: CooldownReason, then: Rest): State {
  // Whoever held the trial began before this failure and decides nothing any more.
  if (state.is === 'trial') return { is: 'cooling', until, reason, then: TRIAL };
  if (state.is !== 'cooling') return { is: 'cooling', until, reason, then: stricter(state, then) };
  const later = until > state.until ? { until, reason } : { until: state.until, reason: state.reason };
  return { is: 'cooling', ...later, then: stricter(state.then, then) };
}

function reserved(state: State, until: number): State {
  if (state.is === 'cooling') return { ...state, then: stricter(state.then, { is: 'reserve', until }) };
  return stricter(state, { is: 'reserve', until });
}

/** What follows when both are to follow: a trial before a reserve, the later reserve before the earlier. */
function stricter(a: Rest, b: Rest): Rest {
  if (a.is === 'trial') return a;
  if (b.is === 'trial') return b;
  if (a.is === 'reserve' && b.is === 'reserve') return a.until > b.until ? a : b;
  return a.is === 'reserve' ? a : b;
}

function statusOf(state: State, scope: string | undefined, now: number): CooldownStatus[] {
  const where = scope === undefined ? {} : { scope };
  if (state.is === 'reserve') return [{ ...where, reason: 'oversized', remaining: state.until - now }];
  if (state.is !== 'cooling') return [];
  return [{ ...where, reason: state.reason, remaining: state.until - now }, ...statusOf(state.then, scope, now)];
}
