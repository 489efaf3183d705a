import type { InternalAxiosRequestConfig } from 'axios';
import { own as ownField } from '../base/check';
import { bare } from '../base/hidden';
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
  const serialize = serializerOf(paramsSerializer);
  // As in axios, any falsy value is none.
  if (!callers) {
    attempt.params = merged(undefined, own, isDropped);
    // It would be given the backend's alone.
    if (serialize !== undefined) attempt.paramsSerializer = undefined as never;
  } else if (serialize === undefined) {
    attempt.params = isSearchParams(callers) ? searchParams(callers, own, isDropped) : merged(callers, own, isDropped);
  } else {
    const isPlain = isPlainObject(callers);
    // An adapter may read them itself. And whatever text the serializer makes of an object, a credential must not be in it.
    if (isPlain) attempt.params = merged(callers, own, isDropped);
    else if (isSearchParams(callers)) attempt.params = searchParams(callers, own, isDropped);
    const write: Serialize = (given, options) => {
      const text = serialize(isPlain ? merged(given, NO_PARAMS, (name) => own.has(name)) : callers, options) ?? '';
      return changed(text, own, isDropped);
    };
    attempt.paramsSerializer = { ...Object(paramsSerializer), serialize: write } as typeof paramsSerializer & object;
  }
}

/** The caller's own way of writing params, if it has one. */
function serializerOf(serializer: unknown): Serialize | undefined {
  return typeof serializer === 'function'
    ? (serializer as Serialize)
    : ownField(Object(serializer) as { serialize?: Serialize }, 'serialize');
}

/** A query, with the backend's own params and without those that are dropped. */
function changed(query: string, params: ReadonlyMap<string, unknown>, isDropped: IsDropped): string {
  return withParams(query === '' ? '' : withoutParams(`?${query}`, isDropped), params).slice(1);
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
  const text = changed(String(callers), own, isDropped);
  const params = new URLSearchParams(text);
  // A subclass may write itself in another way.
  if (Object.getPrototypeOf(callers) === URLSearchParams.prototype) return params;
  return Object.defineProperty(params, 'toString', bare({ value: () => text }));
}

/** Of any realm or polyfill, as axios sees it. */
function isSearchParams(params: unknown): params is URLSearchParams {
  return Object.prototype.toString.call(params) === '[object URLSearchParams]';
}

function isPlainObject(params: unknown): boolean {
  const prototype = Object.getPrototypeOf(params) as object | null;
  return prototype === Object.prototype || prototype === null;
}
