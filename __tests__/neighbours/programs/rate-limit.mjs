import axios from 'axios';
import rateLimit from 'axios-rate-limit';
import { adapter, print, tried } from './pool.mjs';

const client = rateLimit(axios.create({ adapter }), { maxRequests: 1, perMilliseconds: 1000 });
const began = performance.now();
const ms = [];
const send = async (n) => {
  const response = await client.post('/x', { n });
  ms.push(performance.now() - began);
  return tried(response);
};
print({ tried: await Promise.all([send(1), send(2)]), ms });
