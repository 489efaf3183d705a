import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { backends, print, tried } from './pool.mjs';

const server = setupServer(
  http.post(`${backends[0].baseURL}/x`, () => new HttpResponse('', { status: 429, headers: { 'retry-after': '60' } })),
  http.post(`${backends[1].baseURL}/x`, async ({ request }) => {
    const { a } = await request.json();
    return HttpResponse.json({ from: a === 1 ? 'mock' : 'nothing' });
  }),
);
server.listen({ onUnhandledRequest: 'error' });
const client = axios.create({ adapter: priorityAdapter(backends) });
const { data, attempts } = await client.post('/x', { a: 1 });
print({ data, tried: tried(attempts) });
server.close();
