import type { AxiosRequestConfig } from 'axios';
import { checkDuration, checkFields, checkObject, show, showType } from './check';
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
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly paramNames: ReadonlySet<string>;
  readonly deployments: ReadonlyMap<string, string> | undefined;
  readonly request: readonly (readonly [key: string, value: unknown])[];
}

const FIELDS = [
  'baseURL',
  'priority',
  'weight',
  'name',
  'apiKey',
  'azureADTokenProvider',
  'headers',
  'params',
  'deployments',
  'request',
] as const satisfies readonly (keyof BackendOptions)[];

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

/** @throws TypeError that names the place and the value */
export function resolveBackends(backends: readonly BackendOptions[]): BackendSettings[] {
  if (!Array.isArray(backends) || backends.length === 0) {
    throw new TypeError(`backends must be a non-empty array or a BackendPool, got ${showType(backends)}`);
  }
  const places = new Map<string, string>();
  return Array.from(backends, (options: BackendOptions, i) => {
    const place = `backends[${String(i)}]`;
    const settings = resolveBackend(options, place);
    const other = places.get(settings.name);
    if (other !== undefined) {
      throw new TypeError(`${place}.name must be unique, got ${show(settings.name)}, the name of ${other}`);
    }
    places.set(settings.name, place);
    return settings;
  });
}

function resolveBackend(options: BackendOptions, place: string): BackendSettings {
  checkObject(options, place);
  checkFields(options, FIELDS, place);
  const { priority = 1, weight = 1, params, deployments, headers, request = {} } = options;
  const url = parseBaseURL(options.baseURL, `${place}.baseURL`);
  if (!Number.isInteger(priority) || priority < 0) {
    throw new TypeError(`${place}.priority must be an integer ≥ 0, got ${show(priority)}`);
  }
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0) {
    throw new TypeError(`${place}.weight must be a positive number, got ${show(weight)}`);
  }
  const prefix = url.pathname.replace(/\/+$/, '');
  const { name = url.host + prefix } = options;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${place}.name must be a non-empty string, got ${show(name)}`);
  }
  for (const [key, value] of Object.entries({ params, deployments, headers, request })) {
    if (value !== undefined) checkObject(value, `${place}.${key}`);
  }
  checkFields(request, REQUEST_FIELDS, `${place}.request`);
  checkDuration(request.timeout, 0, `${place}.request.timeout`);
  const given = Object.entries(params ?? {}).filter(([, value]) => value !== undefined);
  return {
    name,
    baseURL: url.origin + prefix,
    priority,
    weight,
    credentials: resolveCredentials(options, url.origin, place),
    params: given.length > 0 ? Object.fromEntries(given) : undefined,
    paramNames: new Set(given.map(([key]) => key)),
    deployments: resolveDeployments(deployments, place),
    request: Object.entries(request).filter(([, value]) => value !== undefined),
  };
}

function parseBaseURL(value: unknown, place: string): URL {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new TypeError(`${place} must be a non-empty string, got ${show(value)}`);
  }
  const text = value.trim();
  // "localhost:3000" would parse, with the protocol "localhost:".
  const url = tryParse(
    /^[a-z][a-z\d+\-.]*:\/\//i.test(text) ? text : /^(https?:|\/)/i.test(text) ? '' : `https://${text}`,
  );
  if (url === undefined) throw new TypeError(`${place} must be a URL or a host, got ${masked(text)}`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError(`${place} must be an http or https URL, got ${masked(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`${place} must not hold credentials; use apiKey or headers, got ${masked(text)}`);
  }
  if (/[?#]/.test(text)) {
    throw new TypeError(`${place} must not hold a query or fragment; use params, got ${masked(text)}`);
  }
  return url;
}

function tryParse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** Userinfo, query and fragment may hold secrets, also in a URL that does not parse, or of which "#" cuts the userinfo. */
function masked(url: string): string {
  return show(url.replace(/^((?:[a-z][a-z\d+\-.]*:)?\/\/)?.*@/is, '$1***@').replace(/([?#]).*/s, '$1***'));
}

function resolveDeployments(
  deployments: Readonly<Record<string, unknown>> | undefined,
  place: string,
): ReadonlyMap<string, string> | undefined {
  if (deployments === undefined) return undefined;
  const names = Object.entries(deployments).map(([from, to]): [string, string] => {
    if (typeof to !== 'string' || to === '') {
      throw new TypeError(`${place}.deployments[${JSON.stringify(from)}] must be a non-empty string, got ${show(to)}`);
    }
    return [from, to];
  });
  return names.length > 0 ? new Map(names) : undefined;
}
