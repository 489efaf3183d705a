import { asIs, closeRest, keepOrClose } from '../http/request-body';
import { bare } from '../base/hidden';
import { isBlob } from '../http/body-model';
import type { HttpResponse } from '../http/messages';
import { ignoreErrorsOf } from '../http/streams';
import { coverageOf } from '../pool/failure-cost';
import type { InFlight, PoolCore } from '../pool/pool-core';
import { sendAttempt } from './send-attempt';
import { record } from './attempt-record';
import type { Recorded } from './attempt-record';
import type { Failed, Outcome } from './classify';
import { deploymentIfItMatters, namedDeployment } from './deployment-name';
import { causeOf, exhaustedResponse, noDeploymentResponse, wordsOf } from './fabricated';
import { isAboutRequest, isReturnable } from './failure';
import type { Failure } from './failure';
import type { HttpClient, HttpRequest } from './http-client';
import { checkedBoolean, checkedCooldown } from './callback-results';
import type { Rules } from './options';
import { readBody, readBlob } from './read-request-body';
import { newAttempt, newRun } from './run';
import type { CurrentAttempt, Fallback, Run } from './run';
import { Turns } from './turns';
import type { Exhausted, NoDeployment } from './turns';

/**
 * Sends one request to one backend after another, until one answers, none is left, the rules keep it from going on, the
 * caller cancels or the caller's time is over.
 *
 * @throws what `client.errorFor` makes of an error
 */
// eslint-disable-next-line max-lines-per-function -- the whole course of a request, on one screen
export async function failover<R extends HttpRequest, A extends HttpResponse>(
  client: HttpClient<R, A>,
  request: R,
  pool: PoolCore,
  rules: Rules,
): Promise<A> {
  const run = newRun(client, request, pool, rules);
  const { budget, oneShot } = run;
  const turns = new Turns(pool, request.config, rules.maxWait, rules.pinned);
  let inFlight: InFlight | undefined;
  try {
    // A Blob may name a model, which `deploymentIfItMatters` reads. A stream is read once a backend can be tried.
    if (isBlob(request.body)) request.blobBytes = await readBlob(run, request.body);
    for (;;) {
      // Throws once the caller has cancelled or the time is over.
      budget.check();
      // `undefined`: it names none, or its name isn't needed to choose a backend or a queue.
      const deployment = deploymentIfItMatters(run);
      const isUnread = run.body === undefined && oneShot !== undefined;
      // If a backend can be tried, this begins an attempt in the pool. Otherwise it says what to do instead. (If none is
      // available, a request may try one whose cooldown is only a guess, once between two waits.)
      const turn = turns.take(deployment, budget.remaining(), isUnread);
      if (turn.is === 'read body') {
        // What comes of it may be for one attempt only: if it is longer than `maxReplaySize`, or streamed because there
        // will be no other attempt. Then it isn't `replayable`.
        run.body = await readBody(run, oneShot!);
        // Ask again: much can change meanwhile.
        continue;
      }
      if (turn.is === 'wait') {
        pool.events.emit({ type: 'waiting', duration: turn.pause });
        // Rejects if the caller cancels or the time ends meanwhile. After a wait, backends may be tried again.
        await budget.guard(() => turn.whenOver).finally(turn.endWait);
        continue;
      }
      if (turn.is === 'exhausted' || turn.is === 'no deployment') return answerWithoutBackend(run, turn);
      inFlight = turn.inFlight;
      // Only the latest attempt's answer is one to fall back on.
      dropFallback(run);

      const body = (run.body ??= asIs(request.body));
      // `inFlight` is the attempt as the pool sees it, `current.exchange` as the client does.
      let current = newAttempt(run, inFlight, body);
      // Sends it, holds an event stream back until its first meaningful event, and reads the body of an error. It throws
      // nothing: what went wrong is a value.
      let outcome = await sendAttempt(run, current);
      if (outcome.is === 'stale' && body.replayable) {
        // Sent again to the same backend, once, whatever the rules say: the server had most likely closed the
        // connection before. For the pool, it is still the same attempt. `fresh`: over a new connection.
        record(run, current, bare({ error: outcome.failure.error, reason: 'stale' }));
        current = newAttempt(run, inFlight, body, { fresh: true });
        outcome = await sendAttempt(run, current);
      }
      const conclusion = conclude(run, current, outcome);
      switch (conclusion.is) {
        case 'return':
          // Throws if the caller doesn't accept the status. A cancel may still end the body, through `abort`.
          return client.settle(request, conclusion.response, run.attempts, { abort: current.exchange.abort });
        case 'throw':
          closeRest(oneShot, body);
          throw conclusion.error;
        case 'go on':
          turns.noteTried(inFlight, conclusion.isFinal);
          run.fallback = conclusion.fallback;
          // Streamed to the only backend. The pool may have got another one meanwhile, but nothing is left to send.
          if (!body.replayable) {
            keepOrClose(oneShot!, body, rules.maxReplaySize);
            return answerWithoutBackend(run, turns.end(deployment));
          }
      }
    }
  } catch (error) {
    throw client.errorFor(request, error, run.attempts);
  } finally {
    dropFallback(run);
    // No attempt got the body. What fits in `maxReplaySize` is kept, in case a plugin sends the request again.
    if (inFlight === undefined && oneShot !== undefined) keepOrClose(oneShot, run.body, rules.maxReplaySize);
    // If the attempt has ended, this does nothing.
    if (inFlight !== undefined) pool.release(inFlight);
  }
}

/** What the request does after an attempt. */
type Conclusion<A> =
  | { readonly is: 'return'; readonly response: A }
  | { readonly is: 'throw'; readonly error: unknown }
  /** Try another backend. `isFinal`: don't retry this backend after a wait */
  | { readonly is: 'go on'; readonly isFinal: boolean; readonly fallback: Fallback<A> | undefined };

/** Tells the pool and its listeners how the attempt went, and decides what the request does next. */
function conclude<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  outcome: Outcome<A>,
): Conclusion<A> {
  const { pool, rules } = run;
  const { inFlight, body } = current;
  const mayGoOn = (body.replayable || body.isStreamed) && !rules.singleAttempt;
  switch (outcome.is) {
    case 'success': {
      const { response } = outcome;
      // Ends the attempt in the pool too.
      pool.noteSuccess(inFlight, current.endedAt);
      const { status } = response;
      record(run, current, { status, response, error: undefined, reason: undefined, streamError: undefined });
      return { is: 'return', response };
    }
    // A cancel, the caller's own mistake, a local problem (such as no free socket in time), or a 4xx about the request whose body was lost.
    case 'unrelated':
      // It answered: with a 4xx whose body was lost, or with another kind of body than the caller asked for.
      if (outcome.status !== undefined) pool.noteAtWork(inFlight);
      endAttempt(run, current, outcome);
      return { is: 'throw', error: outcome.error };
    // The caller's `timeout` passed. `blame`: this attempt had all of it, or the head of a failure had arrived.
    case 'expired': {
      const { failure } = outcome;
      // The rules are asked, as about every failure. Whether they fail over doesn't matter: no time is left.
      reportFailure(run, current, outcome);
      return { is: 'throw', error: failure.error };
    }
    // Its agent had no free socket in time, so no backend is to blame.
    case 'no socket':
      endAttempt(run, current, outcome);
      if (!mayGoOn) return { is: 'throw', error: outcome.error };
      return { is: 'go on', isFinal: false, fallback: { error: outcome.error } };
    // A connection that was stale twice, or whose request can't be sent again.
    case 'stale':
    case 'failure': {
      run.failure = outcome.failure;
      const failsOver = reportFailure(run, current, outcome);
      return concludeFailure(run, current, outcome.failure, failsOver && mayGoOn);
    }
  }
}

/** The request goes to another backend, or its caller gets what this one answered. */
function concludeFailure<R extends HttpRequest, A extends HttpResponse>(
  { client, rules }: Run<R, A>,
  { exchange }: CurrentAttempt,
  failure: Failure,
  goesOn: boolean,
): Conclusion<A> {
  const { status = 0, error } = failure;
  const response = failure.response as A | undefined;
  const isReturned = isReturnable(failure);
  if (!goesOn) return isReturned ? { is: 'return', response: response! } : { is: 'throw', error };
  // The caller hears no more of its progress. (A refused stream has reported it until now: it might have been returned.)
  exchange.isOver = true;
  const isFinal = isAboutRequest(failure);
  const isPinned = rules.pinned !== undefined;
  // A 4xx is returned if no backend is left. Instead of a 429 or 5xx, the caller then gets the fabricated 429, unless the
  // request is pinned, since no other backend could have answered it.
  if (isReturned && (isPinned || (status < 500 && status !== 429))) {
    ignoreErrorsOf(response!);
    return { is: 'go on', isFinal, fallback: { response: response!, abort: exchange.abort } };
  }
  if (isPinned) return { is: 'go on', isFinal, fallback: { error } };
  if (response !== undefined) client.discard(response, exchange.abort);
  return { is: 'go on', isFinal, fallback: undefined };
}

/**
 * Asks the user's rules about a failure (by default `defaultFailoverCondition`), tells the pool and records the attempt.
 * A 4xx about the request blames no backend, unless the rules let the request go on. Every other failure does, except with
 * `blame: false`. `cooldown` is asked only if a backend is blamed. (A 4xx about the request, if blamed, costs what
 * `cooldown` or its own `Retry-After` says, else nothing.)
 * Returns whether another backend may be tried.
 */
function reportFailure<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  { failure, retryAfter, blame = true }: Omit<Failed, 'is'> & { readonly blame?: boolean },
): boolean {
  const { client, rules, pool } = run;
  const { inFlight, exchange, body } = current;
  let isBlamed = blame && !isAboutRequest(failure);
  let override: number | undefined;
  try {
    const failsOver = checkedBoolean(rules.failoverCondition(failure), 'failoverCondition');
    isBlamed ||= blame && failsOver;
    if (isBlamed) override = checkedCooldown(rules.cooldown(failure));
    return failsOver;
  } catch (error) {
    if (failure.response !== undefined) client.discard(failure.response as A, exchange.abort);
    closeRest(run.oneShot, body);
    throw error;
  } finally {
    // Also if one of the rules threw. A 4xx about the request shows the backend at work.
    if (isAboutRequest(failure)) pool.noteAtWork(inFlight);
    const cooldown = isBlamed ? noteFailure(run, inFlight, failure, { retryAfter, override }) : 0;
    endAttempt(run, current, blame ? failure : { error: failure.error }, cooldown);
  }
}

/** Tells the pool that the backend failed. Returns the ms of cooldown that this costs. */
function noteFailure<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  inFlight: InFlight,
  failure: Failure,
  { retryAfter, override }: { readonly retryAfter: number | undefined; readonly override: number | undefined },
): number {
  const covers = coverageOf(failure);
  // Read from the request: `inFlight.scope` is known only if deployments mattered when the attempt began.
  const scope = covers === 'deployment' ? inFlight.backend.scopeOf(namedDeployment(run)) : undefined;
  const { reason } = failure;
  return run.pool.noteFailure(inFlight, { reason, scope, retryAfter, override, words: wordsOf(failure) });
}

/** Ends the attempt and records it. */
function endAttempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  current: CurrentAttempt,
  about: Recorded,
  cooldown = 0,
): void {
  const { pool } = run;
  pool.release(current.inFlight);
  record(run, current, bare(about), cooldown);
  // A response of any status shows that the backend is alive, but ends no trial. Not noted before the blame: one whose body
  // broke off must not count as a sign of life for its own attempt.
  if (about.status !== undefined) pool.noteAnswer(current.inFlight);
}

/**
 * The answer to a request for which no backend is left, or none has the deployment.
 *
 * @throws the error of the latest attempt, where that is the caller's answer
 */
function answerWithoutBackend<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  turn: Exhausted | NoDeployment,
): A {
  const { client, request, attempts, fallback, failure, pool } = run;
  // It is the caller's now, and isn't discarded.
  run.fallback = undefined;
  if (fallback !== undefined && 'error' in fallback) throw fallback.error;
  if (fallback !== undefined) return client.settle(request, fallback.response, attempts, { abort: fallback.abort });
  const fabricated = turn.is === 'exhausted' ? exhaustedResponse(turn, attempts) : noDeploymentResponse(turn);
  // Throws if the request would have been refused anyway.
  const response = client.fabricate(request, fabricated);
  if (turn.is === 'exhausted') pool.events.emit({ type: 'exhausted', retryAfter: turn.retryAfter });
  return client.settle(request, response, attempts, { why: fabricated.why, cause: failure && causeOf(failure) });
}

/** Frees the connection of a response that was kept for the case that no backend is left. */
function dropFallback<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>): void {
  if (run.fallback !== undefined && 'response' in run.fallback)
    run.client.discard(run.fallback.response, run.fallback.abort);
  run.fallback = undefined;
}
