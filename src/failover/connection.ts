import type { HttpResponse } from '../http/messages';

/** The head of a response. */
export type Head = Pick<HttpResponse, 'status' | 'statusText' | 'headers'>;

/** What a client saw of the connection of one sending. */
export interface Connection {
  /** What the native request failed with. */
  readonly error: unknown;
  /** Whether it failed before a connection was established. `undefined`: only its code can tell. */
  readonly isUnsent: boolean | undefined;
  /**
   * Whether it failed because the server had closed a kept-alive connection. The failover then sends the request once
   * more, if its body can be sent again.
   */
  readonly isStale: boolean;
  /** Whether it waits for a free socket of its agent. */
  readonly isQueued: boolean;
  /** The head of the response, once it has arrived. */
  readonly head: Head | undefined;
  /** The native request, where an attempt that is given up may reject too late to tell. */
  readonly native?: unknown;
  /** Whether the progress of a handshake is invisible, as over fetch. */
  readonly hidesHandshake?: boolean;
  /** Whether a redirect was followed: then a server has had the request, whatever becomes of this connection. */
  isRedirected: boolean;
  /** Whether a redirect led to another origin, which gets no credentials. */
  hasLeftOrigin: boolean;
}

/** What is seen of a request over fetch. Nothing shows how far a connection got. */
export class FetchConnection implements Connection {
  readonly error = undefined;
  readonly isUnsent = undefined;
  readonly isStale = false;
  readonly isQueued = false;
  readonly hidesHandshake = true;
  isRedirected = false;
  hasLeftOrigin = false;
  // Set, so that a polluted prototype can't supply them.
  head: Head | undefined = undefined;
  native: unknown = undefined;
}
