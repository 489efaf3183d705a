import http from 'node:http';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

/** ms */
export const ATTEMPT_TIMEOUT = 250;
/** ms. A cooldown that no server specified is this long, doubled up to the longest. */
export const DEFAULT_COOLDOWN = 50;
export const MAX_COOLDOWN = 400;

/** The client under test, over axios's own http adapter. */
export function clientOf(backends) {
  const httpAgent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  const adapter = priorityAdapter(
    backends.map(({ name, origin }, i) => ({
      name,
      baseURL: origin,
      priority: i === 0 ? 1 : 2,
      apiKey: `key-of-${name}`,
    })),
    {
      adapter: 'http',
      defaultCooldown: DEFAULT_COOLDOWN,
      maxCooldown: MAX_COOLDOWN,
      attemptTimeout: ATTEMPT_TIMEOUT,
      maxWait: 300,
      maxReplaySize: 200_000,
    },
  );
  return { client: axios.create({ adapter, httpAgent, proxy: false }), pool: adapter.pool, httpAgent };
}

/**
 * Records each attempt that is sent, and numbers those of each request, so that servers can log which one they received. It
 * does so below axios, by replacing Node's `http.request` as instrumentation does: a wrapped adapter would be a foreign one, which
 * doesn't see stale connections.
 */
export function recordSendings(backends, requests, problem) {
  const { request } = http;
  const used = new WeakSet();
  http.request = (options, ...rest) => {
    const { headers, port } = options;
    const id = headers['x-request-id'];
    const { sent } = requests.get(id);
    const record = {
      backend: backends.find(({ origin }) => origin.endsWith(`:${port}`))?.name,
      at: performance.now(),
      until: Infinity,
      isReused: false,
    };
    if ('x-attempt' in headers) problem(`${id} carried a header of an earlier attempt`);
    headers['x-attempt'] = String(sent.push(record) - 1);
    const made = request(options, ...rest);
    made.once('socket', (socket) => {
      // Node doesn't say so of a socket that the agent passes on from one request to the next in its queue.
      record.isReused = made.reusedSocket || used.has(socket);
      used.add(socket);
    });
    return made.once('close', () => Object.assign(record, { until: performance.now() }));
  };
  return () => (http.request = request);
}
