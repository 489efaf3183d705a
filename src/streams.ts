import type { Readable } from 'node:stream';

/**
 * A Node stream, as far as it is needed here: this package imports nothing of Node's. The old-style streams of the
 * `form-data` package are among them: they have no async iteration and no `readable` state.
 */
export interface NodeStream {
  on(event: string | symbol, listener: (value: never) => void): unknown;
  pipe<T>(to: T): T;
  destroy?(error?: Error): unknown;
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  getHeaders?(): Record<string, string>;
}

/** Gives the next chunk; `undefined` is the end. */
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

/** The same stream, and a word when it has been read, has failed (with what), or is given up. */
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
