import axios from 'axios';
import type { AxiosAdapter, AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { must } from '../base/check';
import type { Check } from '../base/check';
import { BackendPool } from '../pool/pool';

/** What may be wrapped: an adapter, the name of one of axios's, or a list, whose first supported one is used. */
export type WrappedAdapter = NonNullable<AxiosRequestConfig['adapter']>;

/** Whether it is a priority adapter, or a list with one in it. */
export function isPriorityAdapter(adapter: unknown): boolean {
  return [adapter].flat().some((each) => typeof each === 'function' && 'pool' in each && BackendPool.isPool(each.pool));
}

/** Tells what an adapter wraps, to both module kinds' copies of this package. */
export const WRAPS = Symbol.for('axios-priority-adapter.wraps');

/** If all of axios goes through one pool, a client with a pool of its own must not go through that one too. */
export function unwrapped(adapter: unknown): unknown {
  if (Array.isArray(adapter)) return adapter.flatMap(unwrapped);
  return isPriorityAdapter(adapter) ? (adapter as Record<symbol, unknown>)[WRAPS] : adapter;
}

/** @throws TypeError for an adapter that axios doesn't have here */
export const checkAdapter: Check<WrappedAdapter | undefined> = (adapter, place) => {
  if (adapter === undefined) return undefined;
  const wrapped = adapter as WrappedAdapter;
  if ('interceptors' in Object(adapter) && 'defaults' in Object(adapter))
    throw new TypeError(`${place} is an axios instance; pass its defaults.adapter`);
  if (isPriorityAdapter(adapter)) throw new TypeError(`${place} is a priority adapter; pass the adapter that it wraps`);
  const fits = ['function', 'string'].includes(typeof adapter) || Array.isArray(adapter);
  must(fits, place, 'be a function, a name or a list of them', adapter);
  try {
    axios.getAdapter(wrapped);
  } catch (cause) {
    throw new TypeError(`${place}: ${(cause as Error).message}`, { cause });
  }
  return wrapped;
};

/** The adapter for one request. @throws AxiosError if axios doesn't have it */
export function adapterOf(wrapped: WrappedAdapter | undefined, config: InternalAxiosRequestConfig): AxiosAdapter {
  return typeof wrapped === 'function' ? wrapped : axios.getAdapter(wrapped, config);
}
