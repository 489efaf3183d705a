import { now } from '../base/clock';
import { joined } from '../http/body-text';
import { MAX_ERROR_BODY } from '../http/error-body';
import type { HttpResponse } from '../http/messages';
import type { Take } from '../http/read-beginning';
import type { AbortReason } from './abort';
import type { HttpRequest } from './http-client';
import type { CurrentAttempt, Run } from './run';

/** ms that reading the body of an error response may take. */
const READING_TIME = 1000;

/**
 * Reads the body of an error response, unless it is read already: for at most a second, the rest of `attemptTimeout`,
 * and half of the caller's time left. The response counts in any case.
 */
export function readErrorBody<R extends HttpRequest, A extends HttpResponse>(
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
    chunks.push(bytes);
    size += bytes.length;
    return size >= MAX_ERROR_BODY;
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
