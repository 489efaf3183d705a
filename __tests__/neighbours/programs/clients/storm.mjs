/** 50 callers of the official SDK while every backend refuses: with its own retries, or with the pool's waiting. */
import OpenAI from 'openai-7';
import { priorityFetch } from 'axios-priority-adapter/fetch';

const [, , first, second, how] = process.argv;
const options = how === 'maxWait' ? { maxWait: 1500 } : {};
const fetch = priorityFetch([{ baseURL: first }, { baseURL: second, priority: 2 }], options);
const own = how === 'maxWait' ? { maxRetries: 0 } : {};
const client = new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch, ...own });
const call = () => client.responses.create({ model: 'chat', input: 'Hello?' }).catch((error) => error.constructor.name);
console.log(JSON.stringify(await Promise.all(Array.from({ length: 50 }, call))));
