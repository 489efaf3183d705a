import { isNode } from './streams';
import { copyHeaders } from './headers';
import type { HeaderFields } from './headers';

/** A redirect that can't be followed. The name, the code and the words are those of follow-redirects. */
export class RedirectError extends Error {
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = `Error [${code}]`;
  }
}

/** A request of a chain of redirects. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: HeaderFields;
  /** fetch's: with `same-origin`, another origin is an error. */
  readonly mode?: unknown;
}

/** The next request of a chain of redirects. */
export interface NextHop extends Hop {
  /** Whether the body is not sent again. */
  readonly dropsBody: boolean;
}

/** Where an HTTP client follows redirects, and where it gives up. */
export interface RedirectRules {
  follows(status: number): boolean;
  /** The most redirects of a request, unless the caller says otherwise. */
  readonly limit: number;
  /** What becomes of a `Location` that is not an http(s) URL. */
  readonly badLocation: 'throw' | 'return';
  /** Whether a `Location` with userinfo is an error. Otherwise the userinfo is dropped. Default: false */
  readonly refusesUserinfo?: boolean;
  /** The lower-case names of the headers that describe a body. They go with it. */
  readonly bodyHeaders: RegExp;
  /** Whether the bytes of a `Location` are UTF-8, as Node's fetch reads them. Default: false, Latin-1 */
  readonly isUtf8?: boolean;
}

/** axios's http adapter (follow-redirects 1.16): every 3xx with a `Location`. */
export const HTTP_REDIRECTS: RedirectRules = {
  follows: (status) => status >= 300 && status < 400,
  limit: 21,
  badLocation: 'throw',
  bodyHeaders: /^content-/,
};

/** The fetch standard, except that a response with a bad `Location` is returned, as over axios's fetch adapter. */
export const FETCH_REDIRECTS: RedirectRules = {
  follows: (status) => [301, 302, 303, 307, 308].includes(status),
  limit: 20,
  badLocation: 'return',
  bodyHeaders: /^content-(?:encoding|language|location|type|length)$/,
  isUtf8: true,
};

/** The fetch standard: a bad `Location` is an error. */
export const STANDARD_REDIRECTS: RedirectRules = /* @__PURE__ */ (() => ({
  ...FETCH_REDIRECTS,
  badLocation: 'throw',
  refusesUserinfo: true,
}))();

/** Headers that belong to one origin alone, besides the credentials. */
const ORIGIN_HEADERS: readonly string[] = ['authorization', 'cookie', 'host'];

/**
 * Where a redirect leads. 301 and 302 turn a POST into a GET, and 303 everything but HEAD, as browsers do.
 *
 * @param sensitive lower-case names of headers that another origin must not get
 * @returns `undefined` if the response is no redirect to follow
 * @throws RedirectError `ERR_FR_REDIRECTION_FAILURE`
 */
export function nextHop(
  from: Hop,
  response: { readonly status: number; readonly location: unknown },
  rules: RedirectRules,
  sensitive: readonly string[],
): NextHop | undefined {
  const { status, location } = response;
  if (!isRedirect(status, location, rules)) return undefined;
  const url = destination(location, from.url, rules);
  if (url === undefined) return undefined;
  const method = from.method.toLowerCase();
  const dropsBody =
    status === 303 ? !/^(?:get|head)$/.test(method) : (status === 301 || status === 302) && method === 'post';
  const leavesOrigin = url.origin !== from.url.origin;
  if (leavesOrigin && from.mode === 'same-origin') throw redirectFailure('request mode cannot be "same-origin"');
  const headers = copyHeaders(
    from.headers,
    (name) =>
      // Where another proxy, or none, is used for the next request, it would get the credentials of this one.
      name === 'proxy-authorization' ||
      (dropsBody && rules.bodyHeaders.test(name)) ||
      (leavesOrigin && (ORIGIN_HEADERS.includes(name) || sensitive.includes(name))),
  );
  return { url, method: dropsBody ? 'get' : from.method, headers, dropsBody };
}

/** Looked up once: what replaces it later may hide redirects, as Electron's does. */
const fetchAtLoad: unknown = /* @__PURE__ */ (() => globalThis.fetch)();

/**
 * Whether it is Node's own fetch (or Deno's or Bun's), as far as nobody had replaced that before this package was loaded.
 */
export function isNodesFetch(fetch: unknown): boolean {
  return fetch === fetchAtLoad && isNode();
}

/**
 * Whether the package follows the redirects of a fetch, rather than the fetch itself. A fetch would carry every header
 * but `Authorization` to another origin, and in some runtimes that one too. Without credentials, only Node's own fetch is
 * followed, which shows where a redirect leads: so a connection that is refused behind a redirect can be told from one
 * that is refused at once.
 *
 * @param sensitive lower-case names of headers that another origin must not get
 */
export function isFollowedForFetch(fetch: unknown, headers: HeaderFields, sensitive: readonly string[]): boolean {
  if (isNodesFetch(fetch)) return true;
  for (const name of Object.keys(headers)) {
    if (headers[name] != null && headers[name] !== false && sensitive.includes(name.toLowerCase())) return true;
  }
  return false;
}

export function isRedirect(status: number, location: unknown, rules: RedirectRules): location is string {
  return typeof location === 'string' && location !== '' && rules.follows(status);
}

export function tooManyRedirects(): RedirectError {
  return new RedirectError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS');
}

/** For a fetch that hides where a redirect leads: another origin must not get the credentials. */
export function hiddenRedirect(): RedirectError {
  return redirectFailure(
    "this runtime's fetch hides where the redirect leads, and following it could give the credentials to another " +
      'server. Use the address that it leads to as the baseURL of the backend',
  );
}

function destination(
  location: string,
  base: URL,
  { badLocation, refusesUserinfo, isUtf8 }: RedirectRules,
): URL | undefined {
  let url: URL | undefined;
  try {
    url = new URL(isUtf8 === true ? asUtf8(location) : location, base);
  } catch (cause) {
    if (badLocation === 'throw') throw redirectFailure((cause as Error).message, cause);
    return undefined;
  }
  if (refusesUserinfo === true && url.username + url.password !== '')
    throw redirectFailure('the Location contains credentials');
  // As follow-redirects does: they are no credentials of the caller's.
  url.username = url.password = '';
  if (/^https?:$/.test(url.protocol)) return url;
  if (badLocation === 'throw') throw redirectFailure(`Unsupported protocol ${url.protocol}`);
  return undefined;
}

/** Reads a text of bytes, one in each character, as UTF-8. */
function asUtf8(text: string): string {
  if (!/^[\0-\x7f]*[\x80-\xff][\0-\xff]*$/.test(text)) return text;
  return new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

function redirectFailure(why: string, cause?: unknown): RedirectError {
  return new RedirectError(`Redirected request failed: ${why}`, 'ERR_FR_REDIRECTION_FAILURE', { cause });
}
