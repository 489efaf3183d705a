/** 50 callers of a client while every backend refuses: with the client's own retries, or with the pool's waiting. */
import { createAzure } from '@ai-sdk/azure';
import { ChatOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai-7';
import OpenAI4 from 'openai-4';
import { priorityFetch } from 'axios-priority-adapter/fetch';

const [, , first, second, name, how] = process.argv;
const options = how === 'maxWait' ? { maxWait: 1500 } : {};
const fetch = priorityFetch([{ baseURL: first }, { baseURL: second, priority: 2 }], options);
const own = how === 'maxWait' ? { maxRetries: 0 } : {};
const baseURL = 'https://pool.invalid/openai/v1';

const CLIENTS = {
  openai: () => {
    const client = new OpenAI({ apiKey: 'unused', baseURL, fetch, ...own });
    return () => client.responses.create({ model: 'chat', input: 'Hello?' });
  },
  'openai-4': () => {
    const client = new OpenAI4({ apiKey: 'unused', baseURL, fetch, ...own });
    return () => client.chat.completions.create({ model: 'chat', messages: [] });
  },
  'the AI SDK': () => {
    const azure = createAzure({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch });
    return () => generateText({ model: azure('chat'), prompt: 'Hello?', ...own });
  },
  LangChain: () => {
    // The six retries that are its default take a minute.
    const { maxRetries = 2 } = own;
    const chat = new ChatOpenAI({ apiKey: 'unused', model: 'chat', configuration: { baseURL, fetch }, maxRetries });
    return () => chat.invoke('Hello?');
  },
};
const call = CLIENTS[name]();
const outcomes = Array.from({ length: 50 }, () =>
  call().then(
    () => 'answered',
    () => 'refused',
  ),
);
console.log(JSON.stringify(await Promise.all(outcomes)));
