import type { IncomingMessage, ServerResponse } from 'node:http';

/** ms between two writes to the viewers. Events in between are sent together. */
const TICK = 250;
/** ms between two snapshots */
const SNAPSHOT_INTERVAL = 1_000;
/** ms without a message after which a comment is sent, so that no proxy gives the connection up */
const SILENCE = 15_000;
/** When this many characters are waiting, they are sent without waiting for the tick. */
const BATCH = 65_536;
/** Bytes that may wait for a viewer. Beyond it, the viewer isn't reading and is dropped. */
const MAX_BACKLOG = 1_048_576;

/** What the viewers are told. */
export interface Source {
  /** Tells the viewers what has happened. */
  read(): void;
  /** The snapshot as JSON, with the time. */
  snapshot(): string;
  /** Text that differs when the snapshot has changed in more than the time and what remains of cooldowns. */
  signature(): string;
  /** The past, as JSON. */
  history(): string;
}

/** A server-sent event. JSON has no line breaks, so the data is one line. */
export function message(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`;
}

/** A middleware that compresses responses would keep the text for later. It gives them a function that sends it. */
function write(response: ServerResponse & { flush?: () => void }, text: string): void {
  response.write(text);
  response.flush?.();
}

/** A client of the event stream. */
interface Viewer {
  readonly request: IncomingMessage;
  /** The signature of the latest snapshot that it got, and when it got it. */
  signature: string;
  snapshotAt: number;
}

/** The clients of the event stream. Its one timer runs only while there are any. */
export class Viewers {
  readonly #source: Source;
  readonly #viewers = new Map<ServerResponse, Viewer>();
  #timer: NodeJS.Timeout | undefined;
  #unsent = '';
  #sentAt = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** Begins to write events to a response whose head has been sent. */
  add(request: IncomingMessage, response: ServerResponse): void {
    // It disconnected while other middleware had the request, and won't emit `close` again.
    if (response.destroyed) return;
    // What happened before is in the history that the new viewer gets.
    this.#readAndSend();
    response.on('close', () => this.#remove(response));
    const signature = this.#source.signature();
    write(
      response,
      `retry: 2000\n\n${message('snapshot', this.#source.snapshot())}${message('history', this.#source.history())}`,
    );
    const time = performance.now();
    this.#viewers.set(response, { request, signature, snapshotAt: time });
    // An open page must not keep a process alive that has nothing else to do.
    request.socket.unref();
    if (this.#timer !== undefined) return;
    this.#sentAt = time;
    this.#timer = setInterval(() => this.#tick(), TICK).unref();
  }

  /** Sends a message with the next tick. */
  tell(text: string): void {
    this.#unsent += text;
    if (this.#unsent.length >= BATCH) this.#sendUnsent();
  }

  /** Ends all connections. */
  close(): void {
    for (const response of [...this.#viewers.keys()]) this.#end(response);
  }

  #tick(): void {
    for (const [response, { request }] of [...this.#viewers]) {
      // A response that waited behind another one on its connection emits no `close` if that ends before its turn.
      if (request.socket.destroyed) {
        this.#remove(response);
        continue;
      }
      // The server waits for its connections when it closes. These would never end by themselves.
      const { server } = request.socket as { server?: { readonly listening?: boolean } };
      if (server?.listening === false) this.#end(response);
    }
    this.#readAndSend();
    const time = performance.now();
    this.#sendSnapshots(time);
    if (time - this.#sentAt >= SILENCE) this.#send(':\n\n');
  }

  /** Sends a snapshot to each viewer whose latest one is old enough, and differs. */
  #sendSnapshots(time: number): void {
    const due = [...this.#viewers].filter(([, { snapshotAt }]) => time - snapshotAt >= SNAPSHOT_INTERVAL);
    if (due.length === 0) return;
    const signature = this.#source.signature();
    const behind = due.filter(([, viewer]) => viewer.signature !== signature);
    if (behind.length === 0) return;
    for (const [, viewer] of behind) Object.assign(viewer, { signature, snapshotAt: time });
    const responses = behind.map(([response]) => response);
    this.#send(message('snapshot', this.#source.snapshot()), responses);
  }

  /** Don't call this from `tell`: reading calls `tell`. */
  #readAndSend(): void {
    this.#source.read();
    this.#sendUnsent();
  }

  #sendUnsent(): void {
    if (this.#unsent === '') return;
    const text = this.#unsent;
    this.#unsent = '';
    this.#send(text);
  }

  #send(text: string, responses: readonly ServerResponse[] = [...this.#viewers.keys()]): void {
    this.#sentAt = performance.now();
    for (const response of responses) {
      if (response.writableLength > MAX_BACKLOG) {
        this.#remove(response);
        response.destroy();
      } else write(response, text);
    }
  }

  #end(response: ServerResponse): void {
    this.#remove(response);
    response.end();
    // Without this, a browser would keep the connection, and a server that closes would wait for it.
    response.once('finish', () => response.socket?.destroySoon());
  }

  #remove(response: ServerResponse): void {
    this.#viewers.delete(response);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unsent = '';
  }
}
