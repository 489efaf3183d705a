import * as io5 from 'ioredis-5';
import * as io6 from 'ioredis-6';
import * as redis4 from 'redis-4';
import * as redis5 from 'redis-5';
import * as redis6 from 'redis-6';
import type { RedisClientLike } from '../../src/sharing';
import type { RedisServer } from '../support/redis';

/** A user's client, whichever it is. */
export interface UsersClient {
  readonly client: RedisClientLike;
  close(): void;
  run(name: string, ...args: string[]): Promise<unknown>;
}

type Make = (server: Pick<RedisServer, 'url' | 'port'>) => UsersClient;
type NodeRedis = Pick<typeof redis4, 'createClient'>;
type IoRedis = Pick<typeof io5, 'Redis'>;

const nodeRedis =
  ({ createClient }: NodeRedis, reconnectStrategy: number | false = 50, own: object = {}): Make =>
  ({ url }) => {
    const client = createClient({ url, socket: { reconnectStrategy, ...own } });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    const close = (): void => {
      const { destroy } = client as { destroy?: () => void };
      if (destroy === undefined) client.disconnect().catch(() => undefined);
      else destroy.call(client);
    };
    return { client, close, run: (...command) => client.sendCommand(command) };
  };

const ioredis =
  ({ Redis }: IoRedis, options: { keyPrefix?: string } = {}): Make =>
  ({ port }) => {
    const client = new Redis(port, { retryStrategy: () => 50, ...options });
    client.on('error', () => undefined);
    return {
      client,
      close: () => client.disconnect(),
      run: (name, ...args) => client.call(name, ...args),
    };
  };

export const CLIENTS: Readonly<Record<string, Make>> = {
  'node-redis 4': nodeRedis(redis4),
  'node-redis 5': nodeRedis(redis5 as unknown as NodeRedis),
  'node-redis 6': nodeRedis(redis6 as unknown as NodeRedis),
  'ioredis 5': ioredis(io5),
  'ioredis 6': ioredis(io6 as unknown as IoRedis),
};

/** Whose idle connections end after half a second. */
export const WITH_SOCKET_TIMEOUT: Readonly<Record<string, Make>> = {
  'node-redis 5': nodeRedis(redis5 as unknown as NodeRedis, 50, { socketTimeout: 500 }),
  'node-redis 6': nodeRedis(redis6 as unknown as NodeRedis, 50, { socketTimeout: 500 }),
};

/** Its methods take callbacks in place of returning promises. */
export const LEGACY: Make = ({ url }) => {
  const client = redis4.createClient({ url, legacyMode: true });
  client.on('error', () => undefined);
  client.connect().catch(() => undefined);
  const { v4 } = client as unknown as {
    v4: { quit(): Promise<unknown>; sendCommand(args: string[]): Promise<unknown> };
  };
  return { client, close: () => void v4.quit().catch(() => undefined), run: (...command) => v4.sendCommand(command) };
};

/** The newest, as the user that the URL names. */
export const AS_USER = (url: string): UsersClient =>
  nodeRedis(redis6 as unknown as NodeRedis)({ url, port: Number(new URL(url).port) });

/** Those that don't connect again. */
export const GIVING_UP: Readonly<Record<string, Make>> = {
  'node-redis 4': nodeRedis(redis4, false),
  'node-redis 5': nodeRedis(redis5 as unknown as NodeRedis, false),
  'node-redis 6': nodeRedis(redis6 as unknown as NodeRedis, false),
};

export const PREFIXED = ioredis(io6 as unknown as IoRedis, { keyPrefix: 'mine:' });

/** Over Sentinel. node-redis 5 can't copy such a client. */
export const SENTINEL_CLIENTS: Readonly<Record<string, (port: number) => UsersClient>> = {
  'node-redis 6': (port) => {
    const client = redis6.createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    return { client, close: () => void client.destroy(), run: () => Promise.resolve() };
  },
  'ioredis 6': (port) => {
    const client = new io6.Redis({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' });
    client.on('error', () => undefined);
    return { client, close: () => client.disconnect(), run: () => Promise.resolve() };
  },
};

/** The newest of each, over a Cluster. */
export const CLUSTER_CLIENTS: Readonly<Record<string, (servers: readonly RedisServer[]) => UsersClient>> = {
  'node-redis 6': (servers) => {
    const client = redis6.createCluster({ rootNodes: servers.map(({ url }) => ({ url })) });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    return { client, close: () => client.destroy(), run: () => Promise.resolve() };
  },
  'ioredis 6': (servers) => {
    const client = new io6.Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
    client.on('error', () => undefined);
    return { client, close: () => client.disconnect(), run: () => Promise.resolve() };
  },
};
