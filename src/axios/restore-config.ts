import axios from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { replaceField } from '../failover/redact';
import { isNode, isNodeStream, isWebStream, watched } from '../http/streams';
import { areOfOtherCopy } from './attempt-config';
import { hideRequest, hideRequestOf, setRequest } from './hide-request';

/** The response with the caller's config in place of the attempt's, which holds the backend's URL and keys. */
export function restoreConfig(given: AxiosResponse, config: InternalAxiosRequestConfig): AxiosResponse {
  const response = copyOfResponse(given);
  response.config = config;
  const headers = readableHeaders(response.headers as object, config);
  if (headers !== response.headers) response.headers = headers;
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

/** Of axios's own. */
const FIELDS = ['status', 'statusText', 'headers', 'data'] as const;

/**
 * A copy whose `request` is hidden, with the fields of axios's own that the response inherits as getters, or that are
 * hidden. A mock may answer with a frozen object, with one of a class, or with the same one again and again. (To hide
 * `request` in the response itself costs 10 µs more over sockets.)
 */
function copyOfResponse(given: AxiosResponse): AxiosResponse {
  const copy = {} as AxiosResponse;
  for (const key of Object.keys(given) as (keyof AxiosResponse)[]) {
    if (key !== 'request') copy[key] = given[key] as never;
  }
  for (const field of FIELDS) {
    if (!Object.hasOwn(copy, field) && given[field] !== undefined) copy[field] = given[field] as never;
  }
  setRequest(copy, given.request);
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
