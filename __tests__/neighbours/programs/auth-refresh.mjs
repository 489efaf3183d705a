import axios from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import { adapter, print, tried } from './pool.mjs';

const client = axios.create({ adapter, headers: { authorization: 'Bearer old' } });
const refused = [];
createAuthRefresh(client, async (error) => {
  refused.push(tried(error));
  error.response.config.headers.authorization = 'Bearer new';
});
const response = await client.post('/x', { n: 1 });
print({ refused, tried: tried(response) });
