/**
 * Uses OpenAI itself as the last resort behind Azure. The path prefix belongs to the backend (`/openai/v1` on Azure, `/v1` at
 * OpenAI), so your code asks for `/responses` alone.
 *
 *     EASTUS_KEY=… OPENAI_KEY=… node openai-last.mjs
 *
 * EASTUS_URL and OPENAI_URL set other hosts.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { EASTUS_URL = 'https://ptu-eastus.openai.azure.com', EASTUS_KEY } = process.env;
const { OPENAI_URL = 'https://api.openai.com', OPENAI_KEY } = process.env;
if (!OPENAI_KEY) throw new Error('set OPENAI_KEY');

const client = axios.create({
  params: { 'api-version': 'preview' },
  adapter: priorityAdapter([
    { name: 'azure', baseURL: `${EASTUS_URL}/openai/v1`, apiKey: EASTUS_KEY },
    {
      name: 'openai',
      baseURL: `${OPENAI_URL}/v1`,
      priority: 2,
      // OpenAI takes its key as a bearer token.
      headers: { authorization: `Bearer ${OPENAI_KEY}` },
      // OpenAI knows no api-version. null removes the caller's.
      params: { 'api-version': null },
      // Azure names deployments, OpenAI models.
      deployments: { chat: 'gpt-5-mini' },
    },
  ]),
});

const { attempts } = await client.post('/responses', { model: 'chat', input: 'Hello' });
for (const { backend, status } of attempts) console.log(`${backend}: ${status}`);
