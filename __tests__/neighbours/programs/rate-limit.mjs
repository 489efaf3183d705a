import axios from 'axios';
import rateLimit from 'axios-rate-limit';
import { priorityAdapter } from 'axios-priority-adapter';
import { backends, print, tried } from './pool.mjs';

const client = rateLimit(axios.create({ adapter: priorityAdapter(backends) }), {
  maxRequests: 5,
  perMilliseconds: 100,
});
const { data, attempts } = await client.post('/x', { a: 1 });
print({ data, tried: tried(attempts) });
process.exit();
