/**
 * A streamed chat completion. A refusal fails over before the first word, and each word is printed as it arrives.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node streaming.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const client = axios.create({
  adapter: priorityAdapter(
    [
      { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
      {
        name: 'payg',
        baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
        apiKey: env.WESTUS_KEY,
        priority: 2,
      },
    ],
    { attemptTimeout: 10_000 }, // ms until the response has to start; the stream itself may take longer
  ),
});

const url = '/openai/v1/chat/completions';
const body = { model: 'chat', stream: true, messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
const { data, attempts } = await client.post(url, body, { responseType: 'stream' });
console.log(`${attempts.at(-1).backend} streams:`);
let rest = '';
for await (const chunk of data.setEncoding('utf8')) {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    if (!line.startsWith('data: {')) continue; // blank lines between events, and `data: [DONE]` at the end
    const { choices } = JSON.parse(line.slice('data: '.length));
    process.stdout.write(choices[0]?.delta?.content ?? '');
  }
}
console.log();
