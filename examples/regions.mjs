/**
 * Regions with different deployment names for the same model.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node regions.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. The caller always asks for `chat`.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const client = axios.create({
  adapter: priorityAdapter([
    { name: 'eastus', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
    {
      name: 'westus',
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
      deployments: { chat: 'chat-west' },
    },
  ]),
});
const messages = [{ role: 'user', content: 'Hello' }];
const print = (what, { attempts }) => console.log(`${what}: ${attempts.map(({ backend }) => backend).join(' → ')}`);

// The deployment's name can be in the body …
print('in the body', await client.post('/openai/v1/chat/completions', { model: 'chat', messages }));
// … or in the path, as in requests of the older form.
const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21';
print('in the path', await client.post(path, { messages }));
