/**
 * Why a backend, or one deployment of it, is on cooldown:
 *
 * - `throttled`: 429
 * - `server-error`: 5xx
 * - `connection`: nothing was sent (refused, DNS, unreachable, TLS)
 * - `ambiguous`: the request may have arrived (reset, hang-up, truncated body)
 * - `timeout`: `attemptTimeout` passed, or the caller's `timeout` where one attempt had all of it
 * - `client-error`: another 4xx that a `failoverCondition` fails over from
 * - `credential`: its `apiKey` function or `azureADTokenProvider` failed
 * - `oversized`: the server asked for a longer wait than `maxCooldown`, so the backend ranks behind the others instead
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

/** May a backend be used? `last` means: only if no other backend can. */
export type Availability = 'yes' | 'last' | 'no';

/** The state of a backend, or of one deployment of it, as `BackendStatus` shows it. */
export type State = 'available' | 'trial' | 'reserve' | 'cooling';

/** The lengths that a pool's options set, in ms. */
export interface CooldownLimits {
  readonly defaultCooldown: number;
  readonly maxCooldown: number;
}

/** The reasons that an attempt can fail for. The other two don't come from an attempt's own outcome. */
export type FailureReason = Exclude<CooldownReason, 'oversized' | 'manual'>;

/** A failed attempt, as the circuit is told of it. */
export interface AttemptFailure {
  readonly reason: FailureReason;
  /** The wait that the server specified, in ms. */
  readonly retryAfter: number | undefined;
  /** The length that the user's `cooldown` chose, in ms. It wins over the server's. */
  readonly override: number | undefined;
}

/** What a circuit needs to know of an attempt under way. Compared by identity. */
export interface AttemptInFlight {
  /** How many failures the pool had seen when the attempt began. */
  readonly epoch: number;
}

/** A cooldown that is running. */
export interface RunningCooldown {
  readonly reason: CooldownReason;
  /** ms */
  readonly remaining: number;
}

/** What a failure of this kind takes out, and what follows when no server specified the wait. */
interface Cost {
  readonly covers: 'deployment' | 'backend';
  /** Whether one request at a time tests the backend after the cooldown. */
  readonly trial: boolean;
}

const OF_DEPLOYMENT: Cost = { covers: 'deployment', trial: false };
const OF_BACKEND: Cost = { covers: 'backend', trial: true };

/** A 4xx is about the deployment that was asked. Everything else is about the backend. */
const COSTS: Readonly<Record<FailureReason, Cost>> = {
  throttled: OF_DEPLOYMENT,
  'client-error': OF_DEPLOYMENT,
  'server-error': OF_BACKEND,
  connection: OF_BACKEND,
  ambiguous: OF_BACKEND,
  timeout: OF_BACKEND,
  credential: OF_BACKEND,
};

/** Whether a failure is charged to the deployment, if the request names one, or to the whole backend. */
export function coversDeployment(reason: FailureReason): boolean {
  return COSTS[reason].covers === 'deployment';
}

/** A deadline until which the backend is not used. */
interface Hold {
  readonly until: number;
  readonly reason: CooldownReason;
}

/*
 *   sound ── failed ──▸ resting ── time ──▸ proving ── worked ──▸ sound
 *                               ▴              │
 *                               └─── failed ───┘
 *
 * Two deadlines are kept beside this state, since they can run together with it and with each other:
 * - `hold`: a wait that the server specified, or that was set by hand. Only time or `restore` ends it
 * - `reserve`: the server asked for too long a wait (`oversized`), so it ranks behind the others. Time or a success ends it
 */
type Trust =
  | { readonly is: 'sound' }
  | {
      readonly is: 'resting';
      readonly until: number;
      readonly reason: CooldownReason;
      /** A trial that began before the failure goes on. */
      readonly trial: Trial | undefined;
    }
  | { readonly is: 'proving'; readonly trial: Trial | undefined };

/** The attempt that tests the backend. */
interface Trial {
  readonly by: AttemptInFlight;
  /** When the place becomes free even if the attempt never ends. */
  readonly until: number;
}

const SOUND: Trust = { is: 'sound' };
const PROVING: Trust = { is: 'proving', trial: undefined };

/**
 * Decides how long a backend, or one deployment of it, is out. It is told what happened and the time, and runs no timer.
 * No other code counts failures, doubles, caps or decides on trials.
 */
export class Circuit {
  #trust: Trust = SOUND;
  #hold: Hold | undefined;
  /** Until then it is used only if no other backend can be. */
  #reserveUntil = 0;
  /** Failures in a row for which no wait was specified. */
  #failures = 0;
  /** How many failures the pool had seen at the latest one here. An attempt with a lower epoch began before it. */
  #epoch = 0;
  #out = false;

  /** Whether it was out when somebody last looked, so that its recovery can be told. */
  get out(): boolean {
    return this.#out;
  }

  availability(now: number): Availability {
    const trust = this.#trustAt(now);
    if (this.#holdUntil(now) > now) return 'no';
    if (trust.is === 'resting') return 'no';
    if (this.#reserveUntil > now) return 'last';
    return trust.is === 'proving' && trust.trial !== undefined ? 'last' : 'yes';
  }

  /** When `availability` will be `yes`, if nothing else happens. A time in the past means now. */
  availableAt(now: number): number {
    const trust = this.#trustAt(now);
    return Math.max(this.#holdUntil(now), this.#reserveUntil, trust.is === 'resting' ? trust.until : 0);
  }

  /** The next time at which something changes by itself, or `Infinity`. */
  nextChange(now: number): number {
    const trust = this.#trustAt(now);
    const hold = this.#holdUntil(now);
    const reserve = this.#reserveUntil > now ? this.#reserveUntil : Infinity;
    const resting = trust.is === 'resting' ? trust.until : Infinity;
    const trial = trust.is === 'sound' ? Infinity : (trust.trial?.until ?? Infinity);
    return Math.min(hold > now ? hold : Infinity, reserve, resting, trial);
  }

  /** Takes the place of the trial if it is free. Returns whether anything changed. */
  begin(inFlight: AttemptInFlight, now: number, { maxCooldown }: CooldownLimits): boolean {
    const trust = this.#trustAt(now);
    if (trust.is !== 'proving' || trust.trial !== undefined) return false;
    this.#trust = { is: 'proving', trial: { by: inFlight, until: now + maxCooldown } };
    return true;
  }

  /** Frees the place of the trial, whatever came of it. Returns whether this attempt had it. */
  end(inFlight: AttemptInFlight): boolean {
    const trust = this.#trust;
    if (trust.is === 'sound' || trust.trial?.by !== inFlight) return false;
    this.#trust = { ...trust, trial: undefined };
    return true;
  }

  /** The attempt worked. That proves something only if nothing has failed since it began. Returns whether anything changed. */
  succeeded(inFlight: AttemptInFlight, now: number): boolean {
    if (this.#epoch > inFlight.epoch) return false;
    this.#failures = 0;
    // This ends a trial and a reserve. No attempt begins during a cooldown.
    const isChanged = this.#trustAt(now).is !== 'sound' || this.#reserveUntil > 0;
    this.#trust = SOUND;
    this.#reserveUntil = 0;
    return isChanged;
  }

  /**
   * The attempt failed.
   *
   * @param epoch how many failures the pool has seen, this one included
   * @returns the cooldown in ms, and whether a deadline moved later
   */
  failed(
    inFlight: AttemptInFlight,
    { reason, retryAfter, override }: AttemptFailure,
    epoch: number,
    now: number,
    { defaultCooldown, maxCooldown }: CooldownLimits,
  ): { readonly duration: number; readonly reason: CooldownReason; readonly moved: boolean } {
    const specified = override ?? retryAfter;
    // An attempt that began before the latest failure isn't a further failure in a row: ten at once count as one.
    if (specified === undefined && (this.#epoch <= inFlight.epoch || this.#failures === 0)) this.#failures++;
    this.#epoch = epoch;
    // Capped: beyond 2 ** 1023, the factor is infinite, and 0 times it is not a number.
    const wait = specified ?? defaultCooldown * 2 ** Math.min(this.#failures - 1, 1000);
    const duration = Math.min(wait, maxCooldown);
    if (duration === 0) return { duration, reason, moved: false };
    const until = now + duration;
    if (override === undefined && retryAfter !== undefined && retryAfter > maxCooldown) {
      const moved = until > this.#reserveUntil;
      if (moved) this.#reserveUntil = until;
      return { duration, reason: 'oversized', moved };
    }
    const moved = until > this.#outUntil(now);
    if (COSTS[reason].trial && retryAfter === undefined) this.#rest(until, reason, now);
    else this.impose(until, reason, now);
    return { duration, reason, moved };
  }

  /** Holds the backend until then, whatever happens meanwhile. Returns whether the deadline moved later. */
  impose(until: number, reason: CooldownReason, now: number): boolean {
    const moved = until > this.#outUntil(now);
    this.#hold = later(this.#hold, { until, reason });
    return moved;
  }

  /** Resets it to its first state. Returns whether listeners were told that it is out. */
  restore(): boolean {
    const out = this.#out;
    this.#trust = SOUND;
    this.#hold = undefined;
    this.#reserveUntil = 0;
    this.#failures = 0;
    this.#out = false;
    return out;
  }

  /** Its state now, for a status. Changes nothing. */
  look(now: number): { readonly state: State; readonly cooldowns: readonly RunningCooldown[] } {
    const trust = this.#trustAt(now);
    const cooldowns: RunningCooldown[] = [];
    const hold = this.#hold;
    const cooling = trust.is === 'resting' ? later(hold, trust) : hold;
    if (cooling !== undefined && cooling.until > now)
      cooldowns.push({ reason: cooling.reason, remaining: cooling.until - now });
    if (this.#reserveUntil > now) cooldowns.push({ reason: 'oversized', remaining: this.#reserveUntil - now });
    return { state: this.#state(now), cooldowns };
  }

  /** Whether it is in the same state as a new one, so that it can be forgotten. */
  isFresh(now: number): boolean {
    return this.#state(now) === 'available' && this.#failures === 0;
  }

  /** Notes whether it is out now. Returns whether it was and no longer is. */
  updateOut(now: number): boolean {
    const wasOut = this.#out;
    this.#out = this.#state(now) !== 'available';
    return wasOut && !this.#out;
  }

  #state(now: number): State {
    const trust = this.#trustAt(now);
    if (this.#outUntil(now) > now) return 'cooling';
    if (this.#reserveUntil > now) return 'reserve';
    return trust.is === 'proving' ? 'trial' : 'available';
  }

  /** The state at a time: what time alone changes is worked out when somebody asks. */
  #trustAt(now: number): Trust {
    let trust = this.#trust;
    if (trust.is === 'resting' && trust.until <= now) trust = { is: 'proving', trial: trust.trial };
    if (trust.is === 'proving' && trust.trial !== undefined && trust.trial.until <= now) trust = PROVING;
    return (this.#trust = trust);
  }

  /** When the deadlines end that keep it from being used at all. */
  #outUntil(now: number): number {
    const trust = this.#trustAt(now);
    return Math.max(this.#holdUntil(now), trust.is === 'resting' ? trust.until : 0);
  }

  #holdUntil(now: number): number {
    if (this.#hold !== undefined && this.#hold.until <= now) this.#hold = undefined;
    return this.#hold?.until ?? 0;
  }

  /** Deadlines only move later. */
  #rest(until: number, reason: CooldownReason, now: number): void {
    const trust = this.#trustAt(now);
    if (trust.is === 'resting' && trust.until >= until) return;
    this.#trust = { is: 'resting', until, reason, trial: trust.is === 'sound' ? undefined : trust.trial };
  }
}

function later(one: Hold | undefined, other: Hold): Hold {
  return one !== undefined && one.until >= other.until ? one : { until: other.until, reason: other.reason };
}
