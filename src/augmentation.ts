import type { RequestFailover } from './options';
import type { Attempt } from './events';

// Without type parameters: axios's own have changed, and this is to fit all of 1.x.
declare module 'axios' {
  interface AxiosRequestConfig {
    /**
     * `false`: one attempt on the chosen backend, whose answer is handed back as it is. An object overrides the
     * adapter's options for this request.
     */
    failover?: false | RequestFailover | undefined;
  }

  interface AxiosResponse {
    /** The backends that were asked, in order. */
    attempts?: readonly Attempt[];
    /** Whether no backend gave this answer, because none was available. */
    fabricated?: boolean;
  }

  interface AxiosError {
    /** The backends that were asked, in order. */
    attempts?: readonly Attempt[];
  }
}
