import type { Readable } from 'node:stream';

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

/** @param closed is called once the stream has ended or was destroyed */
export function nodeStreamOf(pull: Pull, closed: () => void = ignore): Readable {
  const chunks = (async function* () {
    for (let chunk; (chunk = await pull()) !== undefined;) yield chunk;
  })();
  return process.getBuiltinModule('node:stream').Readable.from(chunks, { objectMode: false }).on('close', closed);
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

/** By the stream that is passed on, what it is passed on as. */
const passedOn = new WeakMap<object, ReadableStream>();

/** Passes the stream on. It can be cancelled while somebody else reads it. */
export function cancellable(stream: ReadableStream): { stream: ReadableStream; cancel: (reason: unknown) => void } {
  const reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  let cancelled: { readonly reason: unknown } | undefined;
  const cancel = (reason: unknown): void => {
    cancelled = { reason };
    reader.cancel(reason).catch(ignore);
  };
  const passed = webStreamOf(async () => {
    const { value } = await reader.read();
    // It fails, or what was read would be taken for all of it.
    if (cancelled !== undefined) throw cancelled.reason;
    return value;
  }, cancel);
  passedOn.set(stream, passed);
  return { stream: passed, cancel };
}

/** What an earlier call has passed the stream on as, or else the value itself. */
export function asPassedOn(data: unknown): unknown {
  return passedOn.get(data as object) ?? data;
}

/** A Node stream that takes back what was read of it. */
export type Rewindable = Readable & {
  readonly _readableState: { readonly ended: boolean; reading: boolean };
  readonly _transform?: unknown;
};

/** Whether what was read of a stream can be put back. Not in old-style ones, such as forms of the `form-data` package. */
export function isRewindable(stream: NodeStream): stream is NodeStream & Rewindable {
  const { unshift, _readableState } = stream as Partial<Rewindable>;
  return typeof unshift === 'function' && _readableState !== undefined;
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

/** Reads a web stream that nobody needs to its end, which frees its connection. A Node stream is discarded. */
export function drainBody(body: unknown): void {
  if (isWebStream(body)) body.pipeTo(new WritableStream()).catch(ignore);
  else discardBody(body);
}

/** For a response that is kept for later: an error of its Node stream to which nobody listens would end the process. */
export function ignoreErrorsOf({ data, body }: { readonly data?: unknown; readonly body?: unknown }): void {
  for (const each of [data, body]) if (isNodeStream(each)) each.on('error', ignore);
}

/** For what doesn't matter, such as the errors of a body that is discarded. */
export function ignore(): void {
  // Nothing is to be done.
}
