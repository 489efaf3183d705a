import { now } from '../base/clock';
import { CodedError, codeOf } from '../base/errors';
import { asIs, capture, checkSendable, isOneShot } from '../http/body';
import type { Body, OneShot } from '../http/body';
import type { HttpResponse } from '../http/messages';
import { parseRetryAfter } from '../http/retry-after';
import type { InFlight, PoolCore } from '../pool/pool-core';
import type { Attempt } from '../pool/events';
import { Turns } from '../pool/turns';
import type { Exhausted } from '../pool/turns';
import { Abort, AbortReason, Budget } from './budget';
import {
  classifyError,
  coverageOf,
  failureOfError,
  failureOfResponse,
  isAtWork,
  isBackendsFault,
  isReturnable,
  isSuccess,
} from './classify';
import type { Failure, Outcome } from './classify';
import { exhaustedResponse } from './exhausted';
import { modelNamedBy } from './http-client';
import type { Exchange, HttpClient, HttpRequest } from './http-client';
import { checkedBoolean, checkedCooldown } from './options';
import type { Rules } from './options';

/**
 * Sends one request to one backend after another, until one answers, none is left, or the caller's time is over.
 *
 * @throws what `client.reject` makes of an error
 */
// eslint-disable-next-line max-lines-per-function -- the whole course of a request, on one screen
export async function failover<R extends HttpRequest, A extends HttpResponse>(
  client: HttpClient<R, A>,
  request: R,
  pool: PoolCore,
  rules: Rules,
): Promise<A> {
  const budget = new Budget(request.config, request.timeout);
  const turns = new Turns(pool, request.config, rules.maxWait);
  const run: Run<R, A> = { client, request, pool, rules, budget, attempts: [], hasWholeBudget: true };
  let inFlight: InFlight | undefined;
  try {
    for (;;) {
      budget.check();
      const deployment = deploymentOf(run);
      // A body is read before a backend is chosen, since much can change while it is read.
      if (run.body === undefined && isOneShot(request.body) && turns.canAttempt(deployment)) {
        run.body = await openBody(run, request.body);
        continue;
      }
      const turn = turns.next(deployment, budget.remaining());
      if (turn.is === 'wait') {
        run.hasWholeBudget = false;
        await budget.guard(() => turn.over).finally(turn.end);
        continue;
      }
      if (turn.is === 'none') return lastAnswer(run, turn);
      inFlight = turn.inFlight;
      dropAnswer(run);

      let current = newAttempt(run, inFlight);
      let outcome = await attempt(run, current);
      if (outcome.is === 'stale') {
        record(run, current, { error: outcome.error, reason: 'stale' });
        current = newAttempt(run, inFlight, true);
        outcome = await attempt(run, current);
      }
      const next = conclude(run, current, outcome);
      switch (next.is) {
        case 'return':
          return client.settle(request, next.response, run.attempts, current.exchange.abort);
        case 'throw':
          throw next.error;
        case 'next':
          turns.tried(inFlight, next.isFinal);
          run.last = next.last;
      }
    }
  } catch (error) {
    throw client.reject(request, client.translate(request, error), run.attempts);
  } finally {
    dropAnswer(run);
    // A second release does nothing. This one is for an error between `turns.next` and the attempt's record.
    if (inFlight !== undefined) pool.release(inFlight);
  }
}

/** What all attempts of a request share. */
interface Run<R extends HttpRequest, A extends HttpResponse> {
  readonly client: HttpClient<R, A>;
  readonly request: R;
  readonly pool: PoolCore;
  readonly rules: Rules;
  readonly budget: Budget;
  readonly attempts: Attempt[];
  /** Whether the first attempt has all of the caller's `timeout`: no wait and no reading of the body came before it. */
  hasWholeBudget: boolean;
  body?: Body;
  /** What the caller gets if no backend is left, in place of a fabricated 429. */
  last?: Last<A> | undefined;
}

/** The result of the latest attempt, where that and no throttling is why the request can't be served. */
type Last<A> = { readonly response: A; readonly abort: Abort | undefined } | { readonly error: unknown };

/** What the request does after an attempt. */
type Next<A> =
  | { readonly is: 'return'; readonly response: A }
  | { readonly is: 'throw'; readonly error: unknown }
  /** Try another backend. `isFinal`: this one would answer the same after a wait */
  | { readonly is: 'next'; readonly isFinal: boolean; readonly last: Last<A> | undefined };

/** One attempt, from its start to its record. */
interface CurrentAttempt {
  readonly inFlight: InFlight;
  readonly body: Body;
  readonly exchange: Exchange;
  readonly started: number;
}

function newAttempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  inFlight: InFlight,
  fresh = false,
): CurrentAttempt {
  run.body ??= asIs(run.request.body);
  return { inFlight, body: run.body, exchange: { abort: abortFor(run, inFlight), fresh }, started: now() };
}

/** One attempt at one backend. What went wrong with it is a value, not thrown. */
async function attempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
): Promise<Outcome<A>> {
  const { request, budget } = run;
  const { exchange, inFlight } = current;
  try {
    // `guard` checks the budget itself. A foreign adapter may ignore the caller's signal, so it needs the guard.
    const isGuarded = exchange.abort !== undefined || (budget.cancellable && !request.obeysCancel);
    if (!isGuarded) budget.check();
    const response = await (isGuarded ? guarded(run, current) : send(run, current));
    if (isSuccess(response.status)) return { is: 'success', response };
    return { is: 'failure', failure: failureOfResponse(response, inFlight.backend, request.config) };
  } catch (error) {
    return unsuccessful(run, current, error);
  }
}

/** Sends an attempt that can be given up. A response that arrives after that is discarded. */
function guarded<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>, current: CurrentAttempt): Promise<A> {
  let isGivenUp = false;
  const work = async (): Promise<A> => {
    const response = await send(run, current);
    if (isGivenUp) run.client.discard(response);
    return response;
  };
  const giveUp = (): void => {
    isGivenUp = true;
    current.exchange.abort?.abort();
  };
  return run.budget.guard(work, run.rules.attemptTimeout, giveUp);
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
  { request, budget, rules }: Run<R, A>,
  { backend }: InFlight,
): Abort | undefined {
  const asksProvider = typeof backend.settings.credentials.headers === 'function';
  const onCancel = request.streamed || asksProvider || request.needsAbort === true;
  const needed = budget.timeout > 0 || rules.attemptTimeout > 0 || (budget.cancellable && onCancel);
  return needed ? new Abort() : undefined;
}

function unsuccessful<R extends HttpRequest, A extends HttpResponse>(
  { client, request, attempts, hasWholeBudget }: Run<R, A>,
  { inFlight, body, exchange }: CurrentAttempt,
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
    const outcome = classifyError(thrown, { backend, config, bodyError: body.failure.error, connection });
    return outcome.is === 'stale' && !body.replayable
      ? { is: 'failure', failure: failureOfError(thrown, backend.info, config, 'ambiguous') }
      : outcome;
  }
  const error = client.translate(request, thrown);
  if (thrown.why === 'cancelled') return { is: 'callers', error };
  const isQueued = connection?.isQueued === true;
  const attemptTimedOut = thrown.why === 'attempt-timeout';
  if (attemptTimedOut && isQueued) return { is: 'unsent', error };
  const failure = failureOfError(error, backend.info, config, 'timeout', attemptTimedOut);
  if (attemptTimedOut) return { is: 'failure', failure };
  return { is: 'expired', failure, blame: hasWholeBudget && attempts.length === 0 && !isQueued };
}

/** Tells the pool and its listeners how the attempt went, and decides what the request does next. */
function conclude<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  outcome: Outcome<A>,
): Next<A> {
  const { pool, rules } = run;
  const { inFlight, body } = current;
  const mayGoOn = body.replayable && !rules.once;
  switch (outcome.is) {
    case 'success': {
      const { response } = outcome;
      pool.succeed(inFlight);
      record(run, current, { status: response.status });
      return { is: 'return', response };
    }
    case 'callers':
    case 'stale':
      end(run, current, outcome);
      return { is: 'throw', error: outcome.error };
    case 'expired': {
      const { failure, blame } = outcome;
      if (blame) end(run, current, failure, blameFor(run, inFlight, failure));
      else end(run, current, { error: failure.error });
      return { is: 'throw', error: failure.error };
    }
    case 'unsent':
      end(run, current, outcome);
      if (!mayGoOn) return { is: 'throw', error: outcome.error };
      return { is: 'next', isFinal: false, last: { error: outcome.error } };
    case 'failure': {
      const { failure } = outcome;
      const response = failure.response as A | undefined;
      const isAboutRequest = failure.reason === 'client-error';
      if (judge(run, current, failure) && mayGoOn) {
        const { status = 0 } = failure;
        const isKept = status >= 400 && status < 500 && status !== 429 && isReturnable(failure);
        if (isKept)
          return { is: 'next', isFinal: isAboutRequest, last: { response: response!, abort: current.exchange.abort } };
        if (response !== undefined) run.client.discard(response);
        return { is: 'next', isFinal: isAboutRequest, last: undefined };
      }
      return isReturnable(failure) ? { is: 'return', response: response! } : { is: 'throw', error: failure.error };
    }
  }
}

/** Asks the user's rules about a failure, and tells the pool. Returns whether another backend may be tried. */
function judge<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  failure: Failure,
): boolean {
  const { client, rules, pool } = run;
  const { inFlight } = current;
  let isBlamed = isBackendsFault(failure);
  let override: number | undefined;
  try {
    const failsOver = checkedBoolean(rules.failoverCondition(failure), 'failoverCondition');
    isBlamed ||= failsOver;
    if (isBlamed) override = checkedCooldown(rules.cooldown(failure));
    return failsOver;
  } catch (error) {
    if (failure.response !== undefined) client.discard(failure.response as A);
    throw error;
  } finally {
    if (isAtWork(failure)) pool.work(inFlight);
    end(run, current, failure, isBlamed ? blameFor(run, inFlight, failure, override) : 0);
    // Last: it is a sign of life for other attempts.
    if (failure.status !== undefined) pool.answer(inFlight);
  }
}

/** Tells the pool that the backend failed. Returns the ms of cooldown that this costs. */
function blameFor<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  inFlight: InFlight,
  failure: Failure,
  override?: number,
): number {
  const retryAfter = isSuccess(failure.status) ? undefined : parseRetryAfter(failure.response!);
  const covers = coverageOf(failure);
  const scope = covers === 'deployment' ? inFlight.backend.scopeOf(namedDeployment(run)) : undefined;
  return run.pool.fail(inFlight, { reason: failure.reason, scope, retryAfter, override });
}

/** Ends the attempt and records it. */
function end<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  about: Recorded,
  cooldown = 0,
): void {
  run.pool.release(current.inFlight);
  record(run, current, about, cooldown);
}

/** What the record of an attempt takes from its outcome. */
interface Recorded {
  readonly status?: number;
  readonly error?: unknown;
  readonly reason?: Attempt['reason'];
}

/** Adds the attempt to `attempts` and tells the pool's listeners. */
function record<R extends HttpRequest, A extends HttpResponse>(
  { pool, attempts }: Run<R, A>,
  { inFlight, started }: CurrentAttempt,
  { status, error, reason }: Recorded,
  cooldown = 0,
): void {
  const record: Attempt = {
    backend: inFlight.backend.info.name,
    ...(status !== undefined && { status }),
    ...codeOf(error),
    ...(reason !== undefined && { reason }),
    duration: now() - started,
    ...(cooldown > 0 && { cooldown }),
  };
  attempts.push(record);
  pool.events.attempted(record);
}

/** The answer to a request for which no backend is left. */
function lastAnswer<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>, turn: Exhausted): A {
  const { client, request, attempts, last, pool } = run;
  run.last = undefined;
  if (last !== undefined && 'error' in last) throw last.error;
  if (last !== undefined) return client.settle(request, last.response, attempts, last.abort);
  pool.events.emit({ type: 'exhausted', retryAfter: turn.retryAfter });
  return client.settle(request, client.fabricate(request, exhaustedResponse(turn)), attempts);
}

/** Frees the connection of a response that was kept in case that no backend was left. */
function dropAnswer<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>): void {
  if (run.last !== undefined && 'response' in run.last) run.client.discard(run.last.response);
  run.last = undefined;
}

/** The deployment that the request needs, as far as that matters: bodies are parsed only if one is on cooldown. */
function deploymentOf<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>): string | undefined {
  return run.request.deployment ?? (run.pool.knowsDeployments ? namedDeployment(run) : undefined);
}

/** The deployment that the URL names, or else the model of a JSON body. */
function namedDeployment<R extends HttpRequest, A extends HttpResponse>({
  request,
  body,
}: Run<R, A>): string | undefined {
  if (request.deployment !== undefined) return request.deployment;
  const data = body === undefined ? request.body : body.data;
  if (isOneShot(data)) return undefined;
  return modelNamedBy(request, data)?.name;
}

/** Reads a one-shot body into memory, so that it can be sent again. If there can be only one attempt, it is streamed. */
async function openBody<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>, data: OneShot): Promise<Body> {
  const { pool, rules, request, budget } = run;
  const onlyAttempt = rules.once === true || (pool.backends.infos.length === 1 && rules.maxWait === 0);
  const namesModel =
    request.deployment === undefined &&
    pool.backends.byPriority.some(({ settings }) => settings.deployments !== undefined);
  if (onlyAttempt && !namesModel) return asIs(data);
  run.hasWholeBudget = false;
  return budget.guard(() => capture(data, rules.maxReplaySize));
}
