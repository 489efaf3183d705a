import axios from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { must } from '../base/check';
import { MAX_TIMER, now } from '../base/clock';
import { codeOf, errorChain, isCodedError } from '../base/errors';
import { setHidden } from '../base/hidden';
import { AbortReason } from '../failover/abort';
import type { Abort, Cancellable } from '../failover/abort';
import { NO_STATUS } from '../failover/error-kinds';
import { FetchConnection } from '../failover/connection';
import type { Beginning, Exchange, HttpClient, Settling, Target } from '../failover/http-client';
import { cleanedError, readField } from '../failover/redact';
import { isOfBody } from '../http/request-body';
import { routeOf } from '../http/route';
import { hiddenRedirect } from '../http/redirect-rules';
import { discardBody, isWebStream } from '../http/streams';
import type { ReadLimits, Take } from '../http/read-beginning';
import type { Attempt } from '../pool/events';
import { attemptConfig, isConfigFor } from './attempt-config';
import type { AdapterKind } from './adapter-kind';
import type { AttemptConfig, AxiosRequest } from './attempt-config';
import { findKind, watchedAdapter } from './adapter-kind';
import { abortError, fromCodedError, fromRedirectError, timeoutError, withAttempts } from './axios-errors';
import { checkSensitiveHeaders } from './redirect-guard';
import { connectionOf } from './http-connection';
import { watchedBy } from './watched-fetch';
import { bytesOfIdle, closeIdleTo } from './agent-sockets';
import { ownTransport } from './own-transport';
import { reportProgress } from './progress';
import { followRedirects, prepareRedirects } from './redirect-chain';
import type { Follow } from './redirect-chain';
import { cancelWhileRead, fabricate, readBeginning, responseTypeOf, settle } from './response';
import { restoreConfig, restoreErrorConfig } from './restore-config';

/** Sends the attempts of axios requests through the wrapped adapter. The caller gets axios's own responses and errors. */
export class AxiosClient implements HttpClient<AxiosRequest, AxiosResponse> {
  /** The kind of each adapter, found once: that takes up to five calls of `axios.getAdapter`. */
  readonly #kinds = new WeakMap<AxiosAdapter, AdapterKind>();
  /** The backends that have answered over HTTP/2, so that a session with them may have become stale. */
  readonly #served = new WeakSet<object>();
  /** For each of axios's fetch adapters, the one that reports the head of a response. */
  readonly #watched = new WeakMap<AxiosAdapter, AxiosAdapter>();

  /** @throws CodedError or AxiosError for a URL or a timeout that axios would refuse */
  open(config: InternalAxiosRequestConfig, adapter: AxiosAdapter): AxiosRequest {
    const kind = this.#kindOf(adapter, config);
    if (kind === 'fetch') checkSensitiveHeaders(config);
    const route = routeOf(config);
    return {
      config,
      adapter,
      kind,
      route,
      body: config.data as unknown,
      deployment: route.deployment,
      timeout: timeoutOf(config, kind),
      streamed: responseTypeOf(config, kind) === 'stream',
      obeysCancel: kind === 'http' || kind === 'xhr',
      // axios's fetch adapter modifies the abort reason; foreign adapters may know no `cancelToken`.
      needsAbort: kind === 'fetch' || (kind === 'foreign' && config.cancelToken !== undefined),
      model: undefined,
      blobBytes: undefined,
      resends: false,
    };
  }

  send(request: AxiosRequest, target: Target, exchange: Exchange): Promise<AxiosResponse> {
    const { config, kind } = request;
    const attempt = attemptConfig(request, target, exchange.abort);
    // A longer timer would fire at once. The budget handles such a timeout.
    if (Number(attempt.timeout) > MAX_TIMER) attempt.timeout = 0;
    const transport = ownTransport(attempt, request, target, exchange);
    exchange.connection = transport;
    const isHttp2 = Number(attempt.httpVersion) === 2;
    if (exchange.fresh && kind === 'http' && transport === undefined && !isHttp2)
      closeIdleTo(target.backend.baseURL, attempt);
    // In this order: the transport decides who follows redirects, and the watch needs the final `fetchOptions`.
    const follow = prepareRedirects(attempt, request, target, transport);
    if (kind === 'fetch') this.#watch(attempt, exchange);
    if (attempt.onUploadProgress ?? attempt.onDownloadProgress) reportProgress(attempt, exchange, follow?.rules);
    const isSeen = kind !== 'http' || transport !== undefined;
    // Not since `exchange.started`: credentials may have taken a while.
    const sending = isSeen ? undefined : { sentAt: now(), bytesBefore: bytesOfIdle(attempt) };
    const failed = (error: unknown): never => {
      if (sending !== undefined) exchange.connection ??= connectionOf(error, sending, this.#served.has(target.backend));
      throw this.#cleaned(error, request, target);
    };
    const first = called(attempt.adapter as AxiosAdapter, attempt);
    const last = follow === undefined ? first : followRedirects(first, follow, attempt, target, exchange.connection!);
    return last.then((response) => {
      try {
        must(Object(response) === response, 'the wrapped adapter', 'resolve to a response', response);
        if (response.status === 0) checkStatus0(response, attempt, kind, follow);
        if (isHttp2) this.#served.add(target.backend);
        return restoreConfig(response, config);
      } catch (error) {
        return failed(error);
      }
    }, failed);
  }

  readBeginning(
    request: AxiosRequest,
    response: AxiosResponse,
    take: Take,
    limits: ReadLimits,
  ): Beginning<AxiosResponse> | undefined {
    const isOver = readBeginning(request, response, take, limits)?.catch((error: unknown) => {
      if (axios.isAxiosError(error)) throw error;
      throw axios.AxiosError.from(error, codeOf(error), request.config, response.request, response);
    });
    return isOver && { response, isOver };
  }

  discard(response: AxiosResponse, abort: Abort | undefined): void {
    discardBody(response.data);
    // axios's fetch adapter keeps the connection of a request with a signal until that is aborted.
    if (isWebStream(response.data)) abort?.abort(new axios.CanceledError());
  }

  fabricate = fabricate;

  settle(
    { config }: AxiosRequest,
    response: AxiosResponse,
    attempts: readonly Attempt[],
    { abort, why, cause }: Settling,
  ): AxiosResponse {
    response.attempts = attempts;
    const settled = settle(response, why, cause);
    // As in axios: when the status is refused, the signal is no longer observed.
    if (abort !== undefined) cancelWhileRead(settled, config, abort);
    return settled;
  }

  translate({ config, kind }: AxiosRequest, error: unknown, rejection?: unknown): unknown {
    if (!(error instanceof AbortReason)) return fromCodedError(error, config);
    const own = abortError(error, config, kind);
    // Over fetch, `cause` is the runtime's own error.
    for (const field of ['request', 'cause'] as const) {
      const { [field]: value } = Object(rejection) as { request?: unknown; cause?: unknown };
      if (value !== undefined) setHidden(own, field, value);
    }
    return own;
  }

  /** A foreign adapter's signal gets the caller's own reason. axios's fetch adapter writes on it, so it gets an error of ours. */
  abortReason(request: AxiosRequest, reason: AbortReason): unknown {
    return (request.kind === 'foreign' ? reason.signalReason : undefined) ?? this.translate(request, reason);
  }

  errorFor(request: AxiosRequest, error: unknown, attempts: readonly Attempt[]): unknown {
    return withAttempts(this.translate(request, error), attempts);
  }

  /** The error of a request that was refused before its first attempt. */
  refuse(config: InternalAxiosRequestConfig, error: unknown): unknown {
    return withAttempts(fromCodedError(error, config), []);
  }

  /** The error without the attempt's config and credentials. One that can't be written on is replaced. */
  #cleaned(error: unknown, { config }: AxiosRequest, target: Target): unknown {
    // All requests of a `cancelToken` or a signal share its reason, so nothing is written on it.
    const { cancelToken, signal } = config as Cancellable;
    if (cancelToken?.reason !== undefined && error === cancelToken.reason)
      return new axios.CanceledError(cancelToken.reason.message, config);
    if (signal?.aborted === true && error === signal.reason) return new axios.CanceledError(undefined, config);
    // An error below it, or one of the caller's stream, may belong to another request.
    const restored = (each: object): boolean | undefined => {
      const response = Object(readField(each, 'response')) as object;
      const configs = [readField(each, 'config'), readField(response, 'config')];
      const isOwn = each === error && !isOfBody(target.body, error);
      const holdsAttempt = configs.some((found) => isConfigFor(found, target.backend));
      return isOwn || holdsAttempt ? restoreErrorConfig(each, config) : undefined;
    };
    const cleaned = cleanedError(error, target, restored, (text) => {
      const { name } = error as Error;
      return Object.assign(new axios.AxiosError(text, codeOf(error), config), { name });
    });
    // The http adapter wraps the error of a body's stream.
    return fromCodedError(errorChain(cleaned).find((each) => isCodedError(each)) ?? cleaned, config);
  }

  /** Lets an attempt over axios's fetch adapter report the head of its response. */
  #watch(attempt: AttemptConfig, exchange: Exchange): void {
    const connection = new FetchConnection();
    exchange.connection = connection;
    const adapter = attempt.adapter as AxiosAdapter;
    if (!this.#watched.has(adapter)) this.#watched.set(adapter, watchedAdapter(adapter, attempt));
    attempt.adapter = this.#watched.get(adapter)!;
    attempt.fetchOptions = watchedBy(attempt.fetchOptions as object | undefined, connection);
  }

  #kindOf(adapter: AxiosAdapter, config: InternalAxiosRequestConfig): AdapterKind {
    let kind = this.#kinds.get(adapter);
    if (kind === undefined) this.#kinds.set(adapter, (kind = findKind(adapter, config)));
    return kind;
  }
}

/**
 * The caller's `timeout` in ms, read as axios reads it. 0: none.
 *
 * @throws AxiosError for what is no number, which not all of axios's adapters notice; and a timeout for a negative
 * number, as what is left of a deadline may be one
 */
function timeoutOf(config: InternalAxiosRequestConfig, kind: AdapterKind): number {
  const ms = config.timeout ? Number.parseInt(String(config.timeout), 10) : 0;
  if (ms < 0) throw timeoutError(config, ms, kind);
  if (!Number.isNaN(ms)) return ms;
  const message = 'error trying to parse `config.timeout` to int';
  throw new axios.AxiosError(message, axios.AxiosError.ERR_BAD_OPTION_VALUE, config);
}

/**
 * A status of 0 is no answer, unless the caller of a fetch asked for one that can't be read.
 *
 * @throws AxiosError
 */
function checkStatus0(
  response: AxiosResponse,
  attempt: AttemptConfig,
  kind: AdapterKind,
  follow: Follow | undefined,
): void {
  const { request } = response as { request?: unknown };
  if (kind === 'fetch') {
    const { redirect, mode } = Object(attempt.fetchOptions) as { redirect?: unknown; mode?: unknown };
    if (mode === 'no-cors') return;
    if (follow !== undefined) throw fromRedirectError(hiddenRedirect(), attempt, request);
    if (redirect === 'manual' || attempt.maxRedirects === 0) return;
  }
  throw new axios.AxiosError(NO_STATUS, axios.AxiosError.ERR_NETWORK, attempt, request);
}

/** Calls the adapter. One that throws at once counts as one that rejects. */
function called(adapter: AxiosAdapter, config: AttemptConfig): Promise<AxiosResponse> {
  try {
    return Promise.resolve(adapter(config));
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
    return Promise.reject(error);
  }
}
