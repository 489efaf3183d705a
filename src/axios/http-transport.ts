import axios from 'axios';
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { now } from '../base/clock';
import type { Connection, Head } from '../failover/connection';
import type { Exchange } from '../failover/http-client';
import { HTTP_REDIRECTS, RedirectError, isRedirect } from '../http/redirect-rules';
import { agentOr, closeIdle, isInQueue, moduleFor, nameOf, withoutBrackets } from './agent-sockets';
import { limitConnecting } from './connect-timeout';
import { conceal } from './hide-request';
import { isStaleSocket } from './stale-connection';

/** What axios's http adapter passes to a transport, as far as it is used here. */
interface TransportOptions extends Omit<RequestOptions, 'hostname'> {
  hostname?: string | undefined;
  readonly maxBodyLength: number;
}

/**
 * axios before 1.16 ignores that a body breaks off, or can't be decompressed, once `destroyed` is true of the request. Of
 * Node's own it is by then; of follow-redirects' wrapper, which axios uses without this transport, it isn't.
 */
const IGNORES_BROKEN_BODIES = /* @__PURE__ */ (() => /^1\.(?:\d|1[0-5])\./.test(axios.VERSION))();

/** The sockets that have served a request. */
const USED = /* @__PURE__ */ new WeakSet<Socket>();

/**
 * A `transport` for axios's http adapter: Node's own `request`, without follow-redirects around it, which costs 18 % of a
 * request over loopback. The redirects are followed one level higher, with `nextHop`. It also sees what becomes of the
 * connection.
 */
export class HttpTransport implements Connection {
  /** The URL that was requested. */
  url = '';
  /** Its fragment, which isn't sent. */
  hash = '';
  error: unknown;
  #agent: Agent | undefined;
  #sent: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #head: Head | undefined;
  /** Whether the connection of the latest hop is established, TLS included. */
  isEstablished = false;
  /** When the request got its socket. */
  #socketAt = 0;
  /** Whether the socket had served another request by then. */
  #isReused = false;
  /** What it had received by then. */
  #bytesBefore = 0;
  isRedirected = false;
  hasLeftOrigin = false;

  /**
   * @param followsRedirects whether redirects are followed, so their bodies can be dropped
   */
  constructor(
    readonly followsRedirects: boolean,
    private readonly exchange: Pick<Exchange, 'fresh' | 'connectTimeout'>,
  ) {}

  /** Called by axios. */
  request(options: TransportOptions, respond: (response: IncomingMessage) => void): ClientRequest {
    // Looked up at each call: instrumentation and mocks replace it.
    const http = moduleFor(options.protocol);
    this.url = urlOf(options) + this.hash;
    // axios 1.5 keeps the brackets of an IPv6 address, which Node would look up as a name.
    options.hostname = withoutBrackets(options.hostname);
    this.#agent = agentOr(http.globalAgent, options.agent);
    if (this.exchange.fresh && !this.isRedirected) {
      // Others of them are probably stale too.
      const server = nameOf(options);
      closeIdle(this.#agent, (name) => name.startsWith(server));
    }
    this.#response = undefined;
    this.#head = undefined;
    this.isEstablished = false;
    let sent: ClientRequest;
    try {
      sent = http.request(options, (response) => {
        const { headers } = response;
        if (this.followsRedirects && isRedirect(response.statusCode!, headers.location, HTTP_REDIRECTS)) {
          respond(withoutBody(response, sent));
          return;
        }
        this.#response = response;
        if (this.followsRedirects) addUrl(response, this.url);
        respond(response);
      });
    } catch (error) {
      this.error = error;
      throw error;
    }
    this.#sent = sent;
    conceal(sent);
    sent.on('socket', (socket) => this.#noteSocket(socket, sent.reusedSocket));
    sent.on('error', (error) => (this.error = error));
    sent.on('upgrade', refuseUpgrade);
    // A kept-alive socket is assigned at once, and is connected already.
    if (!sent.reusedSocket && this.exchange.connectTimeout > 0)
      limitConnecting(sent, this.exchange.connectTimeout, this);
    if (options.maxBodyLength !== Infinity) limitBody(sent, options.maxBodyLength);
    return IGNORES_BROKEN_BODIES ? this.#withoutEnd(sent) : sent;
  }

  /** The request as if a response never ended it. */
  #withoutEnd(sent: ClientRequest): ClientRequest {
    return new Proxy(sent, {
      get: (target, key) => {
        if (key === 'destroyed' && this.#response !== undefined) return false;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  get isUnsent(): boolean {
    return this.error !== undefined && !this.isEstablished;
  }

  get isStale(): boolean {
    if (this.isRedirected) return false;
    const isAnswered = this.#response !== undefined || this.#sent?.socket?.bytesRead !== this.#bytesBefore;
    return isStaleSocket({ isReused: this.#isReused, error: this.error, sentAt: this.#socketAt, isAnswered });
  }

  get isQueued(): boolean {
    return isInQueue(this.#sent, this.#agent);
  }

  /** Made once, when somebody asks: progress callbacks ask for each event. */
  get head(): Head | undefined {
    if (this.#response === undefined) return undefined;
    return (this.#head ??= headFrom(this.#response));
  }

  #noteSocket(socket: Socket, isFromIdle: boolean): void {
    this.#socketAt = now();
    // Node doesn't count a socket as reused that goes from one request to the next in the agent's queue.
    this.#isReused = isFromIdle || USED.has(socket);
    if (!isFromIdle) USED.add(socket);
    this.#bytesBefore = socket.bytesRead;
    if (socket.destroyed) return;
    const { connecting, secureConnecting, encrypted } = socket as Partial<TLSSocket> & { secureConnecting?: boolean };
    // An agent may give a socket that is connected already, whether it was used before or not.
    if (connecting !== true && secureConnecting !== true) this.isEstablished = true;
    else socket.once(encrypted === true ? 'secureConnect' : 'connect', () => (this.isEstablished = true));
  }
}

/**
 * Fails a request that is answered with a 101. Without this, Node would close the connection, and axios would wait for
 * ever.
 */
function refuseUpgrade(this: ClientRequest, _response: IncomingMessage, socket: Socket): void {
  socket.destroy();
  this.emit('error', new Error('the server has switched to another protocol (101)'));
}

/** The head of a response of Node's. */
export function headFrom({ statusCode, statusMessage, headers }: IncomingMessage): Head {
  const given = new axios.AxiosHeaders(headers as Record<string, string>);
  return { status: statusCode!, statusText: statusMessage!, headers: given };
}

/** The URL of a hop. */
function urlOf({ protocol, hostname, port, path }: TransportOptions): string {
  // Through a proxy, the path is the whole URL.
  if (!path?.startsWith('/')) return String(path);
  const host = hostname?.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : String(hostname);
  return `${String(protocol)}//${host}${port ? `:${String(port)}` : ''}${path}`;
}

/** Adds what follow-redirects adds: axios's users read it. */
function addUrl(response: IncomingMessage & { responseUrl?: string; redirects?: unknown[] }, url: string): void {
  response.responseUrl = url;
  response.redirects = [];
}

/** A redirect without its body, which may never end. As in follow-redirects, its connection is closed. */
function withoutBody(response: IncomingMessage, sent: ClientRequest): IncomingMessage {
  const { Readable } = process.getBuiltinModule('node:stream');
  const { statusCode, statusMessage, headers } = response;
  const empty = Readable.from([]);
  const head = Object.assign(empty, { statusCode, statusMessage, headers: { location: headers.location }, req: sent });
  // axios still writes the request's body until it has read the head.
  head.on('close', () => {
    sent.destroy();
    response.destroy();
  });
  return head as unknown as IncomingMessage;
}

/** axios 1.13 and older leave the limit of bodies that they turn into streams to follow-redirects. */
function limitBody(sent: ClientRequest, limit: number): void {
  const write = sent.write.bind(sent) as (...args: unknown[]) => boolean;
  let length = 0;
  sent.write = (...args: unknown[]): boolean => {
    length += Buffer.byteLength(args[0] as string | Buffer);
    if (length <= limit) return write(...args);
    sent.destroy(new RedirectError('Request body larger than maxBodyLength limit', 'ERR_FR_MAX_BODY_LENGTH_EXCEEDED'));
    return false;
  };
}
