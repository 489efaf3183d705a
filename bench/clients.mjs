import { Agent } from 'node:http';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';

const CHAT = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
const QUESTION = { messages: [{ role: 'user', content: 'Hello' }] };
const PROMPT = 'Summarise the following report in three sentences. '.repeat(28);
/** About 1.5 kB, as a short prompt has. */
const REPORT = { messages: [{ role: 'user', content: PROMPT }], temperature: 0, max_tokens: 200 };
const ANSWER = '{"choices":[{"message":{"role":"assistant","content":"Hello!"}}]}';

/**
 * What the cost of a request is measured with. A function makes a fresh config for each request: for one that is used again
 * and again, V8 optimises what it never does in practice.
 */
export const SETTINGS = {
  'default options': () => ({}),
  'with a `signal`': () => ({ signal: new AbortController().signal }),
  'with a `timeout`': () => ({ timeout: 10_000 }),
};

/** An adapter that answers at once and ignores signals. What remains of a request is what axios and this package cost. */
export function answering(config) {
  return Promise.resolve(replyTo(config, 200));
}

/** What an adapter answers with. */
export function replyTo(config, status, more) {
  const headers = new axios.AxiosHeaders({ 'content-type': 'application/json', ...more });
  return { data: ANSWER, status, statusText: '', headers, config, request: undefined };
}

/** A request as an adapter receives it from axios. */
export function requestOf(settings) {
  const headers = new axios.AxiosHeaders({ 'content-type': 'application/json' });
  const validateStatus = (status) => status < 400;
  return { method: 'post', url: CHAT, headers, data: '{"messages":[]}', validateStatus, ...settings };
}

/** Backends for clients that make no connection. The first has its own key. */
export function namedBackends(count) {
  return Array.from({ length: count }, (_, i) => ({
    baseURL: `https://backend-${i}.example`,
    name: `backend-${i}`,
    ...(i === 0 && { apiKey: 'secret' }),
  }));
}

/** Clients over the adapter that answers at once. */
export const inProcess = {
  plain: () => axios.create({ adapter: answering }),
  retry() {
    const client = inProcess.plain();
    axiosRetry(client);
    return client;
  },
  ours(backends) {
    const pool = new BackendPool(backends);
    return { pool, client: axios.create({ adapter: priorityAdapter(pool, { adapter: answering }) }) };
  },
};

/** Clients over HTTP that keep their connections alive, each with its own agent. */
export class LoopbackClients {
  #agents = [];

  #connection() {
    const httpAgent = new Agent({ keepAlive: true });
    this.#agents.push(httpAgent);
    return { httpAgent, proxy: false };
  }

  plain(baseURL, settings) {
    return axios.create({ ...this.#connection(), baseURL, headers: { 'api-key': 'secret' }, ...settings });
  }

  retry(baseURL) {
    const client = this.plain(baseURL);
    axiosRetry(client);
    return client;
  }

  /** @param backend the options of the nth backend beyond its address, name and key */
  ours(urls, options, backend = () => ({})) {
    const backends = urls.map((baseURL, i) => ({ baseURL, name: `backend-${i}`, apiKey: 'secret', ...backend(i) }));
    const adapter = priorityAdapter(backends, options);
    return { pool: adapter.pool, client: axios.create({ ...this.#connection(), adapter }) };
  }

  close() {
    for (const agent of this.#agents) agent.destroy();
  }
}

/** A short question, for clients in process. */
export function asking(client, settings = () => ({})) {
  return () => client.post(CHAT, QUESTION, settings());
}

/** A prompt of 1.5 kB, for clients over HTTP. */
export function chatting(client, settings = () => ({})) {
  return () => client.post(CHAT, REPORT, settings());
}

/** Keeps so many `callers` busy for `ms`: each sends its next request as soon as the last one is done. */
export async function closedLoop(callers, ms, request) {
  const until = performance.now() + ms;
  const call = async () => {
    while (performance.now() < until) await request();
  };
  await Promise.all(Array.from({ length: callers }, call));
}
