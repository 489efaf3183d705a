/**
 * Why a backend, or one deployment of it, is on cooldown:
 *
 * - `throttled`: 429, or a rejected credential for which the server specified a wait (a used-up quota)
 * - `server-error`: 5xx
 * - `connection`: nothing was sent (refused, DNS, unreachable, TLS)
 * - `ambiguous`: the request may have arrived (reset, hang-up, truncated body)
 * - `timeout`: `attemptTimeout` passed, or the caller's `timeout` where one attempt had all of it
 * - `client-error`: another 4xx. It costs a cooldown only if a `failoverCondition` fails over from it
 * - `credential`: its `apiKey` function or `azureADTokenProvider` failed, or the backend rejected its own credential
 *   (401, 403)
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

/**
 * The reasons that an attempt can fail for. `oversized` is what the circuit makes of a failure; `manual` has no attempt.
 */
export type FailureReason = Exclude<CooldownReason, 'oversized' | 'manual'>;

/** A reason in the words of the fabricated 429, where no attempt of this process tells more. */
export const WORDS: Readonly<Record<CooldownReason, string>> = {
  throttled: 'throttled',
  'server-error': 'server error',
  connection: 'unreachable',
  ambiguous: 'unreachable',
  timeout: 'timed out',
  'client-error': 'refused',
  credential: 'credential refused',
  oversized: 'too large',
  manual: 'taken out by hand',
};
