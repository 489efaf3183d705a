/** A request body, as the attempts of one request share it. */
export interface Body {
  readonly data: unknown;
  /** What must go with `data`: a form that was read into bytes has its boundary here. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether another attempt can send it again. */
  readonly replayable: boolean;
  /** Whether `data` is not what the caller gave, so that a length the caller stated no longer counts. */
  readonly captured: boolean;
}

/** Why a body can't be sent. The message is for the caller. */
export class BodyError extends Error {
  constructor(
    message: string,
    /** axios says of a stream that closes early that the request was cancelled. */
    readonly closedEarly = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The old-style streams of the `form-data` package included: they have no async iteration and no `readable` state. */
interface NodeStream {
  on(event: string, listener: (value: never) => void): unknown;
  removeListener(event: string, listener: (value: never) => void): unknown;
  pipe<T>(target: T): T;
  pause?(): unknown;
  resume?(): unknown;
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  getHeaders?(): Record<string, string>;
}

/** What was read of a one-shot body: all of it, or what came before the limit was passed. */
interface Captured {
  readonly chunks: readonly Uint8Array[];
  readonly whole: boolean;
}

/** Whoever sends a config again (axios-retry) hands over the same stream: it has been read, and is found here. */
const captures = new WeakMap<object, Promise<Body>>();
const spent = new WeakSet<object>();

/** Whether `data` can be read only once. Buffers, text, Blobs and spec FormData can be sent again as they are. */
export function isOneShot(data: unknown): data is object {
  return isNodeStream(data) || isWebStream(data);
}

/** A body that is sent as it is, and where it can be read only once, for one attempt. */
export function asIs(data: unknown): Body {
  return { data, headers: [], replayable: !isOneShot(data), captured: false };
}

/**
 * Reads a one-shot body, so that it can be sent again. Where it is longer than `limit` bytes, what was read and the
 * rest go into one stream, for one attempt.
 *
 * @throws BodyError
 */
export async function capture(data: object, limit: number): Promise<Body> {
  if (spent.has(data)) {
    throw new BodyError(
      'the request body is a stream that was sent before and was too long to be kept (maxReplaySize)',
    );
  }
  let body = captures.get(data);
  if (body === undefined) {
    body = isWebStream(data) ? captureWeb(data, limit) : captureNode(data as NodeStream, limit);
    captures.set(data, body);
  }
  const captured = await body;
  if (!captured.replayable) {
    captures.delete(data);
    spent.add(data);
  }
  return captured;
}

async function captureNode(stream: NodeStream, limit: number): Promise<Body> {
  const headers = Object.entries(stream.getHeaders?.() ?? {});
  const { chunks, whole } = await readNode(stream, limit);
  if (whole) return { data: joined(chunks), headers, replayable: true, captured: true };
  const { PassThrough } = process.getBuiltinModule('node:stream');
  const rest = new PassThrough();
  for (const chunk of chunks) rest.write(chunk);
  stream.on('error', (error: Error) => rest.destroy(error));
  stream.on('close', () => {
    // An end would have been passed on by now.
    if (!rest.writableEnded) rest.destroy();
  });
  stream.pipe(rest);
  return { data: rest, headers, replayable: false, captured: false };
}

function readNode(stream: NodeStream, limit: number): Promise<Captured> {
  if (stream.readableEnded === true || stream.destroyed === true) {
    throw new BodyError('the request body is a stream that has already been read or destroyed');
  }
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const listeners: [event: string, listener: (value: never) => void][] = [
      ['data', (chunk: unknown) => keep(chunk)],
      ['end', () => done(() => resolve({ chunks, whole: true }))],
      ['error', (error: Error) => done(() => reject(new BodyError(error.message, false, { cause: error })))],
      ['close', () => done(() => reject(new BodyError('Request stream has been aborted', true)))],
    ];
    const done = (then: () => void): void => {
      for (const [event, listener] of listeners) stream.removeListener(event, listener);
      then();
    };
    const keep = (chunk: unknown): void => {
      const bytes = bytesOf(chunk);
      if (bytes === undefined) {
        done(() =>
          reject(new BodyError(`the request body is a stream of ${typeof chunk}s; bytes or text can be sent`)),
        );
        return;
      }
      chunks.push(bytes);
      size += bytes.byteLength;
      if (size <= limit) return;
      stream.pause?.();
      done(() => resolve({ chunks, whole: false }));
    };
    for (const [event, listener] of listeners) stream.on(event, listener);
    // Streams of the form-data package wait for it.
    stream.resume?.();
  });
}

async function captureWeb(stream: ReadableStream, limit: number): Promise<Body> {
  const reader = openReader(stream);
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= limit) {
    const chunk = await read(reader);
    if (chunk === undefined) return { data: joined(chunks), headers: [], replayable: true, captured: true };
    chunks.push(chunk);
    size += chunk.byteLength;
  }
  const rest = new ReadableStream({
    async pull(controller) {
      const chunk = chunks.shift() ?? (await read(reader));
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { data: rest, headers: [], replayable: false, captured: false };
}

function openReader(stream: ReadableStream): ReadableStreamDefaultReader {
  if (stream.locked) throw new BodyError('the request body is a stream that is being read by somebody else');
  return stream.getReader();
}

async function read(reader: ReadableStreamDefaultReader): Promise<Uint8Array | undefined> {
  let result: ReadableStreamReadResult<unknown>;
  try {
    result = await reader.read();
  } catch (cause) {
    throw new BodyError(cause instanceof Error ? cause.message : String(cause), false, { cause });
  }
  if (result.done) return undefined;
  const chunk = bytesOf(result.value);
  if (chunk === undefined)
    throw new BodyError(`the request body is a stream of ${typeof result.value}s; bytes or text can be sent`);
  return chunk;
}

function isNodeStream(data: unknown): data is NodeStream {
  if (typeof data !== 'object' || data === null) return false;
  const { pipe, on } = data as { pipe?: unknown; on?: unknown };
  return typeof pipe === 'function' && typeof on === 'function';
}

function isWebStream(data: unknown): data is ReadableStream {
  return typeof data === 'object' && data !== null && typeof (data as { getReader?: unknown }).getReader === 'function';
}

function bytesOf(chunk: unknown): Uint8Array | undefined {
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  return ArrayBuffer.isView(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined;
}

/** As a Buffer where there is one: the http adapter takes no Uint8Array. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: { concat(chunks: readonly Uint8Array[]): Uint8Array } };
  if (Buffer) return Buffer.concat(chunks);
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
