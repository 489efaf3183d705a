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
  /** The deployment, by the name that this backend knows it by, where the cooldown covers that alone. */
  readonly scope?: string;
  /** What it was that went wrong. */
  readonly reason: CooldownReason;
  /** ms until it is over */
  readonly remaining: number;
}

/** What a backend, or one deployment of it, is in. */
type Status = 'available' | 'trial' | 'reserve' | 'cooling';

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
  /** Numbers of the last strike and of the last failure of any kind: attempts numbered lower began before. */
  lastStrike: number;
  lastFailure: number;
  /** What the pool's listeners know. */
  noticed: Status;
}

interface Trial {
  readonly holder: Ticket | undefined;
  /** When a holder that never comes back has lost its place. */
  readonly until: number;
}

const OPEN: Trial = { holder: undefined, until: Infinity };

/** Deployments of one backend that are remembered at once; beyond it, those that come back first are forgotten. */
const MAX_SCOPES = 500;

/**
 * One backend's cooldowns, trial and strikes: a state machine that is told the time and knows of no timer. `whole` is
 * the backend, `scopes` are the deployments of which anything is to be remembered.
 */
export class Health {
  #whole: Track = freshTrack();
  readonly #scopes = new Map<string, Track>();

  answer(scope: string | undefined, now: number): Answer {
    const whole = answerOf(this.#whole, now);
    const track = scope === undefined ? undefined : this.#scopes.get(scope);
    return track === undefined ? whole : worse(whole, answerOf(track, now));
  }

  /** When the answer will be "yes", as far as is known now. */
  yesAt(scope: string | undefined, now: number): number {
    const track = scope === undefined ? undefined : this.#scopes.get(scope);
    return Math.max(now, yesAt(this.#whole), track === undefined ? 0 : yesAt(track));
  }

  /** The next time after `now` at which something changes by itself, or `Infinity`. */
  nextChange(now: number): number {
    let next = nextChange(this.#whole, now);
    for (const track of this.#scopes.values()) next = Math.min(next, nextChange(track, now));
    return next;
  }

  /** Takes notice of what has passed by `now`. Returns the scopes that may be used again as before. */
  advance(now: number): (string | undefined)[] {
    const recovered: (string | undefined)[] = [];
    for (const [scope, track] of this.#tracks()) {
      if (track.trial !== undefined && track.trial.until <= now) track.trial = OPEN;
      const status = statusOf(track, now);
      const again = status === 'available' && track.noticed !== 'available';
      track.noticed = status;
      // A deployment of a backend that is out of use is not back; the backend's own return will say it for all.
      if (again && (scope === undefined || this.#whole.noticed === 'available')) recovered.push(scope);
      if (scope !== undefined && status === 'available' && track.strikes === 0) this.#scopes.delete(scope);
    }
    return recovered;
  }

  /** Takes the trial's place if it is free; it is lost at `until`. Returns whether anything changed. */
  begin(ticket: Ticket, until: number): boolean {
    const { trial } = this.#whole;
    if (trial === undefined || trial.holder !== undefined) return false;
    this.#whole.trial = { holder: ticket, until };
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
  succeed(ticket: Ticket): boolean {
    const whole = succeeded(this.#whole, ticket);
    const track = ticket.scope === undefined ? undefined : this.#scopes.get(ticket.scope);
    return (track !== undefined && succeeded(track, ticket)) || whole;
  }

  /** Counts a failure that named no wait. Returns how many there are in a row; concurrent ones are one. */
  strike(scope: string | undefined, began: number, number: number): number {
    const track = this.#trackOf(scope);
    if (track.lastStrike < began) track.strikes++;
    track.lastStrike = number;
    return track.strikes;
  }

  /** Notes a failure: attempts that began before `number` prove nothing any more. */
  failed(scope: string | undefined, number: number): void {
    this.#trackOf(scope).lastFailure = number;
  }

  /** Takes out of use; a deadline only ever moves later. Returns whether it did. */
  cool({ scope, reason, duration, then }: Cooldown, now: number): boolean {
    const track = this.#trackOf(scope);
    const until = now + duration;
    if (then === 'trial') track.trial = OPEN;
    const before = reason === 'oversized' ? track.reserveUntil : track.coolUntil;
    if (until > before && reason === 'oversized') track.reserveUntil = until;
    else if (until > before) Object.assign(track, { coolUntil: until, coolReason: reason });
    track.noticed = statusOf(track, now);
    return until > before;
  }

  /** As if nothing had ever happened. Returns the scopes that were out of use. */
  restore(): (string | undefined)[] {
    const recovered = [...this.#tracks()].filter(([, { noticed }]) => noticed !== 'available').map(([scope]) => scope);
    this.#whole = freshTrack();
    this.#scopes.clear();
    return recovered;
  }

  /** The state by `now`, without taking notice. */
  state(now: number): Status {
    return statusOf(this.#whole, now);
  }

  cooldowns(now: number): CooldownStatus[] {
    return [...this.#tracks()].flatMap(([scope, track]) => {
      const where = scope === undefined ? {} : { scope };
      const cooling = { ...where, reason: track.coolReason, remaining: track.coolUntil - now };
      const reserve = { ...where, reason: 'oversized' as const, remaining: track.reserveUntil - now };
      return [cooling, reserve].filter(({ remaining }) => remaining > 0);
    });
  }

  *#tracks(): Generator<[string | undefined, Track]> {
    yield [undefined, this.#whole];
    yield* this.#scopes;
  }

  #trackOf(scope: string | undefined): Track {
    if (scope === undefined) return this.#whole;
    let track = this.#scopes.get(scope);
    if (track === undefined) {
      if (this.#scopes.size >= MAX_SCOPES) this.#forget();
      track = freshTrack();
      this.#scopes.set(scope, track);
    }
    return track;
  }

  /** A tenth at once, so that the sorting is not done for every new name. */
  #forget(): void {
    const soonestFirst = [...this.#scopes].sort(([, a], [, b]) => yesAt(a) - yesAt(b));
    for (const [scope] of soonestFirst.slice(0, MAX_SCOPES / 10)) this.#scopes.delete(scope);
  }
}

function freshTrack(): Track {
  return {
    coolUntil: 0,
    coolReason: 'manual',
    reserveUntil: 0,
    trial: undefined,
    strikes: 0,
    lastStrike: 0,
    lastFailure: 0,
    noticed: 'available',
  };
}

function statusOf(track: Track, now: number): Status {
  if (track.coolUntil > now) return 'cooling';
  if (track.reserveUntil > now) return 'reserve';
  return track.trial === undefined ? 'available' : 'trial';
}

function answerOf(track: Track, now: number): Answer {
  const status = statusOf(track, now);
  if (status === 'cooling') return 'no';
  if (status === 'reserve') return 'last';
  return track.trial?.holder === undefined ? 'yes' : 'last';
}

function worse(a: Answer, b: Answer): Answer {
  return a === 'no' || b === 'no' ? 'no' : a === 'last' || b === 'last' ? 'last' : 'yes';
}

function yesAt({ coolUntil, reserveUntil }: Track): number {
  return Math.max(coolUntil, reserveUntil);
}

function nextChange({ coolUntil, reserveUntil, trial }: Track, now: number): number {
  let next = trial?.until ?? Infinity;
  if (coolUntil > now && coolUntil < next) next = coolUntil;
  if (reserveUntil > now && reserveUntil < next) next = reserveUntil;
  return next;
}

function succeeded(track: Track, ticket: Ticket): boolean {
  if (track.lastFailure >= ticket.began) return false;
  const changed = track.trial !== undefined || track.reserveUntil > 0;
  track.strikes = 0;
  track.reserveUntil = 0;
  track.trial = undefined;
  return changed;
}
