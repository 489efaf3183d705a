import { CodedError } from '../base/errors';

/**
 * The target of the caller's request without its origin. The path of the caller's `baseURL` and the caller's own `url`
 * stay apart, so that mocks and adapters that match on `config.url` go on matching.
 */
export interface PathParts {
  /** Path of the caller's `baseURL`; `''` if there is none. */
  readonly base: string;
  /** Path, query and fragment behind it. */
  readonly url: string;
}

/** What axios takes for an absolute URL: one that begins with `scheme://` or `//`. */
export const ABSOLUTE = /^(?:[a-z][a-z\d+\-.]*:)?\/\//i;

/** axios accepts a `URL` too, though its types don't say so. */
export function urlText(url: unknown): string {
  return String(url);
}

/** Whether axios takes `url` alone. As in axios, any falsy `baseURL` is none. */
export function ignoresBase(url: string, baseURL: string, allowAbsoluteUrls: unknown): boolean {
  return ABSOLUTE.test(url) && !(allowAbsoluteUrls === false && baseURL);
}

/**
 * What makes a path unsafe to pass on as it is: a backslash, which the URL parser takes for a slash; white space and
 * control characters, which it drops and which could hide a ".."; and ".." itself.
 */
const NOT_PLAIN = /[\\\t\n\r]|[^!-\uffff]$|(?:^|\/)(?:\.|%2e){2}(?:\/|$)/i;

/** A placeholder origin for resolving paths. It never gets a request. */
const NOWHERE = 'http://localhost';

/**
 * The URL that axios would have requested (`baseURL` + `url`, `allowAbsoluteUrls` honoured) without its origin and
 * userinfo. Dot segments are resolved here, within the caller's own path, so that `..` never climbs out of a backend's
 * prefix.
 *
 * @throws CodedError `ERR_INVALID_URL`
 */
export function pathPartsOf(url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined): PathParts {
  if (ignoresBase(url, baseURL, allowAbsoluteUrls)) return { base: '', url: normalize(url) };
  const base = pathOfBase(baseURL);
  if (base === undefined) return { base: '', url: normalize(combine(baseURL, url)) };
  if (!NOT_PLAIN.test(beforeQuery(url)) && !ABSOLUTE.test(url)) return { base, url };
  // axios puts an origin in front of it too. Alone, "/\\x" would be read as the host "x".
  const path = normalize(NOWHERE + combine(base, url));
  const kept = withoutSlashes(base);
  return path.startsWith(`${kept}/`) ? { base: kept, url: path.slice(kept.length) } : { base: '', url: path };
}

/** Removes the query parameters whose names match. Every other byte stays as it is. */
export function withoutParams(url: string, matches: (name: string) => boolean): string {
  const hash = url.indexOf('#');
  const fragment = hash < 0 ? '' : url.slice(hash);
  const [path, query] = split(hash < 0 ? url : url.slice(0, hash), '?');
  if (query === undefined) return url;
  const kept = query.split('&').filter((pair) => !matches(nameOf(pair)));
  return path + (kept.length > 0 ? `?${kept.join('&')}` : '') + fragment;
}

/** The name as a server reads it. The URL parser drops tabs and line breaks, which could hide one. */
function nameOf(pair: string): string {
  const [name] = split(pair, '=');
  return decode(name.replace(/[\t\n\r]/g, '').replace(/\+/g, ' '));
}

/**
 * Adds query parameters. `null` adds none. Every other byte stays as it is. Arrays and objects are written as in axios.
 */
export function withParams(url: string, params: ReadonlyMap<string, unknown>): string {
  const added = [...params].flatMap(([param, value]) => {
    const name = encodeURIComponent(param);
    return isFlat(value) ? value.flatMap((each) => pairsOf(`${name}[]`, each)) : pairsOf(name, value);
  });
  if (added.length === 0) return url;
  const hash = url.indexOf('#');
  const [path, fragment] = hash < 0 ? [url, ''] : [url.slice(0, hash), url.slice(hash)];
  return `${path}${path.includes('?') ? '&' : '?'}${added.join('&')}${fragment}`;
}

/** A list of plain values. Only such a list that is in no object is written without indexes. */
function isFlat(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.every((each) => Object(each) !== each);
}

function pairsOf(name: string, value: unknown): readonly string[] {
  if (value === null || value === undefined) return [];
  if (value instanceof Date) return [`${name}=${encodeURIComponent(value.toISOString())}`];
  if (typeof value !== 'object') return [`${name}=${encodeURIComponent(value as string)}`];
  return Object.entries(value).flatMap(([key, each]) => pairsOf(`${name}[${encodeURIComponent(key)}]`, each));
}

/** Decodes percent-encoding; returns text that can't be decoded as it is. */
export function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The path of the caller's `baseURL`, or `undefined` if it has a query, a fragment or a path that must be resolved. */
function pathOfBase(baseURL: string): string | undefined {
  if (/[?#]/.test(baseURL)) return undefined;
  const path = normalize(baseURL);
  return path === '/' ? '' : path.startsWith('//') ? undefined : path;
}

/** Joins the two as axios does. */
export function combine(baseURL: string, url: string): string {
  if (url === '') return baseURL;
  return `${withoutSlashes(baseURL)}/${url.replace(/^\/+/, '')}`;
}

/** The text without the slashes at its end. (A regular expression for it takes quadratic time.) */
export function withoutSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end--;
  return text.slice(0, end);
}

/** Path, query and fragment as the parser of http URLs reads them, whatever the scheme is. */
function normalize(url: string): string {
  const first = parse(url);
  const path = first.pathname.startsWith('/') ? first.pathname : `/${first.pathname}`;
  const { pathname, search, hash } = new URL(NOWHERE + path + first.search + first.hash);
  return pathname + search + hash;
}

function parse(url: string): URL {
  try {
    return new URL(url, NOWHERE);
  } catch (cause) {
    // The message doesn't show the URL, which may hold secrets.
    throw new CodedError('Invalid URL', 'ERR_INVALID_URL', { cause });
  }
}

/** The URL without its query and fragment. */
export function beforeQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function split(text: string, separator: string): [head: string, tail: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
