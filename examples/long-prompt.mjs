/**
 * Sends a prompt that is too long for the usual deployment to one with a larger context. No backend goes on cooldown, since
 * the prompt is at fault.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node long-prompt.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { defaultFailoverCondition, isContextLengthExceeded, priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter(
  [
    { name: 'usual', baseURL: env.EASTUS_URL ?? 'https://payg-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
    {
      name: 'large context',
      baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
      apiKey: env.WESTUS_KEY,
      priority: 2,
      deployments: { chat: 'chat-large-context' },
    },
  ],
  { failoverCondition: (failure) => defaultFailoverCondition(failure) || isContextLengthExceeded(failure) },
);
const client = axios.create({ adapter });

const { attempts } = await client.post('/openai/v1/responses', { model: 'chat', input: 'A very long text …' });
for (const { backend, status } of attempts) console.log(`${backend}: ${status}`);
console.log(adapter.pool.snapshot().every(({ available }) => available) ? 'no cooldown' : 'a cooldown');
