import axios from 'axios';
import { wrapper } from 'axios-cookiejar-support';
import { priorityAdapter } from 'axios-priority-adapter';
import { CookieJar } from 'tough-cookie';
import { backends, print } from './pool.mjs';

const jar = new CookieJar();
const client = wrapper(axios.create({ adapter: priorityAdapter(backends), jar }));
const cookies = [];
for (let i = 0; i < 2; i++) {
  cookies.push(await jar.getCookieString(backends[1].baseURL));
  await client.post('/x', { a: 1 });
}
print({ cookies });
