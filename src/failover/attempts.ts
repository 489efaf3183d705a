import type { HttpResponse } from '../http/messages';
import { isHeaders } from '../http/headers';
import type { HeaderFields } from '../http/headers';
import type { Attempt } from '../pool/events';

/**
 * The `attempts` of anything that came from the adapter: a response or an error. For code whose types don't include the
 * field.
 *
 * @param value anything
 * @returns an empty list for everything else
 */
export function attemptsOf(value: unknown): readonly Attempt[] {
  const { attempts } = Object(value) as { attempts?: unknown };
  return Array.isArray(attempts) && attempts.every(isAttempt) ? attempts : [];
}

function isAttempt(value: unknown): value is Attempt {
  const { backend, duration } = Object(value) as { backend?: unknown; duration?: unknown };
  return typeof backend === 'string' && typeof duration === 'number';
}

/** Headers that hold the server's id of a request, the most useful first. */
const REQUEST_IDS: readonly string[] = ['apim-request-id', 'x-request-id', 'x-ms-request-id'];

/** The server's id of the request. Takes a `Headers` or an object of headers. */
export function requestIdOf(response: Pick<HttpResponse, 'headers'> | undefined): string | undefined {
  if (response === undefined) return undefined;
  let best = REQUEST_IDS.length;
  let requestId: string | undefined;
  const headers = (response.headers ?? {}) as HeaderFields;
  if (isHeaders(headers)) {
    const name = REQUEST_IDS.find((each) => headers.get(each));
    return name && headers.get(name)!;
  }
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
