import { now } from '../base/clock';
import { asIs, capture, checkSendable, isOneShot } from '../http/body';
import type { Body, OneShot } from '../http/body';
import type { HttpResponse } from '../http/messages';
import { parseRetryAfter } from '../http/retry-after';
import type { InFlight, PoolCore } from '../pool/pool-core';
import type { Attempt } from '../pool/events';
import { Turns } from '../pool/turns';
import { Abort, AbortReason, Budget } from './budget';
import { classifyError, failureOf, isBackendsFault, isSuccess, isReturnable, reasonOf } from './classify';
import type { Failure, Outcome } from './classify';
import { exhaustedResponse } from './exhausted';
import type { HttpClient, HttpRequest } from './http-client';
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
  const turns = new Turns(pool, request.config, request.deployment, rules.maxWait);
  const run: Run<R, A> = { client, request, pool, rules, budget, attempts: [], hasWholeBudget: true };
  let body: Body | undefined;
  let inFlight: InFlight | undefined;
  try {
    for (;;) {
      budget.check();
      const turn = turns.next(budget.remaining());
      if (turn.is === 'none') {
        return client.settle(request, client.fabricate(request, exhaustedResponse(turn)), run.attempts);
      }
      if (turn.is === 'wait') {
        run.hasWholeBudget = false;
        await budget.guard(() => turn.over).finally(turn.end);
        continue;
      }
      inFlight = turn.inFlight;
      body ??= isOneShot(request.body) ? await openBody(run, inFlight, request.body) : asIs(request.body);

      const current: CurrentAttempt = { inFlight, body, abort: abortFor(run, inFlight), started: now() };
      const outcome = await attempt(run, current);
      const failsOver = conclude(run, current, outcome);
      switch (outcome.is) {
        case 'success':
          return client.settle(request, outcome.response, run.attempts, current.abort);
        case 'callers':
        case 'expired':
          throw outcome.failure.error;
        case 'failure': {
          const response = outcome.failure.response as A | undefined;
          if (failsOver) {
            if (response !== undefined) client.discard(response);
            turns.tried(inFlight);
            continue;
          }
          if (isReturnable(outcome.failure)) return client.settle(request, response!, run.attempts, current.abort);
          throw outcome.failure.error;
        }
      }
    }
  } catch (error) {
    throw client.reject(request, client.translate(request, error), run.attempts);
  } finally {
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
}

/** One attempt, from its start to its record. */
interface CurrentAttempt {
  readonly inFlight: InFlight;
  readonly body: Body;
  readonly abort: Abort | undefined;
  readonly started: number;
}

/** One attempt at one backend. What went wrong with it is a value, not thrown. */
async function attempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
): Promise<Outcome<A>> {
  const { request, budget } = run;
  const { abort, inFlight } = current;
  try {
    // `guard` checks the budget itself. A foreign adapter may ignore the caller's signal, so it needs the guard.
    const isGuarded = abort !== undefined || (budget.cancellable && !request.obeysCancel);
    if (!isGuarded) budget.check();
    const response = await (isGuarded ? guarded(run, current) : send(run, current));
    const { status } = response;
    if (isSuccess(status)) return { is: 'success', response };
    const { config } = request;
    const failure = { backend: inFlight.backend.info, config, response, status, attemptTimedOut: false };
    return { is: 'failure', failure };
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
    current.abort?.abort();
  };
  return run.budget.guard(work, run.rules.attemptTimeout, giveUp);
}

function send<R extends HttpRequest, A extends HttpResponse>(
  { client, request }: Run<R, A>,
  { inFlight, body, abort }: CurrentAttempt,
): Promise<A> {
  checkSendable(body);
  const { settings } = inFlight.backend;
  const { headers } = settings.credentials;
  if (typeof headers !== 'function') {
    return client.send(request, { backend: settings, credentials: headers, body }, abort);
  }
  return headers().then((credentials) => {
    if (abort?.aborted) throw new Error('the attempt was given up while waiting for the credentials');
    checkSendable(body);
    return client.send(request, { backend: settings, credentials, body }, abort);
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
  { inFlight, body }: CurrentAttempt,
  thrown: unknown,
): Outcome<A> {
  const { backend } = inFlight;
  const error = client.translate(request, thrown);
  if (!(thrown instanceof AbortReason)) return classifyError(error, backend.info, request.config, body.failure.error);
  const attemptTimedOut = thrown.why === 'attempt-timeout';
  const failure = failureOf(error, backend.info, request.config, attemptTimedOut);
  if (attemptTimedOut) return { is: 'failure', failure };
  if (thrown.why === 'cancelled') return { is: 'callers', failure };
  return { is: 'expired', failure, blame: hasWholeBudget && attempts.length === 0 };
}

/** Tells the pool and its listeners how the attempt went. Returns whether the request goes to another backend. */
function conclude<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  outcome: Outcome<A>,
): boolean {
  const { inFlight, body } = current;
  switch (outcome.is) {
    case 'success':
      run.pool.succeed(inFlight);
      record(run, current, { status: outcome.response.status }, 0);
      return false;
    case 'callers':
      record(run, current, outcome.failure, 0);
      return false;
    case 'expired':
      record(run, current, outcome.failure, outcome.blame ? blame(run, inFlight, outcome.failure) : 0);
      return false;
    case 'failure':
      return judge(run, current, outcome.failure) && body.replayable && !run.rules.once;
  }
}

/** Asks the user's rules about a failure, and puts the backend on cooldown. Returns whether another backend may be tried. */
function judge<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  failure: Failure,
): boolean {
  const { client, rules } = run;
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
    record(run, current, failure, isBlamed ? blame(run, current.inFlight, failure, override) : 0);
  }
}

/** Tells the pool that the backend failed. Returns the ms of cooldown that this costs. */
function blame<R extends HttpRequest, A extends HttpResponse>(
  { pool }: Run<R, A>,
  inFlight: InFlight,
  failure: Failure,
  override?: number,
): number {
  const retryAfter = isSuccess(failure.status) ? undefined : parseRetryAfter(failure.response!);
  return pool.fail(inFlight, { reason: reasonOf(failure), retryAfter, override });
}

/** Ends the attempt, adds it to `attempts` and tells the pool's listeners. */
function record<R extends HttpRequest, A extends HttpResponse>(
  { pool, attempts }: Run<R, A>,
  { inFlight, started }: CurrentAttempt,
  { status, code }: { readonly status?: number; readonly code?: string },
  cooldown: number,
): void {
  pool.release(inFlight);
  const record: Attempt = {
    backend: inFlight.backend.info.name,
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    duration: now() - started,
    ...(cooldown > 0 && { cooldown }),
  };
  attempts.push(record);
  pool.events.attempted(record);
}

/** Reads a one-shot body into memory, so that it can be sent again. If there can be only one attempt, it is streamed. */
async function openBody<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  { backend }: InFlight,
  data: OneShot,
): Promise<Body> {
  const { pool, rules, request, budget } = run;
  const onlyAttempt = rules.once === true || (pool.backends.infos.length === 1 && rules.maxWait === 0);
  const namesModel = backend.settings.deployments !== undefined && request.deployment === undefined;
  if (onlyAttempt && !namesModel) return asIs(data);
  run.hasWholeBudget = false;
  return budget.guard(() => capture(data, rules.maxReplaySize));
}
