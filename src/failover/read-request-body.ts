import { capture, forOneAttempt, isCaptured } from '../http/request-body';
import type { Body, Unread } from '../http/request-body';
import { headerOf } from '../http/headers';
import type { HttpResponse } from '../http/messages';
import type { Run } from './run';
import type { HttpRequest } from './http-client';

/**
 * Reads a one-shot body into memory, so that it can be sent again. With `failover: false`, and to the only backend of a
 * pool without `maxWait`, it is streamed instead, unless its model or a redirect needs it in memory. (A pinned request is
 * read too: a stale connection would lose a stream.)
 */
export async function readBody<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  unread: Unread,
): Promise<Body> {
  const { pool, rules, request, budget } = run;
  const isOnlyAttempt = rules.singleAttempt || (pool.backends.infos.length === 1 && rules.maxWait === 0);
  const namesModel =
    request.deployment === undefined &&
    pool.backends.byPriority.some(({ settings }) => settings.deployments !== undefined);
  if (isOnlyAttempt && !namesModel && request.resends !== true && !isCaptured(unread.stream))
    return forOneAttempt(unread);
  return budget.guard(() => capture(unread, rules.maxReplaySize));
}

/** The bytes of a Blob of JSON, read up front, because finding the model later must be synchronous. */
export async function readBlob<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  blob: Blob,
): Promise<ArrayBuffer | undefined> {
  const { request, rules, budget } = run;
  const { deployment, config } = request;
  const type = `${blob.type} ${String(headerOf(config.headers as object, 'content-type'))}`;
  if (deployment !== undefined || blob.size > rules.maxReplaySize || !/json/i.test(type)) return undefined;
  // A Blob that can't be read names no model.
  return budget.guard(() => blob.arrayBuffer().catch(() => undefined));
}
