/**
 * Worker threads that share their cooldowns over a BroadcastChannel. Tabs of a browser do it in the same way.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node workers.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import { once } from 'node:events';
import { Worker, isMainThread } from 'node:worker_threads';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { channelTransport, shareCooldowns } from 'axios-priority-adapter/sharing';

const { env } = process;
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);
const channel = new BroadcastChannel('cooldowns');
const sharing = shareCooldowns(adapter.pool, channelTransport(channel));
await sharing.ready; // a late starter knows what is in force

const { attempts } = await axios.post('/openai/v1/responses', { model: 'chat', input: 'Hello' }, { adapter });
const who = isMainThread ? 'the main thread' : 'the worker';
console.log(`${who} asked ${attempts.map(({ backend }) => backend).join(', then ')}`);

if (isMainThread) await once(new Worker(new URL(import.meta.url)), 'exit');
await sharing.stop();
channel.close();
