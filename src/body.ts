import type { PassThrough } from 'node:stream';
import { isNodeStream, isWebStream, passOn, watched } from './streams';
import type { NodeStream } from './streams';

/** A request body, as the attempts of one request share it. */
export interface Body {
  readonly data: unknown;
  /** What must go with `data`: a form that was read into bytes has its boundary here. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether another attempt can send it again. */
  readonly replayable: boolean;
  /** Whether `data` is not what the caller gave, so that a length the caller stated no longer counts. */
  readonly captured: boolean;
  /** What the caller's own stream failed with: no backend is to blame for that. */
  readonly failure: { error?: unknown };
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

/** Whoever sends a config again (axios-retry) hands over the same stream: it has been read, and is found here. */
const captures = new WeakMap<object, Promise<Body>>();
const spent = new WeakSet<object>();

/** Whether `data` can be read only once. Buffers, text, Blobs and spec FormData can be sent again as they are. */
export function isOneShot(data: unknown): data is object {
  return isNodeStream(data) || isWebStream(data);
}

/** A body that is sent as it is, and where it can be read only once, for one attempt. */
export function asIs(data: unknown): Body {
  const failure: Body['failure'] = {};
  const note = (error?: unknown): void => void (failure.error ??= error);
  if (isNodeStream(data)) data.on('error', note);
  const sent = isWebStream(data) && !data.locked ? watched(data, note) : data;
  return { data: sent, headers: [], replayable: !isOneShot(data), captured: false, failure };
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

/** Whoever listens to a stream that has failed already waits for ever. @throws BodyError */
export function checkSendable({ data, failure }: Body): void {
  const { error: cause } = failure;
  if (cause !== undefined) throw failed(cause);
  if (isNodeStream(data) && data.destroyed === true) throw new BodyError('Request stream has been aborted', true);
}

function captureNode(stream: NodeStream, limit: number): Promise<Body> {
  if (stream.readableEnded === true || stream.destroyed === true) {
    return Promise.reject(new BodyError('the request body is a stream that has already been read or destroyed'));
  }
  const headers = Object.entries(stream.getHeaders?.() ?? {});
  const failure: Body['failure'] = {};
  return new Promise((resolve, reject) => {
    const kept = new Kept(limit);
    /** Takes what is beyond the limit. The listeners stay the same, so that nothing falls between. */
    let rest: PassThrough | undefined;
    let over = false;
    const finish = (error?: BodyError): void => {
      if (over) return;
      over = true;
      if (error !== undefined) failure.error ??= error.cause ?? error;
      if (error !== undefined) {
        reject(error);
        rest?.destroy(failure.error as Error);
      } else if (rest !== undefined) rest.end();
      else resolve({ data: kept.joined(), headers, replayable: true, captured: true, failure });
    };
    stream.on('data', (chunk: unknown) => {
      const bytes = bytesOf(chunk);
      if (bytes === undefined) finish(unsendable(chunk));
      else if (rest !== undefined) pour(bytes, rest, stream);
      else if (!kept.take(bytes)) {
        rest = new (process.getBuiltinModule('node:stream').PassThrough)();
        rest.on('drain', () => void stream.resume?.());
        rest.on('error', () => undefined); // `failure` knows
        for (const each of kept.chunks) pour(each, rest, stream);
        resolve({ data: rest, headers, replayable: false, captured: false, failure });
      }
    });
    stream.on('end', () => finish());
    stream.on('error', (error: Error) => finish(failed(error)));
    stream.on('close', () => finish(new BodyError('Request stream has been aborted', true)));
    // Streams of the form-data package wait for it.
    stream.resume?.();
  });
}

/** Writes, and holds the source back where that is too fast. */
function pour(bytes: Uint8Array, to: PassThrough, from: NodeStream): void {
  if (!to.write(bytes)) from.pause?.();
}

/** The chunks of a body, as long as they are no longer than `limit` bytes together. */
class Kept {
  readonly chunks: Uint8Array[] = [];
  #size = 0;

  constructor(private readonly limit: number) {}

  /** Returns whether the limit still holds. */
  take(chunk: Uint8Array): boolean {
    this.chunks.push(chunk);
    this.#size += chunk.byteLength;
    return this.#size <= this.limit;
  }

  /** As a Buffer where there is one: the http adapter takes no Uint8Array. */
  joined(): Uint8Array {
    const { Buffer } = globalThis as { Buffer?: { concat(chunks: readonly Uint8Array[]): Uint8Array } };
    if (Buffer) return Buffer.concat(this.chunks);
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }
}

function failed(cause: unknown): BodyError {
  const { message } = Object(cause) as { message?: unknown };
  return new BodyError(typeof message === 'string' ? message : String(cause), false, { cause });
}

function unsendable(chunk: unknown): BodyError {
  return new BodyError(`the request body is a stream of ${typeof chunk}s; bytes or text can be sent`);
}

async function captureWeb(stream: ReadableStream, limit: number): Promise<Body> {
  const reader = openReader(stream);
  const failure: Body['failure'] = {};
  const kept = new Kept(limit);
  for (;;) {
    const chunk = await read(reader);
    if (chunk === undefined) return { data: kept.joined(), headers: [], replayable: true, captured: true, failure };
    if (!kept.take(chunk)) break;
  }
  const rest = new ReadableStream<unknown>({
    async pull(controller) {
      const chunk = kept.chunks.shift();
      if (chunk === undefined) await passOn(reader, controller, (error) => void (failure.error = error));
      else controller.enqueue(chunk);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { data: rest, headers: [], replayable: false, captured: false, failure };
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
    throw failed(cause);
  }
  if (result.done) return undefined;
  const chunk = bytesOf(result.value);
  if (chunk === undefined) throw unsendable(result.value);
  return chunk;
}

function bytesOf(chunk: unknown): Uint8Array | undefined {
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  return ArrayBuffer.isView(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined;
}
