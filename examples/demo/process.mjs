/** A process that `processes.mjs` starts. It sends requests with a pool that is alone, and with one that shares its cooldowns. */
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { processTransport, redisTransport, shareCooldowns } from 'axios-priority-adapter/sharing';
import { createClient } from 'redis';

const { REDIS_URL } = process.env;
const connection = createClient({ url: REDIS_URL, socket: { reconnectStrategy: false } });

async function transportOf() {
  if (!REDIS_URL) return processTransport();
  connection.on('error', () => undefined);
  try {
    await connection.connect();
  } catch (error) {
    console.error(`Redis: ${error.message}`);
    process.exit(1);
  }
  return redisTransport(connection, { prefix: 'axios-priority-adapter-demo' });
}

async function send(adapter, { url, gap, duration }) {
  const counts = { answered: 0, refused: 0, lost: 0 };
  const ask = async () => {
    const response = await axios
      .post(url, { messages: [{ role: 'user', content: 'Why?' }] }, { adapter })
      .catch(() => undefined);
    if (response?.status === 200) counts.answered++;
    else counts.lost++;
    counts.refused += (response?.attempts ?? []).filter(({ status }) => status === 429).length;
  };
  const running = [];
  const end = performance.now() + duration;
  while (performance.now() < end) {
    // At random times, as users come.
    await sleep(-Math.log(1 - Math.random()) * gap);
    running.push(ask());
  }
  await Promise.all(running);
  return counts;
}

process.on('message', async ({ start }) => {
  if (start === undefined) return;
  const [alone, together] = start.backends.map((backends) => priorityAdapter(backends));
  const sharing = shareCooldowns(together.pool, transport);
  await sharing.ready;
  const counts = await Promise.all([send(alone, start), send(together, start)]);
  await sharing.stop();
  if (connection.isOpen) await connection.quit();
  process.send({ counts }, () => process.disconnect());
});

const transport = await transportOf();
process.send({ isReady: true });
