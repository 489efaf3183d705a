import axios from 'axios';
import axiosRetry from 'axios-retry';
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';

/** Of a chat completion, as everything here asks for. */
export const URL = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
const BODY = { messages: [{ role: 'user', content: 'Hello' }] };
const ANSWER = '{"choices":[{"message":{"role":"assistant","content":"Hello!"}}]}';

/** An adapter that answers at once: what is left of a request is what axios and those between cost. */
export function answering(config) {
  const headers = new axios.AxiosHeaders({ 'content-type': 'application/json' });
  return Promise.resolve({ data: ANSWER, status: 200, statusText: 'OK', headers, config, request: undefined });
}

/** Backends that nobody asks over the network; the first has a key of its own. */
export function namesOf(count) {
  return Array.from({ length: count }, (_, i) => ({
    baseURL: `https://backend-${i}.example`,
    name: `backend-${i}`,
    ...(i === 0 && { apiKey: 'secret' }),
  }));
}

export const plainClient = () => axios.create({ adapter: answering });

export function retryClient() {
  const client = plainClient();
  axiosRetry(client);
  return client;
}

export function poolClient(backends) {
  const pool = new BackendPool(backends);
  return { pool, client: axios.create({ adapter: priorityAdapter(pool, { adapter: answering }) }) };
}

/**
 * One request through the whole of axios. `settings` makes what it is given besides, anew each time: with one config
 * object for all, V8 optimises what it never does for fresh ones.
 */
export function asking(client, settings = () => ({})) {
  return () => client.post(URL, BODY, settings());
}
