import axios from 'axios';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { own } from '../base/check';
import { now } from '../base/clock';
import { codeOf, errorChain } from '../base/errors';
import type { Connection, FetchConnection, Head } from '../failover/connection';
import type { Exchange } from '../failover/http-client';
import { wasRedirected } from '../failover/network-errors';
import { CLOSED_CODE, STALE_WITHIN, headFrom } from './transport';

/** A native request, as an error of axios's http adapter holds it. */
interface NativeRequest extends Pick<ClientRequest, 'socket' | 'reusedSocket'> {
  readonly res?: IncomingMessage | null;
  /** Of follow-redirects: the request under way. */
  readonly _currentRequest?: NativeRequest;
}

/** HTTP/2: the server had closed the session before the request. (INVALID is a session's state, not an argument's.) */
const SESSION_CODE = /^ERR_HTTP2_(?:GOAWAY|INVALID)_SESSION$/;
/** It says so of a stream, too. */
const REFUSED_STREAM = 'NGHTTP2_REFUSED_STREAM';

/**
 * What an error of axios's http adapter tells of its connection, where the transport isn't ours.
 *
 * @param hasServed whether the backend has answered over HTTP/2 before
 */
export function connectionOf(error: unknown, { started }: Exchange, hasServed: boolean): Connection {
  const { request } = Object(error) as { request?: NativeRequest };
  const sent = request?._currentRequest ?? request;
  const isRedirected = wasRedirected(error);
  const { code = '' } = codeOf(error);
  const isClosed = sent?.reusedSocket === true && !sent.res && CLOSED_CODE.test(code) && now() - started < STALE_WITHIN;
  const isSessionClosed = errorChain(error).some(
    (each) => SESSION_CODE.test(each.code ?? '') || (hasServed && String(each.message).includes(REFUSED_STREAM)),
  );
  return {
    error: undefined,
    // It never got a socket: its agent failed, with whatever error.
    isUnsent: sent?.socket === null ? true : undefined,
    isStale: !isRedirected && (isClosed || isSessionClosed),
    isQueued: false,
    isRedirected,
    head: sent?.res ? headFrom(sent.res) : undefined,
  };
}

/** In `fetchOptions`: what the watched fetch reports to. No symbol, since axios 1.13 doesn't copy those. */
const WATCHER = 'axiosPriorityAdapterWatcher';

/**
 * `fetchOptions` that report the head of the response to `connection`, over a watched fetch. They set no headers: axios
 * 1.13 would send those in place of the request's own.
 */
export function watchedBy(fetchOptions: object | undefined, connection: FetchConnection): object {
  const options = { ...fetchOptions, [WATCHER]: connection };
  Reflect.deleteProperty(options, 'headers');
  return options;
}

type Fetch = typeof fetch;

/** axios's `env`. */
export interface FetchEnv {
  readonly fetch?: Fetch | null;
}

/** The fetch that the caller put into axios's `env`. */
export function fetchIn(env: FetchEnv | null | undefined): Fetch | undefined {
  return (env && own(env, 'fetch')) ?? undefined;
}

const watchedFetches = new WeakMap<Fetch, Fetch>();

/** The fetch of the runtime, looked up at each call, since mocks replace it. */
const runtimeFetch: Fetch = (...args) => fetch(...args);

/** The same fetch, which also reports the head of a response. One for each, since axios keeps an adapter for each. */
export function watchedFetch(given: Fetch = runtimeFetch): Fetch {
  let watched = watchedFetches.get(given);
  if (watched === undefined) {
    watched = async (input, init) => {
      const { [WATCHER]: connection } = init as { [WATCHER]: FetchConnection };
      // A new request follows a redirect: forget the redirect's head.
      connection.head = undefined;
      connection.native = input;
      const response = await given(input, init);
      connection.head = headOf(response);
      return response;
    };
    watchedFetches.set(given, watched);
  }
  return watched;
}

function headOf({ status, statusText, headers }: Response): Head {
  return { status, statusText, headers: new axios.AxiosHeaders(Object.fromEntries(headers)) };
}
