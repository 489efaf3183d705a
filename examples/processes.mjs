/**
 * Cluster workers that share their cooldowns, so that only one of them runs into each throttled backend.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node processes.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. Across machines, use a message broker in place of the primary process.
 */
import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;

function relayMessages() {
  cluster.on('message', (from, message) => {
    for (const worker of Object.values(cluster.workers)) if (worker !== from) worker.send(message);
  });
  for (let i = 0; i < 2; i++) cluster.fork();
}

async function work({ id }) {
  const adapter = priorityAdapter([
    { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
    {
      name: 'payg',
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
    },
  ]);
  // `cool` below causes an event with the reason `manual`, which is not sent on.
  adapter.pool.subscribe((event) => event.type === 'cooldown' && event.reason === 'throttled' && process.send(event));
  process.on('message', ({ backend, duration, scope }) => adapter.pool.cool(backend, duration, scope));

  await sleep(id * 500);
  const { attempts } = await axios.post('/openai/v1/responses', { model: 'chat', input: 'Hello' }, { adapter });
  console.log(`worker ${id} asked ${attempts.map(({ backend }) => backend).join(', then ')}`);
  await sleep(1_000); // gives the other worker time to use the shared cooldown
  process.disconnect();
}

if (cluster.isPrimary) relayMessages();
else await work(cluster.worker);
