import { CodedError } from './coded-error';

/**
 * Where the caller wants to go, without the origin: the path of the caller's `baseURL` and the caller's own `url`, kept
 * apart so that mocks and adapters that match on `config.url` go on matching.
 */
export interface Target {
  /** Path of the caller's `baseURL`, `''` where there is none. */
  readonly base: string;
  /** Path, query and fragment behind it. */
  readonly url: string;
}

/** As axios decides it: `scheme://` or `//` at the beginning. */
const ABSOLUTE = /^(?:[a-z][a-z\d+\-.]*:)?\/\//i;

/**
 * In a path: what the URL parser takes for a slash, what it drops (which could hide a ".."; at the end that is all that
 * sorts before "!"), and ".." itself.
 */
const NOT_PLAIN = /[\\\t\n\r]|[^!-\uffff]$|(?:^|\/)(?:\.|%2e){2}(?:\/|$)/i;

/** Stands in for any origin while a path is resolved. It never gets a request. */
const NOWHERE = 'http://localhost';

/**
 * The URL that axios would have requested (`baseURL` + `url`, `allowAbsoluteUrls` honoured) without its origin and
 * userinfo. Dot segments are resolved here, in the caller's own path, so that `..` never climbs out of a backend's
 * prefix.
 *
 * @throws CodedError `ERR_INVALID_URL`
 */
export function targetOf(url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined): Target {
  if (ABSOLUTE.test(url) && !(allowAbsoluteUrls === false && baseURL)) return { base: '', url: resolve(url) };
  const base = pathOfBase(baseURL);
  if (base === undefined) return { base: '', url: resolve(combine(baseURL, url)) };
  if (!NOT_PLAIN.test(beforeQuery(url)) && !ABSOLUTE.test(url)) return { base, url };
  const path = resolve(combine(base, url));
  const kept = base.replace(/\/+$/, '');
  return path.startsWith(`${kept}/`) ? { base: kept, url: path.slice(kept.length) } : { base: '', url: path };
}

/** Removes the query parameters of these names and leaves every other byte as it is. */
export function withoutParams(url: string, names: ReadonlyMap<string, unknown>): string {
  const hash = url.indexOf('#');
  const fragment = hash < 0 ? '' : url.slice(hash);
  const [path, query] = split(hash < 0 ? url : url.slice(0, hash), '?');
  if (query === undefined) return url;
  const kept = query.split('&').filter((pair) => !names.has(decode(split(pair, '=')[0].replace(/\+/g, ' '))));
  return path + (kept.length > 0 ? `?${kept.join('&')}` : '') + fragment;
}

/** Percent-decoding that leaves alone what cannot be decoded. */
export function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The path of the caller's `baseURL`, or `undefined` where it holds more than a path to keep. */
function pathOfBase(baseURL: string): string | undefined {
  if (/[?#]/.test(baseURL)) return undefined;
  const path = baseURL === '' ? '/' : resolve(baseURL);
  return path === '/' ? '' : path.startsWith('//') ? undefined : path;
}

/** As axios joins the two. */
export function combine(baseURL: string, url: string): string {
  if (url === '') return baseURL;
  return `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}

/** Path, query and fragment as the parser of http URLs sees them, whatever the scheme was. */
function resolve(url: string): string {
  const first = parse(url);
  const path = first.pathname.startsWith('/') ? first.pathname : `/${first.pathname}`;
  const { pathname, search, hash } = new URL(NOWHERE + path + first.search + first.hash);
  return pathname + search + hash;
}

function parse(url: string): URL {
  try {
    return new URL(url, NOWHERE);
  } catch (cause) {
    // Without the URL, which may hold secrets.
    throw new CodedError('Invalid URL', 'ERR_INVALID_URL', { cause });
  }
}

/** The part of a URL that names a resource. */
export function beforeQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function split(text: string, separator: string): [head: string, tail: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
