import { must } from '../base/check';
import { isCodedError } from '../base/errors';
import { setHidden, withHidden } from '../base/hidden';
import { AbortReason } from '../failover/abort';
import type { Abort } from '../failover/abort';
import type { Fabricated } from '../failover/fabricated';
import { NO_STATUS } from '../failover/error-kinds';
import { FetchConnection } from '../failover/connection';
import type { Beginning, Exchange, HttpClient, Target } from '../failover/http-client';
import { cleanedError } from '../failover/redact';
import type { HttpResponse } from '../http/messages';
import { isNodesFetch } from '../http/redirect-rules';
import { overrideFields } from './override-fields';
import { ReadAhead, readNodeStream } from '../http/read-beginning';
import { discardBody, isNodeStream, isRewindable, isWebStream } from '../http/streams';
import type { ReadLimits, Take } from '../http/read-beginning';
import type { Attempt } from '../pool/events';
import { argumentsOf } from './attempt-init';
import { asFetchError } from './fetch-errors';
import { followRedirects, isFollowed } from './redirect-chain';
import type { FetchRequest } from './request';

/** A response of the wrapped fetch, with what the package adds. */
export type PriorityResponse = Response & {
  /** The attempts of the request, in order. Missing where `shouldBalance` answered `false`: use `attemptsOf`. */
  readonly attempts: readonly Attempt[];
  /** Whether the package made this response because no backend was available. */
  readonly fabricated?: true;
};

/** A `Response`, typed as the failover's response. */
export type FetchResponse = Response & HttpResponse;

/** Sends attempts through the wrapped fetch. The caller gets its responses and errors. */
export class FetchClient implements HttpClient<FetchRequest, FetchResponse> {
  /**
   * The caller's signal of each body that may still be read. `AbortSignal.any` holds it weakly, and a signal of
   * `AbortSignal.timeout` that nobody else holds would never end the body.
   */
  readonly #signals = new WeakMap<ReadableStream, AbortSignal>();

  async send(request: FetchRequest, target: Target, exchange: Exchange): Promise<FetchResponse> {
    const connection = new FetchConnection();
    exchange.connection = connection;
    try {
      const attempt = argumentsOf(request, target, signalFor(request, exchange.abort));
      const [url, init] = attempt;
      const { fetch } = request;
      const response = checked(
        isFollowed(request, target, init)
          ? await followRedirects(fetch, attempt, target, connection)
          : await fetch(url, init as RequestInit),
      );
      const { signal } = request.config;
      if (signal !== undefined && response.body) this.#signals.set(response.body, signal);
      return response;
    } catch (error) {
      throw cleaned(error, request, target);
    }
  }

  readBeginning(
    request: FetchRequest,
    response: FetchResponse,
    take: Take,
    limits: ReadLimits,
  ): Beginning<FetchResponse> | undefined {
    const { body } = response as { body: unknown };
    // node-fetch gives streams of Node's.
    if (isNodeStream(body) && isRewindable(body)) return { response, isOver: readNodeStream(body, take, limits) };
    // A mock may be less than a `Response`.
    if (!isWebStream(body) || body.locked || response.bodyUsed || typeof response.clone !== 'function')
      return undefined;
    // A mock, which no network can break off: the caller gets the very object.
    const isMock = response.url === '' && typeof response.text === 'function';
    const ahead = new ReadAhead(isMock ? response.clone().body! : body, request.config.signal);
    const isOver = ahead.read(take, limits);
    if (isMock) return { response, isOver: isOver.finally(() => discardBody(ahead.stream)) };
    return { response: withBody(response, ahead.stream) as FetchResponse, isOver };
  }

  discard(response: FetchResponse): void {
    discardBody(response.body);
  }

  fabricate(
    { fetch, config, init, body }: FetchRequest,
    { status, statusText, headers, text }: Fabricated,
  ): FetchResponse {
    // What fetch refuses, it refuses whether a backend is available or not.
    if (isNodesFetch(fetch)) new Request(config.url, { ...init, signal: null, body: body === undefined ? null : '' });
    const { Response: Own = Response } = fetch as { Response?: typeof Response };
    const response = new Own(text, { status, statusText, headers });
    return withHidden(response, { fabricated: true }) as FetchResponse;
  }

  settle(_request: FetchRequest, response: FetchResponse, attempts: readonly Attempt[]): FetchResponse {
    // What a mock answers may be frozen, or no object.
    if (Object.isExtensible(response)) setHidden(response, 'attempts', attempts);
    return response;
  }

  translate({ config }: FetchRequest, error: unknown): unknown {
    if (error instanceof AbortReason) {
      if (error.why === 'cancelled') return reasonOf(config.signal!);
      return new DOMException(`attemptTimeout of ${String(error.ms)} ms exceeded`, 'TimeoutError');
    }
    return isCodedError(error) ? asFetchError(error) : error;
  }

  abortReason(request: FetchRequest, reason: AbortReason): unknown {
    return this.translate(request, reason);
  }

  errorFor(request: FetchRequest, thrown: unknown, attempts: readonly Attempt[]): unknown {
    const { config, body, cancelBody } = request;
    const error = this.translate(request, thrown);
    // The reason of a signal is the caller's own.
    const isCallers = config.signal?.aborted === true && error === config.signal.reason;
    if (!isCallers) return withHidden(error, { attempts });
    if (cancelBody === undefined) discardBody(body);
    else cancelBody(error);
    return error;
  }
}

/**
 * The same response with another body. (A clone would be simpler. But what had arrived of a body that breaks off would be
 * lost. And where both of its bodies are ended, as by an abort after the reading, Node 20's fetch leaves a rejection that
 * nobody can handle.)
 */
function withBody(response: Response, body: ReadableStream): Response {
  const { url, redirected, type, status, statusText, ok, headers, constructor: kind } = response;
  // Of the wrapped fetch's own kind, unless it is a mock, or of a class whose constructor may take something else.
  const isOther = !(response instanceof Response) && 'redirect' in kind;
  const Own = isOther ? (kind as typeof Response) : Response;
  // Without its status and its reason phrase: a server may send some that no constructor takes.
  const made = new Own(body, { headers });
  // What a wrapper around fetch has added. What every `Response` has is that of the new one.
  const added = Object.entries(response).filter(([name]) => !(name in made));
  const own = { url, redirected, type, status, statusText, ok, headers };
  return overrideFields(made, { ...Object.fromEntries(added), ...own });
}

/**
 * The signal of one attempt. With `AbortSignal.any`, no listener stays on the caller's signal, however many requests
 * share it, and a cancel still ends a body that is being read. Without it, the caller's own is passed on.
 */
function signalFor({ config }: FetchRequest, abort: Abort | undefined): AbortSignal | undefined {
  const { signal } = config;
  if (signal === undefined) return abort?.signal;
  // It hears no signal of a polyfill or another realm. (With a signal of the caller, an attempt always has an `Abort`.)
  return signal instanceof AbortSignal && 'any' in AbortSignal ? AbortSignal.any([signal, abort!.signal]) : signal;
}

/** A polyfill's signal may have none. */
function reasonOf(signal: AbortSignal): unknown {
  return 'reason' in signal ? signal.reason : new DOMException('This operation was aborted', 'AbortError');
}

/**
 * A status of 0 is no answer, unless the caller asked for one that can't be read.
 *
 * @throws TypeError for that, and for what is no response, as a mock may return it
 */
function checked(response: Response): FetchResponse {
  must(Object(response) === response, 'the wrapped fetch', 'return a Response', response);
  // A mock may have no type.
  const { status, type } = response as { status: number; type?: string };
  if (status !== 0 || type?.startsWith('opaque') === true) return response as FetchResponse;
  throw new TypeError(NO_STATUS);
}

/** The error without the credentials of the attempt. One that can't be written on is replaced. */
function cleaned(error: unknown, { config }: FetchRequest, target: Target): unknown {
  if (config.signal?.aborted === true && error === config.signal.reason) return error;
  return cleanedError(
    error,
    target,
    () => undefined,
    (text) => new TypeError(text),
  );
}
