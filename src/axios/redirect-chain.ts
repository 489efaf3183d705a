import type { AxiosAdapter, AxiosResponse } from 'axios';
import { errorChain } from '../base/errors';
import { isRedirectRefusal } from '../failover/error-kinds';
import type { Connection } from '../failover/connection';
import type { Target } from '../failover/http-client';
import { isOneShot } from '../http/request-body';
import { headerOf } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import {
  FETCH_REDIRECTS,
  HTTP_REDIRECTS,
  hiddenRedirect,
  isFollowedForFetch,
  isRedirect,
  nextHop,
  tooManyRedirects,
} from '../http/redirect-rules';
import type { NextHop, RedirectRules } from '../http/redirect-rules';
import { discardBody } from '../http/streams';
import { combine } from '../http/url';
import { fromRedirectError } from './axios-errors';
import { copyOf, removeField } from './attempt-config';
import type { AttemptConfig, AxiosRequest } from './attempt-config';
import { guardRedirects, sensitiveOf } from './redirect-guard';
import { fetchIn } from './watched-fetch';
import type { HttpTransport } from './http-transport';

/** Follows the redirects of an attempt whose adapter doesn't. It notes them at the connection. */
type Following = (
  attempt: AttemptConfig,
  first: AxiosResponse,
  target: Target,
  connection: Connection,
) => Promise<AxiosResponse>;

export type Follow = Following & { readonly rules: RedirectRules };

/**
 * Decides who follows the redirects of an attempt, and changes its config accordingly. `undefined` means that the adapter
 * follows them, or nobody does.
 *
 * @param transport our own, if the attempt has one
 */
export function prepareRedirects(
  attempt: AttemptConfig,
  request: AxiosRequest,
  target: Target,
  transport: HttpTransport | undefined,
): Follow | undefined {
  if (transport !== undefined) return followHttp(transport);
  const follow = request.kind === 'fetch' ? followManually(attempt, target) : undefined;
  guardRedirects(attempt, target);
  return follow;
}

/** How redirects are followed over axios's http adapter with our own transport. */
function followHttp(transport: HttpTransport): Follow | undefined {
  if (!transport.followsRedirects) return undefined;
  return followWith(
    HTTP_REDIRECTS,
    () => new URL(transport.url),
    (next) => (transport.hash = next.hash),
  );
}

/**
 * Tells the fetch not to follow redirects where the package does, unless the caller has chosen something else already.
 * What then comes back is up to the fetch in use: a redirect, a status of 0, or a rejection.
 */
function followManually(attempt: AttemptConfig, target: Target): Follow | undefined {
  const fetchOptions = attempt.fetchOptions as { redirect?: unknown } | undefined;
  if (['manual', 'error'].includes(fetchOptions?.redirect as string)) return undefined;
  const fetch = fetchIn(attempt.env) ?? globalThis.fetch;
  const headers = attempt.headers as HeaderFields;
  if (attempt.auth === undefined && !isFollowedForFetch(fetch, headers, sensitiveOf(attempt, target))) return undefined;
  attempt.fetchOptions = { ...fetchOptions, redirect: 'manual' };
  return (attempt.maxRedirects ?? 1) > 0 ? followFetch : undefined;
}

const followFetch: Follow = /* @__PURE__ */ followWith(FETCH_REDIRECTS, urlOf);

/** The last response of a chain of redirects. `connection` learns of each redirect. */
export function followRedirects(
  first: Promise<AxiosResponse>,
  follow: Follow,
  attempt: AttemptConfig,
  target: Target,
  connection: Connection,
): Promise<AxiosResponse> {
  return first.then(
    (response) => (isToFollow(response, follow) ? follow(attempt, response, target, connection) : response),
    (error: unknown) => {
      if (!isRefused(error, follow)) throw error;
      throw fromRedirectError(hiddenRedirect(), attempt, (error as { request?: unknown }).request);
    },
  );
}

/** Whether the fetch in use rejects a redirect that it is told not to follow, as Electron's does. */
function isRefused(error: unknown, { rules }: Follow): boolean {
  return rules === FETCH_REDIRECTS && errorChain(error).some(isRedirectRefusal);
}

function isToFollow({ status, headers }: AxiosResponse, { rules }: Follow): boolean {
  // The status comes first: most responses then need no search for the header.
  return rules.follows(status) && isRedirect(status, headerOf(headers, 'location'), rules);
}

/** @param onRedirect is told of each redirect */
function followWith(
  rules: RedirectRules,
  requestedUrl: (attempt: AttemptConfig) => URL,
  onRedirect?: (next: URL) => void,
): Follow {
  const run: Following = async (attempt, first, target, connection) => {
    const { auth } = attempt;
    // axios's http adapter takes 0 and null for the default. (0 never gets here.)
    const maxRedirects = Number(attempt.maxRedirects) || rules.limit;
    const sensitive = sensitiveOf(attempt, target);
    const firstOrigin = requestedUrl(attempt).origin;
    let response = first;
    let hop = attempt;
    for (let redirects = 1; ; redirects++) {
      const { mode } = Object(hop.fetchOptions) as { readonly mode?: unknown };
      const from = { url: requestedUrl(hop), method: hop.method!, headers: hop.headers as HeaderFields, mode };
      const next = asAxiosError(hop, response, () => {
        if (isToFollow(response, follow) && redirects > maxRedirects) throw tooManyRedirects();
        const { status, headers } = response;
        return nextHop(from, { status, location: headerOf(headers, 'location') }, rules, sensitive);
      });
      // A body that can be read only once has been. The caller gets the redirect.
      if (next === undefined || (!next.dropsBody && isOneShot(hop.data))) return response;
      discardBody(response.data);
      connection.isRedirected = true;
      connection.hasLeftOrigin ||= next.url.origin !== from.url.origin;
      onRedirect?.(next.url);
      hop = hopConfig(hop, next);
      // As in axios: they are the credentials of one origin.
      if (next.url.origin === firstOrigin && auth !== undefined) hop.auth = auth;
      else removeField(hop, 'auth');
      response = await (hop.adapter as AxiosAdapter)(hop);
    }
  };
  const follow: Follow = Object.assign(run, { rules });
  return follow;
}

/** Turns an error of `nextHop` into the AxiosError that the http adapter makes of one of follow-redirects. */
function asAxiosError<T>(config: AttemptConfig, { data, request }: AxiosResponse, act: () => T): T {
  try {
    return act();
  } catch (error) {
    discardBody(data);
    throw fromRedirectError(error, config, request);
  }
}

/** The config of the next hop. `fetchOptions` and the transport stay. */
function hopConfig(attempt: AttemptConfig, { url, method, headers, dropsBody }: NextHop): AttemptConfig {
  const next = Object.assign(copyOf(attempt), { url: url.href, method, headers }) as AttemptConfig;
  // Not deleted: the config may inherit them.
  Object.assign(next, { baseURL: undefined, params: undefined, allowAbsoluteUrls: true });
  // As in axios, sending the body again is no more progress.
  if (next.onUploadProgress !== undefined) next.onUploadProgress = undefined as never;
  if (dropsBody) next.data = undefined;
  return next;
}

function urlOf({ baseURL, url }: AttemptConfig): URL {
  return new URL(baseURL === undefined ? url! : combine(baseURL, url!));
}
