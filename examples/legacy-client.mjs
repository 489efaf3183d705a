/**
 * Runs the openai 3.x client over several backends. It is built on axios and takes the adapter in `baseOptions`.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node legacy-client.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. (From 4.0 on, the client uses fetch instead of axios.)
 */
import { attemptsOf, priorityAdapter } from 'axios-priority-adapter';
import { Configuration, OpenAIApi } from 'openai-3'; // npm:openai@3.3.0

const { env } = process;
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);
const configuration = new Configuration({
  basePath: 'https://pool.invalid/openai/v1', // the host is never used: each backend has its own
  baseOptions: { adapter },
});
const openai = new OpenAIApi(configuration);

const answer = await openai.createChatCompletion({
  model: 'chat',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});
console.log(`${attemptsOf(answer).at(-1).backend} says: ${answer.data.choices[0].message.content}`);
