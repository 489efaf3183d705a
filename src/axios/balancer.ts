import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { own } from '../base/check';
import { failover } from '../failover/failover';
import { checkedBoolean } from '../failover/callback-results';
import { poolFrom, resolveRules, rulesFor } from '../failover/options';
import type { FailoverOptions, Rules } from '../failover/options';
import type { RequestConfig } from '../http/messages';
import type { BackendOptions } from '../pool/backend-options';
import type { BackendPool } from '../pool/pool';
import { coreOf } from '../pool/pool-core';
import type { PoolCore } from '../pool/pool-core';
import { AxiosClient } from './axios-client';
import { adapterOf, checkAdapter } from './adapter-option';
import type { WrappedAdapter } from './adapter-option';

/** Options of `priorityAdapter` and `attachPriorityAdapter`. `undefined` means the default. */
export interface PriorityAdapterOptions extends FailoverOptions {
  /**
   * The adapter to wrap: a name, a list or a function. Default: `axios.defaults.adapter` when the adapter is made; for
   * `attachPriorityAdapter`, the adapter that the request would have used.
   */
  readonly adapter?: WrappedAdapter | undefined;
}

/** A pool, and the rules by which requests go through it. The adapter and the plugin share this. */
export class Balancer {
  readonly pool: BackendPool;
  /** The `adapter` option. */
  readonly adapter: WrappedAdapter | undefined;
  readonly #rules: Rules;
  readonly #core: PoolCore;
  readonly #client = new AxiosClient();

  /**
   * @param isBalanced decides in place of `shouldBalance`, if that isn't given
   * @throws TypeError that names the place and the value
   */
  constructor(
    backends: readonly BackendOptions[] | BackendPool,
    options: PriorityAdapterOptions,
    isBalanced?: (config: RequestConfig, origins: ReadonlySet<string>) => boolean,
  ) {
    this.pool = poolFrom(backends, options);
    this.#core = coreOf(this.pool);
    const { adapter, ...rules } = resolveRules(options, { adapter: checkAdapter });
    const isGiven = isBalanced === undefined || own(options, 'shouldBalance') !== undefined;
    this.#rules = isGiven
      ? rules
      : { ...rules, shouldBalance: (config) => isBalanced(config, this.#core.backends.origins) };
    this.adapter = adapter;
  }

  /** Sends one request to the backends through the wrapped adapter, or past them if it isn't to be balanced. */
  request(config: InternalAxiosRequestConfig, wrapped: WrappedAdapter | undefined): Promise<AxiosResponse> {
    try {
      const isBalanced = !isData(config) && checkedBoolean(this.#rules.shouldBalance(config), 'shouldBalance');
      if (!isBalanced) return untouched(wrapped, config);
      const adapter = adapterOf(wrapped, config);
      const rules = rulesFor(this.#rules, config.failover, this.#core.backends, 'config.failover');
      return failover(this.#client, this.#client.open(config, adapter), this.#core, rules);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a callback threw
      return Promise.reject(this.#client.refuse(config, error));
    }
  }
}

/** Whether the URL is no server's: it holds the data itself, or names some of this page. */
function isData({ url, baseURL }: InternalAxiosRequestConfig): boolean {
  return !baseURL && /^(?:data|blob):/i.test(String(url));
}

/** Whatever the adapter throws or returns, as axios would get it. */
async function untouched(
  wrapped: WrappedAdapter | undefined,
  config: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  return adapterOf(wrapped, config)(config);
}
