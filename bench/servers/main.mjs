import { once } from 'node:events';
import { createServer } from 'node:http';
import { kinds } from './kinds.mjs';

/** Kinds of backend, each on a port of its own. Ends with the process that asked for them. */
let backends = [];

process.on('message', async ({ start, reset, counts }) => {
  if (start) {
    backends = await Promise.all(start.map(listen));
    process.send(backends.map(({ url }) => url));
  }
  if (reset) {
    for (const { backend } of backends) backend.reset?.();
    process.send({});
  }
  if (counts) process.send(backends.map(({ backend }) => backend.counts?.() ?? {}));
});
process.on('disconnect', () => process.exit());

async function listen({ kind, ...settings }) {
  const backend = kinds[kind](settings);
  const server = createServer((request, response) => {
    request.resume().on('end', () => backend.answer((status, headers, body) => send(response, status, headers, body)));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { backend, url: `http://127.0.0.1:${server.address().port}` };
}

function send(response, status, headers, body) {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
