import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Connection } from '../failover/connection';
import { wasRedirected } from '../failover/error-kinds';
import { isInQueue } from './agent-sockets';
import { headFrom } from './http-transport';
import { isStaleSession, isStaleSocket } from './stale-connection';

/** A native request, as an error of axios's http adapter holds it. */
interface NativeRequest extends Pick<ClientRequest, 'socket' | 'reusedSocket'> {
  readonly agent?: Agent;
  readonly res?: IncomingMessage | null;
  /** Over HTTP/2, the request is a stream, and axios makes it the response too. */
  readonly statusCode?: number;
  /** Of follow-redirects: the request under way. */
  readonly _currentRequest?: NativeRequest;
}

/** What is known of a sending before it begins, where the transport isn't ours. */
interface Sending {
  /** When the adapter is called, in ms on the clock of `base/clock`. */
  readonly sentAt: number;
  /** What each idle connection has received so far, in bytes. */
  readonly bytesBefore: ReadonlyMap<object, number>;
}

/**
 * What an error of axios's http adapter tells of its connection, where the transport isn't ours.
 *
 * @param hasServed whether the backend has answered over HTTP/2 by now
 */
export function connectionOf(error: unknown, { sentAt, bytesBefore }: Sending, hasServed: boolean): Connection {
  const { request } = Object(error) as { request?: NativeRequest };
  const sent = request?._currentRequest ?? request;
  const isRedirected = wasRedirected(error);
  const { socket } = sent ?? {};
  // Of a connection that wasn't idle before, nobody can tell. Then the request may have been answered.
  const response = sent?.statusCode === undefined ? sent?.res : (sent as unknown as IncomingMessage);
  const isAnswered = Boolean(response) || (socket != null && socket.bytesRead !== bytesBefore.get(socket));
  const isClosed = isStaleSocket({ isReused: sent?.reusedSocket === true, error, sentAt, isAnswered });
  return {
    error: undefined,
    // It never got a socket: its agent failed, with whatever error.
    isUnsent: sent?.socket === null ? true : undefined,
    isStale: !isRedirected && (isClosed || isStaleSession(error, hasServed)),
    isQueued: isInQueue(sent as ClientRequest | undefined, sent?.agent),
    isRedirected,
    // follow-redirects doesn't say where it went.
    hasLeftOrigin: false,
    head: response ? headFrom(response) : undefined,
  };
}
