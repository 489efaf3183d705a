/** LangChain over a pool whose first backend throttles. */
import { AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { priorityFetch } from 'axios-priority-adapter/fetch';

const [, , first, second] = process.argv;

function fetchOf() {
  const fetch = priorityFetch([
    { baseURL: first, name: 'first', apiKey: 'key-1' },
    { baseURL: second, name: 'second', priority: 2, apiKey: 'key-2' },
  ]);
  const tried = [];
  fetch.pool.subscribe(
    (event) => event.type === 'attempt' && tried.push(`${event.backend} ${event.status ?? event.code}`),
  );
  return { tried, configuration: { baseURL: 'https://pool.invalid/openai/v1', fetch } };
}

const common = { apiKey: 'unused', maxRetries: 0 };
const calls = {
  invoke: async (configuration) =>
    (await new ChatOpenAI({ ...common, model: 'chat', configuration }).invoke('Hello?')).content,
  stream: async (configuration) => {
    let text = '';
    for await (const { content } of await new ChatOpenAI({ ...common, model: 'chat', configuration }).stream('Hello?'))
      text += content;
    return text;
  },
  embeddings: (configuration) =>
    new OpenAIEmbeddings({ ...common, model: 'embeddings', configuration }).embedQuery('Hello'),
  azure: async ({ fetch }) => {
    const azure = {
      azureOpenAIApiKey: 'unused',
      azureOpenAIApiDeploymentName: 'chat',
      azureOpenAIApiVersion: '2024-10-21',
      azureOpenAIEndpoint: 'https://pool.invalid',
    };
    return (await new AzureChatOpenAI({ ...azure, maxRetries: 0, configuration: { fetch } }).invoke('Hello?')).content;
  },
};
const result = {};
for (const [name, call] of Object.entries(calls)) {
  const { configuration, tried } = fetchOf();
  result[name] = [tried, await call(configuration)];
}
console.log(JSON.stringify(result));
