import axios from 'axios';
import type { AxiosAdapter, AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { CodedError, codeOf } from './coded-error';
import type { HeaderList } from './credentials';
import { Interruption, onCancel } from './deadline';
import { errorChain } from './outcome';
import { isNodeStream, isWebStream, watched } from './streams';

const STATUS = 429;

/** Shorter ones are no secrets, and taking them out would garble a message. */
const MIN_SECRET = 4;

/**
 * Resolves or rejects by the caller's `validateStatus`, as axios's own `settle` does.
 *
 * @throws AxiosError `ERR_BAD_REQUEST` for a 4xx, `ERR_BAD_RESPONSE` for anything else that is not valid
 */
export function settle(response: AxiosResponse): AxiosResponse {
  const { status, config } = response;
  const { validateStatus } = config;
  if (!status || !validateStatus || validateStatus(status)) return response;
  const code = status >= 400 && status < 500 ? axios.AxiosError.ERR_BAD_REQUEST : axios.AxiosError.ERR_BAD_RESPONSE;
  throw new axios.AxiosError(
    `Request failed with status code ${String(status)}`,
    code,
    config,
    response.request,
    response,
  );
}

/**
 * The 429 that says that nobody is left. It names no host.
 *
 * @param retryAfter ms until somebody is
 * @param count how many backends there are
 * @param adapter the wrapped one, whose kind of streams and bytes is given
 */
export function fabricate(
  config: InternalAxiosRequestConfig,
  retryAfter: number,
  count: number,
  adapter: AxiosAdapter,
): AxiosResponse {
  const ms = Math.ceil(retryAfter);
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const backends = count === 1 ? 'The only backend is' : `All ${String(count)} backends are`;
  const message = `${backends} throttled or failing. Please retry after ${String(seconds)} ${seconds === 1 ? 'second' : 'seconds'}.`;
  const text = JSON.stringify({ error: { code: String(STATUS), type: 'no_backend_available', message } });
  return {
    status: STATUS,
    statusText: 'Too Many Requests',
    headers: new axios.AxiosHeaders({
      'retry-after': String(seconds),
      'retry-after-ms': String(ms),
      'content-type': 'application/json',
    }),
    data: inForm(text, config, adapter),
    config,
    fabricated: true,
  };
}

/** What an attempt leaves behind is not for the caller: its config, with the backend's URL and keys in it. */
export function restored(response: AxiosResponse, config: InternalAxiosRequestConfig): AxiosResponse {
  response.config = config;
  const { data } = response as { data: unknown };
  if (isNodeStream(data) && inNode()) {
    // The http adapter puts its config into an error of the stream. A monitor hears of it first, and handles nothing.
    data.on(process.getBuiltinModule('node:events').errorMonitor, (error) => cleansed(error, config));
  } else if (isWebStream(data) && config.maxContentLength! > -1) {
    // The fetch adapter does the same when the limit is passed, and in no other case.
    response.data = watched(data, (error) => cleansed(error, config));
  }
  return response;
}

/**
 * An attempt has a signal of its own, and does not hear of the caller's any more once it has answered. This goes on
 * telling it while the caller reads a stream, and takes its listener away when that ends.
 */
export function cancelWhileRead(
  response: AxiosResponse,
  config: InternalAxiosRequestConfig,
  abort: AbortController,
): void {
  const { data } = response as { data: unknown };
  if (isNodeStream(data)) {
    const unlisten = onCancel(config, (message) => data.destroy?.(canceled(message, config)));
    if (unlisten !== undefined) data.on('close', unlisten);
  } else if (isWebStream(data)) {
    const unlisten = onCancel(config, (message) => abort.abort(canceled(message, config)));
    if (unlisten !== undefined) response.data = watched(data, unlisten);
  }
}

/**
 * Gives an error back with the caller's config in every place, and without the secrets that the attempts were given. One
 * that cannot be written on is replaced.
 */
export function restoredError(error: unknown, config: InternalAxiosRequestConfig, given: HeaderList): unknown {
  const secrets = given
    .flatMap(([, value]) => [String(value), String(value).replace(/^Bearer /, '')])
    .filter(({ length }) => length >= MIN_SECRET);
  if (cleansed(error, config, secrets)) return error;
  const { message } = Object(error) as { message?: unknown };
  return new axios.AxiosError(String(without(message, secrets)), codeOf(error).code, config);
}

/** What the caller is told when a request ends otherwise than by an answer. */
export function rejection(error: unknown, config: InternalAxiosRequestConfig): unknown {
  if (error instanceof Interruption) {
    return error.why === 'cancelled' ? canceled(error.said, config) : timeoutError(config, config.timeout!);
  }
  // The http adapter wraps what it hears from a body's stream.
  const own = errorChain(error).find((each) => each instanceof CodedError);
  if (!(own instanceof CodedError)) return error;
  return own.code === 'ERR_CANCELED' ? canceled(own.message, config) : axios.AxiosError.from(own, own.code, config);
}

/**
 * The caller's `timeout` in ms, read as axios reads it; 0 means none.
 *
 * @throws AxiosError for what is no number, which not all of axios's adapters notice
 */
export function timeoutOf(config: InternalAxiosRequestConfig): number {
  const ms = config.timeout ? Number.parseInt(String(config.timeout), 10) : 0;
  if (!Number.isNaN(ms)) return Math.max(0, ms);
  const message = 'error trying to parse `config.timeout` to int';
  throw new axios.AxiosError(message, axios.AxiosError.ERR_BAD_OPTION_VALUE, config);
}

/** axios's own words and code for a timeout. */
export function timeoutError(config: InternalAxiosRequestConfig, timeout: number): AxiosError {
  const clarify = config.transitional?.clarifyTimeoutError ?? false;
  const message = config.timeoutErrorMessage ?? `timeout of ${String(timeout)}ms exceeded`;
  return new axios.AxiosError(message, clarify ? axios.AxiosError.ETIMEDOUT : axios.AxiosError.ECONNABORTED, config);
}

/** Lets go of an answer that nobody will read: undrained, it would hold its socket. */
export function discard(response: AxiosResponse | undefined): void {
  const data: unknown = response?.data;
  if (isNodeStream(data)) {
    data.on('error', ignore);
    data.destroy?.();
  } else if (isWebStream(data)) {
    data.cancel().catch(ignore);
  }
}

function canceled(message: string | undefined, config: InternalAxiosRequestConfig): Error {
  return new axios.CanceledError(message, config);
}

/** Returns whether all of it could be written on. */
function cleansed(error: unknown, config: InternalAxiosRequestConfig, secrets: readonly string[] = []): boolean {
  return errorChain(error).every((each) => {
    const { response } = each as { response?: object };
    const texts = ['message', 'stack'].every((key) => put(each, key, (text) => without(text, secrets)));
    return texts && [each, response ?? {}].every((owner) => put(owner, 'config', () => config));
  });
}

/** Replaces what stands there, if anything does. */
function put(owner: object, key: string, by: (value: unknown) => unknown): boolean {
  const value: unknown = Reflect.get(owner, key);
  const better = value === undefined ? value : by(value);
  return better === value || Reflect.set(owner, key, better);
}

function without(text: unknown, secrets: readonly string[]): unknown {
  return typeof text === 'string' ? secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text) : text;
}

function inForm(text: string, config: InternalAxiosRequestConfig, adapter: AxiosAdapter): unknown {
  switch (config.responseType?.toLowerCase()) {
    case 'arraybuffer':
      return speaksWeb(adapter, config) ? new TextEncoder().encode(text).buffer : Buffer.from(text);
    case 'blob':
      return new Blob([text], { type: 'application/json' });
    case 'stream':
      if (speaksWeb(adapter, config)) return new Blob([text]).stream();
      return process.getBuiltinModule('node:stream').Readable.from([Buffer.from(text)]);
    default:
      return text;
  }
}

/** The fetch adapter gives web streams and ArrayBuffers, also in Node; a browser has nothing else. */
function speaksWeb(adapter: AxiosAdapter, config: InternalAxiosRequestConfig): boolean {
  return !inNode() || isNodeFetch(adapter, config);
}

function inNode(): boolean {
  return typeof process !== 'undefined' && typeof process.getBuiltinModule === 'function';
}

/** What was asked about last: most requests go through one adapter. */
let latest: { readonly adapter: AxiosAdapter; readonly isFetch: boolean } | undefined;

/** Whether this is axios's fetch adapter, in Node. */
export function isNodeFetch(adapter: AxiosAdapter, config: InternalAxiosRequestConfig): boolean {
  if (latest?.adapter !== adapter) {
    latest = { adapter, isFetch: inNode() && fetchAdapters(config).includes(adapter) };
  }
  return latest.isFetch;
}

/** axios has one for each `env` that it is asked with, and the caller's function may be any of them. */
function fetchAdapters(config: InternalAxiosRequestConfig): AxiosAdapter[] {
  try {
    return [config, axios.defaults, undefined].map((env) => axios.getAdapter('fetch', env as typeof config));
  } catch {
    return []; // older than the fetch adapter
  }
}

function ignore(): void {
  // Nobody reads this answer any more.
}
