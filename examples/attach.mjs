/**
 * Adds failover to an existing instance, which keeps its base URL, headers and interceptors. Then removes it again.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node attach.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { attachPriorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const eastus = env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com';
const westus = env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com';

// The existing instance:
const client = axios.create({ baseURL: `${eastus}/openai/v1`, headers: { 'api-key': env.EASTUS_KEY } });
client.interceptors.request.use((config) => {
  config.headers.set('x-ms-client-request-id', crypto.randomUUID());
  return config;
});

const { pool, detach } = attachPriorityAdapter(client, [
  { name: 'eastus', baseURL: eastus, apiKey: env.EASTUS_KEY },
  { name: 'westus', baseURL: westus, apiKey: env.WESTUS_KEY, priority: 2 },
]);
const { attempts } = await client.get('/models');
console.log(`attached: ${attempts.map(({ backend, status }) => `${backend} ${status}`).join(' → ')}`);
for (const { name, state } of pool.snapshot()) console.log(`${name} is ${state}`);

detach();
const { status } = await client.get('/models', { validateStatus: null });
console.log(`detached: ${status} straight from the base URL`);
