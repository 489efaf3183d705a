import { after, afterTask } from '../base/clock';
import { bytesOfText } from './body-text';
import type { Rewindable } from './streams';

/** Is given each chunk of a body. Return `true` to stop reading. */
export type Take = (bytes: Uint8Array) => boolean;

/** The part of a signal that is used. */
interface Abortable {
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What else ends the reading of a body. */
export interface ReadLimits {
  /** ms that it may take. Default: no limit */
  readonly ms?: number | undefined;
  /** Ends it when aborted. */
  readonly abort?: Abortable | undefined;
}

/**
 * A web stream of which somebody reads the beginning. Without `tee()`, which would lose chunks that arrived before the
 * stream broke.
 */
export class ReadAhead {
  /** All of the source, for whoever reads it afterwards. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #kept: Uint8Array[] = [];
  /** A read that had begun when the limits ended the reading. */
  #begun: Promise<ReadableStreamReadResult<unknown>> | undefined;

  /** @param signal ends the reading by others too, as it would end that of the source */
  constructor(
    source: ReadableStream,
    private readonly signal?: AbortSignal,
  ) {
    const reader = (this.#reader = source.getReader());
    // An abort ends it at once. After a break, what had arrived can still be read.
    const start = (controller: ReadableStreamController<Uint8Array>): void =>
      void reader.closed.catch(() => {
        if (signal?.aborted === true) controller.error(signal.reason);
      });
    const pull = (controller: ReadableStreamController<Uint8Array>) => this.#pull(controller);
    const cancel = (reason: unknown) => reader.cancel(reason);
    try {
      this.stream = new ReadableStream({ type: 'bytes', start, pull, cancel });
    } catch {
      // Safari had no streams of bytes before 2025 (axios#6461).
      this.stream = new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 });
    }
  }

  /**
   * Reads the beginning.
   *
   * @returns whether the stream is over
   * @throws what it breaks with
   */
  async read(take: Take, limits: ReadLimits): Promise<boolean> {
    let release!: () => void;
    const stopped = new Promise<undefined>((resolve) => (release = stopAt(limits, () => resolve(undefined))));
    try {
      for (;;) {
        this.#begun = this.#reader.read();
        const next = await Promise.race([this.#begun, stopped]);
        if (next === undefined) return false;
        if (next.done) return true;
        this.#begun = undefined;
        const bytes = bytesOf(next.value);
        if (bytes.length > 0) this.#kept.push(bytes);
        if (take(bytes)) return false;
      }
    } finally {
      release();
    }
  }

  async #pull(controller: ReadableStreamController<Uint8Array>): Promise<void> {
    if (this.signal?.aborted === true) throw this.signal.reason;
    const bytes = this.#kept.shift() ?? (await this.#next());
    if (bytes === undefined) {
      controller.close();
      // Ends a pending read of a BYOB reader too.
      if ('byobRequest' in controller) controller.byobRequest?.respond(0);
    } else if (bytes.length === 0) await this.#pull(controller);
    // A stream of bytes takes over the memory of what it is given, which may belong to somebody else. So it gets a copy.
    else controller.enqueue(bytes.slice());
  }

  /** The next bytes of the source. `undefined`: it is over. */
  async #next(): Promise<Uint8Array | undefined> {
    const { done, value } = await (this.#begun ?? this.#reader.read());
    this.#begun = undefined;
    return done ? undefined : bytesOf(value);
  }
}

/**
 * Reads the beginning of a Node stream, and puts it back: whoever reads the stream next gets all of it. What was read
 * of a stream that breaks can't be put back.
 *
 * @returns whether the stream is over
 * @throws what it breaks with
 */
export function readNodeStream(stream: Rewindable, take: Take, limits: ReadLimits): Promise<boolean> {
  if (stream.readableEnded || isReadToEnd(stream)) return Promise.resolve(true);
  // A destroyed stream emits no more events.
  if (stream.destroyed) return Promise.reject(stream.errored ?? closedEarly());
  const chunks: unknown[] = [];
  /** Reads what has arrived. Returns whether the stream is over, or `undefined` if more is needed. */
  const read = (): boolean | undefined => {
    let isEnough = false;
    while (!isEnough && stream.readableLength > 0) {
      const chunk: unknown = stream.read();
      chunks.push(chunk);
      isEnough = take(bytesOf(chunk));
    }
    // Another `read()` would emit `end`, and after that nothing can be put back.
    return isEnough || isReadToEnd(stream) ? !isEnough : undefined;
  };
  // What arrived with the head needs no event.
  const isOver = read();
  if (isOver !== undefined) {
    putBack(stream, chunks);
    return Promise.resolve(isOver);
  }
  return new Promise((resolve, reject) => {
    const finish = (isOver: boolean, error?: unknown): void => {
      release();
      stream.off('readable', arrived).off('error', failed).off('close', closed);
      putBack(stream, chunks);
      // Until its `nextTick` queue has run, Node still counts the removed listener, and wouldn't call a new one.
      afterTask(() => {
        if (error === undefined) resolve(isOver);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
        else reject(error);
      });
    };
    const failed = (error: unknown): void => finish(false, error);
    // HTTP/2: a session that ends closes its streams without an error.
    const closed = (): void => failed(closedEarly());
    const release = stopAt(limits, () => finish(false));
    const arrived = (): void => {
      const isOver = read();
      if (isOver !== undefined) finish(isOver);
    };
    stream.on('readable', arrived).on('error', failed).on('close', closed);
  });
}

/** As Node reports a stream that closes before its end. */
function closedEarly(): Error {
  return Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

function isReadToEnd({ readableLength, _readableState }: Rewindable): boolean {
  return readableLength === 0 && _readableState.ended;
}

function putBack(stream: Rewindable, chunks: unknown[]): void {
  if (stream.destroyed) return;
  for (const chunk of chunks.reverse()) stream.unshift(chunk);
  // `unshift` filled the buffer, so a Transform would never read again.
  if (stream._transform !== undefined) stream._readableState.reading = false;
}

/** Calls back when the time is over or the attempt is given up. Returns a function that prevents this. */
function stopAt({ ms, abort }: ReadLimits, stop: () => void): () => void {
  const stopTimer = ms === undefined ? undefined : after(ms, stop);
  abort?.addEventListener('abort', stop);
  return () => {
    stopTimer?.();
    abort?.removeEventListener('abort', stop);
  };
}

/** The bytes of a chunk, which is bytes or text. Anything else counts as empty. */
function bytesOf(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return typeof chunk === 'string' ? new Uint8Array(bytesOfText(chunk)) : new Uint8Array();
}
