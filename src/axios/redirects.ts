import axios from 'axios';
import type { AxiosAdapter, AxiosResponse } from 'axios';
import type { Target } from '../failover/http-client';
import { isOneShot } from '../http/body';
import { headerOf } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import { FETCH_REDIRECTS, HTTP_REDIRECTS, isRedirect, nextHop, tooManyRedirects } from '../http/redirect';
import type { NextHop, RedirectError, RedirectRules } from '../http/redirect';
import { discardBody } from '../http/streams';
import { combine } from '../http/url';
import { copyOf } from './attempt-config';
import type { AttemptConfig } from './attempt-config';
import type { Wire } from './transport';

/** Follows the redirects of an attempt whose adapter doesn't. */
export interface Follow {
  (adapter: AxiosAdapter, attempt: AttemptConfig, first: AxiosResponse, target: Target): Promise<AxiosResponse>;
  readonly rules: RedirectRules;
}

/** follow-redirects' default. */
const MAX_REDIRECTS = 21;
/** The default of the fetch standard. */
const MAX_FETCH_REDIRECTS = 20;

/** How redirects are followed over axios's http adapter with our own transport. */
export function followHttp(wire: Wire): Follow | undefined {
  if (!wire.followsRedirects) return undefined;
  return followWith(
    HTTP_REDIRECTS,
    MAX_REDIRECTS,
    () => new URL(wire.url),
    (next) => (wire.hash = next.hash),
  );
}

/**
 * Node's fetch would carry every header but `Authorization` to another origin. So an attempt over it is told not to
 * follow, unless the caller has chosen something else already.
 */
export function withManualRedirects(attempt: AttemptConfig): [attempt: AttemptConfig, follow: Follow | undefined] {
  const fetchOptions = attempt.fetchOptions as { redirect?: unknown } | undefined;
  if (['manual', 'error'].includes(fetchOptions?.redirect as string)) return [attempt, undefined];
  attempt.fetchOptions = { ...fetchOptions, redirect: 'manual' };
  return [attempt, (attempt.maxRedirects ?? 1) > 0 ? followFetch : undefined];
}

export const followFetch: Follow = /* @__PURE__ */ followWith(FETCH_REDIRECTS, MAX_FETCH_REDIRECTS, urlOf);

export function isRedirected({ status, headers }: AxiosResponse, { rules }: Follow): boolean {
  return status >= 300 && status < 400 && isRedirect(status, headerOf(headers, 'location'), rules);
}

/** @param goes is told of each redirect */
function followWith(
  rules: RedirectRules,
  limit: number,
  requestedUrl: (attempt: AttemptConfig) => URL,
  goes?: (next: URL) => void,
): Follow {
  const run = async (
    adapter: AxiosAdapter,
    attempt: AttemptConfig,
    first: AxiosResponse,
    { backend }: Target,
  ): Promise<AxiosResponse> => {
    const { auth, sensitiveHeaders } = attempt;
    // axios's http adapter takes 0 and null for the default. (0 never gets here.)
    const most = Number(attempt.maxRedirects) || limit;
    const sensitive = [...backend.credentials.sensitive, ...lowerCase(sensitiveHeaders)];
    const home = requestedUrl(attempt).origin;
    let response = first;
    let hop = attempt;
    for (let redirects = 1; ; redirects++) {
      const from = { url: requestedUrl(hop), method: hop.method!, headers: hop.headers as HeaderFields };
      const next = orError(hop, response, () => {
        if (isRedirected(response, follow) && redirects > most) throw tooManyRedirects();
        const { status, headers } = response;
        return nextHop(from, { status, location: headerOf(headers, 'location') }, rules, sensitive);
      });
      // A body that can be read only once has been. The caller gets the redirect.
      if (next === undefined || (!next.dropsBody && isOneShot(hop.data))) return response;
      discardBody(response.data);
      goes?.(next.url);
      hop = hopConfig(hop, next);
      // As in axios: they are the credentials of one origin.
      if (next.url.origin === home && auth !== undefined) hop.auth = auth;
      else delete hop.auth;
      response = await adapter(hop).catch((error: unknown) => {
        throw counted(error, redirects);
      });
    }
  };
  const follow: Follow = Object.assign(run, { rules });
  return follow;
}

/** An error of ours as axios's http adapter reports those of follow-redirects. */
function orError<T>(config: AttemptConfig, { data, request }: AxiosResponse, act: () => T): T {
  try {
    return act();
  } catch (error) {
    discardBody(data);
    const { code } = error as RedirectError;
    throw axios.AxiosError.from(error, code, config, request);
  }
}

/** `redirect: 'manual'` and the like stay, and so does the transport. */
function hopConfig(attempt: AttemptConfig, { url, method, headers, dropsBody }: NextHop): AttemptConfig {
  const next = Object.assign(copyOf(attempt), { url: url.href, method, headers }) as AttemptConfig;
  delete next.baseURL;
  delete next.params;
  if (dropsBody) next.data = undefined;
  return next;
}

/** As follow-redirects counts: after the first redirect, a refused connection doesn't mean that nothing was sent. */
function counted(error: unknown, redirects: number): unknown {
  const { request } = Object(error) as { request?: object };
  Object.assign(Object(request) as object, { _redirectCount: redirects });
  return error;
}

function urlOf({ baseURL, url }: AttemptConfig): URL {
  return new URL(baseURL === undefined ? url! : combine(baseURL, url!));
}

function lowerCase(names: unknown): string[] {
  return Array.isArray(names) ? (names as string[]).map((name) => name.toLowerCase()) : [];
}
