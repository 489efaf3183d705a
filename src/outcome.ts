import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import type { Backend } from './backend';
import { codeOf } from './coded-error';
import type { CooldownReason } from './health';

/** What is known of an attempt that ended in a status of 400 or more, or without a usable response. */
export interface Failure {
  /** Who was asked. */
  readonly backend: Backend;
  /** The caller's. */
  readonly config: AxiosRequestConfig;
  /** Of `response`. Below 400 where the connection broke inside a body. */
  readonly status?: number;
  /** Of `error`: axios's or Node's. */
  readonly code?: string;
  /** What came back, if anything did. Its `config` is the caller's. With `responseType: 'stream'` its body is unread. */
  readonly response?: AxiosResponse;
  /** What the wrapped adapter threw, if it did; without the secrets that the attempt was given. */
  readonly error?: unknown;
  /** Whether it was given up because `attemptTimeout` passed. */
  readonly attemptTimedOut: boolean;
}

/**
 * May this failure go to another backend?
 *
 * @param failure what is known of the attempt
 */
export type FailoverCondition = (failure: Failure) => boolean;

/** Whose failure it is. */
export type Parties = Pick<Failure, 'backend' | 'config'>;

/**
 * 429.
 *
 * @param failure what is known of the attempt
 */
export function isThrottled(failure: Failure): boolean {
  return failure.status === 429;
}

/**
 * A status of 500 or more.
 *
 * @param failure what is known of the attempt
 */
export function isServerError(failure: Failure): boolean {
  return (failure.status ?? 0) >= 500;
}

/**
 * Nothing was sent: refused, DNS, unreachable, TLS. Told by Node's error codes, which axios's fetch adapter keeps in
 * `cause`; browsers tell nothing, so there it is never this.
 *
 * @param failure what is known of the attempt
 */
export function isConnectionFailure(failure: Failure): boolean {
  if (answered(failure) || failure.attemptTimedOut) return false;
  // After a redirect the first server has had the request, whatever became of the connection to the next.
  const { request } = Object(failure.error) as { request?: { _redirectCount?: number } };
  return !(Number(request?._redirectCount) > 0) && errorChain(failure.error).some(sentNothing);
}

/**
 * The request may have arrived: reset, hang-up, truncated body, timeout after sending, and whatever cannot be told. A
 * chat completion is billed, so this goes to another backend only where the method is idempotent.
 *
 * @param failure what is known of the attempt
 */
export function isAmbiguousFailure(failure: Failure): boolean {
  return !answered(failure) && !failure.attemptTimedOut && !isConnectionFailure(failure);
}

/**
 * 429, 5xx, connection failures, ambiguous ones where the method is idempotent (RFC 9110: GET, HEAD, OPTIONS, TRACE, PUT,
 * DELETE; and QUERY), and attempts given up by `attemptTimeout`.
 *
 * @param failure what is known of the attempt
 */
export function defaultFailoverCondition(failure: Failure): boolean {
  return answered(failure)
    ? isThrottled(failure) || isServerError(failure)
    : failure.attemptTimedOut || isConnectionFailure(failure) || IDEMPOTENT.test(failure.config.method ?? 'get');
}

/** By RFC 9110. */
const IDEMPOTENT = /^(?:get|head|options|put|delete|trace|query)$/i;

/** Whether the backend is to blame without asking anybody: everything but a 4xx other than 429. */
export function isBackendsFault(failure: Failure): boolean {
  return !answered(failure) || isThrottled(failure) || isServerError(failure);
}

export function reasonOf(failure: Failure): CooldownReason {
  const { code = '' } = failure;
  if (code === 'ERR_CREDENTIAL') return 'credential';
  if (answered(failure)) {
    return isThrottled(failure) ? 'throttled' : isServerError(failure) ? 'server-error' : 'client-error';
  }
  if (isConnectionFailure(failure)) return 'connection';
  return failure.attemptTimedOut || /^E(?:CONNABORTED|TIMEDOUT)$/.test(code) ? 'timeout' : 'ambiguous';
}

/** 2xx and 3xx; and what has no status at all, which axios takes for a success too. */
export function isSuccess(status: number | undefined): boolean {
  return !(status! >= 400);
}

/** Reads an error of the wrapped adapter. `undefined`: it is the caller's own making, or a cancel, and nobody's failure. */
export function failureOf(error: unknown, parties: Parties, bodyFailure: unknown): Failure | undefined {
  const { response } = Object(error) as { response?: AxiosResponse };
  const status = response?.status;
  const callers = isCallersOwn(error, parties.config) || errorChain(error).some((each) => each === bodyFailure);
  if (isSuccess(status) && callers) return undefined;
  const answer = status !== undefined && { response, status };
  return { ...parties, ...answer, error, ...codeOf(error), attemptTimedOut: false };
}

function answered({ status }: Failure): boolean {
  return !isSuccess(status);
}

/**
 * Codes of connections that did not come about. Behind `ERR_TLS`: OpenSSL's names of what is wrong with a certificate,
 * and Node's of what is wrong with a handshake. ENOENT is that of a `socketPath`.
 */
const UNCONNECTED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_|E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL|ENOENT|EPROTO|UND_ERR_CONNECT_|ERR_CREDENTIAL|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|ERROR_IN_C)/;

function sentNothing({ code = '', syscall, message }: Trace): boolean {
  return (
    UNCONNECTED.test(code) ||
    // An operating system's ETIMEDOUT of connect, say; axios's clarified timeout has the same code and no syscall.
    syscall === 'connect' ||
    String(message).includes('before secure TLS connection')
  );
}

/**
 * Codes of axios, Node and follow-redirects for what no other backend would do better: a bad option, header or URL, a
 * limit of the caller's exceeded, too many redirects, a cancel (also of the caller's own body stream).
 */
const OWN_CODE =
  /^(?:UND_)?ERR_(?:CANCELED|BAD_OPTION|BAD_REQUEST$|NOT_SUPPORT|DEPRECATED|FR_|FORM_DATA_|HTTP2?_INVALID_|INVALID_|UNKNOWN_ENCODING|UNESCAPED_)/;

/** A TypeError; and what a browser's XMLHttpRequest throws of a bad header, method or state. */
const OWN_NAME = /^(?:Type|Syntax|Security|InvalidState|InvalidAccess|DataClone)Error$/;

function isCallersOwn(error: unknown, config: AxiosRequestConfig): boolean {
  const chain = errorChain(error);
  const [top] = chain;
  if (top === undefined) return false;
  const root = chain.at(-1)!;
  // Too many redirects have no code where fetch itself follows them.
  if (chain.some(({ code = '', message }) => OWN_CODE.test(code) || message === 'redirect count exceeded')) return true;
  // axios 1.5.0 says the same, with the limit it has not got (-1), of a truncated body.
  if (String(top.message).startsWith('maxContentLength size of ')) return config.maxContentLength! > -1;
  // The fetch adapter passes on a bad header as a TypeError that nothing caused; a network's failure has a cause or a
  // code, or, in browsers that tell nothing, says so.
  const coded = [top, root].some(({ code }) => typeof code === 'string');
  return !coded && OWN_NAME.test(root.name) && !/network|terminated/i.test(String(root.message));
}

/** What may be read of an error, or of a cause of it. Anything may have been thrown: the patterns read all as text. */
interface Trace {
  readonly name: string;
  readonly code?: string;
  readonly message?: unknown;
  readonly syscall?: unknown;
}

/** The error with all that it says caused it, outermost first: the fetch adapter's code, for one, sits in the cause. */
export function errorChain(error: unknown): readonly Trace[] {
  const chain = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || chain.has(value)) return;
    chain.add(value);
    const { cause, errors } = value as { cause?: unknown; errors?: unknown };
    if (Array.isArray(errors)) errors.forEach(visit);
    visit(cause);
  };
  visit(error);
  return [...chain] as Trace[];
}
