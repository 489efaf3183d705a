import type { Readable } from 'node:stream';
import { CodedError, codeOf } from './coded-error';
import { isNodeStream, isWebStream, nodeStreamOf, watched, webStreamOf } from './streams';
import type { NodeStream } from './streams';

/** A request body, as the attempts of one request share it. */
export interface Body {
  readonly data: unknown;
  /** What must go with `data`: a form that was read into bytes has its boundary here. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether another attempt can send it again. */
  readonly replayable: boolean;
  /** What the caller's own stream failed with: no backend is to blame for that. */
  readonly failure: { error?: unknown };
}

/** What can be read only once. */
export type OneShot = NodeStream | ReadableStream;

/** Whoever sends a config again (axios-retry) hands over the same stream: it has been read, and is found here. */
const captures = new WeakMap<object, Promise<Body>>();

/** Whether `data` can be read only once. Buffers, text, Blobs and spec FormData can be sent again as they are. */
export function isOneShot(data: unknown): data is OneShot {
  return isNodeStream(data) || isWebStream(data);
}

/** A body that is sent as it is, and where it can be read only once, for one attempt. */
export function asIs(data: unknown): Body {
  if (!isOneShot(data)) return { data, replayable: true, failure: {} };
  const failure: Body['failure'] = {};
  const note = (error?: unknown): void => void (failure.error ??= error);
  if (isNodeStream(data)) data.on('error', note);
  const sent = isWebStream(data) && !data.locked ? watched(data, note) : data;
  return { data: sent, replayable: false, failure };
}

/**
 * Reads a one-shot body, so that it can be sent again. Where it is longer than `limit` bytes, what was read and the
 * rest go into one stream, for one attempt.
 *
 * @throws CodedError
 */
export function capture(data: OneShot, limit: number): Promise<Body> {
  let body = captures.get(data);
  if (body === undefined) captures.set(data, (body = read(data, limit).catch(failed)));
  else body = body.then(again);
  return body;
}

/** Whoever listens to a stream that has failed already waits for ever. @throws CodedError */
export function checkSendable({ data, failure }: Body): void {
  if (failure.error !== undefined) failed(failure.error);
  if (isNodeStream(data) && data.destroyed === true) throw closedEarly();
}

function again(body: Body): Body {
  if (body.replayable) return body;
  throw unsendable('that was sent before and was too long to be kept (maxReplaySize)');
}

async function read(stream: OneShot, limit: number): Promise<Body> {
  const failure: Body['failure'] = {};
  const headers = 'getHeaders' in stream ? stream.getHeaders?.() : undefined;
  const source: Source = isWebStream(stream) ? readerOf(stream) : iteratorOf(stream);
  const kept: Uint8Array<ArrayBuffer>[] = [];
  const next = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    try {
      const { done, value } = await source.next();
      return done === true ? undefined : bytesOf(value);
    } catch (error) {
      failure.error = codeOf(error).code === 'ERR_STREAM_PREMATURE_CLOSE' ? closedEarly() : error;
      throw failure.error;
    }
  };
  for (let size = 0; size <= limit;) {
    const chunk = await next();
    if (chunk === undefined) {
      // An ArrayBuffer is what all of axios's adapters take.
      const data = await new Blob(kept).arrayBuffer();
      return { data, headers, replayable: true, failure };
    }
    kept.push(chunk);
    size += chunk.byteLength;
  }
  const rest = isWebStream(stream) ? webStreamOf(pull, (reason) => source.cancel?.(reason)) : nodeStreamOf(pull);
  return { data: rest, headers, replayable: false, failure };

  async function pull(): Promise<Uint8Array | undefined> {
    return kept.shift() ?? (await next());
  }
}

/** What a stream of either kind is read by. */
interface Source {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  cancel?(reason: unknown): Promise<void>;
}

function readerOf(stream: ReadableStream): Source {
  if (stream.locked) throw unsendable('that is being read by somebody else');
  const reader = stream.getReader();
  return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) };
}

function iteratorOf(stream: NodeStream): Source {
  if (stream.readableEnded === true || stream.destroyed === true) {
    throw unsendable('that has already been read or destroyed');
  }
  if (Symbol.asyncIterator in stream) return (stream as NodeStream & Readable)[Symbol.asyncIterator]();
  // An old-style one, of the form-data package. An early end of it is passed on by its `pipe`, an error is not.
  const through = new (process.getBuiltinModule('node:stream').PassThrough)();
  stream.on('error', (error: Error) => through.destroy(error));
  return stream.pipe(through)[Symbol.asyncIterator]();
}

function bytesOf(chunk: unknown): Uint8Array<ArrayBuffer> {
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw unsendable(`of ${typeof chunk}s; bytes or text can be sent`);
}

function unsendable(why: string): CodedError {
  return new CodedError(`the request body is a stream ${why}`, 'ERR_BAD_REQUEST');
}

/** As axios has it: of a stream that closes early it says that the request was cancelled. */
function closedEarly(): CodedError {
  return new CodedError('Request stream has been aborted', 'ERR_CANCELED');
}

function failed(cause: unknown): never {
  const { message = String(cause) } = Object(cause) as { message?: string };
  throw new CodedError(message, codeOf(cause).code ?? 'ERR_BAD_REQUEST', { cause });
}
