import { codeOf, codeWithin, errorChain } from '../base/errors';
import { errorBodyOf } from '../http/error-body';
import type { HttpResponse, RequestConfig } from '../http/messages';
import { parseRetryAfter } from '../http/retry-after';
import type { StreamError, StreamRefusal } from '../http/stream-error';
import type { Backend, PooledBackend } from '../pool/backend';
import type { CooldownReason, FailureReason } from '../pool/reasons';
import { brokenReason, exceedsLimit, isOwnMistake, isLocal, isNetworks, reasonOfError } from './network-errors';
import type { Connection } from './connection';

/** An attempt that ended in a status of 400 or more, in a refusal inside a streamed 200, or without a usable response. */
export interface Failure {
  /** The backend that was tried. */
  readonly backend: Backend;
  /** The caller's config. */
  readonly config: RequestConfig;
  /** What the failure counts as in the pool's events. */
  readonly reason: Exclude<CooldownReason, 'oversized' | 'manual'>;
  /**
   * The status of `response`. Below 400 if the connection broke inside the body. For a refusal inside a streamed 200,
   * the 429 or 5xx that it stands for.
   */
  readonly status?: number;
  /** The code of `error`: axios's or Node's. */
  readonly code?: string;
  /** The `code`, or else the `type`, of an OpenAI-shaped error in the response's body or its first events. */
  readonly errorCode?: string;
  /** The response, if there was one. Its `config` is the caller's. The body of a streamed one can still be read. */
  readonly response?: HttpResponse;
  /** The error inside a streamed 200, as its event gave it. */
  readonly streamError?: StreamError;
  /** The error of the adapter (or of fetch), without the credentials of the attempt. */
  readonly error?: unknown;
  /** Whether `attemptTimeout` passed. */
  readonly attemptTimedOut: boolean;
}

/**
 * Decides whether a failure may go to another backend.
 *
 * @param failure what is known of the attempt
 */
export type FailoverCondition = (failure: Failure) => boolean;

/** How an attempt ended. */
export type Outcome<A> =
  | { readonly is: 'success'; readonly response: A }
  /** A cancel, the caller's own mistake, a local problem or a bug: no backend is blamed. The caller gets the error. */
  | Callers
  /** The caller's `timeout` passed. The backend is blamed if this attempt had the whole of it, or if it had answered. */
  | {
      readonly is: 'expired';
      readonly failure: Failure;
      readonly blame: boolean;
      readonly retryAfter?: number | undefined;
    }
  /** A kept-alive connection that the server had closed. The request is sent again to the same backend. */
  | { readonly is: 'stale'; readonly error: unknown }
  /** The request got no socket in time. No backend is blamed, and another one may be tried. */
  | { readonly is: 'unsent'; readonly error: unknown }
  | Failed;

interface Callers {
  readonly is: 'callers';
  readonly error: unknown;
  readonly status?: number;
}

/** A failed attempt. */
export interface Failed {
  readonly is: 'failure';
  readonly failure: Failure;
  /** The wait that the server specified, in ms. */
  readonly retryAfter?: number | undefined;
}

/**
 * Whether the backend answered 429.
 *
 * @param failure what is known of the attempt
 */
export function isThrottled(failure: Failure): boolean {
  return failure.status === 429;
}

/**
 * Whether the backend answered with a status of 500 or more.
 *
 * @param failure what is known of the attempt
 */
export function isServerError(failure: Failure): boolean {
  return (failure.status ?? 0) >= 500;
}

/**
 * Whether nothing was sent: connection refused, DNS, host unreachable, TLS, or a provider of credentials that failed.
 * Over fetch, it is recognised by Node's error codes in `cause`. Browsers, Deno and workerd don't expose these codes,
 * so it is never true there.
 *
 * @param failure what is known of the attempt
 */
export function isConnectionFailure(failure: Failure): boolean {
  if (hasErrorStatus(failure) || failure.attemptTimedOut) return false;
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
 * goes on cooldown.
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

function isUnauthorized(status: number | undefined): boolean {
  return status === 401 || status === 403;
}

/** Azure says `DeploymentNotFound`, OpenAI `model_not_found`. */
function lacksDeployment({ status, errorCode = '' }: Failure): boolean {
  return status === 404 && /^(?:DeploymentNotFound|model_not_found)$/.test(errorCode);
}

/** Whether the backend is blamed, whatever the condition says. True for every failure except a 4xx about the request. */
export function isBackendsFault(failure: Failure): boolean {
  return failure.reason !== 'client-error';
}

/** What a failure is about: a 4xx about the deployment that was asked, everything else about the backend. */
export function coverageOf({ status = 0 }: Failure): 'deployment' | 'backend' {
  return status >= 400 && status < 500 ? 'deployment' : 'backend';
}

/** Whether the response shows the backend at work, though it is no success: a 4xx that is about the request. */
export function isAtWork({ reason, status = 0 }: Failure): boolean {
  return reason === 'client-error' && status >= 400;
}

/** 2xx and 3xx. A response without a status counts as a success, as in axios. */
export function isSuccess(status: number | undefined): boolean {
  return (status ?? 0) < 400;
}

/** Whether the caller can get the response, not the error: it has an error status, and its body didn't break off. */
export function isReturnable({ response, status, error }: Failure): boolean {
  return !isSuccess(status) && (error === undefined || response!.data !== undefined);
}

/**
 * The failure of an attempt that got a response of 400 or more.
 *
 * @param data what is known of its body
 */
export function failureOfResponse(
  response: HttpResponse,
  data: unknown,
  backend: PooledBackend,
  config: RequestConfig,
): Failed {
  const { status, headers } = response as { status: number; headers: object };
  const { code, type } = errorBodyOf(data);
  const errorCode = code ?? type;
  const retryAfter = parseRetryAfter({ status, headers, data });
  const reason = reasonOfStatus(status, retryAfter, backend.settings.credentials.own);
  const about = { backend: backend.info, config, reason, response, status, attemptTimedOut: false };
  return { is: 'failure', failure: errorCode === undefined ? about : { ...about, errorCode }, retryAfter };
}

/**
 * The failure of an attempt that got a refusal inside a streamed 200. The wait is that of the headers, or of the words
 * of the event.
 */
export function failureOfStream(
  response: HttpResponse,
  { status, error: streamError }: StreamRefusal,
  backend: PooledBackend,
  config: RequestConfig,
): Failed {
  const errorCode = streamError.code ?? streamError.type;
  const retryAfter = parseRetryAfter({ status, headers: response.headers as object, data: streamError });
  const reason = status === 429 ? 'throttled' : 'server-error';
  const about = {
    backend: backend.info,
    config,
    reason,
    response,
    status,
    streamError,
    attemptTimedOut: false,
  } as const;
  return { is: 'failure', failure: errorCode === undefined ? about : { ...about, errorCode }, retryAfter };
}

function reasonOfStatus(status: number, retryAfter: number | undefined, hasOwnCredential: boolean): FailureReason {
  if (status === 429) return 'throttled';
  if (status >= 500) return 'server-error';
  if (!isUnauthorized(status) || !hasOwnCredential) return 'client-error';
  return (retryAfter ?? 0) > 0 ? 'throttled' : 'credential';
}

/** A failure without a response. `error` is what the caller gets. */
export function failureOfError(
  error: unknown,
  backend: Backend,
  config: RequestConfig,
  reason: FailureReason,
  attemptTimedOut = false,
): Failure {
  return { backend, config, reason, error, ...codeWithin(error), attemptTimedOut };
}

/** What is known of an attempt that ended with an error. */
interface Evidence {
  readonly backend: PooledBackend;
  readonly config: RequestConfig;
  /** What the caller's own body stream failed with. */
  readonly bodyError: unknown;
  readonly connection: Connection | undefined;
  /** The response whose first events were being read. */
  readonly response?: HttpResponse | undefined;
}

/** Decides who is to blame for an error, and what it means for the request. */
export function classifyError(error: unknown, evidence: Evidence): Outcome<never> {
  const { backend, config, bodyError, connection } = evidence;
  const response = responseOf(error, evidence);
  if (response !== undefined && !isSuccess(response.status)) {
    // An error status counts even if the body broke off.
    const { failure: seen, retryAfter } = failureOfResponse(response, response.data, backend, config);
    const failure = { ...seen, error, ...codeOf(error) };
    return isAtWork(failure) && !isReturnable(failure)
      ? { is: 'callers', error, status: response.status }
      : { is: 'failure', failure, retryAfter };
  }
  const chain = errorChain(error);
  if (isLocal(chain)) return { is: 'callers', error };
  if (connection?.isStale === true) return { is: 'stale', error };
  if (bodyError !== undefined && chain.some((each) => each === bodyError)) return { is: 'callers', error };
  if (exceedsLimit(chain, config)) return { is: 'callers', error };
  if (response !== undefined) {
    // After the head, any other error is the backend's.
    const { failure } = failed(error, evidence, brokenReason(error));
    return { is: 'failure', failure: { ...failure, response, status: response.status } };
  }
  // An agent may fail with any error, so `isUnsent` counts before the names of errors do.
  const isUnsent = connection?.isUnsent === true;
  if (isOwnMistake(chain) || (!isUnsent && !isNetworks(chain, connection))) return { is: 'callers', error };
  return failed(error, evidence, reasonOfError(error, connection));
}

/**
 * The outcome of an attempt that a time limit ended after the head of an error response had arrived: the head counts,
 * whatever becomes of the body. `undefined`: none had arrived.
 */
export function outcomeOfHead(error: unknown, evidence: Evidence): Failed | Callers | undefined {
  const { connection } = evidence;
  if (isSuccess(connection?.head?.status)) return undefined;
  return classifyError(error, evidence) as Failed | Callers;
}

function responseOf(error: unknown, { config, connection, response: read }: Evidence): HttpResponse | undefined {
  const { response = read } = Object(error) as { response?: HttpResponse };
  if (response !== undefined || connection?.head === undefined) return response;
  return { ...connection.head, data: undefined, config };
}

function failed(
  error: unknown,
  { backend, config }: Evidence,
  reason: FailureReason,
): { is: 'failure'; failure: Failure } {
  return { is: 'failure', failure: failureOfError(error, backend.info, config, reason) };
}

function hasErrorStatus({ status }: Failure): boolean {
  return !isSuccess(status);
}
