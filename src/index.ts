/**
 * Priority failover for axios: one client over several Azure OpenAI endpoints. Begin with {@link priorityAdapter}, or
 * with {@link attachPriorityAdapter} for an existing instance. All durations are in milliseconds.
 *
 * @module axios-priority-adapter
 */
import './axios/augmentation';

export { attachPriorityAdapter } from './axios/attach';
export type { Attached } from './axios/attach';
export type { PriorityAdapterOptions } from './axios/balancer';
export type { WrappedAdapter } from './axios/adapter-option';
export { priorityAdapter } from './axios/priority-adapter';
export type { PriorityAdapter } from './axios/priority-adapter';
export { attemptsOf } from './failover/attempt-record';
export {
  defaultFailoverCondition,
  isAmbiguousFailure,
  isConnectionFailure,
  isContextLengthExceeded,
  isServerError,
  isThrottled,
} from './failover/failover-condition';
export type { FailoverCondition } from './failover/failover-condition';
export type { Failure } from './failover/failure';
export type { FailoverOptions, RequestFailover } from './failover/options';
export type { HttpResponse, RequestConfig } from './http/messages';
export { parseRetryAfter } from './http/retry-after';
export type { RetryAfterSource } from './http/retry-after';
export type { StreamError } from './http/stream-inspection';
export type { Backend, CooldownStatus } from './pool/backend';
export type { BackendOptions } from './pool/backend-options';
export type { BackendRequestOptions, ProxyOptions } from './pool/backend-request-options';
export type { State } from './pool/circuit';
export type { CooldownReason } from './pool/reasons';
export type { Attempt, PoolEvent } from './pool/events';
export { BackendPool } from './pool/pool';
export type { BackendPoolOptions, BackendStatus } from './pool/pool';
export { affinity, leastPending, roundRobin, weightedRandom } from './pool/selectors';
export type { Selector } from './pool/selectors';
