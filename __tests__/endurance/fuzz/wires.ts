import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import { AxiosError, AxiosHeaders } from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';

/** What a backend does with a call. */
export interface Reply {
  readonly status: number;
  /** The value of `retry-after-ms`. */
  readonly wait: string | undefined;
  readonly body: string;
  /**
   * - `whole`: the response arrives
   * - `cut`: the connection breaks in the middle of the body
   * - `reset`: it breaks without a byte of a response
   * - `bug`: the adapter fails by itself (over HTTP there is no such thing, and this is a reset)
   */
  readonly ends: 'whole' | 'cut' | 'reset' | 'bug';
}

/** Whether a backend can be reached. `silent`: connections are neither accepted nor refused. */
export type Reachable = 'yes' | 'refused' | 'unknown host' | 'silent';

/** A call as it reached a backend. */
export interface Arrival {
  readonly backend: string;
  readonly request: number;
  /** When the adapter was called, or when the call arrived. */
  readonly began: number;
  /** Whether its connection had served another call before. */
  readonly isReused: boolean;
  /** Whether somebody still listens to the reply. A foreign adapter can't see that. */
  readonly isOpen: () => boolean;
  /** Returns what became of it. */
  readonly reply: (reply: Reply) => Reply['ends'];
}

/** What the wires need to know of the world. */
export interface Backends {
  reachable(backend: string): Reachable;
  /** A connection hangs until the backend can be reached or not; then `again` tries it again. */
  hangs(again: () => void): void;
  arrived(arrival: Arrival): void;
}

/** Marks the errors that a test has planted. */
export const PLANTED = 'planted by the test';

const CODES = { refused: ['ECONNREFUSED', 'connect'], 'unknown host': ['ENOTFOUND', 'getaddrinfo'] } as const;

function connectError(why: keyof typeof CODES): Error {
  const [code, syscall] = CODES[why];
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

function resetError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** A foreign adapter that looks at its signal before it sends. What it has sent, it ends. */
export function functionWire(backends: Backends): AxiosAdapter {
  return (config) =>
    new Promise((resolve, reject) => {
      const backend = hostOf(config.baseURL);
      const request = Number(config.headers.get('x-request'));
      const began = performance.now();
      const connect = (): void => {
        if (config.signal?.aborted) return;
        const reachable = backends.reachable(backend);
        if (reachable === 'silent') return backends.hangs(connect);
        if (reachable !== 'yes') return reject(connectError(reachable));
        backends.arrived({ backend, request, began, isReused: false, isOpen, reply });
      };
      const isOpen = () => true;
      const reply = (given: Reply): Reply['ends'] => {
        if (given.ends === 'whole') resolve(responseOf(given, config));
        else if (given.ends === 'cut') reject(cutError(given, config));
        else reject(given.ends === 'reset' ? resetError() : new TypeError(PLANTED));
        return given.ends;
      };
      connect();
    });
}

function responseOf(reply: Reply, config: InternalAxiosRequestConfig): AxiosResponse {
  const headers = new AxiosHeaders(reply.wait === undefined ? {} : { 'retry-after-ms': reply.wait });
  return { status: reply.status, statusText: '', headers, data: reply.body, config };
}

/** As axios's http adapter has it: without the response's data. */
function cutError(reply: Reply, config: InternalAxiosRequestConfig): AxiosError {
  const response = { ...responseOf(reply, config), data: undefined };
  return new AxiosError('aborted', 'ERR_BAD_RESPONSE', config, undefined, response);
}

/** An agent for axios's http adapter whose sockets end in this process. At most two calls run at each backend. */
export function memoryAgent(backends: Backends): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const createConnection = ({ host = '' }: { host?: string }) => new MemorySocket(hostOf(`http://${host}`), backends);
  return Object.assign(agent, { createConnection });
}

/** The client's end of a connection, and the server behind it. */
class MemorySocket extends Duplex {
  connecting = true;
  bytesRead = 0;
  #received = '';
  #calls = 0;

  constructor(
    private readonly backend: string,
    private readonly backends: Backends,
  ) {
    super();
    process.nextTick(() => this.#connect());
  }

  #connect(): void {
    const reachable = this.backends.reachable(this.backend);
    if (this.destroyed) return;
    if (reachable === 'silent') return this.backends.hangs(() => this.#connect());
    if (reachable !== 'yes') return void this.destroy(connectError(reachable));
    this.connecting = false;
    this.emit('connect');
    this.#receive('');
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#receive(chunk.toString());
    done();
  }

  override _read(): void {
    // Everything is pushed.
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(error);
  }

  #receive(text: string): void {
    this.#received += text;
    const [head = '', body] = this.#received.split('\r\n\r\n', 2);
    if (this.connecting || body === undefined) return;
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const isWhole = /^transfer-encoding: chunked/im.test(head)
      ? this.#received.endsWith('0\r\n\r\n')
      : body.length >= length;
    if (!isWhole) return;
    this.#received = '';
    let isAnswered = false;
    this.backends.arrived({
      backend: this.backend,
      request: Number(/^x-request: (\d+)/im.exec(head)?.[1]),
      began: performance.now(),
      isReused: this.#calls++ > 0,
      isOpen: () => !isAnswered && !this.destroyed,
      reply: (reply) => {
        isAnswered = true;
        return this.#reply(reply);
      },
    });
  }

  #reply({ status, wait, body, ends }: Reply): Reply['ends'] {
    if (ends !== 'whole' && ends !== 'cut') {
      this.destroy(resetError());
      return 'reset';
    }
    const waits = wait === undefined ? '' : `retry-after-ms: ${wait}\r\n`;
    const head = `HTTP/1.1 ${String(status)} X\r\ncontent-length: ${String(body.length)}\r\n${waits}\r\n`;
    const bytes = Buffer.from(head + (ends === 'whole' ? body : body.slice(1)));
    this.bytesRead += bytes.length;
    this.push(bytes);
    // The bytes before the break are read first.
    if (ends === 'cut') setImmediate(() => this.destroy(resetError()));
    return ends;
  }

  // What Node's agent calls.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function hostOf(url = ''): string {
  return new URL(url).hostname.split('.')[0] ?? '';
}
