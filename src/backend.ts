import type { AxiosRequestConfig } from 'axios';
import { checkFields, dictionary, duration, isText, must, optional, resolve, show, showType } from './check';
import type { Checks } from './check';
import { resolveCredentials } from './credentials';
import type { CredentialOptions, Credentials } from './credentials';

/** One endpoint that requests may be sent to. */
export interface BackendOptions extends CredentialOptions {
  /**
   * Origin and optional path prefix, such as `https://eastus.openai.azure.com` or `https://gateway.example/openai-east`.
   * A bare host means `https://` + host. No userinfo, query or fragment.
   */
  readonly baseURL: string;
  /** An integer ≥ 0; lower is tried first. Default: 1 */
  readonly priority?: number | undefined;
  /** A number > 0: the share of the traffic among available backends of the same priority. Default: 1 */
  readonly weight?: number | undefined;
  /** For events, status and logs; unique in a pool. Default: host and path prefix of `baseURL` */
  readonly name?: string | undefined;
  /** Query parameters this backend needs, over the caller's, also over the same name inside the URL. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The caller's deployment or model name → this backend's: in a `/deployments/{name}/` path, and where the path names
   * none in the `model` of a JSON body.
   */
  readonly deployments?: Readonly<Record<string, string>> | undefined;
  /** axios settings of this backend alone: a private endpoint's agent, a proxy, … */
  readonly request?: BackendRequestOptions | undefined;
}

/** The axios settings that a backend may have of its own. `timeout` (ms) is axios's, for one attempt. */
export type BackendRequestOptions = Readonly<
  Pick<
    AxiosRequestConfig,
    | 'proxy'
    | 'httpAgent'
    | 'httpsAgent'
    | 'timeout'
    | 'timeoutErrorMessage'
    | 'socketPath'
    | 'transport'
    | 'lookup'
    | 'family'
    | 'insecureHTTPParser'
    | 'decompress'
    | 'maxRedirects'
    | 'maxRate'
    | 'withCredentials'
  >
> & {
  /** Newer than the oldest axios this package works with, hence not taken from axios's types. */
  readonly httpVersion?: 1 | 2 | undefined;
  /** As axios takes it beside `httpVersion: 2`. */
  readonly http2Options?: object | undefined;
  /** As axios's fetch adapter takes it. */
  readonly fetchOptions?: object | undefined;
};

/** What the public sees of a backend: no secrets, safe to log. */
export interface Backend {
  /** Unique in its pool. */
  readonly name: string;
  /** Origin and prefix, without a slash at the end. */
  readonly baseURL: string;
  /** Lower is tried first. */
  readonly priority: number;
  /** The share of the traffic among available backends of the same priority. */
  readonly weight: number;
  /** Attempts under way now. */
  readonly pending: number;
  /** Attempts answered with 2xx or 3xx. */
  readonly successes: number;
  /** Attempts that ended in 429, 5xx, without a usable answer, or in a status that a condition took for a failure. */
  readonly failures: number;
}

/** What a backend does to a request, worked out once. */
export interface BackendSettings {
  readonly name: string;
  readonly baseURL: string;
  readonly priority: number;
  readonly weight: number;
  readonly credentials: Credentials;
  readonly params: ReadonlyMap<string, unknown> | undefined;
  readonly deployments: ReadonlyMap<string, string> | undefined;
  readonly request: object | undefined;
}

/** What is read of the options, before one field is looked at together with another. */
interface Given
  extends CredentialOptions, Pick<BackendSettings, 'priority' | 'weight' | 'params' | 'deployments' | 'request'> {
  readonly baseURL: URL;
  readonly name: string | undefined;
}

const REQUEST_FIELDS = [
  'proxy',
  'httpAgent',
  'httpsAgent',
  'timeout',
  'timeoutErrorMessage',
  'socketPath',
  'transport',
  'lookup',
  'family',
  'insecureHTTPParser',
  'decompress',
  'maxRedirects',
  'maxRate',
  'withCredentials',
  'httpVersion',
  'http2Options',
  'fetchOptions',
] as const satisfies readonly (keyof BackendRequestOptions)[];

const CHECKS: Checks<Given> = {
  baseURL: checkBaseURL,
  priority: /* @__PURE__ */ optional(
    1,
    'be an integer ≥ 0',
    (value) => Number.isInteger(value) && (value as number) >= 0,
  ),
  weight: /* @__PURE__ */ optional(
    1,
    'be a positive number',
    (value) => Number.isFinite(value) && (value as number) > 0,
  ),
  name: /* @__PURE__ */ optional<string | undefined>(undefined, 'be a non-empty string', isText),
  // `resolveCredentials` looks at these three.
  apiKey: (value) => value as CredentialOptions['apiKey'],
  azureADTokenProvider: (value) => value as CredentialOptions['azureADTokenProvider'],
  headers: (value) => value as CredentialOptions['headers'],
  params: (value, place) => mapOf(entriesOf(value, place)),
  deployments: checkDeployments,
  request: checkRequest,
};

/** @throws TypeError that names the place and the value */
export function resolveBackends(backends: readonly BackendOptions[]): BackendSettings[] {
  const some = Array.isArray(backends) && backends.length > 0;
  must(some, 'backends', 'be a non-empty array or a BackendPool', backends, showType);
  const places = new Map<string, string>();
  return Array.from(backends, (options: BackendOptions, i) => {
    const place = `backends[${String(i)}]`;
    const settings = resolveBackend(options, place);
    const { name } = settings;
    must(
      !places.has(name),
      `${place}.name`,
      'be unique',
      name,
      () => `${show(name)}, the name of ${places.get(name)!}`,
    );
    places.set(name, place);
    return settings;
  });
}

function resolveBackend(options: BackendOptions, place: string): BackendSettings {
  // The keys themselves stay with the credentials.
  const { baseURL, name, apiKey, azureADTokenProvider, headers, ...settings } = resolve(options, place, CHECKS);
  const { origin, host, pathname } = baseURL;
  const prefix = pathname.replace(/\/+$/, '');
  return {
    ...settings,
    name: name ?? host + prefix,
    baseURL: origin + prefix,
    credentials: resolveCredentials({ apiKey, azureADTokenProvider, headers }, origin, place),
  };
}

function checkBaseURL(value: unknown, place: string): URL {
  const text = typeof value === 'string' ? value.trim() : '';
  must(text !== '', place, 'be a non-empty string', value);
  // "localhost:3000" would parse, with the protocol "localhost:".
  const href = /^[a-z][a-z\d+\-.]*:\/\//i.test(text) ? text : /^(https?:|\/)/i.test(text) ? '' : `https://${text}`;
  must(URL.canParse(href), place, 'be a URL or a host', text, masked);
  const url = new URL(href);
  must(/^https?:$/.test(url.protocol), place, 'be an http or https URL', text, masked);
  must(url.username + url.password === '', place, 'not hold credentials; use apiKey or headers', text, masked);
  must(!/[?#]/.test(text), place, 'not hold a query or fragment; use params', text, masked);
  return url;
}

/** Userinfo, query and fragment may hold secrets, also in a URL that does not parse, or of which "#" cuts the userinfo. */
function masked(url: unknown): string {
  const text = String(url).replace(/^((?:[a-z][a-z\d+\-.]*:)?\/\/)?.*@/is, '$1***@');
  return show(text.replace(/([?#]).*/s, '$1***'));
}

function checkRequest(value: unknown, place: string): BackendSettings['request'] {
  const entries = entriesOf(value, place);
  checkFields(Object(value) as object, REQUEST_FIELDS, place);
  const request = Object.fromEntries(entries);
  duration(0)(request.timeout, `${place}.timeout`);
  return entries.length > 0 ? request : undefined;
}

function checkDeployments(value: unknown, place: string): BackendSettings['deployments'] {
  const names = entriesOf(value, place);
  for (const [from, to] of names) must(isText(to), `${place}[${JSON.stringify(from)}]`, 'be a non-empty string', to);
  return mapOf(names as [string, string][]);
}

/** What is given as `undefined` is not given. */
function entriesOf(value: unknown, place: string): [string, unknown][] {
  return Object.entries(dictionary(value === undefined ? {} : value, place)).filter(([, each]) => each !== undefined);
}

function mapOf<T>(entries: [string, T][]): ReadonlyMap<string, T> | undefined {
  return entries.length > 0 ? new Map(entries) : undefined;
}
