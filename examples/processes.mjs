/**
 * Cluster workers that share their cooldowns, so that only one of them runs into each throttled backend.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node processes.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. For several machines, see redis.mjs.
 */
import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { processTransport, shareCooldowns } from 'axios-priority-adapter/sharing';

const { env } = process;

function startWorkers() {
  processTransport(); // relays between the workers
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
  const sharing = shareCooldowns(adapter.pool, processTransport());

  await sleep(id * 500);
  const { attempts } = await axios.post('/openai/v1/responses', { model: 'chat', input: 'Hello' }, { adapter });
  console.log(`worker ${id} asked ${attempts.map(({ backend }) => backend).join(', then ')}`);
  await sharing.stop();
  process.disconnect();
}

if (cluster.isPrimary) startWorkers();
else await work(cluster.worker);
