import axios from 'axios';
import { wrapper } from 'axios-cookiejar-support';
import { CookieJar } from 'tough-cookie';
import { adapter, print, tried } from './pool.mjs';

const jar = new CookieJar();
const client = wrapper(axios.create({ adapter, jar }));
const begun = tried(await client.post('/x', { n: 1 }));
adapter.pool.restore('first');
const again = tried(await client.post('/x', { n: 2 }));
const [, , first, second] = process.argv;
print({ begun, again, jar: [first, second].map((origin) => jar.getCookieStringSync(origin)) });
