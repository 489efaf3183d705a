import axios from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { replaceField } from '../failover/redact';
import { isNode, isNodeStream, isWebStream, watched } from '../http/streams';
import { areOfOtherCopy } from './attempt-config';
import type { AttemptConfig } from './attempt-config';
import { hideRequest, hideRequestOf } from './hide-request';

/** Puts the caller's config in place of the attempt's, which holds the backend's URL and keys. */
export function restoreConfig(
  given: AxiosResponse,
  attempt: AttemptConfig,
  config: InternalAxiosRequestConfig,
): AxiosResponse {
  // A mock may answer with a frozen object, with one of a class, or with the same one again and again.
  const isOwn = given.config === attempt && Object.isExtensible(given) && Object.hasOwn(given, 'config');
  const response = isOwn ? given : copyOfResponse(given);
  response.config = config;
  const headers = readableHeaders(response.headers as object, config);
  if (headers !== response.headers) response.headers = headers;
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

/** With the fields of axios's own that it inherits as getters, or that are hidden. */
function copyOfResponse(given: AxiosResponse): AxiosResponse {
  const copy = { ...given };
  for (const field of ['status', 'statusText', 'headers', 'data', 'request'] as const) {
    const value = given[field] as unknown;
    if (value !== undefined) copy[field] = value as never;
  }
  return copy;
}

/** The headers of a response as the caller's copy of axios can read them. */
export function readableHeaders<H extends object>(headers: H, config: InternalAxiosRequestConfig): H {
  const isForOther = headers instanceof axios.AxiosHeaders && areOfOtherCopy(Object(config.headers) as object);
  return isForOther ? Object.assign({}, headers) : headers;
}

/** Puts the caller's config in place of the attempt's. Returns whether the error could be written on. */
export function restoreErrorConfig(error: object, config: InternalAxiosRequestConfig): boolean {
  const { response } = error as { response?: unknown };
  const restored = replaceField(error, 'config', () => config) && hideRequest(error);
  if (typeof response !== 'object' || response === null) return restored;
  return restored && Reflect.set(response, 'config', config) && hideRequest(response);
}
