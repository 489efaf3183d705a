import { codeOf, errorChain, isProviderFailure } from '../base/errors';
import type { ErrorLike } from '../base/errors';
import type { HttpResponse, RequestConfig } from '../http/messages';
import type { FailureReason } from '../pool/reasons';
import type { HeaderFields } from '../http/headers';
import type { Connection } from './connection';
import { isSuccess } from './failure';

/** What an error without a response counts as. */
export function reasonOfError(error: unknown, connection?: Connection): FailureReason {
  if (isProviderFailure(error)) return 'credential';
  const isUnsent =
    connection?.isUnsent ?? errorChain(error).some((each) => sentNothing(each, connection?.hidesHandshake === true));
  // After a redirect, the first server has had the request.
  const isRedirected = connection?.isRedirected ?? wasRedirected(error);
  if (isUnsent && !isRedirected) return 'connection';
  return reasonOfBrokenConnection(error);
}

/** Whether follow-redirects, where an adapter uses it, had followed a redirect before this error. */
export function wasRedirected(error: unknown): boolean {
  const { request } = Object(error) as { request?: { _redirectCount?: number } };
  return Number(request?._redirectCount) > 0;
}

/** What a connection that broke counts as. */
export function reasonOfBrokenConnection(error: unknown): FailureReason {
  return TIMEOUT_CODE.test(codeOf(error) ?? '') ? 'timeout' : 'ambiguous';
}

/** The message for a response whose status is 0. */
export const NO_STATUS = 'Network Error: the response has no status';

/** Codes of a timeout: axios's, and the operating system's. */
const TIMEOUT_CODE = /^E(?:CONNABORTED|TIMEDOUT)$/;

/** Whether the process itself has run out of file descriptors. */
export function isOutOfFileDescriptors(chain: readonly ErrorLike[]): boolean {
  return chain.some(({ code = '' }) => /^E[MN]FILE$/.test(code));
}

/** Codes of a connection that was not established, so that nothing was sent. */
const UNCONNECTED = new RegExp(
  `^(?:${[
    // Node: refused, DNS, unreachable; ENOENT is a missing `socketPath`.
    'ECONNREFUSED|ENOTFOUND|EAI_|E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL|ENOENT',
    // c-ares (cacheable-lookup#68)
    'ESERVFAIL$|ETIMEOUT$|EREFUSED$|ENODATA$|EFORMERR$|EBADRESP$|ECANCELLED$',
    // undici
    'UND_ERR_CONNECT_',
    // Bun
    'ConnectionRefused$',
    // OpenSSL: what is wrong with a certificate
    'CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|ERROR_IN_C|ERR_TLS_CERT_',
  ].join('|')})`,
);

/** Codes of TLS. Over fetch, a handshake that fails and a record that breaks later look alike. */
const TLS_CODE = /^(?:EPROTO$|ERR_TLS_|ERR_SSL_)/;

/**
 * HTTP/2: whether the server had closed the session before the request. (INVALID is a session's state, not an
 * argument's.)
 */
export function isClosedSession({ code = '' }: ErrorLike): boolean {
  return /^ERR_HTTP2_(?:GOAWAY|INVALID)_SESSION$/.test(code);
}

/** HTTP/2: whether the server refused the stream before it processed the request. (RFC 9113: code 7.) */
export function isRefusedStream({ message, rstCode }: ErrorLike): boolean {
  return rstCode === 7 || String(message).includes('NGHTTP2_REFUSED_STREAM');
}

function sentNothing(error: ErrorLike, hidesHandshake: boolean): boolean {
  const { code = '', syscall, message } = error;
  // An established connection fails with the same codes.
  if (syscall === 'read' || syscall === 'write') return false;
  return (
    UNCONNECTED.test(code) ||
    (!hidesHandshake && TLS_CODE.test(code)) ||
    // An operating system's ETIMEDOUT while connecting. axios's clarified timeout has the same code and no syscall.
    /^(?:connect$|getaddrinfo$|query)/.test(String(syscall)) ||
    isClosedSession(error) ||
    isRefusedStream(error) ||
    /before secure TLS connection|HTTP Tunneling$|^bad port$/.test(String(message))
  );
}

/**
 * The error response that a dispatcher of undici turned into an error: `RetryAgent` for what it doesn't retry, and the
 * interceptor `responseError`, which has read its body.
 */
export function refusalIn(error: unknown, config: RequestConfig): HttpResponse | undefined {
  const refusal: unknown = errorChain(error).find(({ code = '' }) => /^UND_ERR_(?:REQ_RETRY|RESPONSE)$/.test(code));
  // Version 6 has the body as `data`, later ones as `body`.
  const { statusCode, headers, body, data = body } = Object(refusal) as Record<string, unknown>;
  if (typeof statusCode !== 'number' || isSuccess(statusCode)) return undefined;
  return { status: statusCode, statusText: '', headers: Object(headers) as HeaderFields, data, config };
}

/** Codes of the caller's own cancel and limits, and of its `responseEncoding`. */
const LIMIT_CODE = /^ERR_(?:CANCELED|FR_|UNKNOWN_ENCODING)|^UND_ERR_RES_EXCEEDED_MAX_SIZE$/;

/** Codes of the caller's own mistakes, which would fail on every backend. */
const CALLERS_CODE = new RegExp(
  `^(?:UND_)?ERR_(?:${[
    // axios: a bad option, an unsupported feature
    'BAD_OPTION|BAD_REQUEST$|NOT_SUPPORT|DEPRECATED|FORM_DATA_',
    // Node and undici: a bad header, URL or argument, a length that isn't the body's
    'OUT_OF_RANGE$|HTTP_INVALID_|HTTP2_INVALID_(?!SESSION)|INVALID_|UNESCAPED_|(?:REQ|HTTP)_CONTENT_LENGTH_MISMATCH$',
    // undici: a dispatcher that the user has closed
    'CLOSED$|DESTROYED$',
  ].join('|')})|^UND_MOCK_`,
);

/** Whether fetch refuses a redirect: `redirect: 'error'`, too many, or a fetch that always follows them (Electron). */
export function isRedirectRefusal({ code = '', message }: ErrorLike): boolean {
  return code === 'UnexpectedRedirect' || /unexpected redirect|redirect (?:count|mode|was)/i.test(String(message));
}

/** Whether the caller's own cancel, limits, `responseEncoding` or redirect mode ended it: nothing that a backend did. */
export function isEndedByCaller(chain: readonly ErrorLike[], config: RequestConfig): boolean {
  // axios 1.5.0 says the same of a truncated body, with a limit of -1.
  if (String(chain[0]?.message).startsWith('maxContentLength size of ')) return Number(config.maxContentLength) > -1;
  return chain.some((each) => LIMIT_CODE.test(each.code ?? '') || isRedirectRefusal(each));
}

/** Whether the caller asked for a form (`responseType: 'formdata'`, over fetch), and the body of the response is none. */
export function isUnreadableForm(chain: readonly ErrorLike[], { responseType }: RequestConfig): boolean {
  return /^formdata$/i.test(String(responseType)) && !isNetworkError(chain, undefined);
}

/** Whether it is the caller's own mistake, such as a Blob whose file has changed, or a failed `integrity` check. */
export function isCallersMistake(chain: readonly ErrorLike[]): boolean {
  // One inside an error of fetch is undici's, about what a server sent.
  if (chain[0]?.code === 'ERR_ASSERTION') return true;
  return chain.some(
    ({ code = '', name, message }) =>
      CALLERS_CODE.test(code) || name === 'NotReadableError' || message === 'integrity mismatch',
  );
}

/** Codes of axios, Node, undici, OpenSSL and Bun. */
const NETWORK_CODE =
  /^(?:E[A-Z]|ERR_|UND_|HPE_|Z_|CERT_|CRL_|UNABLE_|SELF_SIGNED_|DEPTH_|HOSTNAME_|INVALID_|PATH_|Connection|FailedToOpenSocket|InvalidHTTP|Timeout|Zlib)/;

/** Messages of network errors without a code: axios, axios-mock-adapter, fetch of Node, Deno, workerd and browsers. */
const NETWORK_WORDS =
  /network ?error|^timeout of |fetch failed|failed to fetch|^NetworkError|load failed|terminated|^error sending request|^error reading a body|^Error in (?:body|input) stream|^Network connection lost|^internal error; reference/i;

/** How V8 says that code is wrong. */
const BUGS_WORDS =
  / is not (?:a function|a constructor|iterable|defined)\b|^Cannot (?:read|set|destructure|convert|perform|assign|add|delete|redefine|use)\b/;

/** Whether an error without a code is a bug, such as one in a dispatcher of the user's. */
function isBug({ name, code, message }: ErrorLike): boolean {
  if (code !== undefined) return false;
  return /^(?:Range|Reference|Syntax)Error$/.test(name) || (name === 'TypeError' && BUGS_WORDS.test(String(message)));
}

/** Whether an error comes from the network or a server. Everything else is somebody's bug. */
export function isNetworkError(chain: readonly ErrorLike[], connection: Connection | undefined): boolean {
  const hasCode = ({ code = '' }: ErrorLike): boolean => NETWORK_CODE.test(code) && code !== 'ERR_NETWORK';
  if (chain.some((each) => each === connection?.error || hasCode(each))) return true;
  // Node's fetch says "fetch failed" of a bug too, and axios's fetch adapter ERR_NETWORK.
  return !chain.some(isBug) && chain.some((each) => each.code === 'ERR_NETWORK' || hasNetworkWords(each));
}

function hasNetworkWords({ name, message }: ErrorLike): boolean {
  return name === 'NetworkError' || name === 'TimeoutError' || NETWORK_WORDS.test(String(message));
}
