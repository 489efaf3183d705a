import { NOTHING } from '../base/hidden';
import { pathFor } from '../failover/attempt-path';
import { bodyFor } from '../failover/deployment-name';
import type { Target } from '../failover/http-client';
import { isOneShot, isReframed } from '../http/request-body';
import type { HeaderFields } from '../http/headers';
import { withParams } from '../http/url';
import type { BackendSettings } from '../pool/backend-options';
import type { FetchRequest } from './request';

/** What one attempt passes to the wrapped fetch. */
export interface AttemptInit extends Omit<RequestInit, 'headers' | 'body'> {
  method: string;
  headers: HeaderFields;
  body: unknown;
  redirect: RequestRedirect;
  /** DOM's types lack it. */
  duplex?: unknown;
}

/** The URL and the `init` of one attempt. They share nothing that a fetch writes on with another attempt. */
export function argumentsOf(
  request: FetchRequest,
  target: Target,
  signal: AbortSignal | undefined,
): [string, AttemptInit] {
  const { backend, body, credentials } = target;
  const { config, init } = request;
  const method = init.method!;
  const { fetchOptions } = (backend.request ?? NOTHING) as { fetchOptions?: Pick<RequestInit, 'redirect'> };
  // Not to follow is the caller's right, and the backend's.
  const redirect = request.redirect === 'follow' ? (fetchOptions?.redirect ?? 'follow') : request.redirect;
  const data = bodyFor(request, target);
  const { dropped } = backend.credentials;
  // A form that was read into memory has a `content-type` of its own, with its boundary.
  const given: HeaderFields = body.headers === undefined ? config.headers : { ...config.headers, ...body.headers };
  const headers: HeaderFields = {};
  for (const name of Object.keys(given)) {
    // A form, or a callback that has written on the config, may have given any case.
    const lower = name.toLowerCase();
    if (!dropped.has(lower)) headers[lower] = given[name];
  }
  if (isReframed(data, config.data)) Reflect.deleteProperty(headers, 'content-length');
  for (const [name, value] of credentials) {
    const lower = name.toLowerCase();
    if (value === null || value === undefined || value === false) Reflect.deleteProperty(headers, lower);
    else headers[lower] = typeof value === 'string' ? value : [value as string | readonly string[]].flat().join(', ');
  }
  // Set twice: in V8, a key that is added after a spread costs about 1 µs, and one that is there before it nearly
  // nothing.
  const attempt: AttemptInit = { redirect, method, headers, body: data, ...(init as object), ...fetchOptions };
  attempt.redirect = redirect;
  attempt.method = method;
  attempt.headers = headers;
  attempt.body = data;
  if (signal !== undefined) attempt.signal = signal;
  // Any other is the caller's, and the wrapped fetch refuses it.
  if (isOneShot(data)) attempt.duplex ??= 'half';
  return [urlFor(request, backend), attempt];
}

function urlFor({ route }: FetchRequest, backend: BackendSettings): string {
  const { base, url } = pathFor(route, backend);
  const full = backend.baseURL + base + url;
  return backend.params === undefined ? full : withParams(full, backend.params);
}
