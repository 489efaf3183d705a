import { now } from '../base/clock';
import { unreadFrom } from '../http/request-body';
import type { Body, Unread } from '../http/request-body';
import type { HttpResponse } from '../http/messages';
import type { StreamInspection } from '../http/stream-inspection';
import type { Attempt } from '../pool/events';
import type { InFlight, PoolCore } from '../pool/pool-core';
import { Budget } from './budget';
import { Abort } from './abort';
import type { Failure } from './failure';
import type { Exchange, HttpClient, HttpRequest } from './http-client';
import { limitsOf } from './options';
import type { Rules } from './options';

/** What all attempts of a request share. */
export interface Run<R extends HttpRequest, A extends HttpResponse> {
  readonly client: HttpClient<R, A>;
  readonly request: R;
  readonly pool: PoolCore;
  readonly rules: Rules;
  readonly budget: Budget;
  readonly attempts: Attempt[];
  /** The caller's body (`request.body`), if it can be read only once. */
  readonly oneShot: Unread | undefined;
  /** What the attempts send: the caller's body as it is, or what was read of `oneShot`. `undefined`: not known yet. */
  body: Body | undefined;
  /** The latest failure. */
  failure: Failure | undefined;
  /** What the caller gets if no backend is left, in place of the fabricated response. */
  fallback: Fallback<A> | undefined;
}

/** What the caller gets in place of the fabricated response: the response or the error of the latest attempt. */
export type Fallback<A> = { readonly response: A; readonly abort: Abort | undefined } | { readonly error: unknown };

/** One attempt, from its start to its record. */
export interface CurrentAttempt {
  readonly inFlight: InFlight;
  readonly body: Body;
  /** ms; 0: no limit */
  readonly attemptTimeout: number;
  readonly exchange: Exchange;
  /** Whether it began with all of the caller's `timeout`. Then its backend is to blame for a timeout. */
  readonly hasWholeBudget: boolean;
  /** The event stream whose first events are looked at. */
  held: HttpResponse | undefined;
  /** What they say. */
  inspection: StreamInspection | undefined;
  /** What the client rejected with after the attempt was given up. */
  afterGivenUp: unknown;
  /** When it had its outcome, in ms on the clock of `base/clock`; 0 before. */
  endedAt: number;
}

// The two functions below set every field, so that a polluted prototype can't supply one.

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
    oneShot: unreadFrom(request.body),
    body: undefined,
    failure: undefined,
    fallback: undefined,
  };
}

export function newAttempt<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  inFlight: InFlight,
  body: Body,
  { fresh = false } = {},
): CurrentAttempt {
  const { rules } = run;
  const { settings } = inFlight.backend;
  const { attemptTimeout, connectTimeout } = limitsOf(rules, settings);
  const abort = abortFor(run, inFlight, attemptTimeout);
  return {
    inFlight,
    body,
    attemptTimeout,
    exchange: { abort, fresh, connectTimeout, started: now(), connection: undefined, isOver: false },
    hasWholeBudget: run.budget.isWhole,
    held: undefined,
    inspection: undefined,
    afterGivenUp: undefined,
    endedAt: 0,
  };
}

/** An attempt needs its own signal where something other than the caller's signal may end it. */
function abortFor<R extends HttpRequest, A extends HttpResponse>(
  { request, budget }: Run<R, A>,
  { backend }: InFlight,
  attemptTimeout: number,
): Abort | undefined {
  const asksProvider = typeof backend.settings.credentials.headers === 'function';
  const needsOwn = request.streamed || asksProvider || request.needsAbort === true;
  const needed = budget.timeout > 0 || attemptTimeout > 0 || (budget.cancellable && needsOwn);
  return needed ? new Abort() : undefined;
}
