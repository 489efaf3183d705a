import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as redis6 from 'redis-6';
import { processTransport, redisTransport, shareCooldowns } from '../../src/sharing';
import type { Transport } from '../../src/sharing';
import { RedisServer } from '../support/redis';
import { stubPool } from '../support/stub-pool';

/** ms of a cooldown that is told while a process is stopped, and for how long it is stopped after that */
const COOLDOWN = 8_000;
const STOPPED = 4_000;

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function start(...args: string[]): ChildProcess {
  const child = fork(join(__dirname, 'process.mjs'), args, { execArgv: [] });
  running.push(child);
  return child;
}

async function heardBy<T>(child: ChildProcess, field: string): Promise<T> {
  for await (const [message] of on(child, 'message') as AsyncIterable<[Record<string, T>]>)
    if (Object.hasOwn(message, field)) return message[field]!;
  throw new Error('no message');
}

/** A process that was stopped applies what was left of a cooldown, not the whole of it again. */
async function expectTheRestAlone(child: ChildProcess, transport: Transport): Promise<void> {
  const { pool } = stubPool({ a: {}, b: { priority: 2 } });
  const sharing = shareCooldowns(pool, transport);
  child.kill('SIGSTOP');
  pool.cool('a', COOLDOWN);
  await sleep(STOPPED);
  const learned = heardBy<number>(child, 'remaining');
  child.kill('SIGCONT');
  const remaining = await learned;
  expect(remaining).toBeLessThan(COOLDOWN - STOPPED + 200);
  expect(remaining).toBeGreaterThan(0);
  const ended = once(child, 'exit');
  const asked = heardBy<number>(child, 'asked');
  child.send('stop');
  expect(await asked).toBeGreaterThan(0);
  expect((await ended)[0]).toBe(0);
  await sharing.stop();
}

test('a process that was stopped and continued learns what is left of a cooldown, over Redis', async () => {
  const server = await RedisServer.start();
  const client = redis6.createClient({ url: server.url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const child = start('redis', server.url);
    await heardBy(child, 'ready');
    await expectTheRestAlone(child, redisTransport(client, { prefix: 'app' }));
  } finally {
    client.destroy();
    await server.close();
  }
});

test('a process that was stopped and continued learns what is left of a cooldown, over IPC', async () => {
  const child = start('ipc');
  const ready = heardBy(child, 'ready');
  const transport = processTransport({ children: [child] });
  await ready;
  await expectTheRestAlone(child, transport);
});
