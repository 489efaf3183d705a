// Both copies of the package in one process, over one pool: what a client of one has learnt, the other knows.
import { createRequire } from 'node:module';
import axios from 'axios';
import * as esm from 'axios-priority-adapter';

const require = createRequire(import.meta.url);
const commonAxios = require('axios');
const cjs = require('axios-priority-adapter');

const [, , first, second] = process.argv;
const backends = [
  { baseURL: first, name: 'first' },
  { baseURL: second, name: 'second', priority: 2 },
];
const tried = [];
for (const { BackendPool } of [esm, cjs]) {
  const pool = new BackendPool(backends);
  const clients = [
    axios.create({ adapter: esm.priorityAdapter(pool) }),
    commonAxios.create({ adapter: cjs.priorityAdapter(pool) }),
  ];
  for (const client of clients) {
    const { attempts } = await client.get('/x');
    tried.push(attempts.map(({ backend }) => backend).join(' '));
  }
}
console.log(JSON.stringify({ copies: esm.BackendPool !== cjs.BackendPool && axios !== commonAxios, tried }));
