import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import * as rax from 'retry-axios';
import { backends, print } from './pool.mjs';

const client = axios.create({ adapter: priorityAdapter(backends) });
client.defaults.raxConfig = { instance: client, httpMethodsToRetry: ['POST'], statusCodesToRetry: [[429, 429]] };
rax.attach(client);
const { data, config } = await client.post('/x', { a: 1 });
print({ data, retries: rax.getConfig({ config })?.currentRetryAttempt });
