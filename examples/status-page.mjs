/**
 * A live page that shows the backends, mounted in an Express application below `/status`. It has no login, so it listens on
 * the loopback interface here; put it behind your own login elsewhere. `GET /chat` sends a request.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node status-page.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. PORT is the port to listen on, 8080 by default.
 */
import axios from 'axios';
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';
import { statusPage } from 'axios-priority-adapter/status-page';
import express from 'express';

const { env } = process;
const pool = new BackendPool([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);
const client = axios.create({ adapter: priorityAdapter(pool) });

const app = express();
app.use('/status', statusPage(pool, { title: 'Chat backends' }));
app.get('/chat', async (request, response) => {
  const question = { model: 'chat', input: 'Hello' };
  const { status, data } = await client.post('/openai/v1/responses', question, { validateStatus: () => true });
  response.status(status).json(data);
});
const server = app.listen(Number(env.PORT ?? 8080), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/status/`),
);
// Open pages don't keep the server from closing, nor the process from ending.
process.once('SIGTERM', () => server.close());
