/**
 * Pins follow-up requests to the backend that made the response. A `previous_response_id` is known only to the resource that
 * made it. So are files, batches and threads.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node follow-ups.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { attemptsOf, priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const client = axios.create({
  adapter: priorityAdapter(
    [
      { name: 'east', baseURL: env.EASTUS_URL ?? 'https://payg-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
      { name: 'west', baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com', apiKey: env.WESTUS_KEY },
    ],
    // No other backend can answer a follow-up, so it waits for this one.
    { maxWait: 30_000 },
  ),
});

const first = await client.post('/openai/v1/responses', { model: 'chat', input: 'Name a colour.' });
const { backend } = attemptsOf(first).at(-1);
console.log(`the response ${first.data.id} lives in ${backend}`);

const followUp = { model: 'chat', input: 'And another one.', previous_response_id: first.data.id };
const second = await client.post('/openai/v1/responses', followUp, { failover: { backend } });
console.log(`the follow-up went to ${attemptsOf(second).at(-1).backend}`);
