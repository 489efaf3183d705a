import type { AxiosHeaderValue, AxiosRequestConfig } from 'axios';
import { dictionary, must, showType } from './check';
import { CodedError } from './coded-error';

/** Headers that carry a caller's identity to Azure OpenAI, to OpenAI, or to API Management in front of them. */
const AUTH_HEADERS: readonly string[] = ['api-key', 'authorization', 'x-api-key', 'ocp-apim-subscription-key'];

/** The caller's Host names another server. */
function hostAnd(names: readonly string[]): ReadonlySet<string> {
  return new Set(['host', ...names]);
}

/** What most backends take off. Shared, so that more of a large pool fits into the processor's caches. */
const HOST = /* @__PURE__ */ hostAnd([]);
const HOST_AND_AUTH = /* @__PURE__ */ hostAnd(AUTH_HEADERS);

/** Gives the secret itself, or a promise of it. */
type Provider = () => string | Promise<string>;

/** What a user says about a backend's identity. */
export interface CredentialOptions {
  /** Sent as `api-key`. A function is asked for each attempt. Default: the caller's own credentials are passed on. */
  readonly apiKey?: string | Provider | undefined;
  /**
   * Sent as `Authorization: Bearer …`; what `getBearerTokenProvider` of `@azure/identity` returns. Asked for each
   * attempt, so it should cache. One that throws counts as a failed attempt of its backend.
   */
  readonly azureADTokenProvider?: (() => Promise<string>) | undefined;
  /**
   * Set last, in place of the caller's headers of the same names. `null` or `false` takes the caller's away. An auth
   * header (`api-key`, `authorization`, `x-api-key`, `ocp-apim-subscription-key`) makes this a backend with a
   * credential of its own.
   */
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined;
}

/** As in axios's own type of request headers; an `AxiosHeaders`, which that has among its values, is refused as one. */
export type HeaderValue = AxiosHeaderValue | readonly string[] | undefined;

/** The headers one backend adds to an attempt, and those it takes off. */
export interface Credentials {
  /** Whether the caller's own credentials are to be taken off. */
  readonly own: boolean;
  /** Lower-case names of the caller's headers that are not passed on. */
  readonly dropped: ReadonlySet<string>;
  /** Lower-case names that a redirect to another origin must not carry. */
  readonly sensitive: readonly string[];
  /** Takes those off, for the versions of axios that do not do it themselves. */
  readonly onRedirect: RedirectHook;
  /** The headers to set, or what asks for them. */
  readonly headers: HeaderList | (() => Promise<HeaderList>);
}

/** Told by follow-redirects what it is about to request. */
export type RedirectHook = NonNullable<AxiosRequestConfig['beforeRedirect']>;

export type HeaderList = readonly (readonly [name: string, value: HeaderValue])[];

/**
 * @param origin the backend's
 * @param place where the options stand, such as `backends[1]`, for messages
 */
export function resolveCredentials(options: CredentialOptions, origin: string, place: string): Credentials {
  const { apiKey, azureADTokenProvider, headers = {} } = options;
  const set = new Map<string, readonly [name: string, value: HeaderValue | (() => Promise<string>)]>();
  if (typeof apiKey === 'function') set.set('api-key', ['api-key', asking(apiKey, '', `${place}.apiKey()`)]);
  else if (apiKey !== undefined) set.set('api-key', ['api-key', checkKey(apiKey, `${place}.apiKey`)]);
  if (azureADTokenProvider !== undefined) {
    const where = `${place}.azureADTokenProvider`;
    must(typeof azureADTokenProvider === 'function', where, 'be a function', azureADTokenProvider, showType);
    set.set('authorization', ['Authorization', asking(azureADTokenProvider, 'Bearer ', `${where}()`)]);
  }
  let own = set.size > 0;
  // Set last: what they name is not asked for, or set, before.
  for (const [name, value] of Object.entries(dictionary(headers, `${place}.headers`))) {
    if (value === undefined) continue;
    checkHeader(name, value, place);
    own ||= isAuth(name) && value !== null && value !== false;
    set.set(name.toLowerCase(), [name, value as HeaderValue]);
  }

  const entries = [...set.values()];
  const names = [...set.keys()];
  const sensitive = names.every(isAuth) ? AUTH_HEADERS : [...new Set([...AUTH_HEADERS, ...names])];
  const taken = own ? sensitive : names;
  return {
    own,
    dropped: taken.length === 0 ? HOST : taken === AUTH_HEADERS ? HOST_AND_AUTH : hostAnd(taken),
    sensitive,
    onRedirect: strippingElsewhere(origin, sensitive),
    headers: entries.some(([, value]) => typeof value === 'function')
      ? () =>
          Promise.all(entries.map(async ([name, value]) => [name, typeof value === 'function' ? await value() : value]))
      : (entries as HeaderList),
  };
}

function strippingElsewhere(origin: string, sensitive: readonly string[]): RedirectHook {
  return ({ href, headers = {} }: { href?: string; headers?: Record<string, unknown> }) => {
    if (URL.canParse(String(href)) && new URL(String(href)).origin === origin) return;
    for (const name of Object.keys(headers))
      if (sensitive.includes(name.toLowerCase())) Reflect.deleteProperty(headers, name);
  };
}

/**
 * A provider that fails keeps its backend from being asked, which counts as a failed attempt. The message holds nothing
 * that the provider said.
 */
function asking(provide: Provider, prefix: string, where: string): () => Promise<string> {
  const failed = (why: string, cause?: unknown) => new CodedError(`${where} ${why}`, 'ERR_CREDENTIAL', { cause });
  return async () => {
    let secret: unknown;
    try {
      secret = await provide();
    } catch (cause) {
      throw failed('failed', cause);
    }
    if (!isSecret(secret)) throw failed(`must give a non-empty string, got ${showType(secret)}`);
    if (!HEADER_TEXT.test(secret)) throw failed('gave what does not fit into a header');
    return prefix + secret;
  };
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function checkKey(value: unknown, place: string): string {
  must(isSecret(value), place, 'be a non-empty string or a function', value, showType);
  checkText(value, place);
  return value;
}

/** The others are what Node refuses in a header value. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkText(value: string, place: string): void {
  if (!HEADER_TEXT.test(value)) throw new TypeError(`${place} must fit into a header: no line breaks, Latin-1 only`);
}

function checkHeader(name: string, value: unknown, place: string): void {
  const quoted = JSON.stringify(name);
  const where = `${place}.headers[${quoted}]`;
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
    throw new TypeError(`${place}.headers has a name that is not valid: ${quoted}`);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (isAuth(name) && values.every((each) => typeof each === 'string' && /^\s*(?:(?:bearer|basic)\s*)?$/i.test(each))) {
    throw new TypeError(`${where} must hold a credential, got an empty one`);
  }
  for (const each of values) {
    const fits = each === null || ['string', 'number', 'boolean'].includes(typeof each);
    must(fits, where, 'be a string, number, boolean, null or array of strings', each, showType);
    checkText(String(each), where);
  }
}

function isAuth(name: string): boolean {
  return AUTH_HEADERS.includes(name.toLowerCase());
}
