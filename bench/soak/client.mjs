import { Agent } from 'node:http';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

/** ms */
export const ATTEMPT_TIMEOUT = 250;

/** The client under test. The adapter below it records each attempt that is sent. */
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
      adapter: recorded(axios.getAdapter('http'), backends, requests, problem),
      defaultCooldown: 50,
      maxCooldown: 400,
      attemptTimeout: ATTEMPT_TIMEOUT,
      maxWait: 300,
      maxReplaySize: 200_000,
    },
  );
  return { client: axios.create({ adapter, httpAgent, proxy: false }), pool: adapter.pool, httpAgent };
}

/** Numbers the attempts of each request, so that servers can log which one they received. */
function recorded(adapter, backends, requests, problem) {
  return async (config) => {
    const id = config.headers.get('x-request-id');
    const { sent } = requests.get(id);
    const record = {
      backend: backends.find(({ origin }) => config.baseURL.startsWith(origin))?.name,
      at: performance.now(),
    };
    if (config.headers.has('x-attempt')) problem(`${id} carried a header of an earlier attempt`);
    config.headers.set('x-attempt', String(sent.length));
    sent.push(record);
    try {
      return await adapter(config);
    } finally {
      record.until = performance.now();
    }
  };
}
