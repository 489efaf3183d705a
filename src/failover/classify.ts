import { codeOf, codeWithin, errorChain, isProviderFailure, isCodedError } from '../base/errors';
import { errorBodyOf, errorCodeOf } from '../http/error-body';
import type { HttpResponse, RequestConfig } from '../http/messages';
import { isOfBody } from '../http/request-body';
import type { Body } from '../http/request-body';
import { parseRetryAfter } from '../http/retry-after';
import type { StreamRefusal } from '../http/stream-inspection';
import type { PooledBackend } from '../pool/backend';
import type { FailureReason } from '../pool/reasons';
import { isAboutRequest, isSuccess, isUnauthorized } from './failure';
import type { Failure } from './failure';
import {
  reasonOfBrokenConnection,
  isEndedByCaller,
  isUnreadableForm,
  isCallersMistake,
  isOutOfFileDescriptors,
  isNetworkError,
  reasonOfError,
  refusalIn,
} from './error-kinds';
import { AbortReason } from './abort';
import type { Connection } from './connection';
import type { HttpRequest } from './http-client';
import type { CurrentAttempt, Run } from './run';

/** How an attempt ended. */
export type Outcome<A> =
  | { readonly is: 'success'; readonly response: A }
  /**
   * A cancel, the caller's own mistake, a local problem or a bug: nothing that a backend did. The caller gets the error.
   */
  | Unrelated
  /**
   * The caller's `timeout` passed. The backend is blamed if this attempt had the whole of it, or if the head of an error
   * response had arrived.
   */
  | {
      readonly is: 'expired';
      readonly failure: Failure;
      readonly blame: boolean;
      readonly retryAfter?: number | undefined;
    }
  /**
   * A kept-alive connection that the server had closed. The request is sent again to the same backend, once. `failure` is
   * what it counts as otherwise.
   */
  | { readonly is: 'stale'; readonly failure: Failure }
  /** The request got no socket in time. No backend is blamed, and another one may be tried. */
  | { readonly is: 'no socket'; readonly error: unknown }
  | Failed;

interface Unrelated {
  readonly is: 'unrelated';
  readonly error: unknown;
  /** If the backend had answered: it is at work. */
  readonly status?: number | undefined;
  /** Of a 4xx about the request whose body was lost. */
  readonly reason?: FailureReason;
  readonly response?: HttpResponse;
}

/** A failed attempt. */
export interface Failed {
  readonly is: 'failure';
  readonly failure: Failure;
  /** The wait that the server specified, in ms. */
  readonly retryAfter?: number | undefined;
}

/**
 * The failure of an attempt that got a response of 400 or more.
 *
 * @param data what is known of its body
 */
export function failureOfResponse(
  response: HttpResponse,
  data: unknown,
  { backend, config, connection }: Pick<Evidence, 'backend' | 'config' | 'connection'>,
): Failed {
  const { status, headers } = response as { status: number; headers: object };
  const retryAfter = parseRetryAfter({ status, headers, data });
  // Behind a redirect to another origin, the backend's credential wasn't sent.
  const gotOwnCredential = backend.settings.credentials.replaceCallers && connection?.hasLeftOrigin !== true;
  const reason = reasonOfStatus(status, retryAfter, gotOwnCredential);
  const about = { backend: backend.info, config, reason, response, status, attemptTimedOut: false };
  return { is: 'failure', failure: { ...about, ...errorCodeOf(errorBodyOf(data)) }, retryAfter };
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
  const reason = reasonOfStatus(status, undefined, false);
  // The words count for any refusal, but `parseRetryAfter` ignores those of a 500.
  const worded = { status: status === 429 ? 429 : 503, headers: response.headers as object, data: streamError };
  const retryAfter = parseRetryAfter(worded);
  const about = {
    backend: backend.info,
    config,
    reason,
    response,
    status,
    streamError,
    attemptTimedOut: false,
  };
  return { is: 'failure', failure: { ...about, ...errorCodeOf(streamError) }, retryAfter };
}

function reasonOfStatus(status: number, retryAfter: number | undefined, gotOwnCredential: boolean): FailureReason {
  if (status === 429) return 'throttled';
  if (status >= 500) return 'server-error';
  if (!isUnauthorized(status) || !gotOwnCredential) return 'client-error';
  return (retryAfter ?? 0) > 0 ? 'throttled' : 'credential';
}

/** A failure without a response. `error` is what the caller gets. */
function failureOfError(
  error: unknown,
  { backend, config }: Pick<Evidence, 'backend' | 'config'>,
  reason: FailureReason,
  attemptTimedOut = false,
): Failure {
  return { backend: backend.info, config, reason, error, ...codeWithin(error), attemptTimedOut };
}

/** What is known of an attempt that ended with an error. */
interface Evidence {
  readonly backend: PooledBackend;
  readonly config: RequestConfig;
  /** The request's body. If the caller's own stream fails, no backend is blamed. */
  readonly body: Body | undefined;
  readonly connection: Connection | undefined;
  /** The response whose first events were being read. */
  readonly response?: HttpResponse | undefined;
}

/** Turns what an attempt threw into its outcome. */
export function outcomeOfThrown<R extends HttpRequest, A extends HttpResponse>(
  { client, request, budget }: Run<R, A>,
  { inFlight, body, exchange, hasWholeBudget, held, afterGivenUp }: CurrentAttempt,
  thrown: unknown,
): Outcome<A> {
  const { backend } = inFlight;
  const { config } = request;
  const { connection } = exchange;
  const evidence = { backend, config, body, connection, response: held };
  if (isCodedError(thrown)) {
    const error = client.translate(request, thrown);
    if (!isProviderFailure(thrown)) return { is: 'unrelated', error };
    return { is: 'failure', failure: failureOfError(error, evidence, 'credential') };
  }
  if (!(thrown instanceof AbortReason)) {
    // A client that obeys its signal reports a cancel itself.
    if (budget.isCancelled && codeOf(thrown) === 'ERR_CANCELED') return { is: 'unrelated', error: thrown };
    return classifyError(thrown, evidence);
  }
  const error = client.translate(request, thrown, afterGivenUp ?? { request: connection?.native });
  if (thrown.why === 'cancelled') return { is: 'unrelated', error };
  const ofHead = outcomeOfHead(error, evidence);
  if (ofHead?.is === 'failure' && thrown.why === 'timeout') {
    return { is: 'expired', failure: ofHead.failure, blame: true, retryAfter: ofHead.retryAfter };
  }
  if (ofHead !== undefined) return ofHead;
  const isQueued = connection?.isQueued === true;
  const attemptTimedOut = thrown.why === 'attempt-timeout';
  if (isQueued) return attemptTimedOut ? { is: 'no socket', error } : { is: 'unrelated', error };
  const failure = failureOfError(error, evidence, 'timeout', attemptTimedOut);
  if (attemptTimedOut) return { is: 'failure', failure };
  return { is: 'expired', failure, blame: hasWholeBudget };
}

/** Decides who is to blame for an error, and what it means for the request. */
function classifyError(error: unknown, evidence: Evidence): Outcome<never> {
  const { config, body, connection } = evidence;
  const response = responseOf(error, evidence);
  const refusal = response ?? refusalIn(error, config);
  if (refusal !== undefined && !isSuccess(refusal.status)) {
    // An error status counts even if the body broke off.
    const { failure: seen, retryAfter } = failureOfResponse(refusal, refusal.data, evidence);
    const { response: given, ...fields } = seen;
    // A refusal that a dispatcher turned into an error is no response of the client's.
    const failure = { ...fields, ...(response && { response: given }), error, ...codeWithin(error) };
    // A 4xx about the request whose body was lost: the caller gets the error.
    return isAboutRequest(failure) && refusal.data === undefined
      ? { is: 'unrelated', error, status: refusal.status, reason: failure.reason, response: refusal }
      : { is: 'failure', failure, retryAfter };
  }
  const chain = errorChain(error);
  if (isOutOfFileDescriptors(chain)) return { is: 'unrelated', error };
  // Before `isStale`: the caller's own stream may fail as a connection does.
  if (body !== undefined && chain.some((each) => isOfBody(body, each))) return { is: 'unrelated', error };
  if (connection?.isStale === true)
    return { is: 'stale', failure: failureOfError(error, evidence, reasonOfError(error, connection)) };
  if (isEndedByCaller(chain, config)) return { is: 'unrelated', error };
  if (response !== undefined) {
    if (isUnreadableForm(chain, config)) return { is: 'unrelated', error, status: response.status };
    // After the head, any other error is the backend's.
    const failure = failureOfError(error, evidence, reasonOfBrokenConnection(error));
    return { is: 'failure', failure: { ...failure, response, status: response.status } };
  }
  // An agent may fail with an error of any kind. If it has no socket, that is no mistake of the caller's by itself.
  const isUnsent = connection?.isUnsent === true;
  if (isCallersMistake(chain) || (!isUnsent && !isNetworkError(chain, connection))) return { is: 'unrelated', error };
  return { is: 'failure', failure: failureOfError(error, evidence, reasonOfError(error, connection)) };
}

/**
 * The outcome of an attempt that a time limit ended after the head of an error response had arrived: the head counts,
 * whatever becomes of the body. `undefined`: none had arrived.
 */
function outcomeOfHead(error: unknown, evidence: Evidence): Failed | Unrelated | undefined {
  const { connection } = evidence;
  if (isSuccess(connection?.head?.status)) return undefined;
  return classifyError(error, evidence) as Failed | Unrelated;
}

function responseOf(error: unknown, { config, connection, response: read }: Evidence): HttpResponse | undefined {
  const { response: thrown } = Object(error) as { response?: HttpResponse | null };
  const response = thrown ?? read;
  if (response !== undefined || connection?.head === undefined) return response;
  return { ...connection.head, data: undefined, config };
}
