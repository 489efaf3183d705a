import { nextEventLoopTurn, now } from '../base/clock';
import { checkSendable } from '../http/request-body';
import type { HttpResponse } from '../http/messages';
import { StreamInspection, isEventStream } from '../http/stream-inspection';
import type { Take } from '../http/read-beginning';
import { AbortReason } from './abort';
import { failureOfResponse, failureOfStream, outcomeOfThrown } from './classify';
import type { Outcome } from './classify';
import { isSuccess } from './failure';
import type { HttpRequest } from './http-client';
import { readErrorBody } from './read-error-body';
import type { CurrentAttempt, Run } from './run';

/** One attempt at one backend. What went wrong with it is a value, not thrown. */
export async function sendAttempt<R extends HttpRequest, A extends HttpResponse>(
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
    const looked = isGuarded ? undefined : inspect(run, current, response);
    if (looked !== undefined) response = await looked;
    const refusal = current.inspection?.refusal;
    if (refusal !== undefined) return failureOfStream(response, refusal, inFlight.backend, request.config);
    if (isSuccess(response.status)) return { is: 'success', response };
    exchange.isOver = true;
    const read = readErrorBody(run, current, response);
    const about = { backend: inFlight.backend, config: request.config, connection: exchange.connection };
    if (read === undefined) return failureOfResponse(response, response.data, about);
    return failureOfResponse(read.response, await read.data, about);
  } catch (error) {
    exchange.isOver = true;
    // A client that obeys its signal rejects at once. Wait for that: its error holds the native request.
    if (error instanceof AbortReason) await nextEventLoopTurn();
    return outcomeOfThrown(run, current, error);
  } finally {
    // Before the rules, which may take a while, are asked.
    current.endedAt = now();
  }
}

/** Sends an attempt that can be given up. A response that arrives after that is discarded. */
function guarded<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>, current: CurrentAttempt): Promise<A> {
  const { exchange } = current;
  let isGivenUp = false;
  const work = async (): Promise<A> => {
    try {
      const response = await send(run, current);
      if (isGivenUp) {
        run.client.discard(response, exchange.abort);
        return response;
      }
      const looked = inspect(run, current, response);
      return looked === undefined ? response : await looked;
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
function inspect<R extends HttpRequest, A extends HttpResponse>(
  { client, request, rules }: Run<R, A>,
  current: CurrentAttempt,
  response: A,
): Promise<A> | undefined {
  if (!rules.inspectStreams || !isEventStream(response)) return undefined;
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
