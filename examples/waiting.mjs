/**
 * Waits for a backend to become available instead of failing. This suits background jobs, which have time.
 *
 *     EASTUS_KEY=… node waiting.mjs
 *
 * EASTUS_URL sets another host.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;
const adapter = priorityAdapter(
  [{ name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY }],
  { maxWait: 20_000 }, // ms that a request may wait in total
);
adapter.pool.subscribe((event) => {
  if (event.type === 'waiting') console.log(`waiting for ${Math.round(event.duration)} ms`);
});
const client = axios.create({ adapter, timeout: 60_000 }); // ms for all attempts and waits together

const url = '/openai/v1/responses';
const body = { model: 'chat', input: 'Hello' };
const { attempts } = await client.post(url, body);
console.log(`answered after ${attempts.length} attempts`);

// An interactive request should not wait: it gets the 429 at once.
try {
  await client.post(url, body, { failover: { maxWait: 0 } });
  console.log('answered at once');
} catch (error) {
  const { status, headers, fabricated } = error.response ?? {};
  if (!fabricated) throw error;
  console.log(`refused at once: ${status}, retry in ${headers['retry-after-ms']} ms`);
}
