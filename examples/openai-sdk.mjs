/**
 * Runs the official openai SDK over several backends, as `OpenAI` and as `AzureOpenAI`.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node openai-sdk.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import { attemptsOf, priorityFetch } from 'axios-priority-adapter/fetch';
import OpenAI, { AzureOpenAI } from 'openai';

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

// The pool waits for a backend, so the SDK's own retries are off. An attempt that hangs goes to the next backend.
const fetch = priorityFetch(backends, { maxWait: 20_000, attemptTimeout: 60_000 });
// The host and the key are placeholders: the pool replaces them with those of a backend.
const client = new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch, maxRetries: 0 });

const asked = client.responses.create({ model: 'chat', input: 'Why is the sky blue?' });
const { data, response } = await asked.withResponse();
const { backend } = attemptsOf(response).at(-1);
console.log(`${backend} says: ${data.output_text}`);

// A follow-up goes to the backend that made the response.
const more = { model: 'chat', input: 'And at night?', previous_response_id: data.id };
// (The SDK's types don't know `failover`. In TypeScript, write `as object` after it.)
/** @type {object} */
const fetchOptions = { failover: { backend } };
const followUp = await client.responses.create(more, { fetchOptions });
console.log(`and: ${followUp.output_text}`);

// AzureOpenAI names the deployment in the path. It shares the pool.
const azure = new AzureOpenAI({ apiKey: 'unused', endpoint: 'https://pool.invalid', apiVersion: '2024-10-21', fetch });
const { choices } = await azure.chat.completions.create({
  model: 'chat',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});
console.log(`AzureOpenAI: ${choices[0].message.content}`);
