import type { Failure } from './failure';

/** Whether the backend is blamed, whatever the condition says. True for every failure except a 4xx about the request. */
export function isBackendToBlame(failure: Failure): boolean {
  return failure.reason !== 'client-error';
}

/** What a failure covers. A 4xx is about the deployment that was asked for, 429 and 401 too; all else about the backend. */
export function coverageOf({ status = 0 }: Failure): 'deployment' | 'backend' {
  return status >= 400 && status < 500 ? 'deployment' : 'backend';
}

/** Whether the response shows the backend at work, though it is no success: a 4xx that is about the request. */
export function isAtWork({ reason, status = 0 }: Failure): boolean {
  return reason === 'client-error' && status >= 400;
}
