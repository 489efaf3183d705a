/**
 * Azure's Responses API may answer 200 and then refuse inside the stream. The pool reads the first events, so the official
 * SDK never sees such a refusal. This program logs them.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node stream-refusals.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import OpenAI from 'openai';
import { defaultFailoverCondition, priorityFetch } from 'axios-priority-adapter/fetch';

const { env } = process;
const fetch = priorityFetch(
  [
    { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
    {
      name: 'payg',
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
    },
  ],
  {
    attemptTimeout: 10_000, // ms until the first meaningful event: a first-token timeout
    failoverCondition(failure) {
      const { backend, status, streamError } = failure;
      if (streamError) console.log(`${backend.name} refused in its stream: ${streamError.code}, like a ${status}`);
      return defaultFailoverCondition(failure);
    },
  },
);
const client = new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch, maxRetries: 0 });

for await (const event of await client.responses.create({ model: 'chat', input: 'Hello', stream: true }))
  if (event.type === 'response.output_text.delta') process.stdout.write(event.delta);
console.log();
