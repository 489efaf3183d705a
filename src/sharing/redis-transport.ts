import { checkFields, dictionary, isText, must } from '../base/check';
import type { Transport } from './transport';
import { RedisConnection } from './redis-connection';
import { commandsOf } from './redis-commands';
import type { RedisClientLike } from './redis-commands';

/** Options of {@link redisTransport}. */
export interface RedisTransportOptions {
  /** Not empty. The same in all processes that share, and different from that of other apps on this Redis. */
  readonly prefix: string;
}

/**
 * Shares over Redis, by the client that you have: single server, Sentinel or Cluster. It opens one connection of its
 * own for subscribing, and closes only that.
 *
 * @param client of `redis` (node-redis 4, 5, 6) or `ioredis` (5, 6); over Sentinel, of `redis` 6 or `ioredis`. It may
 * connect later
 * @param options `prefix` is required
 * @throws TypeError that names the place and the value
 */
export function redisTransport(client: RedisClientLike, options: RedisTransportOptions): Transport {
  const { duplicate, eval: run, on } = Object(client) as Partial<RedisClientLike>;
  const isClient = typeof run === 'function' && typeof on === 'function';
  must(isClient, 'client', 'be a client of redis or ioredis', client);
  must(typeof duplicate === 'function', 'client', 'have duplicate (over Sentinel: redis 6 or ioredis)', client);
  checkFields(dictionary(options, 'options'), ['prefix'], 'options');
  must(isText(options.prefix), 'options.prefix', 'be a non-empty string', options.prefix);
  // In a Cluster, the braces keep all keys of an app in one slot.
  const name = `axios-priority-adapter:{${options.prefix}}`;
  const connection = new RedisConnection(commandsOf(client, `${name}:cooldowns`, name));
  return {
    send: (message) => connection.send(message),
    listen: (hear, report) => connection.listen(hear, report),
  };
}
