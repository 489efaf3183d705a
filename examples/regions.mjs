/**
 * Regions with different deployment names and API versions for the same model.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node regions.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. The caller always asks for `gpt-4o`.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const client = axios.create({
  adapter: priorityAdapter([
    { name: 'eastus', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
    {
      name: 'westus',
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.openai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
      deployments: { 'gpt-4o': 'gpt-4o-west' },
      params: { 'api-version': '2024-06-01' },
    },
  ]),
});
const messages = [{ role: 'user', content: 'Hello' }];
const print = (what, { attempts }) => console.log(`${what}: ${attempts.map(({ backend }) => backend).join(' → ')}`);

// The deployment name can be in the path …
const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
print('in the path', await client.post(path, { messages }));
// … or in the body.
print('in the body', await client.post('/openai/v1/chat/completions', { model: 'gpt-4o', messages }));
