import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A `redis-server` of the tests' own, on a free port. Nothing is saved. */
export class RedisServer {
  #process: ChildProcess | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'));

  private constructor(
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  /** @throws Error that says what to install */
  static async start(...options: string[]): Promise<RedisServer> {
    const server = await RedisServer.absent(...options);
    await server.start();
    return server;
  }

  /** One that isn't there yet. */
  static async absent(...options: string[]): Promise<RedisServer> {
    if (spawnSync('redis-server', ['--version']).status !== 0)
      throw new Error('redis-server is not installed: apt-get install redis-server');
    return new RedisServer(await freePort(), options);
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** @param config lines of a file, which a Sentinel needs */
  async start(...config: string[]): Promise<void> {
    const { port, options } = this;
    const file = join(this.#folder, 'redis.conf');
    writeFileSync(file, config.join('\n'));
    const own = config.length > 0 ? [] : ['--save', '', '--appendonly', 'no'];
    const args = [file, '--port', String(port), '--bind', '127.0.0.1', ...own, ...options];
    this.#process = spawn('redis-server', args, { stdio: 'ignore', cwd: this.#folder });
    await until(() => isListening(port));
  }

  /** Like a crash: no connection is closed in order. */
  async kill(): Promise<void> {
    const process = this.#process!;
    this.#process = undefined;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
  }

  /** It accepts connections and answers nothing. */
  hang(): void {
    this.#process!.kill('SIGSTOP');
  }

  goOn(): void {
    this.#process!.kill('SIGCONT');
  }

  async cli(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(this.port), ...args]);
    return stdout.trim();
  }

  async close(): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A Cluster of three servers. */
export async function startCluster(): Promise<{ servers: RedisServer[]; close: () => Promise<void> }> {
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start(...options)));
  const close = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.close())));
  const nodes = servers.map(({ port }) => `127.0.0.1:${String(port)}`);
  try {
    await servers[0]!.cli('--cluster', 'create', ...nodes, '--cluster-yes');
    for (const server of servers) await until(async () => (await server.cli('cluster', 'info')).includes('state:ok'));
  } catch (error) {
    await close();
    throw error;
  }
  return { servers, close };
}

/** A server with a replica, and a Sentinel that puts the replica in its place when it goes. */
export async function startSentinel(): Promise<{
  readonly main: RedisServer;
  readonly port: number;
  readonly close: () => Promise<void>;
}> {
  const main = await RedisServer.start();
  const replica = await RedisServer.start('--replicaof', '127.0.0.1', String(main.port));
  const sentinel = await RedisServer.absent('--sentinel');
  const close = async (): Promise<void> =>
    void (await Promise.all([main, replica, sentinel].map((server) => server.close())));
  try {
    await until(async () => (await replica.cli('info', 'replication')).includes('master_link_status:up'));
    await sentinel.start(
      `sentinel monitor main 127.0.0.1 ${String(main.port)} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
    );
    await until(async () => (await sentinel.cli('sentinel', 'replicas', 'main')).includes(String(replica.port)));
  } catch (error) {
    await close();
    throw error;
  }
  return { main, port: sentinel.port, close };
}

/** Waits for another process, which tells nothing by itself. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${String(ms)} ms: ${String(holds)}`);
    await sleep(10);
  }
}

/** Below the ports that the system gives out, as is the bus of a Cluster (port + 10,000). */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port === port));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
