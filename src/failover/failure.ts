import type { HttpResponse, RequestConfig } from '../http/messages';
import type { StreamError } from '../http/stream-inspection';
import type { Backend } from '../pool/backend';
import type { CooldownReason } from '../pool/reasons';

/** An attempt that ended in a status of 400 or more, in a refusal inside a streamed 200, or without a usable response. */
export interface Failure {
  /** The backend that was tried. */
  readonly backend: Backend;
  /** The caller's config. */
  readonly config: RequestConfig;
  /** What the failure counts as in the pool's events. */
  readonly reason: Exclude<CooldownReason, 'oversized' | 'manual'>;
  /**
   * The status of `response`. Below 400 if the connection broke inside the body. For a refusal inside a streamed 200,
   * the 429 or 5xx that it stands for.
   */
  readonly status?: number;
  /** The code of `error`: axios's or Node's. */
  readonly code?: string;
  /** The `code`, or else the `type`, of an OpenAI-shaped error in the response's body or its first events. */
  readonly errorCode?: string;
  /**
   * The response, if there was one. Its `config` is the caller's. Don't read the body of a streamed one: the caller may
   * still get it.
   */
  readonly response?: HttpResponse;
  /** The error inside a streamed 200, as its event gave it. */
  readonly streamError?: StreamError;
  /** The error of the adapter (or of fetch), without the credentials of the attempt. */
  readonly error?: unknown;
  /** Whether `attemptTimeout` passed. */
  readonly attemptTimedOut: boolean;
}

/** 2xx and 3xx. A response without a status counts as a success, as in axios. */
export function isSuccess(status: number | undefined): boolean {
  return (status ?? 0) < 400;
}

/**
 * Whether there is a response to return: with an error status, and a body that arrived. (One that broke off is no
 * `data`.)
 */
export function isReturnable({ response, status, error }: Failure): boolean {
  return !isSuccess(status) && (error === undefined || response?.data !== undefined);
}

/** Whether the backend answered with an error status, whatever became of the body. */
export function hasErrorStatus({ status }: Failure): boolean {
  return !isSuccess(status);
}

export function isUnauthorized(status: number | undefined): boolean {
  return status === 401 || status === 403;
}

/**
 * Whether the response is a 4xx about the request. It shows the backend at work, which isn't blamed unless the condition
 * says so. Every other failure is the backend's.
 */
export function isAboutRequest({ reason }: Failure): boolean {
  return reason === 'client-error';
}
