import { nextTurn, now } from '../base/clock';
import { CodedError, codeOf } from '../base/errors';
import { asIs, checkSendable } from '../http/body';
import type { Body } from '../http/body';
import { joined } from '../http/body-text';
import type { HttpResponse } from '../http/messages';
import { StreamInspection, isEventStream } from '../http/stream-error';
import type { Take } from '../http/streams';
import type { Attempt } from '../pool/events';
import type { InFlight, PoolCore } from '../pool/pool-core';
import { Abort, AbortReason, Budget } from './budget';
import {
  classifyError,
  failureOfError,
  failureOfResponse,
  failureOfStream,
  isSuccess,
  outcomeOfHead,
} from './classify';
import type { Failure, Outcome } from './classify';
import type { Exchange, HttpClient, HttpRequest } from './http-client';
import type { Rules } from './options';

/** What all attempts of a request share. */
export interface Run<R extends HttpRequest, A extends HttpResponse> {
  readonly client: HttpClient<R, A>;
  readonly request: R;
  readonly pool: PoolCore;
  readonly rules: Rules;
  readonly budget: Budget;
  readonly attempts: Attempt[];
  /** Whether the first attempt has all of the caller's `timeout`: no wait and no reading of the body came before it. */
  hasWholeBudget: boolean;
  body: Body | undefined;
  /** The latest failure of a backend. */
  failure: Failure | undefined;
  /** What the caller gets if no backend is left, in place of a fabricated 429. */
  last: Last<A> | undefined;
}

/** What the caller gets in place of the fabricated 429: the response or the error of the latest attempt. */
export type Last<A> = { readonly response: A; readonly abort: Abort | undefined } | { readonly error: unknown };

/** One attempt, from its start to its record. */
export interface CurrentAttempt {
  readonly inFlight: InFlight;
  readonly body: Body;
  /** ms; 0: no limit */
  readonly attemptTimeout: number;
  readonly exchange: Exchange;
  /** The event stream whose first events are looked at. */
  held: HttpResponse | undefined;
  /** What they say. */
  inspection: StreamInspection | undefined;
  /** What the client rejected with after the attempt was given up. */
  afterGivenUp: unknown;
}

// Both set every field, so that a polluted prototype can't supply one.

export function newRun<R extends HttpRequest, A extends HttpResponse>(
  client: HttpClient<R, A>,
  request: R,
  pool: PoolCore,
  rules: Rules,
): Run<R, A> {
  return {
    client,
    request,
    pool,
    rules,
    budget: new Budget(request.config, request.timeout),
    attempts: [],
    hasWholeBudget: true,
    body: undefined,
    failure: undefined,
    last: undefined,
  };
}

export function newAttempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  inFlight: InFlight,
  fresh = false,
): CurrentAttempt {
  run.body ??= asIs(run.request.body);
  const { rules } = run;
  const { settings } = inFlight.backend;
  const attemptTimeout = rules.ofRequest.attemptTimeout ?? settings.attemptTimeout ?? rules.attemptTimeout;
  const connectTimeout = settings.connectTimeout ?? rules.connectTimeout;
  const abort = abortFor(run, inFlight, attemptTimeout);
  return {
    inFlight,
    body: run.body,
    attemptTimeout,
    exchange: { abort, fresh, connectTimeout, started: now(), connection: undefined, isOver: false },
    held: undefined,
    inspection: undefined,
    afterGivenUp: undefined,
  };
}

/** One attempt at one backend. What went wrong with it is a value, not thrown. */
export async function attempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
): Promise<Outcome<A>> {
  const { request, budget } = run;
  const { exchange, inFlight } = current;
  try {
    // `guard` checks the budget itself. A foreign adapter may ignore the caller's signal, so it needs the guard.
    const isGuarded = exchange.abort !== undefined || (budget.cancellable && !request.obeysCancel);
    if (!isGuarded) budget.check();
    let response = await (isGuarded ? guarded(run, current) : send(run, current));
    const looked = isGuarded ? undefined : look(run, current, response);
    if (looked !== undefined) response = await looked;
    const refusal = current.inspection?.refusal;
    if (refusal !== undefined) return failureOfStream(response, refusal, inFlight.backend, request.config);
    if (isSuccess(response.status)) return { is: 'success', response };
    exchange.isOver = true;
    const read = readRefusal(run, current, response);
    if (read === undefined) return failureOfResponse(response, response.data, inFlight.backend, request.config);
    return failureOfResponse(read.response, await read.data, inFlight.backend, request.config);
  } catch (error) {
    exchange.isOver = true;
    // A client that obeys its signal rejects at once, with an error that holds the native request.
    if (error instanceof AbortReason) await nextTurn();
    return unsuccessful(run, current, error);
  }
}

/** Sends an attempt that can be given up. A response that arrives after that is discarded. */
function guarded<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>, current: CurrentAttempt): Promise<A> {
  const { exchange } = current;
  let isGivenUp = false;
  const work = async (): Promise<A> => {
    try {
      const response = await send(run, current);
      if (!isGivenUp) return await (look(run, current, response) ?? response);
      run.client.discard(response, exchange.abort);
      return response;
    } catch (error) {
      if (isGivenUp) current.afterGivenUp = error;
      throw error;
    }
  };
  const giveUp = (reason: AbortReason): void => {
    isGivenUp = exchange.isOver = true;
    exchange.abort?.abort(run.client.abortReason(run.request, reason));
    if (current.held !== undefined) run.client.discard(current.held as A, exchange.abort);
  };
  return run.budget.guard(work, current.attemptTimeout, giveUp);
}

/** Holds an event stream back until its first meaningful event. Resolves to the response to go on with. */
function look<R extends HttpRequest, A extends HttpResponse>(
  { client, request, rules }: Run<R, A>,
  current: CurrentAttempt,
  response: A,
): Promise<A> | undefined {
  if (!rules.inspectStreams || !isEventStream(response)) return undefined;
  current.held = response;
  const inspection = new StreamInspection(response.headers as object);
  current.inspection = inspection;
  const take: Take = (bytes) => inspection.push(bytes);
  const beginning = client.readBeginning?.(request, response, take, { abort: current.exchange.abort });
  if (beginning === undefined) {
    inspection.whole(response.data);
    return undefined;
  }
  current.held = beginning.response;
  return beginning.isOver.then((isOver) => {
    if (isOver) inspection.end();
    return beginning.response;
  });
}

/** ms that reading the body of a refusal may take. */
const READING_TIME = 1000;

/** The most that is read of a refusal, in bytes. */
const MAX_READ = 65_536;

/** Reads the body of a refusal, unless it is read already, within `attemptTimeout`. The response counts in any case. */
function readRefusal<R extends HttpRequest, A extends HttpResponse>(
  { client, request, budget }: Run<R, A>,
  { attemptTimeout, exchange }: CurrentAttempt,
  response: A,
): { readonly response: A; readonly data: Promise<unknown> } | undefined {
  const { abort } = exchange;
  const rest = attemptTimeout > 0 ? Math.max(0, exchange.started + attemptTimeout - now()) : Infinity;
  const remaining = budget.remaining();
  // No time left: classify by the head alone.
  if (remaining <= 0) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const take: Take = (bytes) => {
    size += bytes.length;
    return chunks.push(bytes) > 0 && size >= MAX_READ;
  };
  // Half of the caller's time is left for other backends.
  const ms = Math.min(READING_TIME, rest, remaining / 2);
  const beginning = client.readBeginning?.(request, response, take, { ms, abort });
  if (beginning === undefined) return undefined;
  // If the body breaks off, use what was read; the caller's own read sees the error.
  const read = () => joined(chunks);
  const done = beginning.isOver.then(read, read);
  const giveUp = (reason: AbortReason): void => {
    abort?.abort(client.abortReason(request, reason));
    client.discard(beginning.response, abort);
  };
  return { response: beginning.response, data: budget.guard(() => done, 0, giveUp) };
}

function send<R extends HttpRequest, A extends HttpResponse>(
  { client, request }: Run<R, A>,
  { inFlight, body, exchange }: CurrentAttempt,
): Promise<A> {
  checkSendable(body);
  const { settings } = inFlight.backend;
  const { headers } = settings.credentials;
  if (typeof headers !== 'function') {
    return client.send(request, { backend: settings, credentials: headers, body }, exchange);
  }
  return headers().then((credentials) => {
    if (exchange.abort?.aborted) throw new Error('the attempt was given up while waiting for the credentials');
    checkSendable(body);
    return client.send(request, { backend: settings, credentials, body }, exchange);
  });
}

/** An attempt needs its own signal where something other than the caller's signal may end it. */
function abortFor<R extends HttpRequest, A extends HttpResponse>(
  { request, budget }: Run<R, A>,
  { backend }: InFlight,
  attemptTimeout: number,
): Abort | undefined {
  const asksProvider = typeof backend.settings.credentials.headers === 'function';
  const onCancel = request.streamed || asksProvider || request.needsAbort === true;
  const needed = budget.timeout > 0 || attemptTimeout > 0 || (budget.cancellable && onCancel);
  return needed ? new Abort() : undefined;
}

function unsuccessful<R extends HttpRequest, A extends HttpResponse>(
  { client, request, attempts, budget, hasWholeBudget }: Run<R, A>,
  { inFlight, body, exchange, held, afterGivenUp }: CurrentAttempt,
  thrown: unknown,
): Outcome<A> {
  const { backend } = inFlight;
  const { config } = request;
  const { connection } = exchange;
  if (thrown instanceof CodedError) {
    const error = client.translate(request, thrown);
    if (thrown.code !== 'ERR_CREDENTIAL') return { is: 'callers', error };
    return { is: 'failure', failure: failureOfError(error, backend.info, config, 'credential') };
  }
  if (!(thrown instanceof AbortReason)) {
    // A client that obeys its signal reports a cancel itself.
    if (budget.isCancelled && codeOf(thrown).code === 'ERR_CANCELED') return { is: 'callers', error: thrown };
    const outcome = classifyError(thrown, {
      backend,
      config,
      bodyError: body.failure.error,
      connection,
      response: held,
    });
    // A connection that breaks again after the second sending says no more than any other.
    return outcome.is === 'stale' && (exchange.fresh || !body.replayable)
      ? { is: 'failure', failure: failureOfError(thrown, backend.info, config, 'ambiguous') }
      : outcome;
  }
  const error = client.translate(request, thrown, afterGivenUp ?? { request: connection?.native });
  if (thrown.why === 'cancelled') return { is: 'callers', error };
  const ofHead = outcomeOfHead(error, { backend, config, bodyError: undefined, connection });
  if (ofHead?.is === 'failure' && thrown.why === 'timeout') {
    return { is: 'expired', failure: ofHead.failure, blame: true, retryAfter: ofHead.retryAfter };
  }
  if (ofHead !== undefined) return ofHead;
  const isQueued = connection?.isQueued === true;
  const attemptTimedOut = thrown.why === 'attempt-timeout';
  if (attemptTimedOut && isQueued) return { is: 'unsent', error };
  const failure = failureOfError(error, backend.info, config, 'timeout', attemptTimedOut);
  if (attemptTimedOut) return { is: 'failure', failure };
  return { is: 'expired', failure, blame: hasWholeBudget && attempts.length === 0 && !isQueued };
}
