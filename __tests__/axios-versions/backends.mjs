import { createServer } from 'node:http';

/**
 * One HTTP server on loopback that behaves as the first segment of the path says (`/throttle-250/…`), so that a
 * backend's `baseURL` alone scripts what it answers. Pages of other origins may read everything.
 */
export async function startBackends() {
  const sockets = new Set();
  const server = createServer((request, response) => {
    allowEveryOrigin(request, response);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const [, name, argument] = /^\/([a-z]+)(?:-(\d+))?/.exec(request.url) ?? [];
      const behave = behaviours[name] ?? behaviours.status;
      behave({ request, response, body: Buffer.concat(chunks), argument: Number(argument ?? 404) });
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An origin where nobody listens: the port was free a moment ago. */
export async function refusedOrigin() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

const behaviours = {
  /** What arrived. */
  echo({ request: { method, url, headers }, response, body }) {
    json(response, 200, { method, url, headers, body: body.toString(), bytes: body.length });
  },
  status: ({ response, argument }) => json(response, argument, { error: { message: `status ${argument}` } }),
  /** A 429 as Azure sends it. */
  throttle({ response, argument: ms }) {
    response.setHeader('retry-after-ms', ms);
    response.setHeader('retry-after', Math.max(1, Math.ceil(ms / 1000)));
    json(response, 429, { error: { code: '429', message: 'Requests have exceeded the rate limit.' } });
  },
  /** A 429 whose body never ends: its socket is held until somebody gives it up. */
  endless({ response }) {
    response.writeHead(429, { 'retry-after-ms': '0' });
    response.write('x');
  },
  /** As many bytes as its number says. */
  bytes: ({ response, argument }) => response.end(Buffer.alloc(argument, 'x')),
  hang: () => undefined,
  /** Promises more bytes than it sends. */
  cut({ request, response }) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"half":', () => setTimeout(() => request.socket.destroy(), 20));
  },
  /** A 200 at once, and a body that takes two seconds. */
  trickle({ response }) {
    response.writeHead(200, { 'content-type': 'text/plain' });
    let left = 80;
    const timer = setInterval(() => (left-- > 0 ? response.write('drop ') : response.end()), 25);
    response.on('close', () => clearInterval(timer));
    response.write('first ');
  },
  /** Sends on to the `to` of the query. */
  redirect({ request, response, argument }) {
    const { searchParams } = new URL(request.url, 'http://localhost');
    response.writeHead(argument, { location: searchParams.get('to') }).end();
  },
};

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function allowEveryOrigin(request, response) {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'retry-after, retry-after-ms');
  response.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  // A "*" would not cover Authorization.
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
}
