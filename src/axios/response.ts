import axios from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { setHidden } from '../base/hidden';
import { onCancel } from '../failover/abort';
import type { Abort, Cancellable } from '../failover/abort';
import type { Fabricated } from '../failover/fabricated';
import { bytesOfText } from '../http/body-text';
import { headerOf } from '../http/headers';
import { readNodeStream, ReadAhead } from '../http/read-beginning';
import { discardBody, isNode, isNodeStream, isRewindable, isWebStream, nodeStreamOf, watched } from '../http/streams';
import type { ReadLimits, Take } from '../http/read-beginning';
import type { AdapterKind } from './adapter-kind';
import type { AxiosRequest } from './attempt-config';
import { hideRequest } from './hide-request';
import { readableHeaders } from './restore-config';

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
    headers: readableHeaders(new axios.AxiosHeaders(headers), request.config),
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
  return kind === 'fetch' && responseType ? responseType.toLowerCase() : responseType;
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
    // A wrapped fetch may read it itself.
    if (data.locked) return undefined;
    const ahead = new ReadAhead(data);
    response.data = ahead.stream;
    return ahead.read(take, limits);
  }
  if (data instanceof Blob)
    return typeof data.stream === 'function' ? new ReadAhead(data.stream()).read(take, limits) : undefined;
  // With `decompress: false`, the bytes say nothing until they are decompressed. (axios removes the header when it has.)
  const isEncoded =
    kind === 'http' && /gzip|compress|deflate|br|zstd/i.test(String(headerOf(headers, 'content-encoding')));
  if (!isNodeStream(data) || !isRewindable(data) || isEncoded) return undefined;
  const chunks: Uint8Array[] = [];
  const keep: Take = (bytes) => {
    chunks.push(bytes);
    return take(bytes);
  };
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
