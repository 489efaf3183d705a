import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { HeaderList } from './credentials';
import type { Attempt } from './events';
import { cancelWhileRead, rejection, restored, restoredError, settle } from './response';

/** What one request leaves behind on its way, and what of it leaves with the answer. */
export class Trail {
  readonly attempts: Attempt[] = [];
  readonly #given: HeaderList[] = [];
  /** Of the latest attempt. */
  #abort: AbortController | undefined;

  constructor(private readonly config: InternalAxiosRequestConfig) {}

  /** What an attempt was given: secrets, of which the caller hears nothing, and what ends it. */
  given(credentials: HeaderList, abort: AbortController | undefined): void {
    this.#given.push(credentials);
    this.#abort = abort;
  }

  /** The answer, as the caller may have it; an error where the caller's `validateStatus` says so. */
  answered(response: AxiosResponse): AxiosResponse {
    response.attempts = this.attempts;
    const answer = settle(restored(response, this.config));
    // As in axios, what is rejected is not listened for any longer.
    if (this.#abort !== undefined && answer.fabricated === undefined) cancelWhileRead(answer, this.config, this.#abort);
    return answer;
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
