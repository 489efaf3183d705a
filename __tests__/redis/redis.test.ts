import type { BackendPool, PoolEvent } from '../../src';
import { redisTransport, shareCooldowns } from '../../src/sharing';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer, startCluster, startSentinel, until } from '../support/redis';
import { stubPool } from '../support/stub-pool';
import {
  AS_USER,
  CLIENTS,
  CLUSTER_CLIENTS,
  GIVING_UP,
  LEGACY,
  PREFIXED,
  SENTINEL_CLIENTS,
  WITH_SOCKET_TIMEOUT,
} from './clients';
import type { UsersClient } from './clients';

/** The last one is never on cooldown. */
const backends = { a: {}, b: { priority: 2 }, c: { priority: 3 } };
let closings: (() => unknown)[] = [];
let rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  expect(rejections).toStrictEqual([]);
  rejections = [];
  closings = [];
});

/** A process with a pool, as far as one process can be several. */
function share({ client }: Pick<UsersClient, 'client'>, prefix = 'app', maxDuration = 300_000) {
  const { pool, request } = stubPool(backends);
  const errors: unknown[] = [];
  const events: PoolEvent[] = [];
  pool.subscribe((event) => event.type !== 'attempt' && events.push(event));
  const transport = redisTransport(client, { prefix });
  const sharing = shareCooldowns(pool, transport, { maxDuration, onError: (error) => errors.push(error) });
  closings.push(() => sharing.stop());
  return { pool, sharing, errors, events, request, transport };
}

/** Asks again and again until the function that it returns is called, which resolves with how often. */
function asking(...processes: readonly Pick<ReturnType<typeof share>, 'request'>[]): () => Promise<number> {
  let isOn = true;
  const counts = processes.map(async ({ request }) => {
    let count = 0;
    for (; isOn; count++) {
      expect((await request()).status).toBe(200);
      await sleep(1);
    }
    return count;
  });
  return async () => {
    isOn = false;
    return Math.min(...(await Promise.all(counts)));
  };
}

const isOut = (pool: BackendPool, at = 0): boolean => pool.snapshot()[at]!.cooldowns.length > 0;

async function serverOf(start: Promise<RedisServer>): Promise<RedisServer> {
  const server = await start;
  closings.push(() => server.close());
  return server;
}

function clientOf(made: UsersClient): UsersClient {
  closings.push(() => made.close());
  return made;
}

describe.each(Object.entries(CLIENTS))('%s', (_name, make) => {
  test('shares cooldowns and restores, and a late starter catches up', async () => {
    const server = await serverOf(RedisServer.start());
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 60_000, 'chat');
    await until(() => isOut(other.pool));
    expect(other.events).toMatchObject([{ backend: 'a', scope: 'chat', reason: 'manual', remote: true }]);
    const late = share(clientOf(make(server)));
    await late.sharing.ready;
    expect(isOut(late.pool)).toBe(true);
    late.sharing.restore('a');
    await until(() => !isOut(one.pool) && !isOut(other.pool));
    const later = share(clientOf(make(server)));
    await later.sharing.ready;
    expect(isOut(later.pool)).toBe(false);
    const elsewhere = share(clientOf(make(server)), 'other-app');
    await elsewhere.sharing.ready;
    one.pool.cool('b', 60_000);
    await until(() => isOut(later.pool, 1));
    expect(isOut(elsewhere.pool, 1)).toBe(false);
  });

  test('a shorter cooldown by hand does not hide a maintenance window from a late starter', async () => {
    const server = await serverOf(RedisServer.start());
    const process = () => share(clientOf(make(server)), 'app', 4 * 3_600_000);
    const [one, other] = [process(), process()];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 3 * 3_600_000);
    await until(() => isOut(other.pool));
    other.pool.cool('a', 60_000);
    other.pool.cool('b', 60_000);
    await until(() => isOut(one.pool, 1));
    const late = process();
    await late.sharing.ready;
    expect(late.pool.snapshot()[0]!.cooldowns[0]!.remaining).toBeGreaterThan(2 * 3_600_000);
  });

  test('continues without Redis, and catches up when Redis starts', async () => {
    const server = await serverOf(RedisServer.absent());
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    const stopAsking = asking(one, other);
    one.pool.cool('a', 60_000);
    await until(() => one.errors.length > 0);
    await server.start();
    await until(() => isOut(other.pool));
    await until(() => one.errors.at(-1) === undefined);
    expect(await stopAsking()).toBeGreaterThan(0);
  });

  test('survives a crash: 50,000 cooldowns do not pile up, and the others learn what is in force afterwards', async () => {
    const server = await serverOf(RedisServer.start());
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    const stopAsking = asking(one, other);
    await server.kill();
    await until(() => one.errors.length > 0);
    // Each is its own message, so none of them is left out as known.
    for (let i = 0; i < 50_000; i++) one.transport.send(fresh(i));
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 50_000; i++) one.transport.send(fresh(i));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
    one.pool.cool('a', 60_000);
    other.pool.cool('b', 60_000);
    await server.start();
    await until(() => isOut(other.pool) && isOut(one.pool, 1));
    expect(await stopAsking()).toBeGreaterThan(0);
  });

  test.each([
    [
      'is stopped',
      (server: RedisServer) => Promise.resolve(server.hang()),
      (server: RedisServer) => Promise.resolve(server.goOn()),
    ],
    [
      'pauses its clients',
      (server: RedisServer) => server.cli('client', 'pause', '1500', 'all'),
      // A paused Redis takes no command, so it goes on by itself.
      () => Promise.resolve(),
    ],
  ])('survives a Redis that %s, with requests running', async (_how, hang, goOn) => {
    const server = await serverOf(RedisServer.start());
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    const stopAsking = asking(one, other);
    await hang(server);
    one.pool.cool('a', 60_000);
    for (let i = 0; i < 5_000; i++) one.transport.send(fresh(i));
    await sleep(100);
    expect(isOut(other.pool)).toBe(false);
    one.pool.cool('b', 60_000);
    await goOn(server);
    await until(() => isOut(other.pool) && isOut(other.pool, 1));
    expect(await stopAsking()).toBeGreaterThan(0);
  });

  test('leaves no connection or listener after stop(), and the client still works', async () => {
    const server = await serverOf(RedisServer.start());
    const made = clientOf(make(server));
    const listeners = made.client as unknown as NodeJS.EventEmitter;
    const count = (): number => listeners.eventNames().reduce((sum, name) => sum + listeners.listenerCount(name), 0);
    await until(async () => (await server.cli('client', 'list')).split('\n').length >= 2);
    const before = count();
    const { sharing } = share(made);
    await sharing.ready;
    await sharing.stop();
    expect(count()).toBe(before);
    await until(async () => (await server.cli('pubsub', 'numsub', 'axios-priority-adapter:{app}')).endsWith('0'));
    await expect(made.run('PING')).resolves.toBe('PONG');
    const absent = share(clientOf(make(await serverOf(RedisServer.absent()))));
    await absent.sharing.stop();
    await absent.sharing.ready;
  });
});

test.each(Object.entries(GIVING_UP))('%s, whose reconnectStrategy gives up, subscribes anew', async (_name, make) => {
  const server = await serverOf(RedisServer.start());
  const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
  await Promise.all([one.sharing.ready, other.sharing.ready]);
  await server.cli('client', 'kill', 'type', 'pubsub');
  await until(() => other.errors.length > 0 && other.errors.at(-1) === undefined);
  one.pool.cool('a', 60_000);
  await until(() => other.events.some((event) => 'remote' in event));
  await until(async () => (await server.cli('pubsub', 'numsub', 'axios-priority-adapter:{app}')).endsWith('\n2'));
});

describe('unexpected contents of Redis', () => {
  const make = CLIENTS['ioredis 6']!;
  const key = 'axios-priority-adapter:{app}:cooldowns';

  /** The only field of the hash. It ends in a space where there is no scope, which redis-cli's output is trimmed of. */
  const fieldIn = async (server: RedisServer) => `${await server.cli('hkeys', key)} `;

  test('a key of another type and invalid values do not prevent messages from being heard', async () => {
    const server = await serverOf(RedisServer.start());
    await server.cli('set', key, 'x');
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 60_000);
    await until(() => isOut(other.pool));
    const field = await fieldIn(server);
    for (const value of ['x', '5 {', '9999999999999 []', `99999999999999 {"ms":1e308}`, `1 {"ms":"5"}`]) {
      await server.cli('hset', key, field, value);
      other.sharing.restore('a');
      await until(() => !isOut(one.pool) && !isOut(other.pool));
      one.pool.cool('a', 60_000);
      await until(() => isOut(other.pool));
    }
  });

  /** Two processes that know of a cooldown of `a`, and its field in the hash. */
  async function knowing() {
    const server = await serverOf(RedisServer.start());
    const [one, other] = [share(clientOf(make(server))), share(clientOf(make(server)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 60_000);
    await until(() => isOut(other.pool));
    const field = await fieldIn(server);
    return { server, one, other, field };
  }

  /** Whether a late starter learns of a cooldown that is told while this value is in its place. */
  async function isLearned(value: string, { server, one, other, field }: Awaited<ReturnType<typeof knowing>>) {
    one.sharing.restore('a');
    await until(() => !isOut(one.pool) && !isOut(other.pool));
    await server.cli('hset', key, field, value);
    one.pool.cool('a', 60_000);
    await until(() => isOut(other.pool));
    const late = share(clientOf(make(server)));
    await late.sharing.ready;
    return isOut(late.pool);
  }

  test('a value that is not a message of this package is ignored, however late it ends', async () => {
    const processes = await knowing();
    for (const ms of [60_000, 290_000]) {
      expect(await isLearned(`${String(Date.now())} {"ms":${String(ms)}}`, processes)).toBe(true);
    }
  });

  test.each(['gpt-4.1', 'a"b', 'a\\b', 'tab\t', '\u007f', 'a,"r":"x",', 'für', '%a', '模型', 'x'.repeat(256)])(
    'of two cooldowns of the deployment %j, a late starter learns the longer one',
    async (scope) => {
      const server = await serverOf(RedisServer.start());
      const one = share(clientOf(make(server)));
      await one.sharing.ready;
      one.pool.cool('a', 60_000, scope);
      await until(async () => (await server.cli('hlen', key)) === '1');
      // It hasn't heard of the first one.
      const text = (ms: number) => {
        const [, digest] = /^(\S+)/.exec(field)!;
        return JSON.stringify({ v: 1, i: 'other.1', b: digest, s: scope, r: 'manual', k: 'asked', ms });
      };
      const field = await server.cli('hkeys', key);
      one.transport.send(text(20_000));
      one.pool.cool('b', 60_000);
      await until(async () => (await server.cli('hlen', key)) === '2');
      const late = share(clientOf(make(server)));
      await late.sharing.ready;
      const [cooldown] = late.pool.snapshot()[0]!.cooldowns;
      expect(cooldown).toMatchObject({ scope });
      expect(cooldown!.remaining).toBeGreaterThan(50_000);
    },
  );

  test('a value that only looks like a message keeps no real one from being heard', async () => {
    const processes = await knowing();
    const [, text] = /^\d+ (.*)$/.exec(await processes.server.cli('hget', key, processes.field))!;
    const message = JSON.parse(text!) as Record<string, unknown>;
    const now = Date.now();
    const forged: [stamp: number, text: string][] = [
      [now, JSON.stringify({ ...message, i: '' })],
      [now, JSON.stringify({ ...message, i: 'x'.repeat(41) })],
      [now, text!.replace('{', '{"x":NaN,')],
      [now, text!.replace('"ms":', '"x":Infinity,"ms":')],
      [now, text!.replace(/"ms":\d+/, '"ms":0xEA60')],
      [now, `${text!} `],
      [now + 120_000, JSON.stringify({ ...message, ms: -60_000 })],
      [now + 61_000, JSON.stringify({ ...message, ms: 1 })],
      [now, JSON.stringify({ ...message, v: 2 })],
    ];
    for (const [stamp, value] of forged) {
      expect([value, await isLearned(`${String(stamp)} ${value}`, processes)]).toStrictEqual([value, true]);
    }
  });

  test('a late starter learns the longest of the waits of servers, where maxDuration is raised', async () => {
    const server = await serverOf(RedisServer.start());
    const long = () => share(clientOf(make(server)), 'app', 900_000);
    const [one, other] = [long(), long()];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    const field = /^(\S+)/;
    one.pool.cool('a', 60_000);
    await until(async () => (await server.cli('hlen', key)) === '1');
    const [, digest] = field.exec(await server.cli('hkeys', key))!;
    const told = (ms: number, id: string) =>
      `{"v":1,"i":"${id}","b":"${digest!}","r":"throttled","k":"asked","ms":${String(ms)}}`;
    one.transport.send(told(600_000, 'other.1'));
    await until(() => other.pool.snapshot()[0]!.cooldowns.some(({ reason }) => reason === 'throttled'));
    other.transport.send(told(30_000, 'other.2'));
    other.pool.cool('b', 60_000);
    await until(() => isOut(one.pool, 1));
    const late = long();
    await late.sharing.ready;
    expect(late.pool.snapshot()[0]!.cooldowns[0]!.remaining).toBeGreaterThan(500_000);
  });

  test('the hash expires with the longest cooldown, and is cleared if it has too many fields', async () => {
    const server = await serverOf(RedisServer.start());
    const one = share(clientOf(make(server)));
    await one.sharing.ready;
    one.pool.cool('a', 60_000);
    one.pool.cool('b', 1_000);
    await until(async () => (await server.cli('hlen', key)) === '2');
    expect(Number(await server.cli('pttl', key))).toBeGreaterThan(50_000);
    await server.cli('eval', `for i = 1, 6000 do redis.call('HSET', KEYS[1], i, i) end`, '1', key);
    const late = share(clientOf(make(server)));
    await late.sharing.ready;
    late.pool.cool('a', 120_000);
    await until(async () => (await server.cli('hlen', key)) === '1');
    await until(() => one.events.some((event) => 'remote' in event));
  });

  test('the same cooldown of many processes is published once', async () => {
    const server = await serverOf(RedisServer.start());
    const client = clientOf(make(server));
    const fleet = [1, 2, 3, 4, 5, 6].map(() => share(client));
    await Promise.all(fleet.map(({ sharing }) => sharing.ready));
    for (const { pool } of fleet) pool.cool('a', 10_000);
    await until(async () => (await server.cli('hlen', key)) === '1');
    const late = share(client);
    await late.sharing.ready;
    for (const { events } of fleet) expect(events.filter((event) => 'remote' in event).length).toBeLessThan(2);
  });
});

describe.each(Object.entries(CLUSTER_CLIENTS))('%s over a Cluster', (_name, make) => {
  test('shares cooldowns, and a late starter catches up', async () => {
    const { servers, close } = await startCluster();
    closings.push(close);
    const [one, other] = [share(clientOf(make(servers))), share(clientOf(make(servers)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 60_000);
    await until(() => isOut(other.pool));
    const late = share(clientOf(make(servers)));
    await late.sharing.ready;
    expect(isOut(late.pool)).toBe(true);
  });

  test('survives each node going down and coming back, one after the other, with requests running', async () => {
    const { servers, close } = await startCluster();
    closings.push(close);
    const [one, other] = [share(clientOf(make(servers))), share(clientOf(make(servers)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    const stopAsking = asking(one, other);
    for (const [i, server] of servers.entries()) {
      const scope = `deployment-${String(i)}`;
      await server.kill();
      one.pool.cool('a', 60_000, scope);
      await server.start();
      for (const each of servers) await until(async () => (await each.cli('cluster', 'info')).includes('state:ok'));
      // A message may be lost while the nodes find each other again. Then the load every 30 s brings it.
      await until(() => other.events.some((event) => 'scope' in event && event.scope === scope), 45_000);
    }
    expect(await stopAsking()).toBeGreaterThan(0);
  }, 200_000);
});

test.each(Object.entries(SENTINEL_CLIENTS))(
  '%s over Sentinel shares cooldowns, also after a replica has taken over',
  async (_name, make) => {
    const { main, port, close } = await startSentinel();
    closings.push(close);
    const [one, other] = [share(clientOf(make(port))), share(clientOf(make(port)))];
    await Promise.all([one.sharing.ready, other.sharing.ready]);
    one.pool.cool('a', 60_000);
    await until(() => isOut(other.pool));
    await main.kill();
    one.pool.cool('b', 60_000);
    await until(() => isOut(other.pool, 1), 45_000);
  },
  60_000,
);

test('ioredis with a keyPrefix shares with clients that have the same one', async () => {
  const server = await serverOf(RedisServer.start());
  const [one, other] = [share(clientOf(PREFIXED(server))), share(clientOf(PREFIXED(server)))];
  await Promise.all([one.sharing.ready, other.sharing.ready]);
  one.pool.cool('a', 60_000);
  await until(() => isOut(other.pool));
  const late = share(clientOf(PREFIXED(server)));
  await late.sharing.ready;
  expect(isOut(late.pool)).toBe(true);
  expect(await server.cli('keys', '*')).toBe('mine:axios-priority-adapter:{app}:cooldowns');
});

function fresh(i: number): string {
  const scope = `deployment-${String(i)}`;
  return JSON.stringify({ v: 1, i: `x.${String(i)}`, b: 'other', s: scope, r: 'manual', k: 'asked', ms: 60_000 });
}

test('a server that refuses to be written is reported once, until it no longer does', async () => {
  const server = await serverOf(RedisServer.start());
  const { client } = clientOf(CLIENTS['node-redis 6']!(server));
  const logged: string[] = [];
  const spies = (['error', 'info'] as const).map((name) =>
    jest.spyOn(console, name).mockImplementation(() => void logged.push(name)),
  );
  const { pool } = stubPool(backends);
  const sharing = shareCooldowns(pool, redisTransport(client, { prefix: 'app' }));
  closings.push(() => sharing.stop());
  await sharing.ready;
  const watcher = share(clientOf(CLIENTS['node-redis 6']!(server)));
  await watcher.sharing.ready;
  pool.cool('a', 60_000);
  await until(() => isOut(watcher.pool));
  await server.cli('config', 'set', 'min-replicas-to-write', '3');
  pool.cool('b', 60_000);
  await until(() => logged.length > 0);
  // Longer than it takes to load twice.
  await sleep(2500);
  expect(logged).toStrictEqual(['error']);
  expect(isOut(watcher.pool, 1)).toBe(false);
  await server.cli('config', 'set', 'min-replicas-to-write', '0');
  await until(() => isOut(watcher.pool, 1));
  await until(() => logged.length > 1);
  expect(logged).toStrictEqual(['error', 'info']);
  for (const spy of spies) spy.mockRestore();
});

test('a user that may not publish is reported once', async () => {
  const server = await serverOf(RedisServer.start());
  await server.cli('acl', 'setuser', 'shy', 'on', '>secret', '~*', '+@all', '-publish', '&*');
  const client = clientOf(AS_USER(server.url.replace('//', '//shy:secret@')));
  const one = share(client);
  await one.sharing.ready;
  one.pool.cool('a', 60_000);
  await until(() => one.errors.length > 2);
  expect(one.errors).not.toContain(undefined);
});

/** Two that share over a server that refuses to be written by now. */
async function twoOverRefusing() {
  const server = await serverOf(RedisServer.start());
  const one = share(clientOf(CLIENTS['node-redis 6']!(server)));
  const other = share(clientOf(CLIENTS['node-redis 6']!(server)));
  await Promise.all([one.sharing.ready, other.sharing.ready]);
  await server.cli('config', 'set', 'min-replicas-to-write', '3');
  return { server, one, other };
}

test('what ended while the server refused it is not told', async () => {
  const { server, one, other } = await twoOverRefusing();
  one.pool.cool('a', 60_000);
  one.pool.cool('b', 2000);
  await until(() => one.errors.length > 0);
  one.pool.restore('a');
  // The server still refuses after `b` is back.
  await until(() => !isOut(one.pool, 1) && one.errors.length > 2);
  expect(one.errors).not.toContain(undefined);
  await server.cli('config', 'set', 'min-replicas-to-write', '0');
  await until(() => one.errors.at(-1) === undefined);
  one.pool.cool('c', 60_000);
  await until(() => isOut(other.pool, 2));
  expect([isOut(other.pool), isOut(other.pool, 1)]).toStrictEqual([false, false]);
  expect(await server.cli('hlen', 'axios-priority-adapter:{app}:cooldowns')).toBe('1');
});

test('a refused message that is over does not keep the others from being told', async () => {
  const { server, one, other } = await twoOverRefusing();
  one.pool.cool('a', 300);
  await until(() => one.errors.length > 0);
  await server.cli('config', 'set', 'min-replicas-to-write', '0');
  await until(() => one.errors.at(-1) === undefined);
  one.pool.cool('b', 60_000);
  await until(() => isOut(other.pool, 1));
});

test('node-redis 4 in its legacy mode shares too', async () => {
  const server = await serverOf(RedisServer.start());
  const [one, other] = [share(clientOf(LEGACY(server))), share(clientOf(CLIENTS['node-redis 4']!(server)))];
  await Promise.all([one.sharing.ready, other.sharing.ready]);
  one.pool.cool('a', 60_000);
  await until(() => isOut(other.pool));
  other.pool.cool('b', 60_000);
  await until(() => isOut(one.pool, 1));
});

test.each(Object.entries(WITH_SOCKET_TIMEOUT))('%s with a socketTimeout stays subscribed', async (_, make) => {
  const server = await serverOf(RedisServer.start());
  const user = clientOf(make(server));
  const { errors, sharing } = share(user);
  await sharing.ready;
  // The user's own client is busy.
  const busy = setInterval(() => void user.run('PING'), 50);
  await sleep(1500);
  clearInterval(busy);
  expect(errors).toStrictEqual([]);
});
