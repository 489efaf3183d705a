import { joined, textOf, withoutMark } from './body-text';

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** The `event` field. Default: `message` */
  readonly name: string;
  /** The `data` fields, one a line. */
  readonly data: string;
}

const LF = 10;
const CR = 13;

/**
 * Reads server-sent events from bytes that may be cut anywhere, by the rules of the WHATWG (HTML, "Server-sent
 * events"). It leaves out `id` and `retry`, which only matter to a client that connects again.
 */
export class EventStreamParser {
  readonly #onEvent: (event: ServerSentEvent) => boolean;
  /** What has arrived of a line that hasn't ended. */
  #line: Uint8Array[] = [];
  /** The latest line ended in CR, so an LF that follows ends no other line. */
  #endsInCR = false;
  #isFirstLine = true;
  #isDone = false;
  #name = '';
  #data: string[] = [];

  /** @param onEvent returns whether it has seen enough: nothing more is parsed then */
  constructor(onEvent: (event: ServerSentEvent) => boolean) {
    this.#onEvent = onEvent;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    // No byte of a longer character looks like the end of a line.
    for (let at = 0; at < bytes.length && !this.#isDone; at++) {
      const byte = bytes[at];
      if (byte !== LF && byte !== CR) continue;
      const isSecondHalf = this.#endsInCR && byte === LF && at === from && this.#line.length === 0;
      if (!isSecondHalf) this.#endLine(bytes.subarray(from, at));
      this.#endsInCR = byte === CR;
      from = at + 1;
    }
    if (from < bytes.length) this.#line.push(bytes.subarray(from));
  }

  /** The body is over. An event that was cut off counts, unlike in a browser, which connects again. */
  end(): void {
    this.#endsInCR = false;
    this.push(Uint8Array.of(LF, LF));
  }

  #endLine(rest: Uint8Array): void {
    const bytes = this.#line.length === 0 ? rest : joined([...this.#line, rest]);
    this.#line = [];
    const line = this.#isFirstLine ? withoutMark(textOf(bytes)) : textOf(bytes);
    this.#isFirstLine = false;
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
    if (!isEmpty) this.#isDone = this.#onEvent(event);
  }
}
