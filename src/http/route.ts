import { isQueryCredential } from './credentials';
import type { RequestConfig } from './messages';
import { beforeQuery, combine, decode, pathPartsOf, urlText, withoutParams } from './url';
import type { PathParts } from './url';

/** `/deployments/{name}` as a segment of a path. */
const DEPLOYMENT = /((?:^|\/)deployments\/)([^/?#]+)/;

/** What the caller's URL asks for. */
export interface Route {
  readonly path: PathParts;
  /** The deployment that the URL names, decoded: the caller's name for it. */
  readonly deployment: string | undefined;
  /** Whether its query holds a credential. */
  readonly holdsCredential: boolean;
}

/** Clients use the same few URLs over and over. Remembering the latest saves about 3 µs for each request. */
const routes = new Map<string, Route & { baseURL: string | undefined; allowAbsoluteUrls: boolean | undefined }>();
const MAX_ROUTES = 100;
/** Characters */
const MAX_LENGTH = 2000;

/** @throws CodedError `ERR_INVALID_URL` for a URL that axios could not have requested */
export function routeOf(config: RequestConfig): Route {
  const { url } = config;
  const given: unknown = config.baseURL;
  // As in axios, any falsy value is none.
  const baseURL = given ? (given as string) : undefined;
  const allowAbsoluteUrls = config.allowAbsoluteUrls as boolean | undefined;
  const text = urlText(url ?? '');
  // Clients of several resources use the same paths.
  const key = baseURL === undefined ? text : `${baseURL}\n${text}`;
  const known = routes.get(key);
  if (known !== undefined && known.baseURL === baseURL && known.allowAbsoluteUrls === allowAbsoluteUrls) return known;
  const path = pathPartsOf(text, baseURL ?? '', allowAbsoluteUrls);
  const name = DEPLOYMENT.exec(joined(path))?.[2];
  const deployment = name === undefined ? undefined : decode(name);
  const holdsCredential = withoutParams(path.url, isQueryCredential) !== path.url;
  const route = { path, deployment, holdsCredential, baseURL, allowAbsoluteUrls };
  if (text.length + (baseURL ?? '').length > MAX_LENGTH) return route;
  if (routes.size >= MAX_ROUTES) routes.clear();
  routes.set(key, route);
  return route;
}

/** What an absolute URL says. */
export interface Address {
  readonly isHttp: boolean;
  readonly hasUserinfo: boolean;
  /** Of an http(s) URL. */
  readonly route: Route | undefined;
}

/** Remembering the latest saves about 2 µs for each request. */
let latest: { readonly text: string; readonly address: Address } | undefined;

/** @throws TypeError if the text is no absolute URL */
export function parseAddress(text: string): Address {
  if (latest?.text === text) return latest.address;
  const { protocol, username, password, href } = new URL(text);
  const isHttp = /^https?:$/.test(protocol);
  // All are given, so that a polluted prototype can't supply one.
  const route = isHttp ? routeOf({ url: href, baseURL: '', allowAbsoluteUrls: undefined }) : undefined;
  const address = { isHttp, hasUserinfo: username + password !== '', route };
  // A longer one, such as a URL of data, would be held for nothing.
  if (text.length <= MAX_LENGTH) latest = { text, address };
  return address;
}

/** The same path with another deployment in it. */
export function renameInPath(path: PathParts, name: string): PathParts {
  const renamed = (text: string): string =>
    text.replace(DEPLOYMENT, (_, before: string) => before + encodeURIComponent(name));
  if (DEPLOYMENT.test(path.base)) return { base: renamed(path.base), url: path.url };
  if (DEPLOYMENT.test(beforeQuery(path.url))) return { base: path.base, url: renamed(path.url) };
  // `…/deployments` is the end of one part and the name the beginning of the other, so the two are joined.
  return { base: '', url: renamed(combine(path.base, path.url)) };
}

function joined({ base, url }: PathParts): string {
  return beforeQuery(base === '' ? url : combine(base, url));
}
