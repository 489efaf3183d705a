import type { RequestConfig } from './messages';
import { beforeQuery, combine, decode, pathPartsOf } from './url';
import type { PathParts } from './url';

/** `/deployments/{name}` as a segment of a path. */
const DEPLOYMENT = /((?:^|\/)deployments\/)([^/?#]+)/;

/** What the caller's URL asks for. */
export interface Route {
  readonly path: PathParts;
  /** The deployment that the URL names, decoded: the caller's name for it. */
  readonly deployment: string | undefined;
}

/** Clients use the same few URLs over and over. Remembering the latest saves about 3 µs for each request. */
const routes = new Map<string, Route & { baseURL: string | undefined; allowAbsoluteUrls: boolean | undefined }>();
const MAX_ROUTES = 100;
const MAX_LENGTH = 2000;

/** @throws CodedError `ERR_INVALID_URL` for a URL that axios could not have requested */
export function routeOf(config: RequestConfig): Route {
  const { url, baseURL } = config;
  const allowAbsoluteUrls = config.allowAbsoluteUrls as boolean | undefined;
  const text = toText(url ?? '');
  const known = routes.get(text);
  if (known !== undefined && known.baseURL === baseURL && known.allowAbsoluteUrls === allowAbsoluteUrls) return known;
  const path = pathPartsOf(text, baseURL ?? '', allowAbsoluteUrls);
  const name = DEPLOYMENT.exec(joined(path))?.[2];
  const route = { path, deployment: name === undefined ? undefined : decode(name), baseURL, allowAbsoluteUrls };
  if (routes.size >= MAX_ROUTES) routes.clear();
  if (text.length + (baseURL ?? '').length <= MAX_LENGTH) routes.set(text, route);
  return route;
}

/** axios accepts a `URL` too, though its types don't say so. */
function toText(url: unknown): string {
  return String(url);
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

/** The model that a JSON body names. */
export interface BodyModel {
  readonly name: string;
  /** The body with another model name. All other bytes stay as they are. */
  renamed(name: string): unknown;
}

/** Reads the model of a body that is JSON, as text or bytes. `undefined` for every other body. */
export function modelOf(data: unknown): BodyModel | undefined {
  try {
    const text = typeof data === 'string' ? data : decoder.decode(data as ArrayBuffer);
    const { model: name } = JSON.parse(text) as { model?: unknown };
    // All of axios's adapters take an ArrayBuffer.
    const encoded = (body: string) => (text === data ? body : new TextEncoder().encode(body).buffer);
    return typeof name === 'string' ? { name, renamed: (to) => encoded(renameInJSON(text, to)) } : undefined;
  } catch {
    return undefined; // not text, not bytes, or not a JSON object
  }
}

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A bracket, or a string, which is a key if a colon follows. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(?=(\s*:)?)|[{}[\]]/g;

/** Replaces the value of each top-level `model` in text that is known to be JSON. (Parsers take the last of several.) */
function renameInJSON(text: string, name: string): string {
  let depth = 0;
  let key: unknown;
  return text.replace(TOKEN, (token: string, colon: string | undefined) => {
    if (!token.startsWith('"')) depth += /[{[]/.test(token) ? 1 : -1;
    else if (depth === 1 && colon !== undefined) key = JSON.parse(token);
    else if (depth === 1 && key === 'model') return JSON.stringify(name);
    return token;
  });
}

function joined({ base, url }: PathParts): string {
  return beforeQuery(base === '' ? url : combine(base, url));
}
