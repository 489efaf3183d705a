import axios from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import type { BackendOptions } from './backend';
import { Journey } from './journey';
import { checkAnswer, resolvePool, resolveRules, rulesFor } from './options';
import type { PriorityAdapterOptions, Rules, WrappedAdapter } from './options';
import { BackendPool } from './pool';
import { Trail } from './trail';

/** An `AxiosAdapter` for `axios.create({ adapter })`, with the pool that it draws from. */
export interface PriorityAdapter extends AxiosAdapter {
  /** What is known of the backends: for a health endpoint, for events, and to take one out by hand. */
  readonly pool: BackendPool;
}

/**
 * Makes an axios adapter that sends each request to the best backend that is available, moves on to the next on 429, 5xx
 * and failed connections, and answers with a fabricated 429 when none remains.
 *
 * A response carries `attempts` and, where no backend gave it, `fabricated: true`; an error carries `attempts`. The
 * fabricated 429 has `retry-after` (whole seconds, at least 1), `retry-after-ms` (ms) and an OpenAI-shaped body, and is
 * settled by the caller's `validateStatus`. A request has rules of its own by {@link RequestFailover | config.failover}.
 *
 * @param backends the endpoints, or a `BackendPool`, so that several clients share one
 * @param options none are required; those of the pool (`selector`, `defaultCooldown`, `maxCooldown`) only where no
 * ready pool is given
 * @returns the adapter, to be given to `axios.create({ adapter })` or to one request
 * @throws TypeError that names the place and the value, such as `backends[1].weight must be a positive number, got -1`
 * @example
 * const client = axios.create({ adapter: priorityAdapter([{ baseURL: 'https://eastus.openai.azure.com' }]) });
 */
export function priorityAdapter(
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityAdapterOptions = {},
): PriorityAdapter {
  const failover = new Failover(backends, options);
  const wrapped = failover.adapter ?? (unwrapped(axios.defaults.adapter) as WrappedAdapter | undefined);
  function adapter(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    return failover.request(config, wrapped);
  }
  Object.defineProperty(adapter, wraps, { value: wrapped });
  return Object.assign(adapter, { pool: failover.pool });
}

/** On the adapter, so that both module kinds' copies of this package see what it wraps. */
const wraps = Symbol.for('axios-priority-adapter.wraps');

/** Where the whole of axios goes through one pool, a client with a pool of its own must not end up in that one too. */
function unwrapped(adapter: unknown): unknown {
  if (Array.isArray(adapter)) return adapter.flatMap(unwrapped);
  return isPriorityAdapter(adapter) ? (adapter as Record<symbol, unknown>)[wraps] : adapter;
}

/** Also where it stands in a list. */
export function isPriorityAdapter(adapter: unknown): boolean {
  return [adapter].flat().some((each) => typeof each === 'function' && 'pool' in each && BackendPool.isPool(each.pool));
}

/** A pool and the rules by which requests go through it: what the adapter and the plugin share. */
export class Failover {
  readonly pool: BackendPool;
  /** What the user wants wrapped. */
  readonly adapter: PriorityAdapterOptions['adapter'];
  readonly #rules: Rules;

  /** @throws TypeError that names the place and the value */
  constructor(backends: readonly BackendOptions[] | BackendPool, options: PriorityAdapterOptions) {
    this.#rules = resolveRules(options);
    this.adapter = this.#rules.adapter;
    if (isPriorityAdapter(this.adapter)) {
      throw new TypeError('options.adapter is a priority adapter: wrap what it wraps');
    }
    this.pool = resolvePool(backends, options);
  }

  /** Answers one request, by way of what is wrapped, from as many backends as it takes. */
  async request(config: InternalAxiosRequestConfig, wrapped: WrappedAdapter | undefined): Promise<AxiosResponse> {
    const trail = new Trail(config);
    let journey: Journey | undefined;
    try {
      if (checkAnswer(this.#rules.shouldBalance(config), 'shouldBalance')) {
        const rules = rulesFor(this.#rules, config.failover);
        journey = new Journey(config, adapterOf(wrapped, config), this.pool, rules, trail);
        let answer: AxiosResponse | undefined;
        while (answer === undefined) answer = await journey.step();
        return trail.answered(answer);
      }
    } catch (error) {
      throw trail.rejected(error);
    } finally {
      journey?.end();
    }
    return adapterOf(wrapped, config)(config);
  }
}

function adapterOf(wrapped: WrappedAdapter | undefined, config: InternalAxiosRequestConfig): AxiosAdapter {
  return typeof wrapped === 'function' ? wrapped : axios.getAdapter(wrapped, config);
}
