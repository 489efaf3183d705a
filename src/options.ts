import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import type { BackendOptions } from './backend';
import { callback, duration, isDuration, must, optional, resolve } from './check';
import type { Checks } from './check';
import { defaultFailoverCondition } from './outcome';
import type { FailoverCondition, Failure } from './outcome';
import { BackendPool, POOL_CHECKS } from './pool';
import type { BackendPoolOptions } from './pool';

/** What may be wrapped: an adapter, the name of one of axios's, or a list of which the first that is supported is used. */
export type WrappedAdapter = NonNullable<AxiosRequestConfig['adapter']>;

/** What `priorityAdapter` and `attachPriorityAdapter` take besides the backends. `undefined` means the default. */
export interface PriorityAdapterOptions extends BackendPoolOptions {
  /**
   * What is wrapped: name, list or function. Default: `axios.defaults.adapter` as it is when the adapter is made; for
   * `attachPriorityAdapter` the adapter that the request would have used.
   */
  readonly adapter?: WrappedAdapter | undefined;
  /**
   * May this failure go to another backend? Asked for each attempt that ended in a status of 400 or more or without a
   * usable response, except for cancels and errors of the caller's own making. `false` for a 429 or 5xx hands that answer
   * back, and the backend cools down all the same; `true` for another 4xx moves on and cools it down. It must return a
   * boolean at once; anything else rejects the request with a `TypeError`. Default: `defaultFailoverCondition`
   */
  readonly failoverCondition?: FailoverCondition | undefined;
  /**
   * ms for which a failure takes its backend out of use, capped by `maxCooldown`. `undefined` means the default rule: the
   * server's wait, else `defaultCooldown`, doubled for each further failure in a row. What is neither `undefined` nor a
   * finite number ≥ 0 rejects the request with a `TypeError`.
   *
   * @param failure what is known of the attempt
   */
  readonly cooldown?: ((failure: Failure) => number | undefined) | undefined;
  /** ms for one attempt, its body included; when it passes, the next backend is tried. Default: 0, none */
  readonly attemptTimeout?: number | undefined;
  /**
   * ms a request may spend, in all, waiting for the soonest backend when none is available, instead of answering 429 at
   * once. A wait that would not end within it, or within the caller's `timeout`, is not begun. Default: 0
   */
  readonly maxWait?: number | undefined;
  /** bytes of a one-shot request body that are kept for another attempt; a longer one gets one attempt. Default: 32 MiB */
  readonly maxReplaySize?: number | undefined;
  /**
   * `false` sends the request through the wrapped adapter untouched. It must return a boolean; anything else rejects the
   * request with a `TypeError`. Default: all are balanced
   *
   * @param config the caller's
   */
  readonly shouldBalance?: ((config: AxiosRequestConfig) => boolean) | undefined;
}

/**
 * `config.failover`: what one request has of its own, in place of the adapter's options. Checked when the request is
 * made; a `TypeError` rejects it.
 */
export interface RequestFailover {
  /** ms for one attempt, its body included; 0: none. Default: the adapter's */
  readonly attemptTimeout?: number | undefined;
  /** ms this request may spend, in all, waiting for the soonest backend. Default: the adapter's */
  readonly maxWait?: number | undefined;
  /** May this failure go to another backend? Default: the adapter's */
  readonly failoverCondition?: FailoverCondition | undefined;
}

/** The options, every default filled in. */
export interface Rules extends Pick<PriorityAdapterOptions, 'adapter'> {
  readonly attemptTimeout: number;
  readonly maxWait: number;
  readonly failoverCondition: FailoverCondition;
  readonly cooldown: (failure: Failure) => number | undefined;
  readonly maxReplaySize: number;
  readonly shouldBalance: (config: AxiosRequestConfig) => boolean;
  /** One attempt, whose answer is handed back as it is. */
  readonly once?: boolean;
}

const CHECKS: Checks<Omit<Rules, 'once'>> = {
  adapter: checkAdapter,
  attemptTimeout: /* @__PURE__ */ duration(0),
  maxWait: /* @__PURE__ */ duration(0),
  failoverCondition: /* @__PURE__ */ callback(defaultFailoverCondition),
  cooldown: /* @__PURE__ */ callback(() => undefined),
  // Infinity: kept whatever its length
  maxReplaySize: /* @__PURE__ */ optional(
    32 * 2 ** 20,
    'be a number of bytes ≥ 0',
    (size) => typeof size === 'number' && size >= 0,
  ),
  shouldBalance: /* @__PURE__ */ callback(() => true),
};

/** @throws TypeError that names the option and the value */
export function resolveRules(options: PriorityAdapterOptions): Rules {
  return resolve(options, 'options', { ...CHECKS, ...POOL_CHECKS });
}

/** @throws TypeError where pool options stand beside a ready pool */
export function resolvePool(
  backends: readonly BackendOptions[] | BackendPool,
  { selector, defaultCooldown, maxCooldown }: PriorityAdapterOptions,
): BackendPool {
  const options: BackendPoolOptions = { selector, defaultCooldown, maxCooldown };
  if (!BackendPool.isPool(backends)) return new BackendPool(backends, options);
  const misplaced = Object.entries(options).find(([, value]) => value !== undefined);
  if (misplaced === undefined) return backends;
  throw new TypeError(`options.${misplaced[0]} belongs to the pool: give it to new BackendPool(backends, options)`);
}

/** A request's own `failover` laid over the options. @throws TypeError that names the option and the value */
export function rulesFor(rules: Rules, failover: unknown): Rules {
  if (failover === undefined) return rules;
  if (failover === false) return { ...rules, once: true };
  const place = 'config.failover';
  must(typeof failover === 'object', place, 'be false or an object', failover);
  const checks: Checks<RequestFailover> = {
    attemptTimeout: duration(rules.attemptTimeout),
    maxWait: duration(rules.maxWait),
    failoverCondition: callback(rules.failoverCondition),
  };
  return { ...rules, ...(resolve(failover, place, checks) as Rules) };
}

/** What axios has an adapter for, here. @throws TypeError */
function checkAdapter(adapter: unknown, place: string): WrappedAdapter | undefined {
  if (adapter === undefined) return undefined;
  const wrapped = adapter as WrappedAdapter;
  const kinds = ['function', 'string'].includes(typeof adapter) || Array.isArray(adapter);
  must(kinds, place, 'be a function, a name or a list of them', adapter);
  try {
    axios.getAdapter(wrapped);
  } catch (cause) {
    throw new TypeError(`${place}: ${(cause as Error).message}`, { cause });
  }
  return wrapped;
}

/** What a user's predicate answered. A promise, say, would always be true. @throws TypeError */
export function checkAnswer(answer: unknown, name: string): boolean {
  must(typeof answer === 'boolean', name, 'return a boolean', answer);
  return answer;
}

/** What a user's `cooldown` gave, in ms. @throws TypeError */
export function checkChosen(chosen: unknown): number | undefined {
  must(chosen === undefined || isDuration(chosen), 'cooldown', 'return a finite number of ms ≥ 0 or undefined', chosen);
  return chosen as number | undefined;
}
