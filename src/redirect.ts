import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { isOneShot } from './body';
import { CodedError } from './coded-error';
import { discard } from './response';
import { combine } from './url';

/** What fetch itself takes off on the way to another origin. */
const LOCAL = ['cookie', 'proxy-authorization', 'host'];

/**
 * Follows redirects in place of Node's fetch, which would carry every header but `Authorization` to another origin. (In
 * browsers nobody but the browser can follow.) 301 to 303 make a GET of a POST, as fetch does.
 */
export async function followingRedirects(
  adapter: AxiosAdapter,
  attempt: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  const { fetchOptions, maxRedirects = 20, baseURL, url } = attempt;
  if (['manual', 'error'].includes(fetchOptions?.redirect as string)) return adapter(attempt);
  let hop = { ...attempt, fetchOptions: { ...fetchOptions, redirect: 'manual' } } as InternalAxiosRequestConfig;
  let from = new URL(baseURL === undefined ? url! : combine(baseURL, url!));
  for (let redirects = 0; ; redirects++) {
    const response = await adapter(hop).catch((error: unknown) => {
      throw counted(error, redirects);
    });
    const to = destinationOf(response, from);
    const asGet = response.status === 303 || (response.status < 303 && /^post$/i.test(hop.method!));
    // A body that can be read only once has been; the redirect is the caller's to follow.
    if (to === undefined || maxRedirects <= 0 || (!asGet && isOneShot(hop.data))) return response;
    discard(response);
    // In the words and the code of follow-redirects, which the http adapter uses.
    if (redirects >= maxRedirects)
      throw new CodedError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS');
    hop = redirected(hop, to, asGet, to.origin !== from.origin);
    from = to;
  }
}

/** As follow-redirects counts: behind the first, a connection that was refused does not mean that nothing was sent. */
function counted(error: unknown, redirects: number): unknown {
  const { request } = Object(error) as { request?: object };
  Object.assign(Object(request) as object, { _redirectCount: redirects });
  return error;
}

/** Where an answer leads, if that is a place to go. If not, the caller may look at the answer. */
function destinationOf({ status, headers }: AxiosResponse, from: URL): URL | undefined {
  const { location } = headers as { location?: unknown };
  const leads = [301, 302, 303, 307, 308].includes(status) && typeof location === 'string';
  if (!leads || !URL.canParse(location, from)) return undefined;
  const to = new URL(location, from);
  return /^https?:$/.test(to.protocol) ? to : undefined;
}

function redirected(
  hop: InternalAxiosRequestConfig,
  to: URL,
  asGet: boolean,
  elsewhere: boolean,
): InternalAxiosRequestConfig {
  const next = { ...hop, url: to.href };
  delete next.baseURL;
  delete next.params;
  const sensitive = elsewhere ? [...hop.sensitiveHeaders!, ...LOCAL].map((name) => name.toLowerCase()) : [];
  next.headers = Object.create(Object.getPrototypeOf(hop.headers) as object) as typeof hop.headers;
  for (const [name, value] of Object.entries<unknown>(hop.headers)) {
    const lower = name.toLowerCase();
    // What describes a body goes where the body goes.
    if (!sensitive.includes(lower) && !(asGet && lower.startsWith('content-'))) next.headers[name] = value as string;
  }
  if (elsewhere) delete next.auth;
  if (asGet) Object.assign(next, { method: hop.method === 'head' ? 'head' : 'get', data: undefined });
  return next;
}
