import { CodedError, errorChain } from '../base/errors';
import type { Exhausted } from '../pool/turns';
import type { Failure } from './classify';

/** A response that no backend gave. Each client makes one of its own of it. */
export interface Fabricated {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The 429 that the caller gets when no backend is left. It names no host. */
export function exhaustedResponse({ retryAfter, backends }: Exhausted): Fabricated {
  const ms = Math.ceil(retryAfter);
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const all = backends === 1 ? 'The only backend is' : `All ${String(backends)} backends are`;
  const message = `${all} throttled or failing. Please retry after ${String(seconds)} ${seconds === 1 ? 'second' : 'seconds'}.`;
  return {
    status: 429,
    statusText: 'Too Many Requests',
    headers: {
      'retry-after': String(seconds),
      'retry-after-ms': String(ms),
      'content-type': 'application/json',
    },
    text: JSON.stringify({ error: { code: '429', type: 'no_backend_available', message } }),
  };
}

/** Says what the last attempt failed with: by `message`, `code`, `status` and `backend`. It holds no request and no response. */
export function causeOf({ backend, status, code, error }: Failure): Error {
  const { message } = Object(error) as { message?: unknown };
  const words = status === undefined ? String(message) : `HTTP ${String(status)}`;
  // What a provider of credentials threw is the user's own, and stays as it is.
  const provider = errorChain(error).find((each) => each instanceof CodedError && each.code === 'ERR_CREDENTIAL');
  const { cause } = Object(provider) as { cause?: unknown };
  const last = new Error(`${backend.name}: ${words}`, cause === undefined ? undefined : { cause });
  const fields = { ...(code !== undefined && { code }), ...(status !== undefined && { status }) };
  return Object.assign(last, fields, { backend: backend.name });
}
