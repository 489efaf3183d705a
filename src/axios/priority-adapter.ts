import axios from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { setHidden } from '../base/hidden';
import type { BackendOptions } from '../pool/backend-options';
import type { BackendPool } from '../pool/pool';
import { Balancer } from './balancer';
import type { PriorityAdapterOptions } from './balancer';
import { WRAPS, unwrapped } from './adapter-option';
import type { WrappedAdapter } from './adapter-option';

/** An `AxiosAdapter` for `axios.create({ adapter })`, with its pool. */
export interface PriorityAdapter extends AxiosAdapter {
  /** The state of the backends: for a health endpoint, for events, and to take one out by hand. */
  readonly pool: BackendPool;
}

/**
 * Makes an axios adapter that sends each request to the best available backend, fails over to the next on 429, 5xx and
 * failed connections, and answers with a fabricated 429 when none is left.
 *
 * A response carries `attempts`, and `fabricated: true` if no backend gave it. An error carries `attempts`. The
 * fabricated 429 has `retry-after` (whole seconds, at least 1), `retry-after-ms` (ms) and an OpenAI-shaped body, and is
 * settled by the caller's `validateStatus`. {@link RequestFailover | config.failover} overrides the options for one
 * request.
 *
 * @param backends the endpoints, or a `BackendPool`, so that several clients share one
 * @param options all have defaults. Those of the pool (`selector`, `defaultCooldown`, `maxCooldown`) can't be given
 * together with a ready pool
 * @returns the adapter, for `axios.create({ adapter })` or for one request
 * @throws TypeError that names the place and the value, such as `backends[1].weight must be a positive number, got -1`
 * @example
 * const client = axios.create({ adapter: priorityAdapter([{ baseURL: 'https://eastus.openai.azure.com' }]) });
 */
export function priorityAdapter(
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityAdapterOptions = {},
): PriorityAdapter {
  const balancer = new Balancer(backends, options);
  const wrapped = balancer.adapter ?? (unwrapped(axios.defaults.adapter) as WrappedAdapter | undefined);
  function adapter(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    return balancer.request(config, wrapped);
  }
  setHidden(adapter, WRAPS, wrapped);
  return Object.assign(adapter, { pool: balancer.pool });
}
