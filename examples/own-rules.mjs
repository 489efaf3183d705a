/**
 * Your own rules for when to fail over, how long a cooldown lasts, and which backend to use.
 *
 *     WESTUS_KEY=… SWEDEN_KEY=… node own-rules.mjs
 *
 * WESTUS_URL and SWEDEN_URL set other hosts.
 */
import axios from 'axios';
import { affinity, defaultFailoverCondition, priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter(
  [
    { name: 'westus', baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com', apiKey: env.WESTUS_KEY },
    { name: 'sweden', baseURL: env.SWEDEN_URL ?? 'https://payg-sweden.services.ai.azure.com', apiKey: env.SWEDEN_KEY },
  ],
  {
    // A user stays on one backend, which makes use of its prompt cache.
    selector: affinity((config) => config.headers['x-user']),
    // A 404 fails over too: this deployment is missing in one region …
    failoverCondition: (failure) => defaultFailoverCondition(failure) || failure.status === 404,
    // … and that region is then skipped for a minute. `undefined` keeps the default for everything else.
    cooldown: ({ status }) => (status === 404 ? 60_000 : undefined),
  },
);
const client = axios.create({ adapter });

const url = '/openai/v1/chat/completions';
for (const user of ['ada', 'ada', 'grace', 'grace', 'mary', 'mary']) {
  const { attempts } = await client.post(url, { model: 'chat', messages: [] }, { headers: { 'x-user': user } });
  console.log(`${user}: ${attempts.map(({ backend, status }) => `${backend} ${status}`).join(' → ')}`);
}
