import {
  mapOf,
  isText,
  must,
  optional,
  optionalDuration,
  resolveOptions,
  show,
  showType,
  showUrl,
} from '../base/check';
import type { Aliases, Checks } from '../base/check';
import { checkNoneIsMissing, isQueryCredential, resolveCredentials } from '../http/credentials';
import type { CredentialOptions, Credentials } from '../http/credentials';
import { checkBaseURL } from './base-url';
import type { BaseURL } from './base-url';
import { checkRequest } from './backend-request-options';
import type { BackendRequestOptions } from './backend-request-options';
import { checkDeployments } from './deployments';
import type { Deployments } from './deployments';

/** An endpoint that requests may be sent to. */
export interface BackendOptions extends CredentialOptions {
  /**
   * Origin and optional path prefix: `https://eastus.openai.azure.com`, `https://gateway.example/openai-east`. A bare
   * host means `https://` + host. Userinfo, query and fragment are refused.
   */
  readonly baseURL: string;
  /** An integer ≥ 0. Lower is tried first. Default: 1 */
  readonly priority?: number | undefined;
  /** A number > 0: the share of the traffic among the available backends of the same priority. Default: 1 */
  readonly weight?: number | undefined;
  /** Shown in events, status and logs. Unique in its pool. Default: host and path prefix of `baseURL` */
  readonly name?: string | undefined;
  /**
   * Query parameters that this backend needs, with values as in axios's `params`. They override the caller's, including
   * the same name inside the URL. `null` removes the caller's and adds none.
   */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The caller's deployment or model name → this backend's name for it. It is replaced in a `/deployments/{name}/` path,
   * or else in the `model` of a JSON body or of a spec `FormData`. `false`: this backend doesn't have it, and gets no
   * request for it. The key `'*'` stands for every name that isn't listed. Default: the same names
   */
  readonly deployments?: Readonly<Record<string, string | false>> | undefined;
  /** ms for one attempt at this backend, body included. 0: none. Default: the failover's `attemptTimeout` */
  readonly attemptTimeout?: number | undefined;
  /**
   * ms until a connection to this backend is established, over axios's http adapter. 0: no limit. Default: the failover's
   * `connectTimeout`
   */
  readonly connectTimeout?: number | undefined;
  /** axios settings of this backend alone: the agent of a private endpoint, a proxy, … */
  readonly request?: BackendRequestOptions | undefined;
}

/** A backend's options, checked and worked out once. */
export interface BackendSettings {
  readonly name: string;
  readonly baseURL: string;
  /** The same, with a slash at its end if it was given with one. */
  readonly address: string;
  readonly priority: number;
  readonly weight: number;
  readonly credentials: Credentials;
  readonly params: ReadonlyMap<string, unknown> | undefined;
  readonly deployments: Deployments;
  readonly attemptTimeout: number | undefined;
  readonly connectTimeout: number | undefined;
  readonly request: object | undefined;
}

/** The options after each field was checked by itself. */
interface Given
  extends
    CredentialOptions,
    Pick<
      BackendSettings,
      'priority' | 'weight' | 'params' | 'deployments' | 'attemptTimeout' | 'connectTimeout' | 'request'
    > {
  readonly baseURL: BaseURL;
  readonly name: string | undefined;
}

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
  // `resolveCredentials` checks these three.
  apiKey: (value) => value as CredentialOptions['apiKey'],
  azureADTokenProvider: (value) => value as CredentialOptions['azureADTokenProvider'],
  headers: (value) => value as CredentialOptions['headers'],
  params: mapOf,
  deployments: checkDeployments,
  attemptTimeout: optionalDuration,
  connectTimeout: optionalDuration,
  request: checkRequest,
};

/** The names that other clients of Azure OpenAI have for these fields. */
const ALIASES: Aliases = {
  url: 'baseURL',
  host: 'baseURL',
  endpoint: 'baseURL',
  azureEndpoint: 'baseURL',
  base_url: 'baseURL',
  key: 'apiKey',
  api_key: 'apiKey',
  token: 'azureADTokenProvider',
  apiVersion: 'params',
  api_version: 'params',
  model: 'deployments',
  models: 'deployments',
  deployment: 'deployments',
  timeout: 'attemptTimeout',
};

/**
 * Whether a query parameter of the caller's is removed for this backend: it has one of that name, or a credential of its
 * own.
 */
export function dropsParam({ params, credentials }: BackendSettings, given: string): boolean {
  // As axios sends it.
  const name = given.trim();
  return params?.has(name) === true || (credentials.replaceCallers && isQueryCredential(name));
}

/** @throws TypeError that names the place and the value */
export function resolveBackends(backends: readonly BackendOptions[]): BackendSettings[] {
  const some = Array.isArray(backends) && backends.length > 0;
  must(some, 'backends', 'be a non-empty array', backends, shownBackends);
  const places = new Map<string, string>();
  return Array.from(backends, (options: BackendOptions, i) => {
    const place = `backends[${String(i)}]`;
    if (typeof options === 'string')
      throw new TypeError(`${place} is a string; write { baseURL: ${showUrl(options)} }`);
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

/** For `adapter: priorityAdapter` and `fetch: priorityFetch`, which a client calls with a request. */
const RESULT =
  'A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)';

/** Whether it looks like a pool. (`BackendPool.isPool` is out of reach: `pool.ts` imports this file.) */
function isPool(given: unknown): boolean {
  return 'snapshot' in (Object(given) as object);
}

/** Shows what was given in place of the list. */
function shownBackends(given: unknown): string {
  if (typeof given === 'string' && given !== '') return `a string: write [{ baseURL: ${showUrl(given)} }]. ${RESULT}`;
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (!isObject) return showType(given);
  if ('headers' in given && 'method' in given) return `a request. ${RESULT}`;
  if ('baseURL' in given) return 'an object: put the backend into an array';
  if (isPool(given)) return 'a BackendPool: use it as it is';
  return `${showType(given)}: options come after the backends`;
}

function resolveBackend(options: BackendOptions, place: string): BackendSettings {
  // The keys go to the credentials and nowhere else.
  const { baseURL, name, apiKey, azureADTokenProvider, headers, ...settings } = resolveOptions(
    options,
    place,
    CHECKS,
    ALIASES,
  );
  const { origin, host, prefix, address } = baseURL;
  const credentials = resolveCredentials({ apiKey, azureADTokenProvider, headers }, place);
  if (!credentials.replaceCallers) checkNoneIsMissing(options, place);
  return { ...settings, name: name ?? host + prefix, baseURL: origin + prefix, address, credentials };
}
