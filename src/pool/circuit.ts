import { firstDuration, ruleFor } from './failure-cost';
import type { AttemptFailure, CooldownKind, CooldownLimits } from './failure-cost';
import { WORDS } from './reasons';
import type { CooldownReason } from './reasons';

/** May a backend be used? `behind` means: only if no other backend can. */
export type Availability = 'yes' | 'behind' | 'no';

/** The state of a backend, as `BackendStatus` shows it, or of one deployment of it. */
export type State = 'available' | 'trial' | 'reserve' | 'cooling';

/** What a circuit needs to know of an attempt under way. Compared by identity. */
export interface AttemptInFlight {
  /** The pool's count of attempts and cooldowns when the attempt began. It orders what happened. */
  readonly epoch: number;
}

/** A cooldown that is running. */
interface RunningCooldown {
  readonly reason: CooldownReason;
  /** ms */
  readonly remaining: number;
}

/** What a failure cost its backend. */
interface Cost {
  /** ms of cooldown */
  readonly duration: number;
  readonly reason: CooldownReason;
  readonly kind: CooldownKind;
  /** Whether it is out, or ranks behind, for longer than before. */
  readonly isExtended: boolean;
}

/** Until when the backend is out, and why. */
interface Deadline {
  readonly until: number;
  readonly reason: CooldownReason;
  /** The reason in the words of the fabricated 429. */
  readonly words: string;
}

/*
 *   sound ── failed ──▸ resting ── time ──▸ proving ── worked ──▸ sound
 *     ▴                  │   ▴                 │
 *     └─ time, 1st step ─┘   └──── failed ─────┘
 *
 * In the field's words, `sound` is closed, `resting` is open and `proving` is half-open. "1st step" means the first step
 * of the ladder. A response that shows the backend at work (`worked`) ends `resting` too.
 *
 * A guessed cooldown is `resting`. Two deadlines are kept beside this state, since they can run together with it and with
 * each other:
 * - `asked`: an asked cooldown. Only time or `restore` ends it
 * - `reserve`: until then an oversized backend ranks behind the others. After it comes `proving`; `worked` ends it
 */
type Trust =
  | { readonly is: 'sound' }
  | {
      readonly is: 'resting';
      readonly until: number;
      readonly reason: CooldownReason;
      readonly words: string;
      readonly then: 'sound' | 'proving';
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
 * No other code in the pool counts failures in a row, doubles cooldowns or decides on trials.
 */
export class Circuit {
  #trust: Trust = SOUND;
  #asked: Deadline | undefined;
  /** Until then it ranks behind the others: it is used only if no other backend can be. */
  #reserveUntil: number | undefined;
  /** Failures in a row for which no wait was specified. */
  #failures = 0;
  /** The pool's count at the latest failure, here or in another process. An attempt with a lower epoch began before it. */
  #failedEpoch = 0;
  #wasUnavailable = false;

  /** Whether it was anything but `available` at the latest `noteState`, so that `recovered` is emitted once. */
  get wasUnavailable(): boolean {
    return this.#wasUnavailable;
  }

  /** The pool's count at the latest failure, here or in another process. */
  get failedEpoch(): number {
    return this.#failedEpoch;
  }

  /** Why it isn't used, in words. */
  outBecause(now: number): string | undefined {
    this.#letTimePass(now);
    return this.#cooling?.words ?? (this.#reserveUntil === undefined ? undefined : WORDS.oversized);
  }

  availability(now: number): Availability {
    this.#letTimePass(now);
    if (this.#cooling !== undefined) return 'no';
    if (this.#reserveUntil !== undefined) return 'behind';
    return this.#trust.is === 'proving' && this.#trust.trial !== undefined ? 'behind' : 'yes';
  }

  /** Whether an asked cooldown is running. A guessed one gives way when no other backend can serve. */
  isAsked(now: number): boolean {
    this.#letTimePass(now);
    return this.#asked !== undefined;
  }

  /** When it is available again as before, unless something else happens first. A time in the past means now. */
  availableAt(now: number): number {
    this.#letTimePass(now);
    return Math.max(this.#cooling?.until ?? 0, this.#reserveUntil ?? 0);
  }

  /** The next time at which something changes by itself, or `Infinity`. */
  nextChange(now: number): number {
    this.#letTimePass(now);
    const trust = this.#trust;
    const asked = this.#asked?.until ?? Infinity;
    const reserve = this.#reserveUntil ?? Infinity;
    const resting = trust.is === 'resting' ? trust.until : Infinity;
    const trial = trust.is === 'sound' ? Infinity : (trust.trial?.until ?? Infinity);
    return Math.min(asked, reserve, resting, trial);
  }

  /** The attempt becomes the trial, if one is due and none is running. Returns whether it did. */
  begin(inFlight: AttemptInFlight, now: number, { maxCooldown }: CooldownLimits): boolean {
    this.#letTimePass(now);
    if (this.#trust.is !== 'proving' || this.#trust.trial !== undefined) return false;
    this.#trust = { is: 'proving', trial: { by: inFlight, until: now + maxCooldown } };
    return true;
  }

  /** The attempt is no longer the trial, whatever came of it. Returns whether it was. */
  end(inFlight: AttemptInFlight): boolean {
    const trust = this.#trust;
    if (trust.is === 'sound' || trust.trial?.by !== inFlight) return false;
    this.#trust = { ...trust, trial: undefined };
    return true;
  }

  /**
   * A response showed the backend at work. That proves something only if nothing has failed since the attempt began.
   * Returns whether anything changed.
   */
  worked(inFlight: AttemptInFlight, now: number): boolean {
    if (this.#failedEpoch > inFlight.epoch) return false;
    this.#letTimePass(now);
    this.#failures = 0;
    const isChanged = this.#trust.is !== 'sound' || this.#reserveUntil !== undefined;
    this.#trust = SOUND;
    this.#reserveUntil = undefined;
    return isChanged;
  }

  /**
   * The attempt failed.
   *
   * @param epoch the pool's count, this failure included
   * @returns the cooldown in ms, its kind, and whether it lasts longer than what ran before
   */
  failed(inFlight: AttemptInFlight, failure: AttemptFailure, epoch: number, now: number, limits: CooldownLimits): Cost {
    const { override, words } = failure;
    const [kind, rule] = ruleFor(failure, limits);
    const reason = kind === 'oversized' ? 'oversized' : failure.reason;
    const isCounted = rule === 'ladder' || rule === 'default';
    // An attempt that began before the latest failure isn't a further failure in a row: ten at once count as one.
    if (isCounted && (inFlight.epoch > this.#failedEpoch || this.#failures === 0)) this.#failures++;
    // Capped: 2 ** 1024 is Infinity, and 0 × Infinity is NaN.
    const doubled = isCounted ? 2 ** Math.min(this.#failures - 1, 1000) : 1;
    const duration = Math.min(override ?? firstDuration(rule, failure, limits) * doubled, limits.maxCooldown);
    // A 4xx that costs nothing is no failure of the backend.
    if (rule !== 'nothing' || duration > 0) this.#failedEpoch = epoch;
    if (duration === 0) return { duration, reason, kind, isExtended: false };
    // For an asked cooldown, this is ignored: no trial follows one.
    const mustProve = rule !== 'ladder' || this.#failures > 1;
    const isExtended = this.#apply(kind, { until: now + duration, reason, words }, mustProve, now);
    return { duration, reason, kind, isExtended };
  }

  /**
   * Takes the backend out without an attempt of its own: by hand, or because another process saw it fail. It counts as no
   * failure in a row. A trial follows a guessed one and an oversized one.
   *
   * @param epoch the pool's count, this one included. Unless the cooldown is asked, no attempt that began earlier proves
   * anything
   * @returns whether it is out, or ranks behind, for longer than before
   */
  impose(kind: CooldownKind, cooldown: Deadline, epoch: number, now: number): boolean {
    if (kind !== 'asked') this.#failedEpoch = epoch;
    return this.#apply(kind, cooldown, true, now);
  }

  /**
   * Ends all cooldowns and forgets the failures in a row. Attempts that began before the latest failure still prove
   * nothing. Returns whether listeners were told that it is out.
   */
  restore(): boolean {
    const wasUnavailable = this.#wasUnavailable;
    this.#trust = SOUND;
    this.#asked = undefined;
    this.#reserveUntil = undefined;
    this.#failures = 0;
    this.#wasUnavailable = false;
    return wasUnavailable;
  }

  /** Its state now, for a status. Changes nothing that anybody can see. */
  look(now: number): { readonly state: State; readonly cooldowns: readonly RunningCooldown[] } {
    this.#letTimePass(now);
    const cooldowns: RunningCooldown[] = [];
    const cooling = this.#cooling;
    if (cooling !== undefined) cooldowns.push({ reason: cooling.reason, remaining: cooling.until - now });
    if (this.#reserveUntil !== undefined) cooldowns.push({ reason: 'oversized', remaining: this.#reserveUntil - now });
    return { state: this.#state(now), cooldowns };
  }

  /** Whether nothing has to be remembered of it. */
  isFresh(now: number): boolean {
    return this.#state(now) === 'available' && this.#failures === 0;
  }

  /** Notes whether it is `available` now. Returns whether it is so again. */
  noteState(now: number): boolean {
    const wasUnavailable = this.#wasUnavailable;
    this.#wasUnavailable = this.#state(now) !== 'available';
    return wasUnavailable && !this.#wasUnavailable;
  }

  #state(now: number): State {
    this.#letTimePass(now);
    if (this.#cooling !== undefined) return 'cooling';
    if (this.#reserveUntil !== undefined) return 'reserve';
    return this.#trust.is === 'proving' ? 'trial' : 'available';
  }

  /**
   * Does what time alone does: there are no timers, so this comes first whenever somebody asks or tells. After it, every
   * deadline that is kept lies ahead.
   */
  #letTimePass(now: number): void {
    if (this.#asked !== undefined && this.#asked.until <= now) this.#asked = undefined;
    let trust = this.#trust;
    if (trust.is === 'resting' && trust.until <= now)
      trust = trust.then === 'sound' ? SOUND : { is: 'proving', trial: trust.trial };
    if (this.#reserveUntil !== undefined && this.#reserveUntil <= now) {
      this.#reserveUntil = undefined;
      if (trust.is === 'sound') trust = PROVING;
      else if (trust.is === 'resting') trust = { ...trust, then: 'proving' };
    }
    if (trust.is !== 'sound' && trust.trial !== undefined && trust.trial.until <= now)
      trust = { ...trust, trial: undefined };
    this.#trust = trust;
  }

  /** Until when, and why, it isn't used at all: the later of its asked and its guessed cooldown. */
  get #cooling(): Deadline | undefined {
    return this.#trust.is === 'resting' ? later(this.#asked, this.#trust) : this.#asked;
  }

  /** Returns whether it is out, or ranks behind, for longer than before. */
  #apply(kind: CooldownKind, cooldown: Deadline, mustProve: boolean, now: number): boolean {
    this.#letTimePass(now);
    if (kind === 'oversized') return this.#rankBehind(cooldown.until);
    const isExtended = cooldown.until > (this.#cooling?.until ?? 0);
    if (kind === 'asked') this.#asked = later(this.#asked, cooldown);
    else this.#rest(cooldown, mustProve);
    return isExtended;
  }

  /** Deadlines only move later. */
  #rest(cooldown: Deadline, mustProve: boolean): void {
    const trust = this.#trust;
    const hadTo = trust.is === 'proving' || (trust.is === 'resting' && trust.then === 'proving');
    const latest = later(trust.is === 'resting' ? trust : undefined, cooldown);
    const trial = trust.is === 'sound' ? undefined : trust.trial;
    this.#trust = { is: 'resting', ...latest, then: mustProve || hadTo ? 'proving' : 'sound', trial };
  }

  #rankBehind(until: number): boolean {
    const isExtended = until > (this.#reserveUntil ?? 0);
    if (isExtended) this.#reserveUntil = until;
    return isExtended;
  }
}

function later(one: Deadline | undefined, other: Deadline): Deadline {
  const { until, reason, words } = one !== undefined && one.until >= other.until ? one : other;
  return { until, reason, words };
}
