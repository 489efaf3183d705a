/**
 * Uses a reserved (PTU) and a pay-as-you-go deployment of ONE resource. Both backends have the same address, so each needs a
 * name of its own. `deployments` says what each calls the deployment that your code asks for.
 *
 *     EASTUS_KEY=… node one-resource.mjs
 *
 * EASTUS_URL sets another host.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { EASTUS_URL = 'https://ptu-eastus.openai.azure.com', EASTUS_KEY } = process.env;
const resource = { baseURL: EASTUS_URL, apiKey: EASTUS_KEY };
const client = axios.create({
  adapter: priorityAdapter([
    { ...resource, name: 'reserved', priority: 1, deployments: { chat: 'chat-reserved' } },
    { ...resource, name: 'pay-as-you-go', priority: 2, deployments: { chat: 'chat-standard' } },
  ]),
});

const { attempts } = await client.post('/openai/v1/responses', { model: 'chat', input: 'Hello' });
for (const { backend, scope, status } of attempts) console.log(`${backend} (${scope}): ${status}`);
