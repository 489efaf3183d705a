import { codeOf, errorChain } from '../base/errors';
import type { ErrorLike } from '../base/errors';
import type { HttpResponse, RequestConfig } from '../http/messages';
import type { Backend } from '../pool/backend';
import type { FailureReason } from '../pool/circuit';

/** An attempt that ended in a status of 400 or more, or without a usable response. */
export interface Failure {
  /** The backend that was tried. */
  readonly backend: Backend;
  /** The caller's config. */
  readonly config: RequestConfig;
  /** The status of `response`. Below 400 if the connection broke inside the body. */
  readonly status?: number;
  /** The code of `error`: axios's or Node's. */
  readonly code?: string;
  /** The response, if there was one. Its `config` is the caller's. With `responseType: 'stream'`, its body is unread. */
  readonly response?: HttpResponse;
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
  /** A cancel or a mistake of the caller's own. No backend is blamed. */
  | { readonly is: 'callers'; readonly failure: Failure }
  /** The caller's `timeout` passed. The backend is blamed if this attempt had the whole of it. */
  | { readonly is: 'expired'; readonly failure: Failure; readonly blame: boolean }
  | { readonly is: 'failure'; readonly failure: Failure };

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
 * Whether nothing was sent: connection refused, DNS, host unreachable, TLS. Recognised by Node's error codes, which axios's
 * fetch adapter keeps in `cause`. Browsers don't expose these codes, so it is never true there.
 *
 * @param failure what is known of the attempt
 */
export function isConnectionFailure(failure: Failure): boolean {
  if (hasErrorStatus(failure) || failure.attemptTimedOut) return false;
  // After a redirect, the first server has had the request, whatever became of the connection to the next.
  const { request } = Object(failure.error) as { request?: { _redirectCount?: number } };
  return !(Number(request?._redirectCount) > 0) && errorChain(failure.error).some(sentNothing);
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
 * The default condition: 429, 5xx, connection failures, attempts whose `attemptTimeout` passed, and ambiguous failures of idempotent methods
 * (RFC 9110: GET, HEAD, OPTIONS, TRACE, PUT, DELETE; and QUERY).
 *
 * @param failure what is known of the attempt
 */
export function defaultFailoverCondition(failure: Failure): boolean {
  return hasErrorStatus(failure)
    ? isThrottled(failure) || isServerError(failure)
    : failure.attemptTimedOut || isConnectionFailure(failure) || IDEMPOTENT.test(failure.config.method ?? 'get');
}

/** RFC 9110 */
const IDEMPOTENT = /^(?:get|head|options|put|delete|trace|query)$/i;

/** Whether the backend is blamed, whatever the condition says: for everything but a 4xx other than 429. */
export function isBackendsFault(failure: Failure): boolean {
  return !hasErrorStatus(failure) || isThrottled(failure) || isServerError(failure);
}

/** What the failure counts as in events and cooldowns. */
export function reasonOf(failure: Failure): FailureReason {
  const { code = '' } = failure;
  if (code === 'ERR_CREDENTIAL') return 'credential';
  if (hasErrorStatus(failure)) {
    return isThrottled(failure) ? 'throttled' : isServerError(failure) ? 'server-error' : 'client-error';
  }
  if (isConnectionFailure(failure)) return 'connection';
  return failure.attemptTimedOut || TIMEOUT_CODE.test(code) ? 'timeout' : 'ambiguous';
}

/** 2xx and 3xx. A response without a status counts as a success, as in axios. */
export function isSuccess(status: number | undefined): boolean {
  return (status ?? 0) < 400;
}

/** Whether the caller can get the response: it has an error status, and its body didn't break off. Otherwise it gets the error. */
export function isReturnable({ response, status, error }: Failure): boolean {
  return !isSuccess(status) && (error === undefined || response!.data !== undefined);
}

/**
 * Decides whether an error is the caller's own or a failure of the backend.
 *
 * @param bodyError what the caller's own body stream failed with
 */
export function classifyError(
  error: unknown,
  backend: Backend,
  config: RequestConfig,
  bodyError: unknown,
): Exclude<Outcome<never>, { is: 'success' }> {
  const { response } = Object(error) as { response?: HttpResponse };
  const status = response?.status;
  const failure = failureOf(error, backend, config);
  // An error status counts even if the body broke off.
  const isCallers =
    isSuccess(status) && (isCallersOwn(error, config) || errorChain(error).some((each) => each === bodyError));
  if (isCallers) return { is: 'callers', failure };
  return { is: 'failure', failure: status === undefined ? failure : { ...failure, response: response!, status } };
}

/** A failure without a response. `error` is what the caller gets. */
export function failureOf(error: unknown, backend: Backend, config: RequestConfig, attemptTimedOut = false): Failure {
  return { backend, config, error, ...codeOf(error), attemptTimedOut };
}

function hasErrorStatus({ status }: Failure): boolean {
  return !isSuccess(status);
}

/** Codes of a timeout: axios's, and the operating system's. */
const TIMEOUT_CODE = /^E(?:CONNABORTED|TIMEDOUT)$/;

/** Codes of a connection that was not established, so that nothing was sent. */
const UNCONNECTED = new RegExp(
  `^(?:${[
    // Node: refused, DNS, unreachable; ENOENT is a missing `socketPath`.
    'ECONNREFUSED|ENOTFOUND|EAI_|E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL|ENOENT',
    // undici
    'UND_ERR_CONNECT_',
    // this package: a provider failed
    'ERR_CREDENTIAL',
    // Node: an unfinished TLS handshake
    'EPROTO|ERR_TLS_|ERR_SSL_',
    // OpenSSL: what is wrong with a certificate
    'CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|ERROR_IN_C',
  ].join('|')})`,
);

function sentNothing({ code = '', syscall, message }: ErrorLike): boolean {
  return (
    UNCONNECTED.test(code) ||
    // An operating system's ETIMEDOUT while connecting. axios's clarified timeout has the same code and no syscall.
    syscall === 'connect' ||
    String(message).includes('before secure TLS connection')
  );
}

/** Codes of the caller's own mistakes, which would fail on every backend. */
const OWN_CODE = new RegExp(
  `^(?:UND_)?ERR_(?:${[
    // axios: a cancel (also of the caller's own body stream), a bad option, an unsupported feature
    'CANCELED|BAD_OPTION|BAD_REQUEST$|NOT_SUPPORT|DEPRECATED|FORM_DATA_',
    // follow-redirects: too many redirects, a limit of the caller's exceeded
    'FR_',
    // Node and undici: a bad header, URL or argument
    'HTTP2?_INVALID_|INVALID_|UNKNOWN_ENCODING|UNESCAPED_',
  ].join('|')})`,
);

/** A TypeError, and what a browser's XMLHttpRequest throws for a bad header, method or state. */
const OWN_NAME = /^(?:Type|Syntax|Security|InvalidState|InvalidAccess|DataClone)Error$/;

function isCallersOwn(error: unknown, config: RequestConfig): boolean {
  const chain = errorChain(error);
  const [top] = chain;
  if (top === undefined) return false;
  const root = chain.at(-1)!;
  // Where fetch itself follows redirects, too many of them have no code.
  if (chain.some(({ code = '', message }) => OWN_CODE.test(code) || message === 'redirect count exceeded')) return true;
  // axios 1.5.0 says the same of a truncated body, with a limit of -1.
  if (String(top.message).startsWith('maxContentLength size of ')) return Number(config.maxContentLength) > -1;
  // The fetch adapter passes on a bad header as a TypeError without a code or cause. A network failure has one of them,
  // or, in browsers, says so.
  const coded = [top, root].some(({ code }) => typeof code === 'string');
  return !coded && OWN_NAME.test(root.name) && !/network|terminated/i.test(String(root.message));
}
