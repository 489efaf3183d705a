import type { ClientRequest } from 'node:http';
import { now } from '../base/clock';
import { codeOf, errorChain } from '../base/errors';

/** ms. A connection that breaks later than this after sending may have been used by the server. */
const STALE_WITHIN = 1000;

/** How Node reports that a server has closed a connection: a reset, a hang-up, a broken pipe. */
const CLOSED_CODE = /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/;

/** HTTP/2: the server had closed the session before the request. (INVALID is a session's state, not an argument's.) */
const SESSION_CODE = /^ERR_HTTP2_(?:GOAWAY|INVALID)_SESSION$/;
/** It says so of a stream, too. */
const REFUSED_STREAM = 'NGHTTP2_REFUSED_STREAM';

/**
 * Whether a server had closed a kept-alive connection when the request was sent on it. It has seen nothing of the request
 * then, which the failover sends once more. Only where no response has come.
 *
 * @param since when the request was sent, in ms
 */
export function isClosedSocket(
  sent: Pick<ClientRequest, 'reusedSocket'> | null | undefined,
  error: unknown,
  since: number,
): boolean {
  const isClosed = sent?.reusedSocket === true && CLOSED_CODE.test(String(codeOf(error).code));
  return isClosed && now() - since < STALE_WITHIN;
}

/**
 * Whether a server had ended the HTTP/2 session.
 *
 * @param hasServed whether the backend has answered over HTTP/2 before
 */
export function isClosedSession(error: unknown, hasServed: boolean): boolean {
  return errorChain(error).some(
    ({ code, message }) => SESSION_CODE.test(code ?? '') || (hasServed && String(message).includes(REFUSED_STREAM)),
  );
}
