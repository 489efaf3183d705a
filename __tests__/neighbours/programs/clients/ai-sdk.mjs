/** The AI SDK over a pool whose first backend throttles. */
import { createAzure } from '@ai-sdk/azure';
import { embed, generateText, streamText } from 'ai';
import { priorityFetch } from 'axios-priority-adapter/fetch';

const [, , first, second] = process.argv;

function azureOf() {
  const fetch = priorityFetch([
    { baseURL: first, name: 'first', apiKey: 'key-1' },
    { baseURL: second, name: 'second', priority: 2, apiKey: 'key-2' },
  ]);
  const tried = [];
  fetch.pool.subscribe(
    (event) => event.type === 'attempt' && tried.push(`${event.backend} ${event.status ?? event.code}`),
  );
  return { tried, azure: createAzure({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch }) };
}

const prompt = 'Hello?';
const calls = {
  generate: async (azure) => (await generateText({ model: azure('chat'), prompt })).text,
  'generate chat': async (azure) => (await generateText({ model: azure.chat('chat'), prompt })).text,
  stream: async (azure) => {
    let text = '';
    for await (const part of streamText({ model: azure('chat'), prompt }).textStream) text += part;
    return text;
  },
  embed: async (azure) => (await embed({ model: azure.textEmbeddingModel('embeddings'), value: 'Hello' })).embedding,
  abort: (azure) =>
    generateText({ model: azure('slow'), prompt, abortSignal: AbortSignal.timeout(500) }).then(
      () => 'answered',
      (error) => error.name,
    ),
};
const result = {};
for (const [name, call] of Object.entries(calls)) {
  const { azure, tried } = azureOf();
  result[name] = [tried, await call(azure)];
}
console.log(JSON.stringify(result));
