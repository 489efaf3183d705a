import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { HeaderList } from './credentials';
import type { Attempt } from './events';
import { rejection, restored, restoredError, settle } from './response';

/** What one request leaves behind on its way, and what of it leaves with the answer. */
export class Trail {
  readonly attempts: Attempt[] = [];
  readonly #given: HeaderList[] = [];

  constructor(private readonly config: InternalAxiosRequestConfig) {}

  /** The caller hears of no secret that an attempt was given. */
  given(credentials: HeaderList): void {
    this.#given.push(credentials);
  }

  /** The answer, as the caller may have it; an error where the caller's `validateStatus` says so. */
  answered(response: AxiosResponse): AxiosResponse {
    response.attempts = this.attempts;
    return settle(restored(response, this.config));
  }

  /** The error, as the caller, or a rule of the user's, may have it. */
  cleaned(error: unknown): unknown {
    return restoredError(rejection(error, this.config), this.config, this.#given.flat());
  }

  /** The error that the request ends with. */
  rejected(error: unknown): unknown {
    const reason = this.cleaned(error);
    // A `cancelToken`'s reason, shared by all its requests, never gets here.
    if (Object.isExtensible(reason)) Object.assign(reason as object, { attempts: this.attempts });
    return reason;
  }
}
