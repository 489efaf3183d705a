/**
 * A health endpoint. `GET /health` lists the backends, with status 200 if at least one is available and 503 if none is.
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node health.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. PORT is the port to listen on, 8080 by default.
 */
import { createServer } from 'node:http';
import axios from 'axios';
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';

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

const server = createServer(async (request, response) => {
  const send = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/health') {
    // A snapshot contains no secrets and can be serialised as it is.
    const backends = pool.snapshot();
    send(backends.some(({ state }) => state !== 'cooling') ? 200 : 503, { backends });
  } else {
    const body = { model: 'chat', input: 'Hello' };
    const { status, data } = await client.post('/openai/v1/responses', body, { validateStatus: () => true });
    send(status, data);
  }
});
server.listen(Number(env.PORT ?? 8080), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/health`),
);
