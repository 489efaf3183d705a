import axios from 'axios';
import type { AxiosError, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { setHidden } from '../base/hidden';
import { onCancel } from '../failover/cancel';
import type { Abort, Cancellable } from '../failover/cancel';
import type { Fabricated } from '../failover/fabricated';
import { replaceField } from '../failover/redact';
import { bytesOfText } from '../http/body-text';
import { headerOf } from '../http/headers';
import { readNodeStream, readAhead } from '../http/read-beginning';
import { discardBody, isNode, isNodeStream, isRewindable, isWebStream, nodeStreamOf, watched } from '../http/streams';
import type { ReadLimits, Take } from '../http/read-beginning';
import type { AdapterKind } from './adapter-kind';
import type { AxiosRequest } from './attempt-config';
import { hideRequest, hideRequestOf } from './native-request';

/**
 * Resolves or rejects by the caller's `validateStatus`, as axios's own `settle` does.
 *
 * @param why what the error's message adds
 * @param cause of the error
 * @throws AxiosError `ERR_BAD_REQUEST` for a 4xx, `ERR_BAD_RESPONSE` for any other status that isn't accepted
 */
export function settle(response: AxiosResponse, why?: string, cause?: Error): AxiosResponse {
  const { status, config } = response;
  const { validateStatus } = config;
  if (!status || !validateStatus || validateStatus(status)) return response;
  const code = status >= 400 && status < 500 ? axios.AxiosError.ERR_BAD_REQUEST : axios.AxiosError.ERR_BAD_RESPONSE;
  const message = `Request failed with status code ${String(status)}${why === undefined ? '' : `: ${why}`}`;
  const error = new axios.AxiosError(message, code, config, response.request, response);
  hideRequest(error);
  if (cause !== undefined) setHidden(error, 'cause', cause);
  throw error;
}

/** A response of the package's own as an adapter would have given it. */
export function fabricate(request: AxiosRequest, { status, statusText, headers, text }: Fabricated): AxiosResponse {
  return {
    status,
    statusText,
    headers: new axios.AxiosHeaders(headers),
    data: inForm(text, request),
    config: request.config,
    fabricated: true,
  };
}

/** The text in the form that the wrapped adapter produces for this `responseType`. */
function inForm(text: string, { config, kind }: AxiosRequest): unknown {
  // axios's http adapter gives Node's own kinds. So do foreign ones, where there are any.
  const isNodeKind = kind === 'http' || (kind === 'foreign' && isNode());
  switch (responseTypeOf(config, kind)) {
    case 'arraybuffer':
      return isNodeKind ? Buffer.from(text) : bytesOfText(text);
    case 'blob':
      // axios's http adapter gives text.
      return kind === 'http' ? text : new Blob([text], { type: 'application/json' });
    case 'document':
      // XHR gives `null` for text that is no document.
      return kind === 'xhr' ? null : text;
    case 'stream':
      // XHR gives text.
      if (kind === 'xhr') return text;
      if (!isNodeKind) return new Blob([text]).stream();
      return process.getBuiltinModule('node:stream').Readable.from([Buffer.from(text)]);
    default:
      return text;
  }
}

/** What the adapter takes `responseType` for: only axios's fetch adapter accepts it in any case. */
export function responseTypeOf({ responseType }: InternalAxiosRequestConfig, kind: AdapterKind): string | undefined {
  return kind === 'fetch' ? responseType?.toLowerCase() : responseType;
}

/** Reads the beginning of a body that is a stream or a `Blob`. `undefined` for every other. */
export function readBeginning(
  { kind }: AxiosRequest,
  response: AxiosResponse,
  take: Take,
  limits: ReadLimits,
): Promise<boolean> | undefined {
  const { data, headers } = response as { data: unknown; headers: object };
  if (isWebStream(data)) {
    const ahead = readAhead(data);
    response.data = ahead.stream;
    return ahead.read(take, limits);
  }
  if (data instanceof Blob)
    return typeof data.stream === 'function' ? readAhead(data.stream()).read(take, limits) : undefined;
  // With `decompress: false`, the bytes say nothing until they are decompressed.
  const isEncoded = kind === 'http' && (headerOf(headers, 'content-encoding') ?? 'identity') !== 'identity';
  if (!isNodeStream(data) || !isRewindable(data) || isEncoded) return undefined;
  const chunks: Uint8Array[] = [];
  const keep: Take = (bytes) => chunks.push(bytes) > 0 && take(bytes);
  return readNodeStream(data, keep, limits).catch((error: unknown) => {
    // Whoever reads the body gets what had arrived, and then the error.
    response.data = nodeStreamOf(() => {
      const chunk = chunks.shift();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
      return chunk === undefined ? Promise.reject(error) : Promise.resolve(chunk);
    });
    throw error;
  });
}

/** Puts the caller's config in place of the attempt's, which holds the backend's URL and keys. */
export function restoreConfig(given: AxiosResponse, config: InternalAxiosRequestConfig): AxiosResponse {
  // A mock may answer with a frozen object.
  const response = Object.isExtensible(given) ? given : { ...given };
  response.config = config;
  hideRequest(response);
  const { data } = response as { data: unknown };
  if (isNodeStream(data) && isNode()) {
    hideRequestOf(data);
    // The http adapter puts its config into an error of the stream.
    // `errorMonitor` is called first, and doesn't count as handling the error.
    data.on(process.getBuiltinModule('node:events').errorMonitor, (error) => restoreErrorConfig(error, config));
  } else if (isWebStream(data) && config.maxContentLength! > -1) {
    // The fetch adapter does so if the limit is exceeded, and in no other case.
    response.data = watched(data, (error) => restoreErrorConfig(Object(error) as object, config));
  }
  return response;
}

/** Puts the caller's config in place of the attempt's. Returns whether the error could be written on. */
export function restoreErrorConfig(error: object, config: InternalAxiosRequestConfig): boolean {
  const { response } = error as { response?: unknown };
  const restored = replaceField(error, 'config', () => config) && hideRequest(error);
  if (typeof response !== 'object' || response === null) return restored;
  return restored && Reflect.set(response, 'config', config) && hideRequest(response);
}

/**
 * Once an attempt with its own signal has its response, the caller's signal no longer reaches it. This ends a stream that
 * the caller is still reading when the request is cancelled. The listener goes when the stream ends.
 */
export function cancelWhileRead(response: AxiosResponse, config: InternalAxiosRequestConfig, abort: Abort): void {
  const { data } = response as { data: unknown };
  const caller = config as Cancellable;
  if (!caller.signal && !caller.cancelToken) return;
  const error = () => new axios.CanceledError(caller.cancelToken?.reason?.message, config);
  if (caller.signal?.aborted || caller.cancelToken?.reason) {
    // A listener or `validateStatus` has cancelled: the signal won't tell again.
    abort.abort(error());
    discardBody(data);
  } else if (isNodeStream(data)) {
    const unlisten = onCancel(caller, () => data.destroy?.(error()));
    data.on('close', unlisten);
  } else if (isWebStream(data)) {
    const unlisten = onCancel(caller, () => abort.abort(error()));
    response.data = watched(data, unlisten);
  }
}

/**
 * axios's own words and code for a timeout.
 *
 * @param ms as the caller gave it
 */
export function timeoutError(
  config: InternalAxiosRequestConfig,
  ms: number | undefined,
  kind: AdapterKind,
): AxiosError {
  if (kind === 'fetch')
    return new axios.AxiosError(`timeout of ${String(ms)}ms exceeded`, axios.AxiosError.ETIMEDOUT, config);
  const clarify = config.transitional?.clarifyTimeoutError ?? false;
  const message = config.timeoutErrorMessage ?? `timeout of ${String(ms)}ms exceeded`;
  return new axios.AxiosError(message, clarify ? axios.AxiosError.ETIMEDOUT : axios.AxiosError.ECONNABORTED, config);
}

/**
 * The caller's `timeout` in ms, read as axios reads it. 0: none.
 *
 * @throws AxiosError for what is no number, which not all of axios's adapters notice; and a timeout for a negative number,
 * as what is left of a deadline may be one
 */
export function timeoutOf(config: InternalAxiosRequestConfig, kind: AdapterKind): number {
  const ms = config.timeout ? Number.parseInt(String(config.timeout), 10) : 0;
  if (ms < 0) throw timeoutError(config, ms, kind);
  if (!Number.isNaN(ms)) return ms;
  const message = 'error trying to parse `config.timeout` to int';
  throw new axios.AxiosError(message, axios.AxiosError.ERR_BAD_OPTION_VALUE, config);
}
