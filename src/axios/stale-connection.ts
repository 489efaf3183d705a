import { now } from '../base/clock';
import { codeOf, errorChain } from '../base/errors';
import { isClosedSession, isRefusedStream } from '../failover/error-kinds';

/** ms. A connection that breaks later than this after sending may have been used by the server. */
const STALE_WITHIN = 1000;

/** How Node reports that a server has closed a connection: a reset, a hang-up, a broken pipe. */
const CLOSED_CODE = /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/;

/** A request that failed. */
interface FailedRequest {
  /** Whether its connection had served another request before. */
  readonly isReused: boolean;
  readonly error: unknown;
  /** When it was sent, in ms. */
  readonly sentAt: number;
  /** Whether anything came back on its connection. */
  readonly isAnswered: boolean;
}

/**
 * Whether the server had most likely closed a kept-alive connection when the request was sent on it: it broke soon after,
 * without an answer. The failover then sends the request once more.
 */
export function isStaleSocket({ isReused, error, sentAt, isAnswered }: FailedRequest): boolean {
  return isReused && !isAnswered && CLOSED_CODE.test(String(codeOf(error))) && now() - sentAt < STALE_WITHIN;
}

/**
 * The same over HTTP/2: whether the server had ended the session.
 *
 * @param hasServed whether the backend has answered over HTTP/2 before
 */
export function isStaleSession(error: unknown, hasServed: boolean): boolean {
  return errorChain(error).some((each) => isClosedSession(each) || (hasServed && isRefusedStream(each)));
}
