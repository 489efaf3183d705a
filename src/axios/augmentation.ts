import type { RequestFailover } from '../failover/options';
import type { Attempt } from '../pool/events';

// Without type parameters: axios's own have changed, and this has to fit all of 1.x.
declare module 'axios' {
  interface AxiosRequestConfig {
    /**
     * `false`: the chosen backend alone, and its response is returned as it is. (A stale connection is replaced once.)
     * An object overrides the adapter's options for this request.
     */
    failover?: false | RequestFailover | undefined;
  }

  interface AxiosResponse {
    /** The attempts of the request, in order. */
    attempts?: readonly Attempt[];
    /** Whether the package made this response because no backend was available. */
    fabricated?: boolean;
  }

  interface AxiosError {
    /** The attempts of the request, in order. */
    attempts?: readonly Attempt[];
  }
}
