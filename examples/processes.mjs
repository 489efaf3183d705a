/**
 * Workers of a cluster that tell each other who is throttled, so that only one of them has to find out.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node examples/processes.mjs
 *
 * The hosts are those of EASTUS_URL and WESTUS_URL. Over machines, a message broker does what the primary does here.
 */
import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;

function beMessenger() {
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
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.openai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
    },
  ]);
  // What `cool` does here is an event of its own, `manual`, and is not told again.
  adapter.pool.subscribe((event) => event.type === 'cooldown' && event.reason === 'throttled' && process.send(event));
  process.on('message', ({ backend, duration, scope }) => adapter.pool.cool(backend, duration, scope));

  await sleep(id * 500);
  const url = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
  const { attempts } = await axios.post(url, { messages: [] }, { adapter });
  console.log(`worker ${id} asked ${attempts.map(({ backend }) => backend).join(', then ')}`);
  await sleep(1_000); // the other may need what this one knows
  process.disconnect();
}

if (cluster.isPrimary) beMessenger();
else await work(cluster.worker);
