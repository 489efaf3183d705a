import axios from 'axios';
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { fetchIn, watchedFetch } from './watched-fetch';
import type { FetchEnv } from './watched-fetch';

/** Which of axios's own adapters is wrapped. `foreign`: none of them. */
export type AdapterKind = 'http' | 'fetch' | 'xhr' | 'foreign';

/**
 * axios's fetch adapter with a fetch that reports the head of a response, where axios honours `env.fetch`. (axios 1.7 has
 * one fetch adapter for all.)
 */
export function watchedAdapter(adapter: AxiosAdapter, config: object): AxiosAdapter {
  const env = fetchEnvs(config).find((each) => ownAdapter('fetch', each) === adapter)?.env as FetchEnv | undefined;
  return ownAdapter('fetch', { env: { ...env, fetch: watchedFetch(fetchIn(env)) } })!;
}

/** axios has a fetch adapter for each `env`, and the caller's function may be any of them. */
function fetchEnvs(config: object): readonly { readonly env?: unknown }[] {
  return [config, axios.defaults, {}];
}

export function findKind(adapter: AxiosAdapter, config: InternalAxiosRequestConfig): AdapterKind {
  for (const name of ['http', 'xhr'] as const) if (ownAdapter(name) === adapter) return name;
  return fetchEnvs(config).some((each) => ownAdapter('fetch', each) === adapter) ? 'fetch' : 'foreign';
}

/** `undefined` if axios, or this runtime, has no such adapter. */
function ownAdapter(name: string, env?: object): AxiosAdapter | undefined {
  try {
    return axios.getAdapter(name, env as InternalAxiosRequestConfig);
  } catch {
    return undefined;
  }
}
