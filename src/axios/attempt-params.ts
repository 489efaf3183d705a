import type { InternalAxiosRequestConfig } from 'axios';
import { withParams, withoutParams } from '../http/url';

export const NO_PARAMS: ReadonlyMap<string, unknown> = /* @__PURE__ */ new Map();

/** Writes params as the text of a query. */
type Serialize = (params: unknown, options?: object) => string | undefined;

type IsDropped = (name: string) => boolean;

type Params = Pick<InternalAxiosRequestConfig, 'params' | 'paramsSerializer'>;

/**
 * Sets the `params` of an attempt: the caller's without those that are dropped, and the backend's own. What only the
 * caller's own serializer can read is given to that as it is, and the text is changed.
 */
export function setParams(
  attempt: Params,
  { params, paramsSerializer }: Params,
  own: ReadonlyMap<string, unknown>,
  isDropped: IsDropped,
): void {
  const callers: unknown = params;
  const serialize = serializerOf(callers, paramsSerializer);
  if (serialize === undefined) {
    attempt.params = isSearchParams(callers) ? searchParams(callers, own, isDropped) : merged(callers, own, isDropped);
  } else if (callers == null) {
    // axios doesn't call the serializer.
    attempt.params = Object.fromEntries(own);
    attempt.paramsSerializer = undefined as never;
  } else {
    // Whatever text the serializer makes of it, a credential must not be in it.
    if (isPlain(callers)) attempt.params = merged(callers, NO_PARAMS, isDropped);
    const write: Serialize = (given, options) => {
      const text = serialize(given, options) ?? '';
      return withParams(text === '' ? '' : withoutParams(`?${text}`, isDropped), own).slice(1);
    };
    attempt.paramsSerializer = { ...Object(paramsSerializer), serialize: write } as typeof paramsSerializer & object;
  }
}

/** The caller's own way of writing params, if it has one. */
function serializerOf(params: unknown, serializer: unknown): Serialize | undefined {
  if (typeof serializer === 'function') return serializer as Serialize;
  const { serialize } = Object(serializer) as { serialize?: Serialize };
  if (serialize !== undefined) return serialize;
  // A subclass may write itself in another way.
  const isOwnClass = isSearchParams(params) && Object.getPrototypeOf(params) !== URLSearchParams.prototype;
  return isOwnClass ? String : undefined;
}

function merged(callers: unknown, own: ReadonlyMap<string, unknown>, isDropped: IsDropped): object {
  const prototype = callers == null ? null : (Object.getPrototypeOf(callers) as object | null);
  const all = Object.assign(Object.create(prototype) as object, callers, Object.fromEntries(own));
  for (const name of Object.keys(all)) {
    // axios writes no `null`, but a serializer of the caller's may.
    if ((own.get(name) ?? null) === null && isDropped(name)) Reflect.deleteProperty(all, name);
  }
  return all;
}

function searchParams(callers: URLSearchParams, own: ReadonlyMap<string, unknown>, isDropped: IsDropped): object {
  const kept = new URLSearchParams(String(callers));
  for (const name of [...kept.keys()]) if (isDropped(name)) kept.delete(name);
  // Written as axios writes an object of params.
  return new URLSearchParams(withParams(`?${String(kept)}`, own));
}

/** Of any realm or polyfill, as axios sees it. */
function isSearchParams(params: unknown): params is URLSearchParams {
  return Object.prototype.toString.call(params) === '[object URLSearchParams]';
}

function isPlain(params: unknown): boolean {
  const prototype = Object.getPrototypeOf(params) as object | null;
  return prototype === Object.prototype || prototype === null;
}
