import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the backend received it. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Canned {
  readonly status?: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: string | Buffer | object;
}

/** A canned response, or a function that writes to the response or its socket itself. */
export type Reply = Canned | ((request: IncomingMessage, response: ServerResponse, call: Call) => void);

/** A real HTTP server on the loopback interface. A test scripts its replies and looks at the calls it received. */
export class FakeBackend {
  readonly calls: Call[] = [];
  readonly sockets = new Set<Socket>();
  /** All that were ever opened. */
  connections = 0;
  /** The reply to calls beyond the script. */
  default: Reply = { body: { ok: true } };
  readonly #socketsOfCalls = new Set<Socket>();
  readonly #script: Reply[] = [];
  readonly #server: Server;
  #port = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#receive(request, response));
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      this.connections += 1;
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** Starts a backend. `closeBackendsAfterEach` closes it after the test. */
  static async start(server: Server = createServer()): Promise<FakeBackend> {
    const backend = new FakeBackend(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    backend.#port = (server.address() as AddressInfo).port;
    open.add(backend);
    return backend;
  }

  get host(): string {
    return `127.0.0.1:${String(this.#port)}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** Sets the replies to the next calls, in order. */
  script(...replies: Reply[]): this {
    this.#script.push(...replies);
    return this;
  }

  /** Sets the reply to all calls beyond the script. */
  always(reply: Reply): this {
    this.default = reply;
    return this;
  }

  get lastCall(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('the backend has received no call');
    return call;
  }

  /**
   * Resolves when each connection that carried a call is closed. Others don't count: Node's fetch opens one in place of
   * a connection that it has aborted, and leaves it idle for seconds.
   */
  async connectionsClosed(): Promise<void> {
    const open = [...this.#socketsOfCalls].filter((socket) => !socket.destroyed);
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  /** Frees the port, so that further connections are refused. */
  async close(): Promise<void> {
    open.delete(this);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      for (const socket of this.sockets) socket.destroy();
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    this.#socketsOfCalls.add(request.socket);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const call: Call = { method, url, headers, body: Buffer.concat(chunks) };
      this.calls.push(call);
      const reply = this.#script.shift() ?? this.default;
      if (typeof reply === 'function') reply(request, response, call);
      else send(response, reply);
    });
  }
}

/** Sends a canned response. */
export function send(response: ServerResponse, { status = 200, headers, body = '' }: Canned): void {
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, { ...(!raw && { 'content-type': 'application/json' }), ...headers });
  response.end(raw ? body : JSON.stringify(body));
}

const open = new Set<FakeBackend>();

/** Closes the backends of a test when it has ended. */
export function closeBackendsAfterEach(): void {
  afterEach(async () => {
    await Promise.all([...open].map((backend) => backend.close()));
  });
}

export async function startBackends(count: number): Promise<FakeBackend[]> {
  return Promise.all(Array.from({ length: count }, () => FakeBackend.start()));
}

/** The origin of a server that has closed: connections to it are refused. */
export async function refusedOrigin(): Promise<string> {
  const backend = await FakeBackend.start();
  await backend.close();
  return backend.url;
}

/** A 429 as Azure sends it, with `retry-after-ms`. */
export function throttle(ms: number): Canned {
  return {
    status: 429,
    headers: { 'retry-after-ms': String(ms), 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) },
    body: { error: { code: '429', message: 'Requests have exceeded the rate limit.' } },
  };
}

/** Closes the connection without a response. */
export const resetConnection: Reply = (request) => void request.socket.destroy();

export const neverReply: Reply = () => undefined;

/** Closes the connection in the middle of a response. */
export const truncateBody: Reply = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"half":', () => request.socket.destroy());
};

/** Sends a byte at a time, without end. */
export const trickle = (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200);
  const timer = setInterval(() => response.write('x'), 5);
  response.on('close', () => clearInterval(timer));
};

/** Sends the head of a 429, and holds its socket by a body that never ends. */
const endless429: Reply = (_, response) => {
  response.writeHead(429, { 'retry-after-ms': '0' });
  response.write('x');
};

/** A streamed 200. */
const streamed = (...events: object[]): Reply => ({
  headers: { 'content-type': 'text/event-stream' },
  body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''),
});

/** Replies with the request itself, as JSON. */
const echo: Reply = (_, response, { method, url, headers, body }) =>
  send(response, { body: { method, url, headers, body: body.toString(), bytes: body.length } });

/** Redirects to the address in the query parameter `to`. */
const redirect = (status: number): Reply => {
  return (_, response, { url }) => {
    const location = new URL(url, 'http://localhost').searchParams.get('to') ?? '';
    response.writeHead(status, { location }).end();
  };
};

/** Replies by name, for `replyByPath`. */
const NAMED: Record<string, (argument: number) => Reply> = {
  echo: () => echo,
  status: (status) => ({ status, body: { error: { message: `status ${String(status)}` } } }),
  throttle,
  endless: () => endless429,
  // A refusal inside a 200, and content.
  refusal: () => streamed({ type: 'response.created' }, { type: 'error', code: 'rate_limit_exceeded' }),
  words: () => streamed({ choices: [] }, { choices: [{ delta: { content: 'Hello' } }] }),
  bytes: (length) => ({ body: Buffer.alloc(length, 'x') }),
  hang: () => neverReply,
  reset: () => resetConnection,
  undecodable: () => ({ headers: { 'content-encoding': 'gzip' }, body: 'not compressed' }),
  cut: () => truncateBody,
  trickle: () => trickle,
  redirect,
};

/**
 * Replies as the first segment of the path says: `/throttle-250/…` gets a 429 with a wait of 250 ms. So the `baseURL` of
 * a backend alone decides its replies, also for a page in a browser, which may be from another origin.
 */
export const replyByPath: Reply = (request, response, call) => {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'retry-after, retry-after-ms');
  response.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  // "*" would not cover Authorization.
  const requested = request.headers['access-control-request-headers'];
  if (requested !== undefined) response.setHeader('access-control-allow-headers', requested);
  const [, name = '', argument] = /^\/([a-z]+)(?:-(\d+))?/.exec(call.url) ?? [];
  const reply = call.method === 'OPTIONS' ? { status: 204 } : (NAMED[name] ?? NAMED.status!)(Number(argument ?? 404));
  if (typeof reply === 'function') reply(request, response, call);
  else send(response, reply);
};

/** What `promise` rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await promise;
  } catch (error) {
    return error as Record<string, unknown> & Error;
  }
  throw new Error('the promise did not reject');
}
