import { isProviderFailure } from '../base/errors';
import type { CodedError } from '../base/errors';

/** As fetch reports what failed. */
export function fetchFailed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}

/** What the caller or a provider did wrong, as fetch would report it. */
export function asFetchError(error: CodedError): TypeError {
  // The failure of a body has a cause.
  const isCallersMistake = error.cause === undefined && !isProviderFailure(error);
  return isCallersMistake ? new TypeError(error.message) : fetchFailed(error);
}
