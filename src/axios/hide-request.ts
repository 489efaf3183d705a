/**
 * Responses and errors keep their native request, as in axios. It holds the credentials of its backend, so nothing that
 * logs a response or an error may print it.
 */
import { hide, setField, setHidden } from '../base/hidden';
import { beforeQuery } from '../http/url';

/** The name of `util.inspect.custom`. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Node's `ClientRequest` or HTTP/2 stream, or follow-redirects' wrapper around the former. */
interface NativeRequest {
  readonly method?: unknown;
  readonly host?: unknown;
  readonly path?: unknown;
  /** Of the wrapper. */
  readonly _currentRequest?: object;
  /** The wrapper. */
  readonly _redirectable?: object;
  /** How Node prints it. */
  [INSPECT]?: () => object;
  /** What `JSON.stringify` writes of it. */
  toJSON?: () => object;
}

/** Keeps credentials out of logs of a streamed body, which refers to its request. */
export function hideRequestOf(body: object): void {
  const { req, responseUrl } = body as { req?: object; responseUrl?: string };
  if (req !== undefined) conceal(req);
  // Its query may hold a key.
  if (responseUrl !== undefined) setHidden(body, 'responseUrl', responseUrl);
}

/** Sets `request` of a response. It is non-enumerable, unless a mock has put something else than a request there. */
export function setRequest(response: object, request: unknown): void {
  if (isObject(request)) {
    conceal(request);
    setHidden(response, 'request', request);
  } else setField(response, 'request', request);
}

/** Makes `request` of a response or an error non-enumerable. Returns whether that was possible. */
export function hideRequest(owner: object): boolean {
  const { request } = owner as { request?: unknown };
  if (!isObject(request)) return true;
  conceal(request);
  const isShown = Object.prototype.propertyIsEnumerable.call(owner, 'request');
  return !isShown || hide(owner, 'request');
}

/** A mock's request may be a function. */
function isObject(value: unknown): value is object {
  return Object(value) === value;
}

/**
 * Keeps the headers of a native request out of everything that prints it. It is reached in many ways: from the body of a
 * streamed response, from its socket, from an agent.
 */
export function conceal(request: object): void {
  if (Object.hasOwn(request, INSPECT) || !Object.isExtensible(request) || isMock(request)) return;
  // Over sockets, `Object.assign` costs 5 µs more, and `defineProperties` still more.
  const native = request as NativeRequest;
  try {
    native[INSPECT] = printed;
    native.toJSON = printed;
  } catch {
    // A mock's class may have a `toJSON` that can't be replaced by assigning.
    for (const key of [INSPECT, 'toJSON']) setHidden(request, key, printed);
  }
  if (native._currentRequest) conceal(native._currentRequest);
  if (native._redirectable) conceal(native._redirectable);
}

/** Whether it is what a mock answers with: a plain object without headers. */
function isMock(request: object): boolean {
  return (
    Object.getPrototypeOf(request) === Object.prototype && !Object.keys(request).some((key) => /header/i.test(key))
  );
}

function printed(this: NativeRequest): object {
  const { method, host, path } = this;
  return { method, host, path: typeof path === 'string' ? beforeQuery(path) : undefined };
}
