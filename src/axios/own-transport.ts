import type { Exchange, Target } from '../failover/http-client';
import { isOneShot } from '../http/request-body';
import type { AttemptConfig, AxiosRequest } from './attempt-config';
import { HttpTransport } from './http-transport';
import { isListOfNames } from './redirect-guard';

/**
 * Gives an attempt of axios's http adapter a transport of our own, which doesn't follow redirects. Returns `undefined`
 * where the caller has one, where redirects can't be followed as axios follows them, or where there is nothing to give:
 * over HTTP/2 and to a Unix socket. Only this transport applies `connectTimeout`, and sees the socket.
 */
export function ownTransport(
  attempt: AttemptConfig,
  { kind }: AxiosRequest,
  target: Target,
  exchange: Exchange,
): HttpTransport | undefined {
  if (kind !== 'http') return undefined;
  const {
    transport,
    beforeRedirect,
    httpVersion = 1,
    socketPath,
    maxRedirects,
    sensitiveHeaders,
  } = attempt as unknown as Readonly<Record<string, unknown>>;
  const isPossible =
    !transport &&
    !beforeRedirect &&
    Number(httpVersion) === 1 &&
    !socketPath &&
    (maxRedirects === 0 || !isOneShot(attempt.data)) &&
    isListOfNames(sensitiveHeaders) &&
    // follow-redirects takes a Host header for the host that relative redirects lead to.
    !target.backend.credentials.sensitive.includes('host');
  if (!isPossible) return undefined;
  const own = new HttpTransport(maxRedirects !== 0, exchange);
  attempt.transport = own;
  return own;
}
