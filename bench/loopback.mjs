import { Agent } from 'node:http';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { URL } from './in-process.mjs';

const PROMPT = 'Summarise the following report in three sentences. '.repeat(28);

/** About 1.5 kB, as a short prompt. */
export const BODY = { messages: [{ role: 'user', content: PROMPT }], temperature: 0, max_tokens: 200 };

/** Clients over loopback keep their connections alive, each through an agent of its own. */
export class Clients {
  #agents = [];

  #settings() {
    const httpAgent = new Agent({ keepAlive: true });
    this.#agents.push(httpAgent);
    return { httpAgent, proxy: false };
  }

  plain(baseURL, settings) {
    return axios.create({ ...this.#settings(), baseURL, headers: { 'api-key': 'secret' }, ...settings });
  }

  /** @returns the client, and the pool it draws from */
  ours(urls, options, backend = () => ({})) {
    const backends = urls.map((baseURL, i) => ({ baseURL, name: `backend-${i}`, apiKey: 'secret', ...backend(i) }));
    const adapter = priorityAdapter(backends, options);
    return { pool: adapter.pool, client: axios.create({ ...this.#settings(), adapter }) };
  }

  close() {
    for (const agent of this.#agents) agent.destroy();
  }
}

export function chatting(client) {
  return () => client.post(URL, BODY);
}

/** `callers` at once, each asking again as soon as it has its answer, until `ms` have passed. */
export async function closedLoop(callers, ms, ask) {
  const until = performance.now() + ms;
  const call = async () => {
    while (performance.now() < until) await ask();
  };
  await Promise.all(Array.from({ length: callers }, call));
}
