import type { AxiosRequestConfig } from 'axios';
import { beforeQuery, combine, decode, targetOf } from './url';
import type { Target } from './url';

/** `/deployments/{name}` as a segment of a path. */
const DEPLOYMENT = /((?:^|\/)deployments\/)([^/?#]+)/;

/** Where a request wants to go. */
export interface Route {
  readonly target: Target;
  /** The deployment that the URL names, decoded, as the caller knows it. */
  readonly deployment: string | undefined;
}

/** A client asks for few URLs again and again: what is known of them spares reading them for each request. */
const routes = new Map<string, Route & { baseURL: string | undefined; allowAbsoluteUrls: boolean | undefined }>();
const MAX_ROUTES = 100;
const MAX_LENGTH = 2000;

/** @throws CodedError `ERR_INVALID_URL` for a URL that axios could not have requested */
export function routeOf({ url, baseURL, allowAbsoluteUrls }: AxiosRequestConfig): Route {
  const text = toText(url ?? '');
  const known = routes.get(text);
  if (known !== undefined && known.baseURL === baseURL && known.allowAbsoluteUrls === allowAbsoluteUrls) return known;
  const target = targetOf(text, baseURL ?? '', allowAbsoluteUrls);
  const name = DEPLOYMENT.exec(pathOf(target))?.[2];
  const route = { target, deployment: name === undefined ? undefined : decode(name), baseURL, allowAbsoluteUrls };
  if (routes.size >= MAX_ROUTES) routes.clear();
  if (text.length + (baseURL ?? '').length <= MAX_LENGTH) routes.set(text, route);
  return route;
}

/** axios takes a `URL` too, though its types do not. */
function toText(url: unknown): string {
  return String(url);
}

/** The same target with another deployment in its path. */
export function renameInPath(target: Target, name: string): Target {
  const renamed = (path: string): string =>
    path.replace(DEPLOYMENT, (_, before: string) => before + encodeURIComponent(name));
  // The name stands in one of the two parts, except where the parts meet inside it; then the split is given up.
  if (DEPLOYMENT.test(target.base)) return { base: renamed(target.base), url: target.url };
  if (DEPLOYMENT.test(beforeQuery(target.url))) return { base: target.base, url: renamed(target.url) };
  return { base: '', url: renamed(combine(target.base, target.url)) };
}

/** The model that a JSON body names. */
export interface BodyModel {
  readonly name: string;
  /** The body with another model; all other bytes are as they were. */
  renamed(name: string): unknown;
}

/** Of a body that is JSON text or bytes of it; `undefined` for every other body. */
export function modelOf(data: unknown): BodyModel | undefined {
  try {
    const text = typeof data === 'string' ? data : decoder.decode(data as ArrayBuffer);
    const { model: name } = JSON.parse(text) as { model?: unknown };
    // Bytes go as an ArrayBuffer, which all of axios's adapters take.
    const encoded = (body: string) => (text === data ? body : new TextEncoder().encode(body).buffer);
    return typeof name === 'string' ? { name, renamed: (to) => encoded(renameInJSON(text, to)) } : undefined;
  } catch {
    return undefined; // no text, no bytes, or no JSON object: left alone
  }
}

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A string, as a key where a colon follows, or a bracket. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(?=(\s*:)?)|[{}[\]]/g;

/** Puts another value to each top-level `model` (parsers take the last of several), in text that is known to be JSON. */
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

function pathOf({ base, url }: Target): string {
  return beforeQuery(base === '' ? url : combine(base, url));
}
