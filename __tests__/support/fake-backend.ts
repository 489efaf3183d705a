import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One request as it arrived. */
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

/** A canned answer, or a function that does with the socket what it likes. */
export type Reply = Canned | ((request: IncomingMessage, response: ServerResponse, call: Call) => void);

/** A real HTTP backend on loopback whose replies a test scripts and whose calls it counts. */
export class FakeBackend {
  readonly calls: Call[] = [];
  readonly sockets = new Set<Socket>();
  readonly #socketsOfCalls = new Set<Socket>();
  /** What is answered when the script has run out. */
  default: Reply = { body: { ok: true } };
  readonly #script: Reply[] = [];
  readonly #server: Server;
  #port = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#take(request, response));
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** It is closed after the test by `useBackends`. */
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

  /** Answers of the next calls, in order. */
  script(...replies: Reply[]): this {
    this.#script.push(...replies);
    return this;
  }

  always(reply: Reply): this {
    this.default = reply;
    return this;
  }

  get lastCall(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('no call yet');
    return call;
  }

  /**
   * Resolves when each connection that carried a call is closed. Others don't count: Node's fetch opens one in place of
   * a connection that it has aborted, and leaves it idle for seconds.
   */
  async connectionsClosed(): Promise<void> {
    const open = [...this.#socketsOfCalls].filter((socket) => !socket.destroyed);
    await Promise.all(open.map((socket) => once(socket, 'close')));
  }

  /** Frees the port, so that a connection is refused. */
  async close(): Promise<void> {
    open.delete(this);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      for (const socket of this.sockets) socket.destroy();
    });
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
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

function send(response: ServerResponse, { status = 200, headers, body = '' }: Canned): void {
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, { ...(!raw && { 'content-type': 'application/json' }), ...headers });
  response.end(raw ? body : JSON.stringify(body));
}

const open = new Set<FakeBackend>();

/** Closes after each test what was started in it. */
export function closeBackendsAfterEach(): void {
  afterEach(async () => {
    await Promise.all([...open].map((backend) => backend.close()));
  });
}

export async function startBackends(count: number): Promise<FakeBackend[]> {
  return Promise.all(Array.from({ length: count }, () => FakeBackend.start()));
}

/** A 429 as Azure sends it, by `retry-after-ms`. */
export function throttle(ms: number): Reply {
  return {
    status: 429,
    headers: { 'retry-after-ms': String(ms), 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) },
    body: { error: { code: '429', message: 'Requests have exceeded the rate limit.' } },
  };
}

/** Cuts the connection without an answer. */
export const resetConnection: Reply = (request) => void request.socket.destroy();

/** Never answers. */
export const neverReply: Reply = () => undefined;

/** Promises more bytes than it sends. */
export const truncateBody: Reply = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"half":', () => request.socket.destroy());
};

/** Runs `act` and gives what it rejects with. */
export async function rejectionOf(act: Promise<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await act;
  } catch (error) {
    return error as Record<string, unknown> & Error;
  }
  throw new Error('it did not reject');
}
