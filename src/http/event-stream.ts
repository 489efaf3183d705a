import { decoder } from './body-text';

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** The `event` field. Default: `message` */
  readonly name: string;
  /** The `data` fields, one a line. */
  readonly data: string;
}

/**
 * Reads server-sent events from bytes that may be cut anywhere, by the rules of the WHATWG (HTML, "Server-sent events"). It
 * leaves out `id` and `retry`, which only matter to a client that connects again.
 */
export class EventStreamParser {
  readonly #decode = decoder();
  readonly #onEvent: (event: ServerSentEvent) => void;
  /** The line that has begun. */
  #line = '';
  /** The latest line ended in CR, so an LF that follows ends no other line. */
  #endsInCR = false;
  #name = '';
  #data: string[] = [];

  constructor(onEvent: (event: ServerSentEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(bytes: Uint8Array): void {
    this.#read(this.#decode(bytes));
  }

  /** The body is over. An event that was cut off counts, unlike in a browser, which connects again. */
  end(): void {
    this.#read(`${this.#decode()}\n\n`);
  }

  #read(text: string): void {
    let from = 0;
    for (const { 0: ending, index } of text.matchAll(/\r\n|\r|\n/g)) {
      const isSecondHalf = this.#endsInCR && index === 0 && ending === '\n';
      if (!isSecondHalf) this.#endLine(text.slice(from, index));
      from = index + ending.length;
    }
    if (text !== '') this.#endsInCR = text.endsWith('\r');
    this.#line += text.slice(from);
  }

  #endLine(rest: string): void {
    const line = this.#line + rest;
    this.#line = '';
    if (line === '') this.#dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === 'event') this.#name = value!;
    if (field === 'data') this.#data.push(value!);
  }

  #dispatch(): void {
    const event = { name: this.#name || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#name = '';
    this.#data = [];
    if (!isEmpty) this.#onEvent(event);
  }
}
