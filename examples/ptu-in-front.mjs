/**
 * Uses a reserved deployment (PTU) first. Two pay-as-you-go deployments take the overflow.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… SWEDEN_KEY=… node ptu-in-front.mjs
 *
 * EASTUS_URL, WESTUS_URL and SWEDEN_URL set other hosts. The program asks ten questions at once, and prints the attempts of each
 * one and how many questions each backend answered.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  // The same priority: these two share the overflow, two to one.
  {
    name: 'payg-westus',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
    weight: 2,
  },
  {
    name: 'payg-sweden',
    baseURL: env.SWEDEN_URL ?? 'https://payg-sweden.services.ai.azure.com',
    apiKey: env.SWEDEN_KEY,
    priority: 2,
  },
]);
const client = axios.create({ adapter });

async function ask(input) {
  const { attempts } = await client.post('/openai/v1/responses', { model: 'chat', input });
  console.log(`${input} ${attempts.map(({ backend, status }) => `${backend}: ${status}`).join(' → ')}`);
}

await Promise.all(Array.from({ length: 10 }, (_, i) => ask(`What is ${i} squared?`)));
for (const { name, successes } of adapter.pool.snapshot()) console.log(`${name} answered ${successes}`);
