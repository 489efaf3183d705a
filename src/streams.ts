/**
 * A Node stream, as far as it is needed here: this package imports nothing of Node's. The old-style streams of the
 * `form-data` package are among them: they have no async iteration and no `readable` state.
 */
export interface NodeStream {
  on(event: string | symbol, listener: (value: never) => void): unknown;
  destroy?(error?: Error): unknown;
  pause?(): unknown;
  resume?(): unknown;
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  getHeaders?(): Record<string, string>;
}

export function isNodeStream(data: unknown): data is NodeStream {
  if (typeof data !== 'object' || data === null) return false;
  const { pipe, on } = data as { pipe?: unknown; on?: unknown };
  return typeof pipe === 'function' && typeof on === 'function';
}

export function isWebStream(data: unknown): data is ReadableStream {
  return typeof data === 'object' && data !== null && typeof (data as { getReader?: unknown }).getReader === 'function';
}

/** The same stream, and a word when it has been read, has failed (with what), or is given up. */
export function watched(stream: ReadableStream, ended: (error?: unknown) => void): ReadableStream {
  const reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  return new ReadableStream({
    pull: (controller) => passOn(reader, controller, ended),
    cancel(reason) {
      ended();
      return reader.cancel(reason);
    },
  });
}

/** Hands over the next chunk, or the end. */
export async function passOn(
  reader: ReadableStreamDefaultReader<unknown>,
  controller: ReadableStreamDefaultController,
  ended: (error?: unknown) => void,
): Promise<void> {
  try {
    const { done, value } = await reader.read();
    if (!done) {
      controller.enqueue(value);
      return;
    }
  } catch (error) {
    ended(error);
    throw error;
  }
  ended();
  controller.close();
}
