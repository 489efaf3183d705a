import axios from 'axios';
import authRefresh from 'axios-auth-refresh';
import { priorityAdapter } from 'axios-priority-adapter';
import { backends, print } from './pool.mjs';

const createAuthRefreshInterceptor = authRefresh.default ?? authRefresh;
const client = axios.create({ adapter: priorityAdapter(backends), headers: { authorization: 'Bearer old' } });
let refreshed = 0;
createAuthRefreshInterceptor(client, async ({ response }) => {
  refreshed++;
  client.defaults.headers.authorization = 'Bearer new';
  response.config.headers.authorization = 'Bearer new';
});
const { data } = await client.post('/x', { a: 1 });
print({ data, refreshed });
