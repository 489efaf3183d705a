import axios from 'axios';
import type { Target } from '../failover/http-client';
import { removeHeaders } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import type { AttemptConfig } from './attempt-config';

/** Lower-case names of the headers that another origin must not get: the backend's, and those that the caller names. */
export function sensitiveOf({ sensitiveHeaders: callers }: AttemptConfig, { backend }: Target): readonly string[] {
  const { sensitive } = backend.credentials;
  if (callers == null) return sensitive;
  return [...sensitive, ...(callers as readonly string[]).map((name) => name.toLowerCase())];
}

/** Whether `sensitiveHeaders` is what axios takes. */
export function isListOfNames(value: unknown): boolean {
  return value == null || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
}

/**
 * Over fetch, axios ignores `sensitiveHeaders`, and the package follows the redirects.
 *
 * @throws AxiosError as axios's http adapter does: what is not understood would be a leak
 */
export function checkSensitiveHeaders(config: AttemptConfig): void {
  if (isListOfNames(config.sensitiveHeaders)) return;
  const { ERR_BAD_OPTION_VALUE } = axios.AxiosError;
  throw new axios.AxiosError('sensitiveHeaders must be an array of strings', ERR_BAD_OPTION_VALUE, config);
}

/** Where the adapter follows redirects itself, it is told which headers another origin must not get. */
export function guardRedirects(attempt: AttemptConfig, target: Target): void {
  const { baseURL, credentials } = target.backend;
  let { sensitive } = credentials;
  // Anything else is left for axios to refuse.
  if (isListOfNames(attempt.sensitiveHeaders)) {
    sensitive = sensitiveOf(attempt, target);
    attempt.sensitiveHeaders = [...sensitive];
  }
  // For versions of axios before 1.18, which don't know `sensitiveHeaders`.
  const strip = stripOnOtherOrigin(baseURL, sensitive);
  const { beforeRedirect } = attempt;
  attempt.beforeRedirect = beforeRedirect ? chained(strip, beforeRedirect) : strip;
}

/** axios's `beforeRedirect`: may change the options of the next request. Older axios passes no `request`. */
type RedirectHook = (
  options: Record<string, unknown>,
  response: { headers: Record<string, string>; statusCode: number },
  request?: { headers: Record<string, string>; url: string; method: string },
) => void;

/**
 * Removes headers from a request to another origin.
 *
 * @param firstUrl of the chain
 * @param sensitive lower-case names
 */
function stripOnOtherOrigin(firstUrl: string, sensitive: readonly string[]): RedirectHook {
  return (options, _response, request) => {
    const { href, headers = {} } = options as { href?: string; headers?: HeaderFields };
    if (!isSameOrigin(request?.url ?? firstUrl, href)) removeHeaders(headers, (name) => sensitive.includes(name));
  };
}

function isSameOrigin(from: string, to: unknown): boolean {
  try {
    return new URL(from).origin === new URL(String(to)).origin;
  } catch {
    return false;
  }
}

type BeforeRedirect = NonNullable<AttemptConfig['beforeRedirect']>;

function chained(first: RedirectHook, second: BeforeRedirect): BeforeRedirect {
  // Older versions of axios pass fewer arguments.
  return (...given) => {
    first(...given);
    second(...given);
  };
}
