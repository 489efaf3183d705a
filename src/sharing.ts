/**
 * Shares cooldowns between processes, worker threads or tabs, so that what one learns, all know. Begin with
 * {@link shareCooldowns}. All durations are in milliseconds. Loading it imports nothing from Node.
 *
 * @module axios-priority-adapter/sharing
 */
export { channelTransport } from './sharing/channel-transport';
export type { ChannelEvent, MessageChannelLike } from './sharing/channel-transport';
export { processTransport } from './sharing/process-transport';
export type { ChildProcessLike, ProcessTransportOptions } from './sharing/process-transport';
export { redisTransport } from './sharing/redis-transport';
export type { RedisClientLike } from './sharing/redis-commands';
export type { RedisTransportOptions } from './sharing/redis-transport';
export { shareCooldowns } from './sharing/share-cooldowns';
export type { SharedCooldowns, SharingOptions } from './sharing/share-cooldowns';
export type { Listening, Transport } from './sharing/transport';
