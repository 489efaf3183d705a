import { once } from 'node:events';
import { createServer, get, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PoolEvent } from '../../src';
import type { StatusPage, StatusSnapshot } from '../../src/status-page';

const servers = new Set<Server>();
const streams = new Set<Stream>();
const pages = new Set<StatusPage>();

afterEach(async () => {
  for (const stream of streams) stream.close();
  for (const page of pages) page.close();
  await Promise.all(
    [...servers].map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
  for (const open of [servers, streams, pages]) open.clear();
});

/** Closes a page after the test. */
export function toClose(page: StatusPage): StatusPage {
  pages.add(page);
  return page;
}

/** Serves a page, or an application that has it, until the test ends. Returns the origin. */
export async function serve(handler: RequestListener): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.add(server);
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request, without following a redirect. */
export async function ask(url: string, method = 'GET'): Promise<Answer> {
  const outgoing = request(url, { method, agent: false }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let body = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming) body += String(chunk);
  return { status: incoming.statusCode!, headers: incoming.headers, body };
}

export const snapshotOf = async (url: string) => JSON.parse((await ask(`${url}/snapshot.json`)).body) as StatusSnapshot;

export interface Message {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A client of the event stream. */
export class Stream {
  readonly messages: Message[] = [];
  readonly raw: string[] = [];
  status = 0;
  headers: IncomingHttpHeaders = {};
  ended = false;
  #incoming: IncomingMessage | undefined;
  #rest = '';

  /** Resolves when the head has come. */
  static async open(url: string): Promise<Stream> {
    const stream = new Stream();
    streams.add(stream);
    const outgoing = get(url, { agent: false });
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    outgoing.on('error', () => undefined);
    stream.#read(incoming);
    return stream;
  }

  /** The messages of one type. */
  of(event: string): Record<string, unknown>[] {
    return this.messages.filter((message) => message.event === event).map(({ data }) => data);
  }

  pause(): void {
    this.#incoming?.pause();
  }

  resume(): void {
    this.#incoming?.resume();
  }

  close(): void {
    this.#incoming?.destroy();
  }

  #read(incoming: IncomingMessage): void {
    this.#incoming = incoming;
    this.status = incoming.statusCode!;
    this.headers = incoming.headers;
    incoming.setEncoding('utf8');
    incoming.on('data', (text: string) => {
      this.#rest += text;
      const parts = this.#rest.split('\n\n');
      this.#rest = parts.pop()!;
      for (const part of parts) this.#note(part);
    });
    incoming.on('error', () => undefined);
    incoming.on('close', () => (this.ended = true));
  }

  #note(part: string): void {
    this.raw.push(part);
    const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(part) ?? [];
    if (event !== undefined) this.messages.push({ event, data: JSON.parse(data!) as Record<string, unknown> });
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

type AttemptEvent = PoolEvent & { readonly type: 'attempt' };

/** An event of an attempt at the backend `one`. */
export const attempt = (fields: Partial<AttemptEvent> = {}): AttemptEvent => ({
  type: 'attempt',
  backend: 'one',
  duration: 5,
  ...fields,
});
/** An event of a cooldown of the backend `one`. */
export const cooldown = (duration: number, fields: object = {}): PoolEvent => ({
  type: 'cooldown',
  backend: 'one',
  reason: 'throttled',
  duration,
  ...fields,
});
