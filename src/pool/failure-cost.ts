import type { FailureReason } from './reasons';

/** The lengths that a pool's options set, in ms. */
export interface CooldownLimits {
  readonly defaultCooldown: number;
  readonly maxCooldown: number;
}

/** A failed attempt, as reported to the circuit. */
export interface AttemptFailure {
  readonly reason: FailureReason;
  /** The wait that the server specified, in ms. */
  readonly retryAfter: number | undefined;
  /**
   * The length that the user's `cooldown` chose, in ms. It changes how long the cooldown lasts, not whether a trial
   * follows.
   */
  readonly override: number | undefined;
  /** Whether the backend answered another request since this attempt began. */
  readonly isAlive: boolean;
  /** What happened, in the words of the fabricated 429. */
  readonly words: string;
}

/**
 * What ends a cooldown, and what follows it:
 *
 * - `asked`: after a 429, or after any failure for which the server specified a wait; and by hand. Only time or `restore`
 *   ends it; nothing follows, however long it is
 * - `guessed`: after any other failure. A success ends it. After the first step of the ladder nothing follows, else a
 *   trial
 * - `oversized`: the server asked for too long a wait. The backend ranks behind the others; a trial follows, and a
 *   success ends both
 */
export type CooldownKind = 'asked' | 'guessed' | 'oversized';

/**
 * How long a failure takes a backend out:
 *
 * - `wait`: as the server specified
 * - `ladder`: from `FIRST_STEP`, doubled for each further failure in a row. One failure is an accident
 * - `default`: from `defaultCooldown`, doubled likewise. A trial follows from the first one, unless it is asked
 * - `nothing`: not at all
 */
type CostRule = 'wait' | 'ladder' | 'default' | 'nothing';

/** ms of the first step of the ladder, unless `defaultCooldown` is shorter. */
const FIRST_STEP = 100;

/** The rules for a failure without a specified wait, and for one with a wait of zero. */
const UNSPECIFIED: Readonly<Record<FailureReason, readonly [kind: CooldownKind, none: CostRule, zero: CostRule]>> = {
  throttled: ['asked', 'default', 'ladder'],
  'server-error': ['guessed', 'ladder', 'ladder'],
  credential: ['guessed', 'ladder', 'ladder'],
  'client-error': ['guessed', 'nothing', 'nothing'],
  connection: ['guessed', 'default', 'default'],
  ambiguous: ['guessed', 'default', 'default'],
  timeout: ['guessed', 'default', 'default'],
};

/** What a failure costs: the table in docs/pool.md. */
export function ruleFor(
  { reason, retryAfter, isAlive }: AttemptFailure,
  { maxCooldown }: CooldownLimits,
): readonly [CooldownKind, CostRule] {
  if (retryAfter !== undefined && retryAfter > maxCooldown) return ['oversized', 'default'];
  if (retryAfter !== undefined && retryAfter > 0) return ['asked', 'wait'];
  const [kind, none, zero] = UNSPECIFIED[reason];
  const rule = retryAfter === undefined ? none : zero;
  return [kind, kind === 'guessed' && rule === 'default' && isAlive ? 'ladder' : rule];
}

/** ms of a failure's cooldown before it is doubled. */
export function firstDuration(
  rule: CostRule,
  { retryAfter }: AttemptFailure,
  { defaultCooldown }: CooldownLimits,
): number {
  switch (rule) {
    case 'wait':
      return retryAfter!;
    case 'ladder':
      return Math.min(FIRST_STEP, defaultCooldown);
    case 'default':
      return defaultCooldown;
    case 'nothing':
      return 0;
  }
}

/**
 * What a failure covers. A 4xx, 429 and 401 included, is about the deployment that was asked for. Every other failure is
 * about the backend.
 */
export function coverageOf({ status = 0 }: { readonly status?: number }): 'deployment' | 'backend' {
  return status >= 400 && status < 500 ? 'deployment' : 'backend';
}
