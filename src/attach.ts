import axios from 'axios';
import type { AxiosAdapter, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { Failover, isPriorityAdapter } from './adapter';
import type { BackendOptions } from './backend';
import { must } from './check';
import type { PriorityAdapterOptions, WrappedAdapter } from './options';
import type { BackendPool } from './pool';

/** What {@link attachPriorityAdapter} returns. */
export interface Attached {
  /** What is known of the backends; the one that was given, or the one that was made of the list. */
  readonly pool: BackendPool;
  /** Takes the plugin off; requests under way finish as they began. A second call does nothing. */
  readonly detach: () => void;
}

/** On the instance, so that both module kinds' copies of this package see it. */
const attached = Symbol.for('axios-priority-adapter.attached');

/**
 * Attaches failover to an existing axios instance by a request interceptor. The adapter that a request would have used
 * is wrapped: the instance's own, also when it is replaced later, or the request's.
 *
 * @param instance what `axios.create()` returned, or `axios` itself
 * @param backends the endpoints, or a `BackendPool`, so that several clients share one
 * @param options as for {@link priorityAdapter}, except that `adapter` is by default the one the request would have used
 * @throws TypeError for something that is no instance, one that is attached to already, and all that `priorityAdapter`
 * refuses
 * @example
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
  if (mark[attached] !== undefined)
    throw new TypeError('instance has a priority adapter attached already: detach() it first');
  if (isPriorityAdapter(defaults.adapter)) {
    throw new TypeError('instance.defaults.adapter is a priority adapter already: attach to an instance without one');
  }
  const failover = new Failover(backends, options);
  const intercept = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => wrapped(config, failover);
  // First, since an instance that is frozen refuses it.
  Object.defineProperty(instance, attached, { value: intercept, configurable: true });
  const id = interceptors.request.use(intercept, undefined, { synchronous: true });
  return {
    pool: failover.pool,
    detach: () => {
      if (mark[attached] !== intercept) return;
      Reflect.deleteProperty(instance, attached);
      // After a `clear()`, axios before 1.21 gives the number to somebody else.
      const { handlers } = interceptors.request as { handlers?: ({ fulfilled?: unknown } | null)[] };
      if (handlers === undefined || handlers.some((each) => each?.fulfilled === intercept))
        interceptors.request.eject(id);
    },
  };
}

/** The adapters made here, and what the config they were put into had in their place. */
const replaced = new WeakMap<object, WrappedAdapter | undefined>();

function wrapped(config: InternalAxiosRequestConfig, failover: Failover): InternalAxiosRequestConfig {
  // A request that has a pool of its own goes through that alone.
  if (isPriorityAdapter(config.adapter)) return config;
  // A plugin may send on a config that has been here already: it is wrapped once, not twice.
  const given = config.adapter as AxiosAdapter;
  const callers = replaced.has(given) ? replaced.get(given) : config.adapter;
  async function adapter(dispatched: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    if (callers === undefined) delete dispatched.adapter;
    else dispatched.adapter = callers;
    return failover.request(
      dispatched,
      axios.getAdapter(failover.adapter ?? callers ?? axios.defaults.adapter, dispatched),
    );
  }
  replaced.set(adapter, callers);
  config.adapter = adapter;
  return config;
}
