/**
 * Runs LangChain over several backends.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node langchain.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import { ChatOpenAI } from '@langchain/openai';
import { priorityFetch } from 'axios-priority-adapter/fetch';

const { env } = process;
const backends = [
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
];

const fetch = priorityFetch(backends, { maxWait: 20_000 });
const configuration = { baseURL: 'https://pool.invalid/openai/v1', fetch };
// LangChain retries six times by itself. Here the pool waits instead.
const model = new ChatOpenAI({ apiKey: 'unused', model: 'chat', configuration, maxRetries: 0 });

const { content } = await model.invoke('Why is the sky blue?');
console.log(content);
for (const { name, successes } of fetch.pool.backends) console.log(`${name} answered ${successes}`);
