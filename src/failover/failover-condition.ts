import type { FailureReason } from '../pool/reasons';
import { hasErrorStatus, isUnauthorized } from './failure';
import type { Failure } from './failure';
import { reasonOfError } from './error-kinds';

/**
 * Decides whether a failure may go to another backend.
 *
 * @param failure what is known of the attempt
 * @returns a boolean, not a promise of one
 */
export type FailoverCondition = (failure: Failure) => boolean;

/**
 * Whether the backend throttled the request: with a 429, or with a refusal inside a stream that stands for one.
 *
 * @param failure what is known of the attempt
 */
export function isThrottled(failure: Failure): boolean {
  return failure.status === 429;
}

/**
 * Whether the backend answered with a status of 500 or more, or with a refusal inside a stream that stands for one.
 *
 * @param failure what is known of the attempt
 */
export function isServerError(failure: Failure): boolean {
  return (failure.status ?? 0) >= 500;
}

/**
 * Whether nothing was sent: connection refused, DNS, host unreachable, TLS, or a provider of credentials that failed.
 * Over fetch, it is recognised by Node's error codes in `cause`. Browsers, Deno and workerd don't expose these codes, so
 * there it is true only of a provider that failed.
 *
 * @param failure what is known of the attempt
 */
export function isConnectionFailure(failure: Failure): boolean {
  if (hasErrorStatus(failure) || failure.attemptTimedOut) return false;
  // One that somebody made by hand may have no reason.
  return UNSENT.has(failure.reason ?? reasonOfError(failure.error));
}

/**
 * Whether the request may have arrived: reset, hang-up, truncated body, timeout after sending, or an unknown cause.
 * A chat completion is billed, so such a request goes to another backend only if its method is idempotent.
 *
 * @param failure what is known of the attempt
 */
export function isAmbiguousFailure(failure: Failure): boolean {
  return !hasErrorStatus(failure) && !failure.attemptTimedOut && !isConnectionFailure(failure);
}

/**
 * Whether the prompt was too long for the model that answered: a 413, or a 400 with the code `context_length_exceeded` or
 * `string_above_max_length`. A condition with it sends such a prompt to a deployment with a larger context. No backend
 * goes on cooldown, unless the response names a wait or `cooldown` returns a length.
 *
 * @param failure what is known of the attempt
 */
export function isContextLengthExceeded({ status, errorCode = '' }: Failure): boolean {
  return status === 413 || (status === 400 && /^(?:context_length_exceeded|string_above_max_length)$/.test(errorCode));
}

/**
 * The default condition: 429, 5xx, a 401 or 403 to a backend's own credential, a 404 for a deployment that the backend
 * doesn't have, connection failures, attempts whose `attemptTimeout` passed, and ambiguous failures of idempotent methods
 * (RFC 9110: GET, HEAD, OPTIONS, TRACE, PUT, DELETE; and QUERY).
 *
 * @param failure what is known of the attempt
 */
export function defaultFailoverCondition(failure: Failure): boolean {
  return hasErrorStatus(failure)
    ? isThrottled(failure) || isServerError(failure) || isRefusedCredential(failure) || lacksDeployment(failure)
    : failure.attemptTimedOut || isConnectionFailure(failure) || IDEMPOTENT.test(failure.config.method ?? 'get');
}

/** RFC 9110 */
const IDEMPOTENT = /^(?:get|head|options|put|delete|trace|query)$/i;

/** Reasons of failures after which nothing had been sent. */
const UNSENT: ReadonlySet<FailureReason> = new Set(['connection', 'credential']);

/**
 * Whether the response is a 401 or 403 to the backend's own credential. If it specified a wait, for example because a
 * quota is used up, its reason is `throttled`.
 */
function isRefusedCredential({ status, reason }: Failure): boolean {
  return isUnauthorized(status) && (reason === 'credential' || reason === 'throttled');
}

/** Azure says `DeploymentNotFound`, OpenAI `model_not_found`. */
function lacksDeployment({ status, errorCode = '' }: Failure): boolean {
  return status === 404 && /^(?:DeploymentNotFound|model_not_found)$/.test(errorCode);
}
