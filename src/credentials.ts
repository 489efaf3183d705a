import type { AxiosRequestConfig } from 'axios';
import { showType } from './check';
import { CodedError } from './coded-error';

/** Headers that carry a caller's identity to Azure OpenAI, to OpenAI, or to API Management in front of them. */
const AUTH_HEADERS: readonly string[] = ['api-key', 'authorization', 'x-api-key', 'ocp-apim-subscription-key'];

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

export type HeaderValue = string | number | boolean | readonly string[] | null | undefined;

/** The headers one backend adds to an attempt, and those it takes off. */
export interface Credentials {
  /** Whether the caller's own credentials are to be taken off. */
  readonly own: boolean;
  /** Lower-case names of the caller's headers that are not passed on. */
  readonly dropped: ReadonlySet<string>;
  /** Names that a redirect to another origin must not carry. */
  readonly sensitive: readonly string[];
  /** Takes those off, for the versions of axios that do not do it themselves. */
  readonly onRedirect: RedirectHook;
  /** The headers to set, at once where nothing has to be asked for. */
  headers(): HeaderList | Promise<HeaderList>;
}

/** Told by follow-redirects what it is about to request. */
export type RedirectHook = NonNullable<AxiosRequestConfig['beforeRedirect']>;

export type HeaderList = readonly (readonly [name: string, value: HeaderValue])[];

/** A provider failed, so that its backend could not be asked. The message holds nothing that the provider said. */
export class CredentialError extends CodedError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, 'ERR_CREDENTIAL', options);
  }
}

/**
 * @param origin the backend's
 * @param place where the options stand, such as `backends[1]`, for messages
 */
export function resolveCredentials(options: CredentialOptions, origin: string, place: string): Credentials {
  const fixed: [string, HeaderValue][] = [];
  const asked: [name: string, ask: () => Promise<string>][] = [];
  const { apiKey, azureADTokenProvider } = options;

  if (typeof apiKey === 'function') {
    asked.push(['api-key', async () => secretFrom(await apiKey(), `${place}.apiKey()`)]);
  } else if (apiKey !== undefined) {
    fixed.push(['api-key', checkSecret(apiKey, `${place}.apiKey`)]);
  }
  if (typeof azureADTokenProvider === 'function') {
    const ask = async () => `Bearer ${secretFrom(await azureADTokenProvider(), `${place}.azureADTokenProvider()`)}`;
    asked.push(['Authorization', ask]);
  } else if (azureADTokenProvider !== undefined) {
    throw new TypeError(`${place}.azureADTokenProvider must be a function, got ${showType(azureADTokenProvider)}`);
  }
  const headers = Object.entries(options.headers ?? {}).filter(([, value]) => value !== undefined);
  for (const [name, value] of headers) checkHeader(name, value, place);

  const names = [...fixed, ...asked, ...headers].map(([name]) => name.toLowerCase());
  const sets = (value: HeaderValue): boolean => value !== null && value !== false;
  const own = [...fixed, ...asked, ...headers.filter(([, value]) => sets(value))].some(([name]) => isAuth(name));
  // `headers` is set last, so what it names is not asked for or set before.
  const last = new Set(headers.map(([name]) => name.toLowerCase()));
  const before = fixed.filter(([name]) => !last.has(name.toLowerCase()));
  const list: HeaderList = [...before, ...headers];
  const providers = asked.filter(([name]) => !last.has(name.toLowerCase()));
  const sensitive = [...new Set([...AUTH_HEADERS, ...names])];
  return {
    own,
    // The caller's Host names another server.
    dropped: new Set(['host', ...names, ...(own ? AUTH_HEADERS : [])]),
    sensitive,
    onRedirect: strippingElsewhere(origin, sensitive),
    headers: providers.length === 0 ? () => list : () => ask(providers, list, place),
  };
}

function strippingElsewhere(origin: string, sensitive: readonly string[]): RedirectHook {
  return (options) => {
    if (originOf(options.href) === origin) return;
    const headers = (options.headers ?? {}) as Record<string, unknown>;
    for (const name of Object.keys(headers))
      if (sensitive.includes(name.toLowerCase())) Reflect.deleteProperty(headers, name);
  };
}

function originOf(href: unknown): string | undefined {
  try {
    return new URL(String(href)).origin;
  } catch {
    return undefined;
  }
}

async function ask(
  providers: readonly [name: string, ask: () => Promise<string>][],
  list: HeaderList,
  place: string,
): Promise<HeaderList> {
  try {
    const given = await Promise.all(providers.map(async ([name, provide]) => [name, await provide()] as const));
    return [...given, ...list];
  } catch (cause) {
    if (cause instanceof CredentialError) throw cause;
    throw new CredentialError(`the credential provider of ${place} failed`, { cause });
  }
}

function checkSecret(value: unknown, place: string): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new TypeError(`${place} must be a non-empty string or a function, got ${showType(value)}`);
  }
  if (!isHeaderText(value)) throw new TypeError(`${place} must fit into a header: no line breaks, Latin-1 only`);
  return value;
}

function secretFrom(value: unknown, place: string): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new CredentialError(`${place} must give a non-empty string, got ${showType(value)}`);
  }
  if (!isHeaderText(value)) throw new CredentialError(`${place} gave what does not fit into a header`);
  return value;
}

function checkHeader(name: string, value: unknown, place: string): void {
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) {
    throw new TypeError(`${place}.headers has a name that is not valid: ${JSON.stringify(name)}`);
  }
  const where = `${place}.headers[${JSON.stringify(name)}]`;
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (isAuth(name) && values.every((each) => typeof each === 'string' && /^\s*(?:(?:bearer|basic)\s*)?$/i.test(each))) {
    throw new TypeError(`${where} must hold a credential, got an empty one`);
  }
  for (const each of values) {
    if (each === null || typeof each === 'number' || typeof each === 'boolean') continue;
    if (typeof each !== 'string') {
      throw new TypeError(
        `${where} must be a string, number, boolean, null or array of strings, got ${showType(each)}`,
      );
    }
    if (!isHeaderText(each)) throw new TypeError(`${where} must fit into a header: no line breaks, Latin-1 only`);
  }
}

function isAuth(name: string): boolean {
  return AUTH_HEADERS.includes(name.toLowerCase());
}

function isHeaderText(value: string): boolean {
  // The others are what Node refuses in a header value.
  return !/[^\t\x20-\x7e\x80-\xff]/.test(value);
}
