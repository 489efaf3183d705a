import { EventEmitter } from 'node:events';
import { now } from '../../src/base/clock';
import { LOAD, PROBE } from '../../src/sharing/redis-scripts';

/** A Redis in this process that knows the scripts, so that a test can say when and how it answers. */
export class FakeRedis {
  readonly values = new Map<string, string>();
  readonly told: string[] = [];
  /** What a command rejects with. */
  error: Error | undefined;
  /** What a command that writes rejects with. */
  refusal: Error | undefined;
  /** Keeps its answers. */
  hangs = false;
  readonly #waiting: (() => void)[] = [];
  readonly #subscribers = new Set<(text: string) => void>();

  time(): number {
    return 1_700_000_000_000 + now();
  }

  goOn(): void {
    this.hangs = false;
    for (const answer of this.#waiting.splice(0)) answer();
  }

  publish(value: string): void {
    for (const hear of this.#subscribers) hear(value);
  }

  subscribe(hear: (text: string) => void): void {
    this.#subscribers.add(hear);
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  async run(script: string, args: readonly string[]): Promise<unknown> {
    if (this.hangs) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.error !== undefined) throw this.error;
    if (script === LOAD) return [String(this.time()), ...this.values.values()];
    if (this.refusal !== undefined) throw this.refusal;
    if (script === PROBE) return 1;
    const [, field, , text] = args;
    this.told.push(text!);
    this.values.set(field!, `${String(Math.floor(this.time()))} ${text!}`);
    this.publish(this.values.get(field!)!);
    return 1;
  }
}

/** Speaks as node-redis does. */
export class FakeNodeRedis extends EventEmitter {
  isReady: boolean | undefined = true;
  isOpen = true;
  readonly copies: FakeNodeRedis[] = [];
  connecting: Promise<unknown> = Promise.resolve();
  closed = 0;
  destroy: (() => void) | undefined = () => void this.closed++;

  constructor(readonly redis: FakeRedis) {
    super();
  }

  disconnect(): Promise<void> {
    this.closed++;
    return Promise.reject(new Error('The client is closed'));
  }

  eval(script: string, { arguments: args }: { arguments: string[] }): Promise<unknown> {
    return this.redis.run(script, args);
  }

  /** How the next copies connect. */
  prepare: (copy: FakeNodeRedis) => unknown = () => undefined;

  /** What `duplicate` was given. */
  readonly overrides: unknown[] = [];
  options: { legacyMode?: boolean; socket?: object } | undefined;
  v4: Pick<FakeNodeRedis, 'eval'> | undefined;

  duplicate(...overrides: unknown[]): FakeNodeRedis {
    this.overrides.push(...overrides);
    const copy = new FakeNodeRedis(this.redis);
    this.prepare(copy);
    this.copies.push(copy);
    return copy;
  }

  connect(): Promise<unknown> {
    this.emit('ready');
    return this.connecting;
  }

  subscribe(_channel: string, hear: (text: string) => void): Promise<void> {
    this.redis.subscribe(hear);
    return Promise.resolve();
  }
}

/** Speaks as ioredis does. */
export class FakeIoRedis extends EventEmitter {
  status = 'ready';
  readonly copies: FakeIoRedis[] = [];
  readonly overrides: unknown[] = [];
  connected = 0;
  closed = 0;

  constructor(
    readonly redis: FakeRedis,
    readonly isCluster: boolean | undefined,
  ) {
    super();
  }

  eval(script: string, _keys: number, _key: string, ...args: string[]): Promise<unknown> {
    return this.redis.run(script, args);
  }

  duplicate(...overrides: unknown[]): FakeIoRedis {
    const copy = new FakeIoRedis(this.redis, this.isCluster);
    this.overrides.push(...overrides);
    copy.status = this.status === 'wait' ? 'wait' : 'connecting';
    this.copies.push(copy);
    return copy;
  }

  connect(): Promise<void> {
    this.connected++;
    return Promise.reject(new Error('refused'));
  }

  subscribe(): Promise<void> {
    this.redis.subscribe((text) => this.emit('message', 'channel', text));
    return Promise.resolve();
  }

  disconnect(): void {
    this.closed++;
  }
}
