import { now } from '../base/clock';
import { joined } from '../http/body-text';
import type { HttpResponse } from '../http/messages';
import { StreamInspection, isEventStream } from '../http/stream-error';
import type { Take } from '../http/streams';
import type { AbortReason } from './budget';
import type { HttpRequest } from './http-client';
import type { CurrentAttempt, Run } from './run';

/** Holds an event stream back until its first meaningful event. Resolves to the response to go on with. */
export function inspect<R extends HttpRequest, A extends HttpResponse>(
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
export function readRefusal<R extends HttpRequest, A extends HttpResponse>(
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
