import { Agent } from 'node:http';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

/** ms */
export const ATTEMPT_TIMEOUT = 250;

/** The client that is held under load, and what it sent: written down beneath the package, attempt by attempt. */
export function clientOf(backends, requests, problem) {
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 20 });
  const adapter = priorityAdapter(
    backends.map(({ name, origin }, i) => ({
      name,
      baseURL: origin,
      priority: i === 0 ? 1 : 2,
      apiKey: `key-of-${name}`,
    })),
    {
      adapter: noted(axios.getAdapter('http'), backends, requests, problem),
      defaultCooldown: 50,
      maxCooldown: 400,
      attemptTimeout: ATTEMPT_TIMEOUT,
      maxWait: 300,
      maxReplaySize: 200_000,
    },
  );
  return { client: axios.create({ adapter, httpAgent, proxy: false }), pool: adapter.pool, httpAgent };
}

/** Numbers the attempts of each request, so that the server can say which one it got. */
function noted(adapter, backends, requests, problem) {
  return async (config) => {
    const id = config.headers.get('x-request-id');
    const { sent } = requests.get(id);
    const note = {
      backend: backends.find(({ origin }) => config.baseURL.startsWith(origin))?.name,
      at: performance.now(),
    };
    if (config.headers.has('x-attempt')) problem(`${id} had a header of an earlier attempt`);
    config.headers.set('x-attempt', String(sent.length));
    sent.push(note);
    try {
      return await adapter(config);
    } finally {
      note.until = performance.now();
    }
  };
}
