import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import type { Backend } from './backend';
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

/** How a failure came about, before a backend and a caller are named. */
export type Finding = Omit<Failure, 'backend' | 'config'>;

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
  if (answered(failure) || failure.attemptTimedOut || wasRedirected(failure.error)) return false;
  return traces(failure.error).some(isConnectionTrace);
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
  return (
    isThrottled(failure) ||
    isServerError(failure) ||
    failure.attemptTimedOut ||
    isConnectionFailure(failure) ||
    (isAmbiguousFailure(failure) && isIdempotent(failure.config.method))
  );
}

/** Whether the backend is to blame without asking anybody: everything but a 4xx other than 429. */
export function isBackendsFault(failure: Failure): boolean {
  return !answered(failure) || isThrottled(failure) || isServerError(failure);
}

export function reasonOf(failure: Failure): CooldownReason {
  if (failure.code === 'ERR_CREDENTIAL') return 'credential';
  if (isThrottled(failure)) return 'throttled';
  if (isServerError(failure)) return 'server-error';
  if (answered(failure)) return 'client-error';
  if (isConnectionFailure(failure)) return 'connection';
  return failure.attemptTimedOut || TIMEOUT_CODES.has(failure.code ?? '') ? 'timeout' : 'ambiguous';
}

/** 2xx and 3xx; and what has no status at all, which axios takes for a success too. */
export function isSuccess(status: number): boolean {
  return !(status >= 400);
}

/** Reads an error of the wrapped adapter. `undefined`: it is the caller's own making, or a cancel, and nobody's failure. */
export function findingOf(error: unknown, config: AxiosRequestConfig, bodyFailure?: unknown): Finding | undefined {
  const { code, response } = trace(error);
  const status = response?.status;
  const answer = response !== undefined && status !== undefined && { response, status };
  if (answer && !isSuccess(answer.status))
    return { ...answer, error, ...(code !== undefined && { code }), attemptTimedOut: false };
  if (isCallersOwn(error, config)) return undefined;
  if (bodyFailure !== undefined && errorChain(error).includes(bodyFailure as object)) return undefined;
  return { ...answer, error, ...(code !== undefined && { code }), attemptTimedOut: false };
}

function answered(failure: Finding): boolean {
  return failure.status !== undefined && !isSuccess(failure.status);
}

/** The first server has had the request by then, whatever became of the connection to the next. */
function wasRedirected(error: unknown): boolean {
  const { request } = Object(error) as { request?: { _redirectCount?: number } };
  return (request?._redirectCount ?? 0) > 0;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['get', 'head', 'options', 'put', 'delete', 'trace', 'query']);

/** By RFC 9110. */
function isIdempotent(method = 'get'): boolean {
  return IDEMPOTENT.has(method.toLowerCase());
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set(['ECONNABORTED', 'ETIMEDOUT']);

const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOENT', // socketPath
  'EPROTO',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_CREDENTIAL',
]);

/** OpenSSL's names of what is wrong with a certificate, and Node's of what is wrong with a handshake. */
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERROR_IN_C)/;

function isConnectionTrace({ code = '', syscall, message }: Trace): boolean {
  if (CONNECTION_CODES.has(code) || TLS_CODE.test(code)) return true;
  // An operating system's ETIMEDOUT of connect has a syscall; axios's clarified timeout has the same code without one.
  if (code === 'ETIMEDOUT') return syscall === 'connect';
  return code === 'ECONNRESET' && message.includes('before secure TLS connection was established');
}

/**
 * Codes of axios, Node and follow-redirects for what no other backend would do better: a bad option, header or URL, a
 * limit of the caller's exceeded, too many redirects, a cancel (also of the caller's own body stream).
 */
const OWN_CODE =
  /^(?:ERR_CANCELED|ERR_BAD_OPTION|ERR_BAD_OPTION_VALUE|ERR_BAD_REQUEST|ERR_NOT_SUPPORT|ERR_DEPRECATED|ERR_FR_\w+|ERR_FORM_DATA_\w+|ERR_INVALID_\w+|ERR_UNKNOWN_ENCODING|ERR_HTTP_INVALID_\w+|ERR_HTTP2_INVALID_\w+|UND_ERR_INVALID_ARG|ERR_UNESCAPED_CHARACTERS)$/;

/** A TypeError; and what a browser's XMLHttpRequest throws of a bad header, method or state. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'TypeError',
  'SyntaxError',
  'SecurityError',
  'InvalidStateError',
  'InvalidAccessError',
  'DataCloneError',
]);

function isCallersOwn(error: unknown, config: AxiosRequestConfig): boolean {
  const chain = traces(error);
  const [top] = chain;
  if (top === undefined) return false;
  if (chain.some(({ code = '' }) => OWN_CODE.test(code))) return true;
  // axios 1.5.0 says the same, with the limit it has not got (-1), of a truncated body.
  if (top.message.startsWith('maxContentLength size of ')) return (config.maxContentLength ?? -1) > -1;
  // The fetch adapter has no code for it.
  if (chain.some(({ message }) => message === 'redirect count exceeded')) return true;
  // The fetch adapter passes on a bad header as a TypeError that nothing caused; a network's failure has a cause or a
  // code, or, in browsers that tell nothing, says so.
  const root = chain.at(-1) ?? top;
  return (
    top.code === undefined &&
    OWN_NAMES.has(root.name) &&
    root.code === undefined &&
    !/network|terminated/i.test(root.message)
  );
}

/** What is read of an error, or of a cause of it. */
interface Trace {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly syscall: string | undefined;
  readonly response: AxiosResponse | undefined;
}

function trace(error: unknown): Trace {
  const { name, code, message, syscall, response } = Object(error) as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : '',
    code: typeof code === 'string' ? code : undefined,
    message: typeof message === 'string' ? message : '',
    syscall: typeof syscall === 'string' ? syscall : undefined,
    response: typeof response === 'object' && response !== null ? (response as AxiosResponse) : undefined,
  };
}

/** The error, its causes, and the errors gathered in them: the fetch adapter's code, for one, sits in the cause. */
function traces(error: unknown): Trace[] {
  return errorChain(error).map(trace);
}

/** An error with all that it says caused it, outermost first. */
export function errorChain(error: unknown): object[] {
  const chain: object[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || chain.includes(value)) return;
    chain.push(value);
    const { cause, errors } = value as { cause?: unknown; errors?: unknown };
    if (Array.isArray(errors)) errors.forEach(visit);
    visit(cause);
  };
  visit(error);
  return chain;
}
