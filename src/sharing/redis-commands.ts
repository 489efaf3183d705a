import { LOAD, PROBE, TELL } from './redis-scripts';

/**
 * What {@link redisTransport} needs of a client: `redis` (node-redis 4, 5, 6) and `ioredis` (5, 6) have it. Their types
 * differ too much to say more.
 */
export interface RedisClientLike {
  /** A method: makes a second client like this one, for subscribing. */
  readonly duplicate: object;
  /** A method: runs a script. */
  readonly eval: object;
  /** A method: adds a listener. */
  readonly on: object;
}

/** What the transport does with Redis, whichever client does it. */
export interface RedisCommands {
  /** Whether a command would be sent at once. Clients keep the others until Redis is back. */
  isReady(): boolean;
  tell(args: readonly string[]): Promise<unknown>;
  load(): Promise<unknown>;
  /** Rejects if the server refuses to be written. */
  probe(): Promise<unknown>;
  /** Calls back whenever the client has connected. Returns a function that ends it. */
  onReady(listener: () => void): () => void;
  /** Opens a connection of its own. Returns a function that closes it. */
  subscribe(events: SubscriberEvents): () => void;
}

interface SubscriberEvents {
  /** The server acknowledged the subscription, for the first time or after a reconnect. */
  readonly subscribed: () => void;
  readonly message: (text: string) => void;
  readonly error: (error: unknown) => void;
  /** The connection is lost. `subscribed` follows once it is back, if it hasn't `ended`. */
  readonly lost: () => void;
  /** The client gave up for good. */
  readonly ended: () => void;
}

/** The parts of both clients that are used. */
interface Common {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

interface NodeRedis extends Common {
  /** Not in a Cluster of version 4. */
  readonly isReady?: boolean;
  readonly isOpen: boolean;
  readonly options?: {
    readonly legacyMode?: boolean;
    readonly socket?: { readonly socketTimeout?: number | undefined };
  };
  /** Of version 4 in its legacy mode, where the client's own methods return no promises. */
  readonly v4?: Pick<NodeRedis, 'eval'>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  duplicate(overrides?: NodeRedis['options']): NodeRedis;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  /** Since version 5. */
  destroy?(): unknown;
  disconnect(): unknown;
}

interface IoRedis extends Common {
  readonly status: string;
  readonly isCluster?: boolean;
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
  duplicate(...overrides: unknown[]): IoRedis;
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  disconnect(): unknown;
}

export function commandsOf(client: RedisClientLike, key: string, channel: string): RedisCommands {
  return 'status' in client
    ? ofIoRedis(client as unknown as IoRedis, key, channel)
    : ofNodeRedis(client as unknown as NodeRedis, key, channel);
}

function ofNodeRedis(client: NodeRedis, key: string, channel: string): RedisCommands {
  const commands = client.options?.legacyMode === true ? client.v4! : client;
  return {
    isReady: () => client.isReady ?? client.isOpen,
    tell: (args) => commands.eval(TELL, { keys: [key], arguments: [channel, ...args] }),
    load: () => commands.eval(LOAD, { keys: [key], arguments: [] }),
    probe: () => commands.eval(PROBE, { keys: [key], arguments: [channel] }),
    onReady: (listener) => listening(client, listener),
    subscribe(events) {
      const subscriber = copyOf(client);
      const close = closing(() => (subscriber.destroy === undefined ? subscriber.disconnect() : subscriber.destroy()));
      const message = (text: string): void => events.message(text);
      // After a reconnect, the client has subscribed again before it is ready; then this does nothing.
      const subscribe = (): void => void subscriber.subscribe(channel, message).then(events.subscribed, events.error);
      let isConnected = false;
      const giveUp = (): void => {
        close();
        events.ended();
      };
      // A copy has no listeners, and without one for errors they end the process.
      subscriber.on('error', (error: unknown) => {
        events.error(error);
        if (!(subscriber.isReady ?? subscriber.isOpen)) events.lost();
        // A `reconnectStrategy` may give up. No other event says so.
        if (isConnected && !subscriber.isOpen) giveUp();
      });
      subscriber.on('ready', () => isConnected && subscribe());
      // Not awaited: it stays pending while Redis is away.
      subscriber.connect().then(
        () => {
          isConnected = true;
          subscribe();
        },
        (error: unknown) => {
          events.error(error);
          giveUp();
        },
      );
      return close;
    },
  };
}

function copyOf(client: NodeRedis): NodeRedis {
  const { legacyMode, socket } = client.options ?? {};
  if (legacyMode === true) return client.duplicate({ legacyMode: false });
  // A connection that only listens may be silent for long.
  if (socket?.socketTimeout !== undefined) return client.duplicate({ socket: { ...socket, socketTimeout: undefined } });
  return client.duplicate();
}

/** ms until the next try to connect. */
const retryStrategy = (times: number): number => Math.min(50 * times, 2000);

function ofIoRedis(client: IoRedis, key: string, channel: string): RedisCommands {
  return {
    isReady: () => client.status === 'ready',
    tell: (args) => client.eval(TELL, 1, key, channel, ...args),
    load: () => client.eval(LOAD, 1, key),
    probe: () => client.eval(PROBE, 1, key, channel),
    onReady: (listener) => listening(client, listener),
    subscribe(events) {
      const overrides = { maxRetriesPerRequest: null, enableOfflineQueue: true, retryStrategy };
      const subscriber = client.isCluster === true ? client.duplicate() : client.duplicate(overrides);
      subscriber.on('error', events.error);
      subscriber.on('message', (_channel: string, text: string) => events.message(text));
      subscriber.on('ready', () => void subscriber.subscribe(channel).then(events.subscribed, events.error));
      subscriber.on('close', () => events.lost());
      subscriber.on('end', () => events.ended());
      // It rejects at the first failure, and connects later all the same.
      if (subscriber.status === 'wait') subscriber.connect().catch(events.error);
      return closing(() => subscriber.disconnect());
    },
  };
}

function listening(client: Common, listener: () => void): () => void {
  client.on('ready', listener);
  return () => void client.off('ready', listener);
}

/** A client that isn't connected may refuse to be closed, by throwing or by rejecting. */
function closing(close: () => unknown): () => void {
  return () => {
    new Promise((resolve) => resolve(close())).catch(() => undefined);
  };
}
