import { isProviderFailure } from '../base/errors';
import type { CodedError } from '../base/errors';

/** As fetch reports what failed. */
export function fetchFailed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}

/** What the caller or a provider did wrong, as fetch would report it. */
export function asFetchError(error: CodedError): TypeError {
  // The failure of a body has a cause, a mistake of the caller's has none.
  const cause = isProviderFailure(error) ? error : error.cause;
  return cause === undefined ? new TypeError(error.message) : fetchFailed(cause);
}
