/**
 * A live page that shows which backends are out, for how long, and which take the traffic. Begin with {@link statusPage}.
 * All durations are in milliseconds.
 *
 * @module axios-priority-adapter/status-page
 */
export { statusPage } from './status-page/status-page';
export type { PoolReport, StatusPage, StatusSnapshot } from './status-page/status-page';
export type { BackendReport } from './status-page/monitor';
export type { StatusPageOptions } from './status-page/options';
export type { Backend, CooldownStatus } from './pool/backend';
export type { BackendOptions } from './pool/backend-options';
export type { BackendRequestOptions, ProxyOptions } from './pool/backend-request-options';
export type { State } from './pool/circuit';
export type { CooldownReason } from './pool/reasons';
export type { Attempt, PoolEvent } from './pool/events';
export type { BackendPool, BackendPoolOptions, BackendStatus } from './pool/pool';
