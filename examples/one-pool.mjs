/**
 * Shares one pool between an axios client and the official SDK: what one of them learns, the other knows.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node one-pool.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { BackendPool, attemptsOf, priorityAdapter } from 'axios-priority-adapter';
import { priorityFetch } from 'axios-priority-adapter/fetch';
import OpenAI from 'openai';

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

const pool = new BackendPool(backends);
const client = axios.create({ adapter: priorityAdapter(pool) });
const openai = new OpenAI({
  apiKey: 'unused',
  baseURL: 'https://pool.invalid/openai/v1',
  fetch: priorityFetch(pool),
  maxRetries: 0,
});
const tried = (value) =>
  attemptsOf(value)
    .map(({ backend, status }) => `${backend} ${status}`)
    .join(', ');

const body = { model: 'chat', input: 'Hello' };
console.log(`axios: ${tried(await client.post('/openai/v1/responses', body))}`);
const { response } = await openai.responses.create(body).withResponse();
console.log(`openai: ${tried(response)}`);
