/**
 * Caches responses above the pool: a response from the cache costs no attempt, and it counts whichever backend made it.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node cache.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter([
  { name: 'east', baseURL: env.EASTUS_URL ?? 'https://payg-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'west',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);
// The same text always has the same embedding.
const client = setupCache(axios.create({ adapter }), { methods: ['post'], ttl: 24 * 60 * 60 * 1000 });

for (const input of ['Hello', 'Hello', 'Goodbye']) {
  const { cached } = await client.post('/openai/v1/embeddings', { model: 'embeddings', input });
  console.log(`${input}: ${cached ? 'from the cache' : 'from a backend'}`);
}
const attempts = adapter.pool.backends.reduce((sum, { successes, failures }) => sum + successes + failures, 0);
console.log(`${attempts} attempts`);
