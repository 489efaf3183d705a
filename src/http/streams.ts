import type { Readable } from 'node:stream';
import { after, afterTask } from '../base/clock';
import { bytesOfText } from './body-text';

/**
 * The part of a Node stream that is used here: this package imports nothing from Node. The old-style streams of the
 * `form-data` package fit too; they have no async iteration and no `readable` state.
 */
export interface NodeStream {
  on(event: string | symbol, listener: (value: never) => void): unknown;
  pipe<T>(to: T): T;
  destroy?(error?: Error): unknown;
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  getHeaders?(): Record<string, string>;
}

/** Whether Node's own modules are at hand. */
export function isNode(): boolean {
  return typeof process !== 'undefined' && typeof process.getBuiltinModule === 'function';
}

/** Gives the next chunk, or `undefined` at the end. */
type Pull = () => Promise<unknown>;

export function isNodeStream(data: unknown): data is NodeStream {
  if (typeof data !== 'object' || data === null) return false;
  const { pipe, on } = data as Partial<NodeStream>;
  return typeof pipe === 'function' && typeof on === 'function';
}

export function isWebStream(data: unknown): data is ReadableStream {
  return typeof data === 'object' && data !== null && 'getReader' in data && typeof data.getReader === 'function';
}

export function nodeStreamOf(pull: Pull): Readable {
  return process.getBuiltinModule('node:stream').Readable.from(
    (async function* () {
      for (let chunk; (chunk = await pull()) !== undefined;) yield chunk;
    })(),
    { objectMode: false },
  );
}

export function webStreamOf(pull: Pull, cancel?: (reason: unknown) => unknown): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      const chunk = await pull();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => cancel?.(reason) as Promise<void>,
  });
}

/** A web stream of what an async iterable gives. */
export function streamOf(body: AsyncIterable<Uint8Array>): ReadableStream {
  const chunks = body[Symbol.asyncIterator]();
  return webStreamOf(
    async () => {
      const next = await chunks.next();
      return next.done === true ? undefined : next.value;
    },
    () => chunks.return?.(),
  );
}

/** Passes the stream on, and calls `ended` when it completes, fails (with the error) or is cancelled. */
export function watched(stream: ReadableStream, ended: (error?: unknown) => void): ReadableStream {
  const reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  return webStreamOf(
    async () => {
      try {
        const { done, value } = await reader.read();
        if (done) ended();
        return value;
      } catch (error) {
        ended(error);
        throw error;
      }
    },
    (reason) => {
      ended();
      return reader.cancel(reason);
    },
  );
}

/** Passes the stream on. It can be cancelled while somebody else reads it. */
export function cancellable(stream: ReadableStream): { stream: ReadableStream; cancel: (reason: unknown) => void } {
  const reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  const cancel = (reason: unknown): void => void reader.cancel(reason).catch(ignore);
  return { stream: webStreamOf(async () => (await reader.read()).value, cancel), cancel };
}

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

/** A web stream of which somebody else reads the beginning. */
interface ReadAhead {
  /** All of the stream, for whoever reads it afterwards. */
  readonly stream: ReadableStream<Uint8Array>;
  /**
   * Reads the beginning.
   *
   * @returns whether the stream is over
   * @throws what it breaks with
   */
  readonly read: (take: Take, limits: ReadLimits) => Promise<boolean>;
}

/** Without `tee()`, which would lose chunks that arrived before the stream broke. */
export function readAhead(source: ReadableStream): ReadAhead {
  const reader = source.getReader() as ReadableStreamDefaultReader<unknown>;
  const kept: Uint8Array[] = [];
  /** A read that had begun when the limits ended the reading. */
  let begun: ReturnType<typeof reader.read> | undefined;
  const pull = async (controller: ReadableByteStreamController): Promise<void> => {
    const early = kept.shift();
    if (early !== undefined) {
      controller.enqueue(ownBytes(early));
      return;
    }
    const { done, value } = await (begun ?? reader.read());
    begun = undefined;
    const bytes = done ? undefined : bytesOf(value);
    if (bytes === undefined) {
      controller.close();
      // Ends a pending read of a BYOB reader too.
      controller.byobRequest?.respond(0);
    } else if (bytes.length > 0) controller.enqueue(ownBytes(bytes));
    else await pull(controller);
  };
  const stream = new ReadableStream({ type: 'bytes', pull, cancel: (reason) => reader.cancel(reason) });
  const read = async (take: Take, limits: ReadLimits): Promise<boolean> => {
    let release!: () => void;
    const stopped = new Promise<undefined>((resolve) => (release = stopAt(limits, () => resolve(undefined))));
    try {
      for (;;) {
        begun = reader.read();
        const next = await Promise.race([begun, stopped]);
        if (next === undefined) return false;
        if (next.done) return true;
        begun = undefined;
        const bytes = bytesOf(next.value);
        if (bytes.length > 0) kept.push(bytes);
        if (take(bytes)) return false;
      }
    } finally {
      release();
    }
  };
  return { stream, read };
}

/** A stream of bytes takes over the memory of what it is given, so it gets no part of a larger piece. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>;
}

/** A Node stream that takes back what was read of it. */
type Rewindable = Readable & {
  readonly _readableState: { readonly ended: boolean; reading: boolean };
  readonly _transform?: unknown;
};

/** Old-style streams, such as forms of the `form-data` package, don't. */
export function isRewindable(stream: NodeStream): stream is NodeStream & Rewindable {
  const { unshift, _readableState } = stream as Partial<Rewindable>;
  return typeof unshift === 'function' && _readableState !== undefined;
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

/** Frees the connection of a body that nobody will read: undrained, it would hold its socket. */
export function discardBody(body: unknown): void {
  if (isNodeStream(body)) {
    body.on('error', ignore);
    // What has arrived whole is read to its end, so that the connection can be used again.
    if (isRewindable(body) && body._readableState.ended) body.resume();
    else body.destroy?.();
  } else if (isWebStream(body)) {
    body.cancel().catch(ignore);
  }
}

function ignore(): void {
  // The body is discarded, so its errors don't matter.
}
