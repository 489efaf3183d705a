/**
 * Rules of your own: who moves on, for how long a backend is left alone, and who is asked.
 *
 *     WESTUS_KEY=… SWEDEN_KEY=… node examples/own-rules.mjs
 *
 * The hosts are those of WESTUS_URL and SWEDEN_URL.
 */
import axios from 'axios';
import { affinity, defaultFailoverCondition, priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter(
  [
    { name: 'westus', baseURL: env.WESTUS_URL ?? 'https://payg-westus.openai.azure.com', apiKey: env.WESTUS_KEY },
    { name: 'sweden', baseURL: env.SWEDEN_URL ?? 'https://payg-sweden.openai.azure.com', apiKey: env.SWEDEN_KEY },
  ],
  {
    // The same user stays with the same backend, for its prompt cache.
    selector: affinity((config) => config.headers['x-user']),
    // A deployment that is missing in one region moves on too …
    failoverCondition: (failure) => defaultFailoverCondition(failure) || failure.status === 404,
    // … and isn't asked for there again within a minute. For the rest the rule stays as it is.
    cooldown: ({ status }) => (status === 404 ? 60_000 : undefined),
  },
);
const client = axios.create({ adapter });

const url = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
for (const user of ['ada', 'ada', 'grace', 'grace', 'mary', 'mary']) {
  const { attempts } = await client.post(url, { messages: [] }, { headers: { 'x-user': user } });
  console.log(`${user}: ${attempts.map(({ backend, status }) => `${backend} ${status}`).join(' → ')}`);
}
