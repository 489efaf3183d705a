import type { Readable } from 'node:stream';
import { nextEventLoopTurn } from '../base/clock';
import { CodedError, codeOf, isCodedError } from '../base/errors';
import {
  asPassedOn,
  discardBody,
  ignore,
  isNode,
  isNodeStream,
  isWebStream,
  nodeStreamOf,
  watched,
  webStreamOf,
} from './streams';
import type { NodeStream } from './streams';

/** The body of one request, shared by its attempts. */
export interface Body {
  readonly data: unknown;
  /** Headers that belong to `data`: a form that was read into memory has its boundary here. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Whether another attempt can send it again. */
  readonly replayable: boolean;
  /** Whether it is passed on as a stream, because there is only one attempt anyway. */
  readonly isStreamed: boolean;
  /** The error of the caller's own stream, if it failed. No backend is blamed for it. */
  readonly failure: { error: unknown };
}

/** A body that can be read only once. */
type OneShot = NodeStream | ReadableStream;

/** A one-shot body, before an attempt needs it. */
export interface Unread {
  readonly stream: OneShot;
  readonly failure: Body['failure'];
  /** What `capture` makes of it for this request. */
  captured: Promise<Body> | undefined;
}

/** Bodies by the stream that they were read from. A plugin that resends a config (axios-retry) passes a used stream. */
const captures = new WeakMap<object, Promise<Body>>();

/** Whether `data` can be read only once. Buffers, text, Blobs and spec FormData can be sent again as they are. */
export function isOneShot(data: unknown): data is OneShot {
  return isNodeStream(data) || isWebStream(data);
}

/**
 * Whether the body that is sent is another than the caller's, and the client frames it. The caller's framing headers
 * would then cut or stall it.
 */
export function isReframed(sent: unknown, given: unknown): boolean {
  return sent !== given && !isOneShot(sent);
}

/** Whether a stream has been read from, as far as the runtime tells. */
export function isDisturbed(data: unknown): boolean {
  return (
    isOneShot(data) &&
    isNode() &&
    process.getBuiltinModule('node:stream').Readable.isDisturbed(data as unknown as Readable)
  );
}

/** A body that can be sent again as it is. */
export function asIs(data: unknown): Body {
  return { data, headers: undefined, replayable: true, isStreamed: false, failure: { error: undefined } };
}

/**
 * A body that can be read only once, before anything reads it. Its errors are noted from the start: an error of a stream
 * that nobody listens to ends a Node process. `undefined`: `data` can be sent again as it is.
 */
export function unreadFrom(data: unknown): Unread | undefined {
  if (!isOneShot(data)) return undefined;
  return { stream: data, failure: isNodeStream(data) ? failureOf(data) : { error: undefined }, captured: undefined };
}

/** What became of the streams that are watched. A plugin may send the same one again and again. */
const failures = new WeakMap<object, Body['failure']>();

function failureOf(stream: NodeStream): Body['failure'] {
  const known = failures.get(stream);
  if (known !== undefined) return known;
  const failure: Body['failure'] = { error: undefined };
  failures.set(stream, failure);
  stream.on('error', (error) => void (failure.error ??= error));
  // Old-style streams don't say whether they have ended.
  stream.on('close', () => {
    if (stream.readableEnded === false) failure.error ??= bodyClosedEarly();
  });
  return failure;
}

/** The body as the caller gave it, for one attempt. */
export function forOneAttempt({ stream, failure }: Unread): Body {
  const note = (error?: unknown): void => void (failure.error ??= error);
  const data = isWebStream(stream) && !stream.locked ? watched(stream, note) : stream;
  return { data, headers: undefined, replayable: false, isStreamed: true, failure };
}

/**
 * Reads a one-shot body into memory, so that it can be sent again. If it is longer than `limit` bytes, what was read and
 * the rest form one stream, for one attempt.
 *
 * @throws CodedError if the stream fails or can't be read
 */
export function capture(unread: Unread, limit: number): Promise<Body> {
  const earlier = captures.get(unread.stream);
  if (earlier !== undefined) return earlier.then(again);
  unread.captured = read(unread, limit).catch(failed);
  captures.set(unread.stream, unread.captured);
  return unread.captured;
}

/** Whether `capture` has read it already. */
export function isCaptured(data: unknown): boolean {
  return captures.has(data as object);
}

/** The stream in place of this one that `capture` has read, if any; or else the value itself. */
export function capturedFrom(data: unknown): unknown {
  const passed = asPassedOn(data);
  return isCaptured(passed) ? passed : data;
}

/** Frees what is left of a body that was too long to be kept, after the attempt that it served has failed. */
export function closeRest(unread: Unread | undefined, { data, replayable }: Body): void {
  if (!replayable && unread?.captured !== undefined) discardBody(data);
}

/**
 * Frees what a body holds, such as an open file, after a request of which nobody has read it. What fits in `limit` bytes
 * is kept, for a client or a plugin that sends the request once more. A streamed body that somebody has read is closed.
 *
 * @param body what was made of it, if anything was
 */
export function keepOrClose(unread: Unread, body: Body | undefined, limit: number): void {
  // The lock of a web stream that was to be passed on is held by the stream that was made of it.
  if (body?.isStreamed === true && (body.data !== unread.stream || isDisturbed(body.data))) {
    discardBody(body.data);
    return;
  }
  (unread.captured ?? capture(unread, limit)).then(({ data }) => discardBody(data), ignore);
}

/** Sending a stream that has already failed would never end. @throws CodedError */
export function checkSendable({ data, failure }: Body): void {
  if (failure.error !== undefined) failed(failure.error);
  if (isNodeStream(data) && data.destroyed === true) throw bodyClosedEarly();
}

function again(body: Body): Body {
  if (body.replayable) return body;
  throw unsendable('that was sent before and was too long to be kept (maxReplaySize)');
}

async function read({ stream, failure }: Unread, limit: number): Promise<Body> {
  if (failure.error !== undefined) return failed(failure.error);
  const headers = ('getHeaders' in stream ? stream.getHeaders?.() : undefined) ?? undefined;
  const source: Source = isWebStream(stream) ? readerOf(stream) : iteratorOf(stream);
  const kept: Uint8Array<ArrayBuffer>[] = [];
  const next = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    try {
      const { done, value } = await source.next();
      return done === true ? undefined : bytesToSend(value);
    } catch (error) {
      failure.error = codeOf(error) === PREMATURE_CLOSE ? bodyClosedEarly() : error;
      // A stream of anything but bytes and text hasn't failed, and is still open.
      Promise.resolve(source.cancel()).catch(ignore);
      throw failure.error;
    }
  };
  for (let size = 0; size <= limit;) {
    const chunk = await next();
    if (chunk === undefined) {
      // All of axios's adapters take an ArrayBuffer.
      const data = await new Blob(kept).arrayBuffer();
      // It no longer depends on its source.
      return { data, headers, replayable: true, isStreamed: false, failure: { error: undefined } };
    }
    kept.push(chunk);
    size += chunk.byteLength;
  }
  let burst = MAX_BURST;
  const rest = isWebStream(stream)
    ? webStreamOf(pull, (reason) => source.cancel(reason))
    : nodeStreamOf(pull, () => void source.cancel());
  return { data: rest, headers, replayable: false, isStreamed: false, failure };

  async function pull(): Promise<Uint8Array | undefined> {
    // In one burst, the chunks would run into a connection that the server has closed, before its early answer was read.
    if (burst >= MAX_BURST) {
      await nextEventLoopTurn();
      burst = 0;
    }
    const chunk = kept.shift() ?? (await next());
    burst += chunk?.byteLength ?? 0;
    return chunk;
  }
}

/** Bytes of a long body that are sent without a turn of the event loop. */
const MAX_BURST = 65_536;

/** Reads a stream of either kind. */
interface Source {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  /** Nobody reads on: closes what the stream holds. */
  cancel(reason?: unknown): unknown;
}

function readerOf(stream: ReadableStream): Source {
  if (stream.locked) throw unsendable('that something else is reading');
  const reader = stream.getReader();
  return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) };
}

function iteratorOf(stream: NodeStream): Source {
  if (stream.readableEnded === true || stream.destroyed === true) {
    throw unsendable('that has already been read or destroyed');
  }
  if (Symbol.asyncIterator in stream) return chunksOf(stream as NodeStream & Readable);
  // An old-style stream of the form-data package. Its `pipe` passes on an early end, but not an error.
  const through = new (process.getBuiltinModule('node:stream').PassThrough)();
  stream.on('error', (error: Error) => through.destroy(error));
  return { ...chunksOf(stream.pipe(through)), cancel: () => stream.destroy?.() };
}

function chunksOf(stream: Readable): Source {
  const chunks = stream[Symbol.asyncIterator]();
  return { next: () => chunks.next(), cancel: () => stream.destroy() };
}

function bytesToSend(chunk: unknown): Uint8Array<ArrayBuffer> {
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw unsendable(`of ${typeof chunk}s; write bytes or text to it`);
}

function unsendable(why: string): CodedError {
  return new CodedError(`the request body is a stream ${why}`, 'ERR_BAD_REQUEST');
}

/** Node's code for a stream that closed before its end. */
const PREMATURE_CLOSE = 'ERR_STREAM_PREMATURE_CLOSE';

/** Whether an error is that of the caller's own stream. Over fetch, one that closed early fails with an error of Node's. */
export function isOfBody({ failure: { error: own } }: Pick<Body, 'failure'>, error: unknown): boolean {
  if (own === undefined) return false;
  return error === own || (isCodedError(own) && codeOf(error) === PREMATURE_CLOSE);
}

/** axios reports a body stream that closes early as a cancel, in these words. */
function bodyClosedEarly(): CodedError {
  return new CodedError('Request stream has been aborted', 'ERR_CANCELED');
}

function failed(cause: unknown): never {
  const { message = String(cause) } = Object(cause) as { message?: string };
  throw new CodedError(message, codeOf(cause) ?? 'ERR_BAD_REQUEST', { cause });
}
