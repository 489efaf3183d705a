/**
 * Processes on any machine that share their cooldowns over Redis. Run it twice within a minute: the second one knows what the
 * first one learned.
 *
 *     REDIS_URL=redis://localhost:6379 EASTUS_KEY=… WESTUS_KEY=… node redis.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { redisTransport, shareCooldowns } from 'axios-priority-adapter/sharing';
import { createClient } from 'redis';

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
const client = createClient({ url: env.REDIS_URL ?? 'redis://localhost:6379' });
client.on('error', (error) => console.error('Redis:', error.message));
await client.connect();
const sharing = shareCooldowns(adapter.pool, redisTransport(client, { prefix: 'my-app' }));
await sharing.ready; // a server would not wait for this

const { attempts } = await axios.post('/openai/v1/responses', { model: 'chat', input: 'Hello' }, { adapter });
console.log(`asked ${attempts.map(({ backend }) => backend).join(', then ')}`);

await sharing.stop();
await client.quit();
