import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { isOneShot } from './body';
import { CodedError } from './coded-error';
import { discard } from './response';
import { combine } from './url';

/** As fetch has it. */
const MAX_REDIRECTS = 20;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What describes a body that is not sent on. */
const BODY_HEADERS = ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location'];

/**
 * Follows redirects in place of Node's fetch, which would carry every header but `Authorization` to another origin. (In
 * browsers nobody but the browser can follow.) 301 to 303 make a GET of a POST, as fetch does.
 *
 * @param sensitive lower-case names of what stays with the backend
 */
export async function followingRedirects(
  adapter: AxiosAdapter,
  attempt: InternalAxiosRequestConfig,
  sensitive: readonly string[],
): Promise<AxiosResponse> {
  const { fetchOptions } = attempt;
  const maxRedirects = attempt.maxRedirects ?? MAX_REDIRECTS;
  if (fetchOptions?.redirect === 'manual' || fetchOptions?.redirect === 'error') return adapter(attempt);
  let hop = { ...attempt, fetchOptions: { ...fetchOptions, redirect: 'manual' } } as InternalAxiosRequestConfig;
  let from = new URL(attempt.baseURL === undefined ? (attempt.url ?? '') : combine(attempt.baseURL, attempt.url ?? ''));
  for (let count = 0; ; count++) {
    const response = await adapter(hop);
    const to = maxRedirects > 0 ? destinationOf(response, from) : undefined;
    if (to === undefined) return response;
    const asGet = response.status === 303 || (response.status < 303 && hop.method?.toLowerCase() === 'post');
    // A body that can be read only once has been; the redirect is the caller's to follow.
    if (!asGet && isOneShot(hop.data)) return response;
    discard(response);
    // In the words and the code of follow-redirects, which the http adapter uses.
    if (count >= maxRedirects)
      throw new CodedError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS');
    hop = redirected(hop, to, asGet, to.origin === from.origin ? [] : [...sensitive, ...ALWAYS_SENSITIVE]);
    from = to;
  }
}

/** What fetch itself takes off. */
const ALWAYS_SENSITIVE = ['cookie', 'proxy-authorization', 'host'];

/** Where an answer leads, if that is a place to go. If not, the caller may look at the answer. */
function destinationOf({ status, headers }: AxiosResponse, from: URL): URL | undefined {
  const { location } = headers as { location?: unknown };
  if (!REDIRECTS.has(status) || typeof location !== 'string' || !URL.canParse(location, from)) return undefined;
  const to = new URL(location, from);
  return /^https?:$/.test(to.protocol) ? to : undefined;
}

function redirected(
  hop: InternalAxiosRequestConfig,
  to: URL,
  asGet: boolean,
  stripped: readonly string[],
): InternalAxiosRequestConfig {
  const next = { ...hop, url: to.href, allowAbsoluteUrls: true };
  delete next.baseURL;
  delete next.params;
  const drop = new Set([...stripped, ...(asGet ? BODY_HEADERS : [])]);
  const headers = Object.entries(hop.headers).filter(([name]) => !drop.has(name.toLowerCase()));
  next.headers = Object.assign(
    Object.create(Object.getPrototypeOf(hop.headers) as object),
    Object.fromEntries(headers),
  ) as typeof hop.headers;
  if (stripped.length > 0) delete next.auth;
  if (!asGet) return next;
  next.method = hop.method === 'head' ? 'head' : 'get';
  delete next.data;
  return next;
}
