import axios from 'axios';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { setField, setHidden } from '../base/hidden';
import { replaceField } from '../failover/redact';
import { isNode, isNodeStream, isWebStream, watched } from '../http/streams';
import { areOfOtherCopy } from './attempt-config';
import { hideRequest, hideRequestOf, setRequest } from './hide-request';

/** The response with the caller's config in place of the attempt's, which holds the backend's URL and keys. */
export function restoreConfig(given: AxiosResponse, config: InternalAxiosRequestConfig): AxiosResponse {
  const response = copyOfResponse(given, config);
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

/** The fields of a response that axios's adapters give. */
const FIELDS: ReadonlySet<PropertyKey> = /* @__PURE__ */ new Set([
  'status',
  'statusText',
  'headers',
  'config',
  'data',
  'request',
]);

/**
 * A copy with the caller's config, whose `request` is hidden. A mock may answer with a frozen object, with one of a class, or
 * with the same one again and again. (To hide `request` in the response itself costs 10 µs more over sockets.)
 */
function copyOfResponse(given: AxiosResponse, config: InternalAxiosRequestConfig): AxiosResponse {
  const { status, statusText, data } = given as AxiosResponse<unknown>;
  const { request } = given as { request?: unknown };
  const copy: AxiosResponse = {
    status,
    statusText,
    headers: readableHeaders(given.headers as object, config),
    config,
    data,
  };
  const prototype = Object.getPrototypeOf(given) as object | null;
  if (prototype !== Object.prototype) Object.setPrototypeOf(copy, prototype);
  // What the wrapped adapter has added.
  for (const key of Reflect.ownKeys(given)) {
    if (FIELDS.has(key)) continue;
    const set = Object.prototype.propertyIsEnumerable.call(given, key) ? setField : setHidden;
    set(copy, key, (given as unknown as Record<PropertyKey, unknown>)[key]);
  }
  if (request !== undefined) setRequest(copy, request);
  return copy;
}

/** The headers of a response as the caller's copy of axios can read them. */
export function readableHeaders<H extends object>(headers: H, config: InternalAxiosRequestConfig): H {
  const isForOther = headers instanceof axios.AxiosHeaders && areOfOtherCopy(Object(config.headers) as object);
  return isForOther ? Object.assign({}, headers) : headers;
}

/** Puts the caller's config in place of the attempt's. Returns whether the error could be written on. */
export function restoreErrorConfig(error: object, config: InternalAxiosRequestConfig): boolean {
  const restored = replaceField(error, 'config', () => config) && hideRequest(error);
  const { response } = error as { response?: AxiosResponse | null };
  if (typeof response !== 'object' || response === null) return restored;
  if (Reflect.set(response, 'config', config) && hideRequest(response)) return restored;
  // A mock's, which is frozen.
  return replaceField(error, 'response', () => copyOfResponse(response, config)) && restored;
}
