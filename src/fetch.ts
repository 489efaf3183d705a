/**
 * Priority failover for everything that takes a `fetch`: the official `openai` SDK, the AI SDK, LangChain. Begin with
 * {@link priorityFetch}. All durations are in milliseconds. Nothing here needs axios.
 *
 * @module axios-priority-adapter/fetch
 */
export { priorityFetch } from './fetch/priority-fetch';
export type { PriorityFetch, PriorityFetchOptions } from './fetch/priority-fetch';
export type { PriorityResponse } from './fetch/fetch-client';
export type { FetchInit, FetchInput } from './fetch/request';
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
