/** A process of a fleet, which `parts/fleets.mjs` starts. It ends with its parent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendPool } from 'axios-priority-adapter';
import { redisTransport, shareCooldowns } from 'axios-priority-adapter/sharing';
import { createClient } from 'redis-6';
import { chatting, LoopbackClients } from './clients.mjs';
import { seeded } from './random.mjs';

const { redis, seed } = JSON.parse(process.argv[2]);
const connection = createClient({ url: redis });
connection.on('error', (error) => console.error(error));
await connection.connect();

const ACTIONS = {
  /** Sends requests at random times, with a pool that is alone and with one that shares. */
  async load({ urls, ...how }) {
    const [alone, shared] = urls.map((each) => new LoopbackClients().ours(each, {}, (i) => ({ priority: i + 1 })));
    const sharing = share(shared.pool);
    await sharing.ready;
    const counts = await Promise.all([send(alone.client, how), send(shared.client, how)]);
    await sharing.stop();
    return counts;
  },

  /** Tells when it learns a cooldown. */
  async listen() {
    const pool = new BackendPool([{ name: 'backend', baseURL: 'https://backend.example' }]);
    pool.subscribe(({ type, scope, remote }) => {
      if (type === 'cooldown' && remote) process.send({ learned: scope, at: machineTime() });
    });
    await share(pool).ready;
    ACTIONS.cool = async ({ scope }) => {
      const at = machineTime();
      pool.cool('backend', 60_000, scope);
      return at;
    };
  },
};

process.on('message', async ({ action, ...how }) => process.send({ done: (await ACTIONS[action](how)) ?? action }));
process.on('disconnect', () => process.exit());
process.send({ done: 'ready' });

function share(pool) {
  return shareCooldowns(pool, redisTransport(connection, { prefix: 'bench' }));
}

async function send(client, { perSecond, ms }) {
  const request = chatting(client);
  const random = seeded(seed);
  const counts = { answers: 0, refused: 0 };
  const ask = async () => {
    const { attempts } = await request().catch((error) => {
      throw new Error(`this machine is too busy: ${error.message}`);
    });
    counts.answers++;
    counts.refused += attempts.filter(({ status }) => status === 429).length;
  };
  const running = [];
  const began = performance.now();
  for (let at = gap(random, perSecond); at < ms; at += gap(random, perSecond)) {
    await sleep(Math.max(0, began + at - performance.now()));
    running.push(ask());
  }
  await Promise.all(running);
  return counts;
}

function gap(random, perSecond) {
  return (-Math.log(1 - random()) * 1_000) / perSecond;
}

/** ms on the clock that all processes of the machine have in common. */
function machineTime() {
  return Number(process.hrtime.bigint()) / 1e6;
}
