/**
 * Signs each request for the host that it goes to. Sign below the pool: in the adapter that the pool wraps. Above the pool,
 * the host isn't known yet, and a second attempt would carry the signature for the first host.
 *
 *     SIGNING_KEY=… node signing.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts.
 */
import { createHmac } from 'node:crypto';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { EASTUS_URL = 'https://gateway-east.example', WESTUS_URL = 'https://gateway-west.example' } = process.env;
const { SIGNING_KEY = 'a shared secret' } = process.env;

const send = axios.getAdapter(axios.defaults.adapter);
function signed(config) {
  const { host, pathname } = new URL(axios.getUri(config));
  const text = [config.method, host, pathname, config.data].join('\n');
  config.headers.set('x-signature', createHmac('sha256', SIGNING_KEY).update(text).digest('hex'));
  return send(config);
}

const backends = [{ baseURL: EASTUS_URL }, { baseURL: WESTUS_URL, priority: 2 }];
const client = axios.create({ adapter: priorityAdapter(backends, { adapter: signed }) });

const { attempts } = await client.post('/openai/v1/responses', { model: 'chat', input: 'Hello' });
for (const { status } of attempts) console.log(`a signed request: ${status}`);
