/**
 * Why a backend, or one deployment of it, is out of use:
 *
 * - `throttled`: 429
 * - `server-error`: 5xx
 * - `connection`: nothing was sent (refused, DNS, unreachable, TLS)
 * - `ambiguous`: the request may have arrived (reset, hang-up, truncated body)
 * - `timeout`: `attemptTimeout`, a timeout of the backend's own, or the caller's, where one attempt had all of it
 * - `client-error`: another 4xx that a `failoverCondition` moved on from
 * - `credential`: its `apiKey` function or `azureADTokenProvider` threw
 * - `oversized`: it asked to be left alone for longer than `maxCooldown`, and steps behind the others instead
 * - `manual`: `BackendPool.cool`
 */
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

/** What a backend, or one deployment of it, is in. */
type State = 'available' | 'trial' | 'reserve' | 'cooling';

/** May a backend be used? "Last": only if nobody else can. In an order in which the greater of two answers counts. */
const YES = 0;
const LAST = 1;
const NO = 2;

/** One attempt under way, as the health of its backend sees it. */
export interface Ticket {
  /** The deployment, by the name that this backend knows it by. */
  readonly scope: Scope;
  /** Attempts and failures of a pool are numbered in one row, so that "began after" holds within one tick too. */
  readonly began: number;
}

/** A deployment of a backend; `undefined` is the backend as a whole. */
type Scope = string | undefined;

/** A failure, as it is written down. */
export interface Cooldown {
  readonly scope: Scope;
  readonly reason: CooldownReason;
  /** ms */
  readonly duration: number;
  /** Whether one request at a time is to find out what has become of it, when it has passed. */
  readonly trial: boolean;
}

/** How one entry of `BackendStatus.cooldowns` looks. */
export interface CooldownStatus {
  /** The deployment, by the name that this backend knows it by, where the cooldown covers that alone. */
  readonly scope?: string;
  /** What it was that went wrong. */
  readonly reason: CooldownReason;
  /** ms until it is over */
  readonly remaining: number;
}

/**
 * What is remembered of a backend or of one deployment. The three that keep it out of use stand side by side: a backend
 * on trial may be asked to wait, and one in reserve may fail. Times are of a clock that only goes forward.
 */
interface Track {
  /** Not to be used until then. */
  coolUntil: number;
  coolReason: CooldownReason;
  /** Behind the others until then: it asked to be left alone for longer than any cooldown may last. */
  reserveUntil: number;
  /** It failed without a word of the server about when to come back, so one request at a time finds out. */
  trial: Trial | undefined;
  /** Failures in a row that named no wait. */
  strikes: number;
  /** Number of the last failure: attempts numbered lower began before. */
  lastFailure: number;
  /** Whether the pool's listeners know it as out of use. */
  out: boolean;
}

interface Trial {
  readonly holder: Ticket | undefined;
  /** When a holder that never comes back has lost its place. */
  readonly until: number;
}

const OPEN: Trial = { holder: undefined, until: Infinity };

/** Deployments of one backend that are remembered at once; beyond it, the oldest are forgotten. */
const MAX_SCOPES = 500;

/** One backend's cooldowns, trial and strikes: a state machine that is told the time and knows of no timer. */
export class Health {
  #whole = freshTrack();
  /** Of which anything is to be remembered; the backend as a whole comes first. */
  readonly #tracks = new Map<Scope, Track>([[undefined, this.#whole]]);

  answer(scope: Scope, now: number): number {
    return this.#later(scope, (track) => answerOf(track, now));
  }

  /** When the answer will be "yes", as far as is known now. */
  yesAt(scope: Scope): number {
    return this.#later(scope, ({ coolUntil, reserveUntil }) => Math.max(coolUntil, reserveUntil));
  }

  /** The next time after `now` at which something changes by itself, or `Infinity`. */
  nextChange(now: number): number {
    let next = Infinity;
    for (const { coolUntil, reserveUntil, trial = OPEN } of this.#tracks.values())
      for (const at of [coolUntil, reserveUntil, trial.until]) if (at > now && at < next) next = at;
    return next;
  }

  /** Takes notice of what has passed by `now`. Returns the scopes that may be used again as before. */
  advance(now: number): Scope[] {
    const recovered: Scope[] = [];
    for (const [scope, track] of this.#tracks) {
      if (track.trial !== undefined && track.trial.until <= now) track.trial = OPEN;
      const available = stateOf(track, now) === 'available';
      if (available && track.out) {
        // A deployment of a backend that is out of use is back when the backend is.
        if (scope !== undefined && this.#whole.out) continue;
        recovered.push(scope);
      }
      track.out = !available;
      if (scope !== undefined && available && track.strikes === 0) this.#tracks.delete(scope);
    }
    return recovered;
  }

  /** Takes the trial's place if it is free; it is lost at `until`. Returns whether anything changed. */
  begin(holder: Ticket, until: number): boolean {
    const { trial } = this.#whole;
    if (trial === undefined || trial.holder !== undefined) return false;
    this.#whole.trial = { holder, until };
    return true;
  }

  /** Frees the trial's place, whatever came of it. Returns whether `ticket` had it. */
  end(ticket: Ticket): boolean {
    if (this.#whole.trial?.holder !== ticket) return false;
    this.#whole.trial = OPEN;
    return true;
  }

  /**
   * A success ends a trial, a reserve and a row of failures, but no cooldown, and nothing that came after the attempt
   * began. Returns whether anything but the row changed.
   */
  succeed({ scope, began }: Ticket): boolean {
    const whole = succeeded(this.#whole, began);
    const track = this.#known(scope);
    return (track !== undefined && succeeded(track, began)) || whole;
  }

  /**
   * Notes a failure: attempts that began before `number` prove nothing any more. Returns how many in a row named no wait;
   * concurrent ones are one.
   */
  fail(scope: Scope, began: number, number: number, named: boolean): number {
    const track = this.#trackOf(scope);
    if (!named && (track.lastFailure < began || track.strikes === 0)) track.strikes++;
    track.lastFailure = number;
    return track.strikes;
  }

  /** Takes out of use; a deadline only ever moves later. Returns whether it did. */
  cool({ scope, reason, duration, trial }: Cooldown, now: number): boolean {
    const track = this.#trackOf(scope);
    const until = now + duration;
    if (trial) track.trial ??= OPEN;
    const moved = until > (reason === 'oversized' ? track.reserveUntil : track.coolUntil);
    if (moved)
      Object.assign(track, reason === 'oversized' ? { reserveUntil: until } : { coolUntil: until, coolReason: reason });
    track.out = stateOf(track, now) !== 'available';
    return moved;
  }

  /** As if nothing had ever happened. Returns the scopes that were out of use. */
  restore(): Scope[] {
    const recovered = [...this.#tracks].filter(([, { out }]) => out).map(([scope]) => scope);
    this.#tracks.clear();
    this.#tracks.set(undefined, (this.#whole = freshTrack()));
    return recovered;
  }

  /** By `now`, without taking notice. */
  state(now: number): State {
    return stateOf(this.#whole, now);
  }

  cooldowns(now: number): CooldownStatus[] {
    return [...this.#tracks].flatMap(([scope, { coolReason, coolUntil, reserveUntil }]) => {
      const where = scope === undefined ? {} : { scope };
      const cooling: CooldownStatus = { ...where, reason: coolReason, remaining: coolUntil - now };
      const reserve: CooldownStatus = { ...where, reason: 'oversized', remaining: reserveUntil - now };
      return [cooling, reserve].filter(({ remaining }) => remaining > 0);
    });
  }

  /** Of a deployment's and its backend's own. */
  #later(scope: Scope, of: (track: Track) => number): number {
    const track = this.#known(scope);
    return Math.max(of(this.#whole), track === undefined ? 0 : of(track));
  }

  /** What is remembered of a deployment. Of most backends nothing is, and nothing has to be looked up. */
  #known(scope: Scope): Track | undefined {
    return scope !== undefined && this.#tracks.size > 1 ? this.#tracks.get(scope) : undefined;
  }

  #trackOf(scope: Scope): Track {
    let track = this.#tracks.get(scope);
    if (track === undefined) {
      this.#tracks.set(scope, (track = freshTrack()));
      const [, oldest] = this.#tracks.keys();
      if (this.#tracks.size > MAX_SCOPES + 1) this.#tracks.delete(oldest);
    }
    return track;
  }
}

function freshTrack(): Track {
  return {
    coolUntil: 0,
    coolReason: 'manual',
    reserveUntil: 0,
    trial: undefined,
    strikes: 0,
    lastFailure: 0,
    out: false,
  };
}

function stateOf({ coolUntil, reserveUntil, trial }: Track, now: number): State {
  if (coolUntil > now) return 'cooling';
  if (reserveUntil > now) return 'reserve';
  return trial === undefined ? 'available' : 'trial';
}

function answerOf(track: Track, now: number): number {
  const state = stateOf(track, now);
  if (state === 'cooling') return NO;
  return state === 'reserve' || track.trial?.holder !== undefined ? LAST : YES;
}

function succeeded(track: Track, began: number): boolean {
  if (track.lastFailure >= began) return false;
  const changed = track.trial !== undefined || track.reserveUntil > 0;
  track.strikes = track.reserveUntil = 0;
  track.trial = undefined;
  return changed;
}
