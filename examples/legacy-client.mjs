/**
 * Runs the openai 3.x client over several backends. It is built on axios and accepts your own instance.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node legacy-client.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. (From 4.0 on, the client uses fetch instead of axios.)
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { Configuration, OpenAIApi } from 'openai-3'; // npm:openai@3.3.0

const { env } = process;
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.openai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);
const configuration = new Configuration({
  apiKey: 'unused', // each backend has its own key
  basePath: 'https://pool.invalid/openai/deployments/gpt-4o', // replaced by the backend's origin
  baseOptions: { params: { 'api-version': '2024-10-21' } },
});
const openai = new OpenAIApi(configuration, undefined, axios.create({ adapter }));

const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
const { data, attempts } = await openai.createChatCompletion({ model: 'gpt-4o', messages });
console.log(`${attempts.at(-1).backend} says: ${data.choices[0].message.content}`);
