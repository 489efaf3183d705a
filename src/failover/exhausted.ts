import type { Exhausted } from '../pool/turns';

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
