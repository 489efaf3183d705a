import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import nock from 'nock';
import { backends, print, tried } from './pool.mjs';

nock(backends[0].baseURL).post('/x').reply(429, '', { 'retry-after': '60' });
nock(backends[1].baseURL).post('/x', { a: 1 }).reply(200, { from: 'mock' });
const client = axios.create({ adapter: priorityAdapter(backends) });
const { data, attempts } = await client.post('/x', { a: 1 });
print({ data, tried: tried(attempts) });
