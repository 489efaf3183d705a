/** CommonJS, and no axios in the project. */
const { priorityFetch, BackendPool } = require('axios-priority-adapter/fetch');
const { OpenAI } = require('openai-7');

const [, , first, second] = process.argv;
const pool = new BackendPool([
  { baseURL: first, name: 'first' },
  { baseURL: second, name: 'second', priority: 2 },
]);
const fetch = priorityFetch(pool);
const client = new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch });
let hasAxios = true;
try {
  require('axios');
} catch {
  hasAxios = false;
}
client.responses
  .create({ model: 'chat', input: 'Hello?' })
  .then(({ output_text: text }) =>
    console.log(JSON.stringify({ text, hasAxios, answered: pool.backends[1].successes })),
  );
