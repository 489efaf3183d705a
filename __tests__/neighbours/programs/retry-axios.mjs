import axios from 'axios';
import { attach } from 'retry-axios';
import { adapter, print, tried } from './pool.mjs';

const client = axios.create({ adapter });
attach(client);
const retried = [];
const onRetryAttempt = async (error) => {
  retried.push({ tried: tried(error), fabricated: error.response.fabricated });
};
const response = await client.put('/x', { n: 1 }, { raxConfig: { onRetryAttempt } });
print({ retried, tried: tried(response), data: response.data });
