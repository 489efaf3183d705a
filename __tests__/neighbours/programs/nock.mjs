import axios from 'axios';
import { adapter, print, tried } from './pool.mjs';

const [, , first, second, version] = process.argv;
const { default: nock } = await import(version);
nock.disableNetConnect();
const refusing = nock(first).post('/x', { n: 1 }).reply(429, {}, { 'retry-after-ms': '60000' });
const working = nock(second).post('/x', { n: 1 }).reply(200, { by: 'nock' });
const response = await axios.create({ adapter }).post('/x', { n: 1 });
print({ tried: tried(response), data: response.data, used: [refusing.isDone(), working.isDone()] });
