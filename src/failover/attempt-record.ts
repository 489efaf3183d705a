import { codeWithin } from '../base/errors';
import type { HttpResponse } from '../http/messages';
import type { StreamError } from '../http/stream-inspection';
import { isHeaders } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import type { Attempt } from '../pool/events';
import type { HttpRequest } from './http-client';
import type { CurrentAttempt, Run } from './run';

/**
 * The `attempts` of anything that came from the adapter or from `priorityFetch`: a response or an error. For code whose
 * types don't include the field.
 *
 * @param value anything
 * @returns the attempts, in order; an empty list if there are none
 */
export function attemptsOf(value: unknown): readonly Attempt[] {
  try {
    const { attempts } = Object(value) as { attempts?: unknown };
    return Array.isArray(attempts) && attempts.every(isAttempt) ? attempts : [];
  } catch {
    // Something else's field may throw.
    return [];
  }
}

function isAttempt(value: unknown): value is Attempt {
  const { backend, duration } = Object(value) as { backend?: unknown; duration?: unknown };
  return typeof backend === 'string' && typeof duration === 'number';
}

/** Headers that hold the server's id of a request, the most useful first. */
const REQUEST_IDS: readonly string[] = ['apim-request-id', 'x-request-id', 'x-ms-request-id'];

/** The server's id of the request. Takes a `Headers` or an object of headers. */
function requestIdOf(response: Pick<HttpResponse, 'headers'> | undefined): string | undefined {
  if (response === undefined) return undefined;
  const headers = (response.headers ?? {}) as HeaderFields;
  if (isHeaders(headers)) {
    for (const name of REQUEST_IDS) {
      const value = headers.get(name);
      if (value) return value;
    }
    return undefined;
  }
  let best = REQUEST_IDS.length;
  let requestId: string | undefined;
  for (const name of Object.keys(headers)) {
    // Most headers are told apart by their length.
    if (name.length < 12 || name.length > 15) continue;
    const rank = REQUEST_IDS.indexOf(name.toLowerCase());
    const value = headers[name];
    if (rank < 0 || rank >= best || typeof value !== 'string' || value === '') continue;
    best = rank;
    requestId = value;
  }
  return requestId;
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/**
 * What the record of an attempt takes from its outcome. It inherits nothing, or has all fields: a polluted prototype must not
 * supply one.
 */
export interface Recorded {
  /** Its headers may name the request. */
  readonly response?: HttpResponse | undefined;
  readonly status?: number | undefined;
  /** Its code is recorded. */
  readonly error?: unknown;
  readonly reason?: Attempt['reason'] | undefined;
  /** The refusal in the stream. Its code is recorded if there is no `error`. */
  readonly streamError?: StreamError | undefined;
}

/** Adds the attempt to `attempts` and tells the pool's listeners. */
export function record<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
  { inFlight, exchange, endedAt }: CurrentAttempt,
  { status, error, reason, response, streamError }: Recorded,
  cooldown = 0,
): void {
  const { pool, attempts, request } = run;
  const { backend } = inFlight;
  // The model is known only if the body had to be read anyway.
  const scope = backend.scopeOf(request.deployment ?? request.model?.name);
  const thrown = error ?? streamError;
  const code = thrown === undefined ? undefined : codeWithin(thrown).code;
  const requestId = requestIdOf(response);
  const entry = { backend: backend.info.name } as Writable<Attempt>;
  if (scope !== undefined) entry.scope = scope;
  if (status !== undefined) entry.status = status;
  if (code !== undefined) entry.code = code;
  if (reason !== undefined) entry.reason = reason;
  if (requestId !== undefined) entry.requestId = requestId;
  entry.duration = endedAt - exchange.started;
  if (cooldown > 0) entry.cooldown = cooldown;
  attempts.push(entry);
  pool.events.attempted(entry);
}
