import { codeOf, errorChain, isProviderFailure } from '../base/errors';
import type { ErrorLike } from '../base/errors';
import type { Attempt } from '../pool/events';
import { WORDS } from '../pool/reasons';
import type { Exhausted, NoDeployment } from './turns';
import type { Failure } from './failure';

/** A response that no backend gave. Each client turns it into a response of its own kind. It names no host. */
export interface Fabricated {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Why it is fabricated, for the message of the client's error. */
  readonly why: string;
}

/** The 429 that the caller gets when no backend is left. It says why each is out. */
export function exhaustedResponse({ retryAfter, backends }: Exhausted, attempts: readonly Attempt[]): Fabricated {
  // A larger number would be written with an exponent.
  const ms = Math.min(Math.ceil(retryAfter), Number.MAX_SAFE_INTEGER);
  const seconds = String(Math.max(1, Math.ceil(ms / 1000)));
  const reasons = counted(
    backends.map(({ name, because }) => because ?? wordsOf(attempts.findLast(({ backend }) => backend === name) ?? {})),
  );
  const message = `No backend is available: ${reasons}. Retry after ${seconds} s.`;
  return {
    status: 429,
    statusText: 'Too Many Requests',
    headers: { 'retry-after': seconds, 'retry-after-ms': String(ms), 'content-type': 'application/json' },
    text: JSON.stringify({ error: { code: '429', type: 'no_backend_available', message } }),
    why: `no backend is available (${reasons})`,
  };
}

/** The 404 that the caller gets when no backend that it may go to has the deployment. */
export function noDeploymentResponse({ deployment, pinned }: NoDeployment): Fabricated {
  const named = JSON.stringify(deployment);
  const why =
    pinned === undefined
      ? `no backend has the deployment ${named}`
      : `backend ${JSON.stringify(pinned)} doesn't have the deployment ${named}`;
  return {
    status: 404,
    statusText: 'Not Found',
    headers: { 'content-type': 'application/json' },
    text: JSON.stringify({
      error: {
        code: 'DeploymentNotFound',
        type: 'deployment_not_found',
        message: `${why[0]!.toUpperCase()}${why.slice(1)}.`,
      },
    }),
    why,
  };
}

/** `2 throttled, 1 ECONNREFUSED`: equal reasons are counted, in the order in which they first occur. */
function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${String(count)} ${reason}`).join(', ');
}

/** The fields that `wordsOf` reads, from a `Failure` or an `Attempt`. */
interface Why {
  readonly reason?: Attempt['reason'];
  readonly status?: number;
  readonly code?: string;
  readonly error?: unknown;
}

/** Why a backend is out, in a word or two. */
export function wordsOf({ reason, status = 0, code, error }: Why): string {
  if (reason === 'throttled' || reason === 'credential' || reason === 'timeout') return WORDS[reason];
  if (status >= 400) return `HTTP ${String(status)}`;
  return networkErrorIn(error)?.code ?? (TELLING_CODE.test(code ?? '') ? code! : WORDS.connection);
}

/** Codes that say more than that something failed. axios's own don't. */
const TELLING_CODE = /^(?!ERR_(?:NETWORK|BAD_RESPONSE)$)[A-Z][A-Z\d_]+$|^Connection/;

/** The innermost error with such a code: axios's fetch adapter has a code of its own around it. */
function networkErrorIn(error: unknown): ErrorLike | undefined {
  return errorChain(error).findLast((each) => TELLING_CODE.test(each.code ?? ''));
}

/** What the last attempt failed with: `message`, `code`, `status` and `backend`, without the request and response. */
export function causeOf({ backend, status, code, error, reason, streamError }: Failure): Error {
  const told = status === undefined && reason !== 'credential' ? networkErrorIn(error) : undefined;
  const { message } = Object(told ?? error) as { message?: unknown };
  // With a status below 400, the body broke off, and the message says how.
  const words = status === undefined || status < 400 ? String(message) : `HTTP ${String(status)}`;
  // What a provider of credentials threw is the user's own, and stays as it is.
  const provider = errorChain(error).find(isProviderFailure);
  const { cause } = Object(provider) as { cause?: unknown };
  const last = new Error(`${backend.name}: ${words}`, cause === undefined ? undefined : { cause });
  const theirs = told?.code ?? code ?? codeOf(streamError);
  const fields = { ...(theirs !== undefined && { code: theirs }), ...(status !== undefined && { status }) };
  return Object.assign(last, fields, { backend: backend.name });
}
