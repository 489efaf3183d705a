import type { Readable } from 'node:stream';
import { CodedError } from '../base/errors';
import { modelNamedBy } from '../failover/http-client';
import type { HttpRequest, Target } from '../failover/http-client';
import type { RequestFailover } from '../failover/options';
import { isOneShot } from '../http/body';
import { isQueryCredential } from '../http/credentials';
import { renameInPath, routeOf } from '../http/deployments';
import type { Route } from '../http/deployments';
import { copyHeaders, removeHeaders } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import type { RequestConfig } from '../http/messages';
import { isNode, isWebStream, webStreamOf } from '../http/streams';
import { withoutParams } from '../http/url';
import { renamed } from '../pool/backend-options';
import type { BackendSettings } from '../pool/backend-options';

/** The `fetch` of a runtime. */
export type Fetch = typeof globalThis.fetch;

/** What `fetch` takes as its second argument, and `failover`. */
export type FetchInit = RequestInit & {
  /**
   * `false`: one attempt on the chosen backend, and its response is returned as it is. An object overrides the options for
   * this request.
   */
  readonly failover?: false | RequestFailover | undefined;
};

/** What `fetch` takes as its first argument. */
export type FetchInput = string | URL | Request;

/** What selectors, conditions and failures see of a fetch. axios's configs have the same fields. */
export interface FetchConfig extends RequestConfig {
  readonly url: string;
  /** In lower case, as in axios. */
  readonly method: string;
  /** By their lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly data: unknown;
  readonly signal: AbortSignal | undefined;
  readonly failover: FetchInit['failover'];
}

/** One call of fetch, prepared for its attempts. */
export interface FetchRequest extends HttpRequest {
  readonly config: FetchConfig;
  /** The wrapped one. */
  readonly fetch: Fetch;
  /** What the caller passed in, without what is set for each attempt. */
  readonly init: RequestInit;
  readonly route: Route;
  readonly redirect: RequestRedirect;
}

/** The fields of a `Request` that mean the same in `init`. */
const REQUEST_FIELDS = [
  'cache',
  'credentials',
  'integrity',
  'keepalive',
  'mode',
  'redirect',
  'referrer',
  'referrerPolicy',
] as const;

/** What the caller passed in, as the config that callbacks get, and the rest of it. */
export function configOf(
  input: FetchInput,
  init: FetchInit = {},
): { readonly config: FetchConfig; readonly rest: RequestInit; readonly isUsed: boolean } {
  const request = isRequest(input) ? input : undefined;
  const {
    method = request?.method ?? 'GET',
    headers = request?.headers,
    body = request?.body,
    failover,
    ...own
  } = init;
  const signal = (init.signal === undefined ? request?.signal : init.signal) ?? undefined;
  const config = {
    url: urlOf(input),
    method: method.toLowerCase(),
    headers: Object.fromEntries(new Headers(headers)),
    data: body ?? undefined,
    signal,
    failover,
  };
  const isUsed = request?.bodyUsed === true && body === request.body;
  return { config, rest: { ...fieldsOf(request, body), ...own, method }, isUsed };
}

export function urlOf(input: FetchInput): string {
  if (typeof input === 'string') return input;
  return 'href' in input ? input.href : input.url;
}

/** Whether it is a URL of another scheme, such as `data:`. Read as fetch reads it: with a parser. */
export function isOtherScheme(text: string): boolean {
  try {
    return !/^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** The body of a `Request` where the runtime doesn't show it as a stream. */
export async function withBody(input: FetchInput, init?: FetchInit): Promise<FetchInit | undefined> {
  const hidesBody = isRequest(input) && input.body === undefined && !/^(?:get|head)$/i.test(input.method);
  return hidesBody && init?.body === undefined ? { ...init, body: await input.clone().arrayBuffer() } : init;
}

/** @throws TypeError for a URL that fetch refuses too */
export function openRequest({ config, rest, isUsed }: ReturnType<typeof configOf>, fetch: Fetch): FetchRequest {
  const { href } = checkedUrl(config.url);
  const body = isAsyncIterable(config.data) ? streamOf(config.data) : config.data;
  checkDuplex(body, rest);
  if (isUsed) throw unusable('Cannot construct a Request with a Request object that has already been used.');
  if (isDisturbed(body)) throw unusable('Response body object should not be disturbed or locked');
  const route = routeOf({ url: href });
  return {
    config,
    fetch,
    init: rest,
    route,
    redirect: rest.redirect ?? 'follow',
    body,
    deployment: route.deployment,
    timeout: 0,
    streamed: true,
    // A fetch of the user's own may ignore its signal.
    obeysCancel: false,
    needsAbort: true,
    model: undefined,
  };
}

export function isRequest(input: FetchInput): input is Request {
  return typeof input === 'object' && !('href' in input) && 'method' in input;
}

function fieldsOf(request: Request | undefined, body: unknown): RequestInit {
  if (request === undefined) return {};
  // A runtime may lack some. `navigate` can't be passed on.
  const fields = REQUEST_FIELDS.map((name) => [name, request[name]] as const).filter(
    ([, value]) => value !== undefined && value !== '' && value !== 'navigate',
  );
  return { ...(Object.fromEntries(fields) as RequestInit), ...(body === request.body && body !== null && HALF_DUPLEX) };
}

/** Required beside a body that is a stream. DOM's types lack it. */
const HALF_DUPLEX = { duplex: 'half' } as RequestInit;

/** Node's fetch takes them too. */
function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && !isOneShot(body);
}

function streamOf(body: AsyncIterable<Uint8Array>): ReadableStream {
  const chunks = body[Symbol.asyncIterator]();
  return webStreamOf(
    async () => {
      const next = await chunks.next();
      return next.done === true ? undefined : next.value;
    },
    () => chunks.return?.(),
  );
}

function checkedUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CodedError(`Failed to parse URL from ${text.replace(/[?#].*/s, '')}`, 'ERR_INVALID_URL', { cause });
  }
  // The message doesn't show the URL.
  if (url.username + url.password !== '') {
    throw new CodedError('Request cannot be constructed from a URL that includes credentials', 'ERR_INVALID_URL');
  }
  return url;
}

/** In the words of Node's fetch. */
function unusable(message: string): CodedError {
  return new CodedError(message, 'ERR_BAD_REQUEST');
}

/** Whether a stream has been read from, as far as the runtime tells. */
function isDisturbed(data: unknown): boolean {
  return (
    isOneShot(data) &&
    isNode() &&
    process.getBuiltinModule('node:stream').Readable.isDisturbed(data as unknown as Readable)
  );
}

/** What this runtime's fetch says of a stream without `duplex`. `null`: it takes one. */
let duplexError: Error | null | undefined;

/**
 * A stream that is read into memory first would no longer be refused. Node's own streams are taken: `openai` 4 sends them
 * without `duplex`.
 *
 * @throws CodedError with the words of the runtime's fetch
 */
function checkDuplex(data: unknown, init: RequestInit): void {
  if (!isWebStream(data) || 'duplex' in init) return;
  duplexError ??= refusalOfStream();
  if (duplexError !== null) throw unusable(duplexError.message);
}

function refusalOfStream(): Error | null {
  try {
    new Request('http://localhost', { method: 'POST', body: new ReadableStream() });
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** What one attempt passes to the wrapped fetch. */
export interface AttemptInit extends Omit<RequestInit, 'headers' | 'body'> {
  method: string;
  headers: HeaderFields;
  body: unknown;
  redirect: RequestRedirect;
}

/** The URL and the `init` of one attempt. They share nothing that a fetch writes on with another attempt. */
export function attemptOf(
  request: FetchRequest,
  target: Target,
  signal: AbortSignal | undefined,
): [string, AttemptInit] {
  const { backend, body, credentials } = target;
  const { config, init, redirect } = request;
  const { fetchOptions } = (backend.request ?? {}) as { fetchOptions?: object };
  const data = bodyFor(request, target);
  const { dropped } = backend.credentials;
  const headers = copyHeaders(config.headers, (name) => dropped.has(name));
  // The form that was read into memory has its own.
  Object.assign(headers, body.headers);
  if (data !== config.data && !isOneShot(data)) removeHeaders(headers, (name) => name === 'content-length');
  for (const [name, value] of credentials) {
    const lower = name.toLowerCase();
    if (value === null || value === undefined || value === false) Reflect.deleteProperty(headers, lower);
    else headers[lower] = (Array.isArray(value) ? (value as readonly string[]) : [value as string]).join(', ');
  }
  const method = init.method!;
  const attempt: AttemptInit = { ...init, ...fetchOptions, redirect, method, headers, body: data };
  if (signal !== undefined) attempt.signal = signal;
  if (isOneShot(data)) Object.assign(attempt, HALF_DUPLEX);
  return [urlFor(request, backend), attempt];
}

function bodyFor(request: FetchRequest, { backend, body }: Target): unknown {
  if (backend.deployments === undefined || request.deployment !== undefined) return body.data;
  const model = modelNamedBy(request, body.data);
  const name = model && renamed(backend, model.name);
  return name ? model.renamed(name) : body.data;
}

function urlFor({ route }: FetchRequest, backend: BackendSettings): string {
  const { path, deployment, holdsCredential } = route;
  const name = deployment !== undefined && renamed(backend, deployment);
  const { base, url } = name ? renameInPath(path, name) : path;
  const { params, credentials } = backend;
  const full = backend.baseURL + base + url;
  if (params === undefined && !(credentials.own && holdsCredential)) return full;
  const kept = withoutParams(
    full,
    (param) => params?.has(param) === true || (credentials.own && isQueryCredential(param)),
  );
  return params === undefined ? kept : withParams(kept, params);
}

/** Adds the backend's parameters. Every other byte stays as it is. Arrays are written as axios writes them. */
function withParams(url: string, params: ReadonlyMap<string, unknown>): string {
  const added = [...params]
    .filter(([, value]) => value !== null)
    .flatMap(([name, value]) =>
      Array.isArray(value)
        ? value.map((each: unknown) => `${encodeURIComponent(name)}[]=${encoded(each)}`)
        : `${encodeURIComponent(name)}=${encoded(value)}`,
    );
  if (added.length === 0) return url;
  const hash = url.indexOf('#');
  const [path, fragment] = hash < 0 ? [url, ''] : [url.slice(0, hash), url.slice(hash)];
  return `${path}${path.includes('?') ? '&' : '?'}${added.join('&')}${fragment}`;
}

function encoded(value: unknown): string {
  return encodeURIComponent(value instanceof Date ? value.toISOString() : (value as string));
}
