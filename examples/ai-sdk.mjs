/**
 * Runs the AI SDK over several backends.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node ai-sdk.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import { createAzure } from '@ai-sdk/azure';
import { streamText } from 'ai';
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
const azure = createAzure({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch });

// The pool waits for a backend, so the SDK's own retries are off.
const { textStream } = streamText({ model: azure('chat'), prompt: 'Why is the sky blue?', maxRetries: 0 });
for await (const text of textStream) process.stdout.write(text);
console.log();
for (const { name, successes } of fetch.pool.backends) console.log(`${name} answered ${successes}`);
