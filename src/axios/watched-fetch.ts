import axios from 'axios';
import { own } from '../base/check';
import type { FetchConnection, Head } from '../failover/connection';

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
  return env ? (own(env, 'fetch') ?? undefined) : undefined;
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
