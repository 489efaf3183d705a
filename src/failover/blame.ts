import type { Failure } from './failure';

/**
 * Whether the response is a 4xx about the request. It shows the backend at work, which isn't blamed unless the condition
 * says so. Every other failure is the backend's.
 */
export function isAboutRequest({ reason }: Failure): boolean {
  return reason === 'client-error';
}

/** What a failure covers. A 4xx is about the deployment that was asked for, 429 and 401 too; all else about the backend. */
export function coverageOf({ status = 0 }: Failure): 'deployment' | 'backend' {
  return status >= 400 && status < 500 ? 'deployment' : 'backend';
}
