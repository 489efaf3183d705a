/**
 * Priority failover for axios: one client over several Azure OpenAI endpoints. It begins with {@link priorityAdapter}, or
 * for an existing instance with {@link attachPriorityAdapter}. All durations are in milliseconds.
 *
 * @module axios-priority-adapter
 */
import './augmentation';

export { priorityAdapter } from './adapter';
export type { PriorityAdapter } from './adapter';
export { attachPriorityAdapter } from './attach';
export type { Attached } from './attach';
export type { Backend, BackendOptions, BackendRequestOptions } from './backend';
export type { Attempt, PoolEvent } from './events';
export type { CooldownReason, CooldownStatus } from './health';
export type { PriorityAdapterOptions, RequestFailover, WrappedAdapter } from './options';
export {
  defaultFailoverCondition,
  isAmbiguousFailure,
  isConnectionFailure,
  isServerError,
  isThrottled,
} from './outcome';
export type { FailoverCondition, Failure } from './outcome';
export { BackendPool } from './pool';
export type { BackendPoolOptions, BackendStatus } from './pool';
export { parseRetryAfter } from './retry-after';
export type { RetryAfterSource } from './retry-after';
export { affinity, leastPending, roundRobin, weightedRandom } from './selectors';
export type { Selector } from './selectors';
