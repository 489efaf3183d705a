import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import type { BackendOptions } from './backend';
import { checkDuration, checkFields, checkFunction, checkObject, show } from './check';
import { defaultFailoverCondition } from './outcome';
import type { FailoverCondition, Failure } from './outcome';
import { BackendPool, POOL_OPTIONS } from './pool';
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

/** The rules of one request, every default filled in. */
export interface Rules {
  readonly attemptTimeout: number;
  readonly maxWait: number;
  readonly failoverCondition: FailoverCondition;
  /** One attempt, whose answer is handed back as it is. */
  readonly once: boolean;
  readonly cooldown: (failure: Failure) => number | undefined;
  readonly maxReplaySize: number;
  readonly shouldBalance: (config: AxiosRequestConfig) => boolean;
}

const REQUEST_OPTIONS = [
  'attemptTimeout',
  'maxWait',
  'failoverCondition',
] as const satisfies readonly (keyof RequestFailover)[];
const OPTIONS = [
  'adapter',
  'cooldown',
  'maxReplaySize',
  'shouldBalance',
  ...REQUEST_OPTIONS,
  ...POOL_OPTIONS,
] as const satisfies readonly (keyof PriorityAdapterOptions)[];

/** @throws TypeError that names the option and the value */
export function resolveRules(options: PriorityAdapterOptions): Rules {
  checkObject(options, 'options');
  checkFields(options, OPTIONS, 'options');
  return {
    attemptTimeout: checkDuration(options.attemptTimeout, 0, 'options.attemptTimeout'),
    maxWait: checkDuration(options.maxWait, 0, 'options.maxWait'),
    failoverCondition:
      checkFunction(options.failoverCondition, 'options.failoverCondition') ?? defaultFailoverCondition,
    once: false,
    cooldown: checkFunction(options.cooldown, 'options.cooldown') ?? (() => undefined),
    maxReplaySize: checkSize(options.maxReplaySize),
    shouldBalance: checkFunction(options.shouldBalance, 'options.shouldBalance') ?? (() => true),
  };
}

/** @throws TypeError where pool options stand beside a ready pool */
export function resolvePool(
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityAdapterOptions,
): BackendPool {
  const { selector, defaultCooldown, maxCooldown } = options;
  if (!BackendPool.isPool(backends)) return new BackendPool(backends, { selector, defaultCooldown, maxCooldown });
  const misplaced = POOL_OPTIONS.find((name) => options[name] !== undefined);
  if (misplaced === undefined) return backends;
  throw new TypeError(`options.${misplaced} belongs to the pool: give it to new BackendPool(backends, options)`);
}

/** A request's own `failover` laid over the options. @throws TypeError that names the option and the value */
export function rulesFor(rules: Rules, failover: unknown): Rules {
  if (failover === undefined) return rules;
  if (failover === false) return { ...rules, once: true };
  const place = 'config.failover';
  if (typeof failover !== 'object' || failover === null) {
    throw new TypeError(`${place} must be false or an object, got ${show(failover)}`);
  }
  checkObject(failover, place);
  checkFields(failover, REQUEST_OPTIONS, place);
  const own = failover as RequestFailover;
  return {
    ...rules,
    attemptTimeout: checkDuration(own.attemptTimeout, rules.attemptTimeout, `${place}.attemptTimeout`),
    maxWait: checkDuration(own.maxWait, rules.maxWait, `${place}.maxWait`),
    failoverCondition: checkFunction(own.failoverCondition, `${place}.failoverCondition`) ?? rules.failoverCondition,
  };
}

/** What axios has an adapter for, here. @throws TypeError */
export function checkAdapter(adapter: WrappedAdapter | undefined): WrappedAdapter | undefined {
  if (adapter === undefined) return undefined;
  try {
    if (typeof adapter === 'function' || typeof adapter === 'string' || Array.isArray(adapter)) {
      axios.getAdapter(adapter);
      return adapter;
    }
  } catch (cause) {
    throw new TypeError(`options.adapter: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw new TypeError(`options.adapter must be a function, a name or a list of them, got ${show(adapter)}`);
}

/** What a user's predicate answered. A promise, say, would always be true. @throws TypeError */
export function checkAnswer(answer: unknown, name: string): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`${name} must return a boolean, got ${show(answer)}`);
}

/** What a user's `cooldown` gave, in ms. @throws TypeError */
export function checkChosen(duration: unknown): number | undefined {
  if (duration === undefined || (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0))
    return duration;
  throw new TypeError(`cooldown must return a finite number of ms ≥ 0 or undefined, got ${show(duration)}`);
}

function checkSize(value: unknown): number {
  if (value === undefined) return 32 * 2 ** 20;
  if (typeof value === 'number' && value >= 0) return value; // Infinity: kept whatever its length
  throw new TypeError(`options.maxReplaySize must be a number of bytes ≥ 0, got ${show(value)}`);
}
