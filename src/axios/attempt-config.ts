import axios from 'axios';
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { bare, setHidden } from '../base/hidden';
import type { Abort } from '../failover/abort';
import { pathFor } from '../failover/attempt-path';
import { bodyFor } from '../failover/deployment-name';
import type { HttpRequest, Target } from '../failover/http-client';
import { isReframed } from '../http/request-body';
import type { Route } from '../http/route';
import { copyHeaders, setHeader } from '../http/headers';
import { dropsParam } from '../pool/backend-options';
import type { BackendSettings } from '../pool/backend-options';
import type { AdapterKind } from './adapter-kind';
import { NO_PARAMS, setParams } from './attempt-params';

/** One request, prepared for its attempts. */
export interface AxiosRequest extends HttpRequest {
  readonly config: InternalAxiosRequestConfig;
  /** The wrapped one. */
  readonly adapter: AxiosAdapter;
  readonly kind: AdapterKind;
  readonly route: Route;
}

/** The config of an attempt. axios's types of older versions lack these two fields. */
export type AttemptConfig = InternalAxiosRequestConfig & {
  httpVersion?: unknown;
  sensitiveHeaders?: unknown;
};

/**
 * The config of one attempt: the caller's, pointed at the backend. It shares nothing that an adapter writes on with the
 * caller or with another attempt.
 */
export function attemptConfig(request: AxiosRequest, target: Target, abort: Abort | undefined): AttemptConfig {
  const { config, adapter, kind } = request;
  const { backend, body, credentials } = target;
  const attempt = copyOf(config, kind, abort);
  attempt.adapter = adapter;
  attempt.validateStatus = acceptAll;
  // The budget ends the attempt. An adapter's own timeout would count each attempt anew. But a foreign adapter may obey
  // nothing else.
  if (kind !== 'foreign' && attempt.timeout) attempt.timeout = 0;
  if (backend.request !== undefined) Object.assign(attempt, backend.request);
  // axios before 1.16 writes on it.
  if (attempt.proxy) attempt.proxy = { ...attempt.proxy };
  setTarget(attempt, request, backend);
  attempt.data = bodyFor(request, target);
  const reframed = isReframed(attempt.data, config.data);
  const { dropped } = backend.credentials;
  const given: object = config.headers ?? {};
  const headers = copyHeaders(
    kind === 'foreign' ? given : ownHeaders(given),
    (name) => dropped.has(name) || (reframed && FRAMING.test(name)),
  );
  if (body.headers !== undefined) {
    for (const [name, value] of Object.entries(body.headers)) {
      const isTaken = config.formDataHeaderPolicy !== 'content-only' || CONTENT.test(name);
      if (isTaken && !dropped.has(name.toLowerCase())) setHeader(headers, name, value);
    }
  }
  for (const [name, value] of credentials) headers[name] = value;
  attempt.headers = headers as typeof attempt.headers;
  if (backend.credentials.replaceCallers && attempt.auth !== undefined) removeField(attempt, 'auth');
  return attempt;
}

/**
 * Whether they are the `AxiosHeaders` of another copy of axios: it has one for ES modules and one for CommonJS. Before 1.9,
 * neither can read the headers of the other.
 */
export function areOfOtherCopy(headers: object): boolean {
  if (headers instanceof axios.AxiosHeaders) return false;
  const prototype = Object.getPrototypeOf(headers) as object | null;
  return prototype !== Object.prototype && prototype !== null;
}

/** The headers for an adapter of this copy of axios. */
function ownHeaders(headers: object): object {
  if (!areOfOtherCopy(headers)) return headers;
  return Object.assign(Object.create(axios.AxiosHeaders.prototype as object) as object, headers);
}

/** Deleting it isn't enough: a config may inherit it. */
export function removeField(config: AttemptConfig, name: 'auth' | 'baseURL'): void {
  Reflect.deleteProperty(config, name);
  if (name in config) Object.assign(config, { [name]: undefined });
}

/** The failover looks at every status itself, whatever the caller's `validateStatus` says. */
function acceptAll(): boolean {
  return true;
}

/** Whether it is the config of an attempt at the backend, or one that a wrapped adapter made of it. */
export function isConfigFor(config: unknown, { baseURL }: Pick<BackendSettings, 'baseURL'>): boolean {
  const { validateStatus, baseURL: base, url } = Object(config) as Record<string, unknown>;
  return (
    validateStatus === acceptAll || [base, url].some((part) => typeof part === 'string' && part.startsWith(baseURL))
  );
}

const ABORT = Symbol('abort');

/**
 * The config of an attempt: an object without inherited fields, as axios makes them. Objects of a class keep their fields
 * fast, where `Object.create(null)` and a 17th field added to `{}` make slow ones.
 */
const Config = /* @__PURE__ */ (() => {
  class Config {
    // Not private: an adapter may read the signal through a proxy of the config, or an object derived from it.
    readonly [ABORT]?: Abort;

    constructor(abort?: Abort) {
      if (abort !== undefined) this[ABORT] = abort;
    }

    /**
     * Makes the signal when an adapter looks at it: a real one costs 3 µs, and most adapters never do. The same two
     * functions serve every config, since an accessor of its own would make each config slow.
     */
    static readonly lazySignal = bare<PropertyDescriptor & ThisType<Config>>({
      get() {
        return this[ABORT]!.signal;
      },
      set(value: unknown) {
        Object.defineProperty(this, 'signal', bare({ value, writable: true }));
      },
      enumerable: true,
      configurable: true,
    });
  }
  Object.setPrototypeOf(Config.prototype, null);
  Reflect.deleteProperty(Config.prototype, 'constructor');
  // As axios does for adapters that rely on it.
  setHidden(Config.prototype, 'hasOwnProperty', function (this: object, key: PropertyKey) {
    return Object.hasOwn(this, key);
  });
  return Config;
})();

/**
 * Copies key by key: spreading axios's null-prototype configs takes four times as long. A config that an interceptor
 * derived from a template keeps what it inherits.
 *
 * @param abort is put in place of what the caller gave for cancelling
 */
export function copyOf(config: InternalAxiosRequestConfig, kind?: AdapterKind, abort?: Abort): AttemptConfig {
  const prototype = Object.getPrototypeOf(config) as object | null;
  const copy = (prototype === null ? new Config(abort) : Object.create(prototype)) as Record<string, unknown>;
  const fields = config as unknown as Record<string, unknown>;
  if (abort !== undefined) {
    // axios's own adapters take the `Abort` as it is, except over fetch.
    if (kind === 'foreign' && prototype === null) Object.defineProperty(copy, 'signal', Config.lazySignal);
    else copy.signal = kind === 'http' || kind === 'xhr' ? abort : abort.signal;
  }
  for (const key of Object.keys(fields)) {
    if (abort === undefined || (key !== 'signal' && key !== 'cancelToken')) copy[key] = fields[key];
  }
  // A plugin and a wrapped adapter may share something under a symbol. axios's own adapters read none.
  if (kind === 'foreign') {
    const symbols = Object.getOwnPropertySymbols(fields);
    for (const symbol of symbols)
      (copy as Record<symbol, unknown>)[symbol] = (fields as Record<symbol, unknown>)[symbol];
  }
  return copy as unknown as AttemptConfig;
}

function setTarget(attempt: AttemptConfig, { config, route }: AxiosRequest, backend: BackendSettings): void {
  const { base, url } = pathFor(route, backend);
  // axios would take "//…" for an absolute URL, and the request would not go to the backend.
  if (url.startsWith('//')) {
    attempt.url = backend.baseURL + base + url;
    removeField(attempt, 'baseURL');
  } else {
    attempt.url = url;
    attempt.baseURL = url === '' && base === '' ? backend.address : backend.baseURL + base;
  }
  const { params = NO_PARAMS, credentials } = backend;
  if (params.size > 0 || (credentials.replaceCallers && config.params != null)) {
    setParams(attempt, config, params, (name) => dropsParam(backend, name));
  }
}

/** The headers of a form that axios takes under `formDataHeaderPolicy: 'content-only'`. */
const CONTENT = /^content-(?:type|length)$/i;
/** Headers that say how a body is framed. */
const FRAMING = /^(?:content-length|transfer-encoding)$/;
