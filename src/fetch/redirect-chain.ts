import { CodedError, errorChain } from '../base/errors';
import { isSuccess } from '../failover/failure';
import { isRedirectRefusal } from '../failover/error-kinds';
import type { Connection } from '../failover/connection';
import type { Target } from '../failover/http-client';
import { isOneShot } from '../http/request-body';
import { headerOf } from '../http/headers';
import { fetchFailed } from './fetch-errors';
import { overrideFields } from './override-fields';
import {
  STANDARD_REDIRECTS as RULES,
  hiddenRedirect,
  isFollowedForFetch,
  isRedirect,
  nextHop,
} from '../http/redirect-rules';
import type { Hop, NextHop } from '../http/redirect-rules';
import { discardBody, drainBody } from '../http/streams';
import type { AttemptInit } from './attempt-init';
import type { Fetch, FetchRequest } from './request';

/** Whether the package follows the redirects of an attempt. */
export function isFollowed({ fetch }: FetchRequest, { backend }: Target, { headers, redirect }: AttemptInit): boolean {
  return redirect === 'follow' && isFollowedForFetch(fetch, headers, backend.credentials.sensitive);
}

/**
 * Sends an attempt, and follows its redirects.
 *
 * @param attempt its `init` is changed
 * @param connection learns of each redirect
 * @throws TypeError as fetch does, or one that states why a redirect can't be followed
 */
export async function followRedirects(
  fetch: Fetch,
  [url, init]: [string, AttemptInit],
  { backend }: Target,
  connection: Connection,
): Promise<Response> {
  const { integrity } = init;
  init.redirect = 'manual';
  if (integrity) Reflect.deleteProperty(init, 'integrity');
  for (let redirects = 0; ; redirects++) {
    let response: Response;
    try {
      // A wrapped fetch may return what is no promise.
      response = await fetch(url, init as RequestInit);
    } catch (error) {
      throw errorChain(error).some(isRedirectRefusal) ? hiddenRedirectError() : error;
    }
    const { status, type } = Object(response) as Response;
    if (type === 'opaqueredirect') throw hiddenRedirectError();
    const location = RULES.follows(status) ? headerOf(response.headers, 'location') : undefined;
    if (!isRedirect(status, location, RULES)) {
      // A refusal fails over, whatever its body is.
      if (integrity && isSuccess(status)) await checkIntegrity(fetch, response, integrity);
      return redirects === 0
        ? response
        : overrideFields(response, { redirected: true, type: connection.hasLeftOrigin ? 'cors' : type });
    }
    // A cancel would leave undici reading the stream that is being uploaded.
    if (isOneShot(init.body)) drainBody(response.body);
    else discardBody(response.body);
    if (redirects >= RULES.limit) throw fetchFailed(new Error('redirect count exceeded'));
    connection.isRedirected = true;
    const from = { ...init, url: new URL(url) };
    const next = nextOf(from, { status, location }, backend.credentials.sensitive);
    // A body that can be read only once has been.
    if (!next.dropsBody && isOneShot(init.body))
      throw fetchFailed(new CodedError('a stream can be sent only once', 'ERR_BAD_REQUEST'));
    connection.hasLeftOrigin ||= next.url.origin !== from.url.origin;
    url = next.url.href;
    init = { ...init, method: next.method, headers: next.headers };
    if (next.dropsBody) Object.assign(init, { method: 'GET', body: undefined });
  }
}

/** Lets the runtime compare a copy: with `integrity` in its `init`, a fetch would refuse the redirects themselves. */
async function checkIntegrity(fetch: Fetch, response: Response, integrity: string): Promise<void> {
  const copy = URL.createObjectURL(await response.clone().blob());
  try {
    await fetch(copy, { integrity });
  } catch (error) {
    discardBody(response.body);
    throw error;
  } finally {
    URL.revokeObjectURL(copy);
  }
}

function nextOf(from: Hop, to: { status: number; location: string }, sensitive: readonly string[]): NextHop {
  try {
    return nextHop(from, to, RULES, sensitive)!;
  } catch (error) {
    throw fetchFailed(error);
  }
}

function hiddenRedirectError(): TypeError {
  const cause = hiddenRedirect();
  return new TypeError(cause.message, { cause });
}
