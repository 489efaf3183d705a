import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import type { BackendSettings } from './backend';
import { isOneShot } from './body';
import type { Body } from './body';
import type { HeaderList, RedirectHook } from './credentials';
import { modelOf, renameInPath, routeOf } from './deployments';
import type { BodyModel, Route } from './deployments';
import { withoutParams } from './url';

/** What all attempts of one request have in common: worked out once, before the first. */
export interface Plan extends Route {
  readonly config: InternalAxiosRequestConfig;
  /** The wrapped one. */
  readonly adapter: AxiosAdapter;
  /**
   * What the body names instead of the URL, `null` for nothing. Looked up once, by the first backend that has names of
   * its own: without any, no body is parsed.
   */
  model: BodyModel | null | undefined;
}

/** @throws CodedError `ERR_INVALID_URL` for a URL that axios could not have requested */
export function planOf(config: InternalAxiosRequestConfig, adapter: AxiosAdapter): Plan {
  const { target, deployment } = routeOf(config);
  return { config, adapter, target, deployment, model: undefined };
}

/**
 * The config of one attempt: the caller's, pointed at the backend. Nothing in it that an adapter writes on is shared
 * with the caller or with another attempt.
 */
export function attemptConfig(
  plan: Plan,
  backend: BackendSettings,
  body: Body,
  credentials: HeaderList,
  abort?: AbortController,
): InternalAxiosRequestConfig {
  const { config, adapter } = plan;
  const attempt = copyOf(config, abort);
  if (backend.request !== undefined) Object.assign(attempt, backend.request);
  attempt.adapter = adapter;
  attempt.validateStatus = acceptAll;
  setTarget(attempt, plan, backend);
  setBody(attempt, plan, backend, body);
  const whole = attempt.data !== config.data && !isOneShot(attempt.data);
  attempt.headers = headersFor(config, backend, body, credentials, whole);
  if (backend.credentials.own && attempt.auth !== undefined) delete attempt.auth;
  guardRedirects(attempt, backend.credentials);
  return attempt;
}

/** The failover looks at every status itself, whatever the caller takes for valid. */
function acceptAll(): boolean {
  return true;
}

/**
 * Keys copied in a loop into a literal: a spread of axios's null-prototype configs takes several times as long. A config
 * that an interceptor derived from a template of its own keeps what it inherits. What may cancel the attempt stands in
 * the place of what the caller gave for that.
 */
function copyOf(config: InternalAxiosRequestConfig, abort?: AbortController): InternalAxiosRequestConfig {
  const prototype = Object.getPrototypeOf(config) as object | null;
  const to = abort === undefined ? {} : withSignal(abort);
  if (prototype !== null) Object.setPrototypeOf(to, prototype);
  for (const key of Object.keys(config)) {
    if (abort === undefined || (key !== 'signal' && key !== 'cancelToken')) fieldsOf(to)[key] = fieldsOf(config)[key];
  }
  return to as InternalAxiosRequestConfig;
}

/** The signal is the dearest part of an attempt: it comes into being when an adapter looks at it. */
function withSignal(abort: AbortController): object {
  return {
    get signal() {
      return abort.signal;
    },
    set signal(value) {
      Object.defineProperty(this, 'signal', { value, writable: true });
    },
  };
}

function fieldsOf(object: object): Record<string, unknown> {
  return object as Record<string, unknown>;
}

function setTarget(
  attempt: InternalAxiosRequestConfig,
  { config, target, deployment }: Plan,
  backend: BackendSettings,
): void {
  const name = backend.deployments?.get(deployment!);
  const { base, url } = name === undefined ? target : renameInPath(target, name);
  // axios would take "//…" for an absolute URL and leave the backend.
  if (url.startsWith('//')) {
    attempt.url = backend.baseURL + url;
    delete attempt.baseURL;
  } else {
    attempt.url = url;
    attempt.baseURL = backend.baseURL + (url === '' && base === '' ? '/' : base);
  }
  if (backend.params !== undefined) {
    attempt.url = withoutParams(attempt.url, backend.params);
    attempt.params = paramsFor(config.params, backend.params);
  }
}

function paramsFor(callers: unknown, own: ReadonlyMap<string, unknown>): unknown {
  if (!(callers instanceof URLSearchParams)) return Object.assign({}, callers, Object.fromEntries(own));
  const merged = new URLSearchParams(callers);
  for (const [name, value] of own) {
    // As axios writes them where params are an object.
    if (value === null || Array.isArray(value)) merged.delete(name);
    else merged.set(name, value as string);
    if (Array.isArray(value)) for (const each of value as unknown[]) merged.append(`${name}[]`, String(each));
  }
  return merged;
}

function setBody(attempt: InternalAxiosRequestConfig, plan: Plan, backend: BackendSettings, body: Body): void {
  attempt.data = body.data;
  if (backend.deployments === undefined || plan.deployment !== undefined) return;
  if (plan.model === undefined) plan.model = modelOf(body.data) ?? null;
  const name = plan.model && backend.deployments.get(plan.model.name);
  if (name) attempt.data = plan.model!.renamed(name);
}

const FRAMING = /^(?:content-length|transfer-encoding)$/;

function headersFor(
  config: InternalAxiosRequestConfig,
  backend: BackendSettings,
  body: Body,
  credentials: HeaderList,
  whole: boolean,
): InternalAxiosRequestConfig['headers'] {
  const { dropped } = backend.credentials;
  const source = fieldsOf(config.headers);
  const headers = fieldsOf(Object.create(Object.getPrototypeOf(source) as object | null) as object);
  for (const name of Object.keys(source)) {
    const lower = name.toLowerCase();
    // How the caller's body was to be framed cuts or stalls another one. axios knows the length of what is there whole.
    if (!dropped.has(lower) && !(whole && FRAMING.test(lower))) headers[name] = source[name];
  }
  if (body.headers) for (const [name, value] of Object.entries(body.headers)) setHeader(headers, name, value);
  for (const [name, value] of credentials) headers[name] = value;
  return headers as unknown as InternalAxiosRequestConfig['headers'];
}

function setHeader(headers: Record<string, unknown>, name: string, value: string): void {
  for (const key of Object.keys(headers))
    if (key.toLowerCase() === name.toLowerCase()) Reflect.deleteProperty(headers, key);
  headers[name] = value;
}

/** A redirect to another origin must not carry what this backend was given. */
function guardRedirects(
  attempt: InternalAxiosRequestConfig,
  { sensitive, onRedirect }: BackendSettings['credentials'],
): void {
  const { sensitiveHeaders, beforeRedirect } = attempt;
  attempt.sensitiveHeaders = Array.isArray(sensitiveHeaders) ? [...sensitiveHeaders, ...sensitive] : [...sensitive];
  // axios knows that option since 1.18; this serves the versions before.
  attempt.beforeRedirect = beforeRedirect ? chained(onRedirect, beforeRedirect) : onRedirect;
}

function chained(first: RedirectHook, second: RedirectHook): RedirectHook {
  return (...args) => {
    first(...args);
    second(...args);
  };
}
