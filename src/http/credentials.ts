import { dictionary, must, show, showType } from '../base/check';
import { CodedError, PROVIDER_FAILED } from '../base/errors';

/** Headers that carry an identity to Azure OpenAI, to OpenAI, or to API Management in front of them. */
const AUTH_HEADERS: readonly string[] = ['api-key', 'authorization', 'x-api-key', 'ocp-apim-subscription-key'];

/** Whether a query parameter carries an identity: Azure's key, or a subscription of API Management. */
export function isQueryCredential(name: string): boolean {
  return /^(?:api|subscription)-key$/i.test(name);
}

/** The caller's Host header names another server, so it is never passed on. */
function hostAnd(names: readonly string[]): ReadonlySet<string> {
  return new Set(['host', ...names]);
}

/** The two sets that most backends need, made once. */
const HOST = /* @__PURE__ */ hostAnd([]);
const HOST_AND_AUTH = /* @__PURE__ */ hostAnd(AUTH_HEADERS);

/** Returns the secret, or a promise of it. */
type Provider = () => string | Promise<string>;

/** A backend's credentials. With none of its own, it gets the caller's. */
export interface CredentialOptions {
  /**
   * Sent as `api-key`. A function returns the key, or a promise of it. It is called for each attempt; if it throws, the
   * attempt failed and the request fails over. Given as `undefined`, with no other credential of this backend, it is
   * refused: an environment variable may be missing.
   */
  readonly apiKey?: string | Provider | undefined;
  /**
   * Sent as `Authorization: Bearer …`, with or without a `Bearer ` in front of the token. It is what
   * `getBearerTokenProvider` of `@azure/identity` returns. It is called for each attempt, so it should cache. If it
   * throws, the attempt failed and the request fails over.
   */
  readonly azureADTokenProvider?: (() => Promise<string>) | undefined;
  /**
   * Set last, after the credentials above. Each replaces the caller's of the same name; `null` or `false` removes it.
   * An auth header (`api-key`, `authorization`, `x-api-key`, `ocp-apim-subscription-key`) is a credential of this
   * backend's own.
   */
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined;
}

/**
 * A header's value, as in axios's type of request headers. (An `AxiosHeaders` as a value fits that type, but is refused.)
 */
type HeaderValue = string | readonly string[] | number | boolean | AxiosHeadersLike | null | undefined;

interface AxiosHeadersLike {
  normalize(format: boolean): unknown;
  toJSON(): object;
}

/** What a backend's credentials change in a request. */
export interface Credentials {
  /** Whether the backend has a credential of its own, so that the caller's are removed. */
  readonly replaceCallers: boolean;
  /** Lower-case names of the caller's headers that are removed. */
  readonly dropped: ReadonlySet<string>;
  /** Lower-case names of the headers that a redirect to another origin must not carry. */
  readonly sensitive: readonly string[];
  /** The headers to set, or a function that asks the providers for them. */
  readonly headers: HeaderList | (() => Promise<HeaderList>);
}

export type HeaderList = readonly (readonly [name: string, value: HeaderValue])[];

/**
 * @param place of the options, for error messages: `backends[1]`
 * @throws TypeError that names the place and shows no secret
 */
export function resolveCredentials(options: CredentialOptions, place: string): Credentials {
  const { apiKey, azureADTokenProvider, headers = {} } = options;
  const set = new Map<string, readonly [name: string, value: HeaderValue | (() => Promise<string>)]>();
  if (typeof apiKey === 'function') set.set('api-key', ['api-key', secretFrom(apiKey, '', `${place}.apiKey()`)]);
  else if (apiKey !== undefined) set.set('api-key', ['api-key', checkKey(apiKey, `${place}.apiKey`)]);
  if (azureADTokenProvider !== undefined) {
    const where = `${place}.azureADTokenProvider`;
    must(typeof azureADTokenProvider === 'function', where, 'be a function', azureADTokenProvider, showType);
    set.set('authorization', ['Authorization', secretFrom(azureADTokenProvider, 'Bearer ', `${where}()`)]);
  }
  let hasOwn = set.size > 0;
  // These come last, because they replace the credentials above.
  for (const [name, value] of Object.entries(dictionary(headers, `${place}.headers`))) {
    if (value === undefined) continue;
    checkHeader(name, value, place);
    hasOwn ||= isAuth(name) && value !== null && value !== false;
    set.set(name.toLowerCase(), [name, value as HeaderValue]);
  }

  const entries = [...set.values()];
  const names = [...set.keys()];
  const sensitive = names.every(isAuth) ? AUTH_HEADERS : [...new Set([...AUTH_HEADERS, ...names])];
  const taken = hasOwn ? sensitive : names;
  return {
    replaceCallers: hasOwn,
    dropped: taken.length === 0 ? HOST : taken === AUTH_HEADERS ? HOST_AND_AUTH : hostAnd(taken),
    sensitive,
    headers: entries.some(([, value]) => typeof value === 'function')
      ? () =>
          Promise.all(entries.map(async ([name, value]) => [name, typeof value === 'function' ? await value() : value]))
      : (entries as HeaderList),
  };
}

/**
 * Checks a backend that has no credential of its own.
 *
 * @param options as the user gave them
 * @throws TypeError if the only credential that was meant to be given is `undefined`
 */
export function checkNoneIsMissing(options: CredentialOptions, place: string): void {
  const field = (['apiKey', 'azureADTokenProvider'] as const).find((name) => Object.hasOwn(options, name));
  const [header] =
    Object.entries(options.headers ?? {}).find(([name, value]) => value === undefined && isAuth(name)) ?? [];
  const missing = field ?? (header === undefined ? undefined : `headers[${show(header)}]`);
  if (missing === undefined) return;
  throw new TypeError(`${place}.${missing} is undefined: is its environment variable set?`);
}

/**
 * Asks a provider. If it fails, so does the attempt at its backend. The message repeats nothing that it said.
 *
 * @param scheme is put in front. Some providers do so already
 */
function secretFrom(provide: Provider, scheme: '' | 'Bearer ', where: string): () => Promise<string> {
  const failed = (why: string, cause?: unknown) => new CodedError(`${where} ${why}`, PROVIDER_FAILED, { cause });
  return async () => {
    let secret: unknown;
    try {
      secret = await provide();
    } catch (cause) {
      throw failed('failed', cause);
    }
    if (scheme !== '' && typeof secret === 'string') secret = secret.replace(/^\s*bearer(?:\s+|$)/i, '');
    if (!isSecret(secret)) throw failed(`must return a non-empty string, got ${showType(secret)}`);
    if (!HEADER_TEXT.test(secret)) throw failed('returned an invalid header value');
    return scheme + secret;
  };
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function checkKey(value: unknown, place: string): string {
  must(isSecret(value), place, 'be a non-empty string or a function', value, showType);
  checkText(value, place);
  checkIsSet(value, place);
  return value;
}

/** @throws TypeError for what a template makes of a variable that isn't set */
function checkIsSet(value: unknown, place: string): void {
  const [, unset] = /^\s*(?:\S+\s+)?(undefined|null)\s*$/.exec(String(value)) ?? [];
  if (unset !== undefined) throw new TypeError(`${place} holds the text "${unset}": is its environment variable set?`);
}

/** The characters that Node accepts in a header value. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkText(value: string, place: string): void {
  if (!HEADER_TEXT.test(value))
    throw new TypeError(`${place} is not a valid header value: use Latin-1 without line breaks`);
}

function checkHeader(name: string, value: unknown, place: string): void {
  const quoted = show(name);
  const where = `${place}.headers[${quoted}]`;
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
    throw new TypeError(`${place}.headers has an invalid header name: ${quoted}`);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (isAuth(name) && values.every((each) => typeof each === 'string' && /^\s*(?:(?:bearer|basic)\s*)?$/i.test(each))) {
    throw new TypeError(`${where} must hold a credential, got an empty one`);
  }
  for (const each of values) {
    const fits = each === null || ['string', 'number', 'boolean'].includes(typeof each);
    must(fits, where, 'be a string, number, boolean, null or array of strings', each, showType);
    checkText(String(each), where);
    if (isAuth(name) && typeof each === 'string') checkIsSet(each, where);
  }
}

/** Whether a header of this name carries an identity. */
export function isAuth(name: string): boolean {
  return AUTH_HEADERS.includes(name.toLowerCase());
}
