import axios from 'axios';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { adapter, print, tried } from './pool.mjs';

const [, , first, second] = process.argv;
const server = setupServer(
  http.post(`${first}/x`, () => HttpResponse.json({}, { status: 429, headers: { 'retry-after-ms': '60000' } })),
  http.post(`${second}/x`, async ({ request }) => HttpResponse.json({ by: 'msw', got: await request.json() })),
);
server.listen({ onUnhandledRequest: 'error' });
const response = await axios.create({ adapter }).post('/x', { n: 1 });
server.close();
print({ tried: tried(response), data: response.data });
