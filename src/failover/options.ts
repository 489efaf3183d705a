import {
  callback,
  dictionary,
  duration,
  flag,
  must,
  optional,
  optionalDuration,
  own,
  resolveOptions,
} from '../base/check';
import type { Aliases, Checks } from '../base/check';
import type { RequestConfig } from '../http/messages';
import type { BackendList } from '../pool/backend-list';
import type { BackendOptions, BackendSettings } from '../pool/backend-options';
import { BackendPool, POOL_ALIASES, POOL_CHECKS, checkNoBackends } from '../pool/pool';
import type { BackendPoolOptions } from '../pool/pool';
import { defaultFailoverCondition } from './failover-condition';
import type { FailoverCondition } from './failover-condition';
import type { Failure } from './failure';

/** Options of the failover, whatever client sends the requests. `undefined` means the default. */
export interface FailoverOptions extends BackendPoolOptions {
  /**
   * Decides whether a failure may go to another backend. It is asked about every attempt that ended in a status of 400 or
   * more, or without a usable response. It is not asked about:
   *
   * - cancels and mistakes of the caller's own
   * - local problems: no free socket, no file descriptor
   * - errors that neither a network nor a server made
   * - a stale connection, after which the request is sent again
   *
   * `false` for a 429 or 5xx: that response is returned to the caller, and the backend goes on cooldown all the same.
   * `true` for another 4xx: the request fails over, and no backend goes on cooldown unless the server or `cooldown`
   * specified a length. Anything but a boolean rejects the request with a `TypeError`; what it throws rejects it too.
   * Default: `defaultFailoverCondition`
   */
  readonly failoverCondition?: FailoverCondition | undefined;
  /**
   * ms of cooldown that a failure costs its backend, capped by `maxCooldown`. It changes how long the cooldown lasts, not
   * whether a trial follows. `undefined` means the default rule: the wait that the server specified; else 100 ms, or
   * `defaultCooldown` after a 429 or without any sign of life, doubled for each further failure in a row. 0 puts no
   * backend on cooldown. Anything but `undefined` or a finite number ≥ 0 rejects the request with a `TypeError`.
   *
   * @param failure what is known of the attempt
   */
  readonly cooldown?: ((failure: Failure) => number | undefined) | undefined;
  /**
   * ms for one attempt, body included. When it passes, the request fails over. For a streamed response
   * (`responseType: 'stream'`, and every response of a fetch) it ends with the head; for an event stream that is inspected,
   * with the first meaningful event, so there it is a first-token timeout. Default: 0, none
   */
  readonly attemptTimeout?: number | undefined;
  /**
   * ms until a connection is established, TLS and a proxy's tunnel included. When it passes, that is a connection
   * failure, and the request fails over. Time in an agent's queue for a free socket doesn't count, so it begins when
   * the request leaves the queue. It applies to axios's http adapter over HTTP/1.1, where neither `transport` nor
   * `beforeRedirect` is given and the body can be sent again. 0: none. Default: 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * ms that a request may spend, in all, waiting for a backend to become available when none is, instead of answering 429
   * at once. A wait that can't end within it, or within the caller's `timeout`, is not begun. Default: 0
   */
  readonly maxWait?: number | undefined;
  /**
   * Whether the first events of a streamed 200 are looked at for a refusal: Azure's Responses API, among others,
   * answers 200 and then says that the rate limit is exceeded. Such a response fails over as a 429 or 5xx does. An
   * event stream is held back until its first meaningful event, at most 64 KiB; nothing of it is changed. Default: true
   */
  readonly inspectStreams?: boolean | undefined;
  /**
   * Bytes of a request body that can be read only once, such as a stream, that are kept in memory for another attempt. A
   * longer body gets one attempt. `Infinity`: no limit. Default: 32 MiB
   */
  readonly maxReplaySize?: number | undefined;
  /**
   * Decides whether a request goes to the backends. `false` passes it to the wrapped adapter or fetch untouched, without
   * `attempts`. Anything but a boolean rejects the request with a `TypeError`. Default: all requests; for the instance
   * `axios` itself (`attachPriorityAdapter`), those that are meant for a backend
   *
   * @param config the caller's
   */
  readonly shouldBalance?: ((config: RequestConfig) => boolean) | undefined;
}

/**
 * `config.failover`, or `init.failover` of a fetch: overrides the options for one request. It is checked when the request
 * is made; a `TypeError` rejects the request.
 */
export interface RequestFailover {
  /** ms for one attempt, body included. 0: none. Default: the backend's, or else the adapter's */
  readonly attemptTimeout?: number | undefined;
  /** ms that this request may spend, in all, waiting for a backend to become available. Default: the adapter's */
  readonly maxWait?: number | undefined;
  /** Whether the first events of a streamed 200 are looked at for a refusal. Default: the adapter's */
  readonly inspectStreams?: boolean | undefined;
  /** Decides whether a failure may go to another backend. Default: the adapter's */
  readonly failoverCondition?: FailoverCondition | undefined;
  /**
   * The name of the backend that this request must go to, whatever its priority: for what lives in one resource (files,
   * batches, threads, a `previous_response_id`). The one that made it is `attemptsOf(response).at(-1).backend`. No other
   * backend is tried, and the selector isn't asked. Only a cooldown that the server or you asked for holds the request
   * back. An unknown name is a `TypeError`. Default: none
   */
  readonly backend?: string | undefined;
}

/** The options, every default filled in. */
export interface Rules {
  readonly attemptTimeout: number;
  readonly connectTimeout: number;
  readonly maxWait: number;
  readonly failoverCondition: FailoverCondition;
  readonly cooldown: (failure: Failure) => number | undefined;
  readonly inspectStreams: boolean;
  readonly maxReplaySize: number;
  readonly shouldBalance: (config: RequestConfig) => boolean;
  /** `failover: false`: one attempt, and its response is returned to the caller as it is. */
  readonly singleAttempt: boolean;
  /** The `attemptTimeout` that `config.failover` gives, in ms. */
  readonly requestAttemptTimeout: number | undefined;
  /** The name of the only backend that the request may go to. */
  readonly pinned: string | undefined;
}

const RULE_CHECKS: Checks<Omit<Rules, 'singleAttempt' | 'requestAttemptTimeout' | 'pinned'>> = {
  attemptTimeout: /* @__PURE__ */ duration(0),
  connectTimeout: /* @__PURE__ */ duration(10_000),
  maxWait: /* @__PURE__ */ duration(0),
  failoverCondition: /* @__PURE__ */ callback(defaultFailoverCondition),
  cooldown: /* @__PURE__ */ callback(() => undefined),
  inspectStreams: /* @__PURE__ */ flag(true),
  // Infinity is allowed: a body of any length is kept.
  maxReplaySize: /* @__PURE__ */ optional(
    32 * 2 ** 20,
    'be a number of bytes ≥ 0',
    (size) => typeof size === 'number' && size >= 0,
  ),
  shouldBalance: /* @__PURE__ */ callback(() => true),
};

/** What other libraries call the options of a client. */
const ALIASES: Aliases = { ...POOL_ALIASES, timeout: 'attemptTimeout' };

/** The pool that was given, or a new one. @throws TypeError if pool options are given together with a ready pool */
export function poolFrom(backends: readonly BackendOptions[] | BackendPool, given: FailoverOptions): BackendPool {
  checkNoBackends(given);
  dictionary(given, 'options');
  const options: BackendPoolOptions = {
    selector: own(given, 'selector'),
    defaultCooldown: own(given, 'defaultCooldown'),
    maxCooldown: own(given, 'maxCooldown'),
  };
  if (BackendPool.isPool((Object(backends) as { pool?: unknown }).pool))
    throw new TypeError('backends is a client; pass its pool, as in priorityFetch(adapter.pool)');
  if (!BackendPool.isPool(backends)) return new BackendPool(backends, options);
  const misplaced = Object.entries(options).find(([, value]) => value !== undefined);
  if (misplaced === undefined) return backends;
  throw new TypeError(`options.${misplaced[0]} belongs to the pool; pass it to new BackendPool(backends, options)`);
}

/**
 * Checks the options of a client: those of the failover, those of the pool, and its own. The pool's are only checked
 * here, so that their names are known; `poolFrom` passes them on.
 *
 * @throws TypeError that names the option and the value
 */
export function resolveRules<Own>(options: object, ofClient: Checks<Own>): Rules & Own {
  const checks = { ...RULE_CHECKS, ...POOL_CHECKS, ...ofClient } as Checks<Rules & Own>;
  return {
    ...resolveOptions(options, 'options', checks, ALIASES),
    singleAttempt: false,
    requestAttemptTimeout: undefined,
    pinned: undefined,
  };
}

/**
 * The rules for one request.
 *
 * @param place what the caller calls `failover`
 * @throws TypeError that names the option and the value
 */
export function rulesFor(rules: Rules, failover: unknown, backends: BackendList, place: string): Rules {
  if (failover === undefined) return rules;
  if (failover === false) return { ...rules, singleAttempt: true };
  must(typeof failover === 'object' && failover !== null, place, 'be false or an object', failover);
  const checks: Checks<RequestFailover> = {
    attemptTimeout: optionalDuration,
    maxWait: duration(rules.maxWait),
    inspectStreams: flag(rules.inspectStreams),
    failoverCondition: callback(rules.failoverCondition),
    backend: (value, at) => (value === undefined ? undefined : backends.named(value, `${at}: `).info.name),
  };
  const { attemptTimeout, backend, ...own } = resolveOptions(failover, place, checks, ALIASES);
  const overridden = own as Pick<Rules, 'maxWait' | 'inspectStreams' | 'failoverCondition'>;
  return { ...rules, ...overridden, requestAttemptTimeout: attemptTimeout, pinned: backend };
}

/** The limits of one attempt, in ms; 0: none. Those of the request override the backend's, which override the options. */
export function limitsOf(
  rules: Rules,
  backend: BackendSettings,
): { readonly attemptTimeout: number; readonly connectTimeout: number } {
  return {
    attemptTimeout: rules.requestAttemptTimeout ?? backend.attemptTimeout ?? rules.attemptTimeout,
    connectTimeout: backend.connectTimeout ?? rules.connectTimeout,
  };
}
