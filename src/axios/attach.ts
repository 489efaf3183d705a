import axios from 'axios';
import type { AxiosAdapter, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { must } from '../base/check';
import { setHidden } from '../base/hidden';
import type { BackendOptions } from '../pool/backend-options';
import type { BackendPool } from '../pool/pool';
import { Balancer } from './balancer';
import type { PriorityAdapterOptions } from './balancer';
import { isPriorityAdapter } from './adapter-option';
import type { WrappedAdapter } from './adapter-option';
import { isDefaultInstance, isMeantForBackends } from './default-instance';

/** What {@link attachPriorityAdapter} returns. */
export interface Attached {
  /** The pool that was given, or the one that was made of the backends. */
  readonly pool: BackendPool;
  /** Removes the plugin. Requests under way finish as they began. A second call does nothing. */
  readonly detach: () => void;
}

/** Marks the instance, for both module kinds' copies of this package. */
const ATTACHED = Symbol.for('axios-priority-adapter.attached');

/**
 * Attaches failover to an existing axios instance through a request interceptor. It wraps the adapter that a request
 * would have used: the instance's own, even if it is replaced later, or the request's.
 *
 * `axios` itself is shared by every library of the process. So without `shouldBalance`, only these of its requests are
 * balanced: those whose full URL has a backend's origin and, outside browsers, those whose full URL is relative. All
 * others go where they were going, and so do those with a `socketPath`.
 *
 * @param instance what `axios.create()` returned, or `axios` itself
 * @param backends the endpoints, or a `BackendPool`, so that several clients share one
 * @param options as for {@link priorityAdapter}, except that `adapter` defaults to the one that the request would have
 * used
 * @returns the pool, and `detach`
 * @throws TypeError if `instance` isn't an axios instance, can't be extended or already has a priority adapter, and for
 * everything that `priorityAdapter` refuses
 * @example
 * const client = axios.create();
 * const { pool, detach } = attachPriorityAdapter(client, [{ baseURL: 'https://eastus.openai.azure.com' }]);
 */
export function attachPriorityAdapter(
  instance: AxiosInstance,
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityAdapterOptions = {},
): Attached {
  const { interceptors, defaults } = Object(instance) as Partial<AxiosInstance>;
  must(interceptors !== undefined && defaults !== undefined, 'instance', 'be an axios instance', instance);
  const mark = instance as unknown as Record<symbol, unknown>;
  if (mark[ATTACHED] !== undefined)
    throw new TypeError('instance already has a priority adapter attached; call its detach() first');
  if (isPriorityAdapter(defaults.adapter)) {
    throw new TypeError('instance.defaults.adapter is already a priority adapter; attach to an instance without one');
  }
  const balancer = new Balancer(backends, options, isDefaultInstance(instance) ? isMeantForBackends : undefined);
  const intercept = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => withFailover(config, balancer);
  // This comes first, because it throws for a frozen instance.
  must(setHidden(instance, ATTACHED, intercept), 'instance', 'be extensible', instance);
  const id = interceptors.request.use(intercept, undefined, { synchronous: true });
  return {
    pool: balancer.pool,
    detach: () => {
      if (mark[ATTACHED] !== intercept) return;
      Reflect.deleteProperty(instance, ATTACHED);
      // After a `clear()`, axios before 1.21 gives the same id to another interceptor.
      const { handlers } = interceptors.request as { handlers?: ({ fulfilled?: unknown } | null)[] };
      if (handlers === undefined || handlers.some((each) => each?.fulfilled === intercept))
        interceptors.request.eject(id);
    },
  };
}

/** The adapters made here, each with the one that it replaced in a config. */
const replaced = new WeakMap<object, WrappedAdapter | undefined>();

function withFailover(config: InternalAxiosRequestConfig, balancer: Balancer): InternalAxiosRequestConfig {
  // A request with a pool of its own goes through that alone.
  if (isPriorityAdapter(config.adapter)) return config;
  // A plugin may send a config again that already has such an adapter. It replaces that one.
  const given = config.adapter as AxiosAdapter;
  const callers = replaced.has(given) ? replaced.get(given) : config.adapter;
  async function adapter(dispatched: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    if (callers === undefined) delete dispatched.adapter;
    else dispatched.adapter = callers;
    return balancer.request(dispatched, balancer.adapter ?? callers ?? axios.defaults.adapter);
  }
  replaced.set(adapter, callers);
  config.adapter = adapter;
  return config;
}
