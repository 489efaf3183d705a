import { own, show, withoutUrlSecrets } from '../base/check';
import { CodedError } from '../base/errors';
import type { HttpRequest } from '../failover/http-client';
import type { RequestFailover } from '../failover/options';
import { capturedFrom, isCaptured, isDisturbed, isOneShot } from '../http/request-body';
import { parseAddress } from '../http/route';
import type { Address, Route } from '../http/route';
import { headerFieldsOf } from '../http/headers';
import type { RequestConfig } from '../http/messages';
import { cancellable, isWebStream, streamOf } from '../http/streams';

/** The `fetch` of a runtime. */
export type Fetch = typeof globalThis.fetch;

/** What `fetch` takes as its second argument, and `failover`. */
export type FetchInit = RequestInit & {
  /**
   * `false`: the chosen backend alone, and its response is returned as it is. An object overrides the options for this
   * request.
   */
  readonly failover?: false | RequestFailover | undefined;
};

/** What `fetch` takes as its first argument. */
export type FetchInput = string | URL | Request;

/** What selectors, conditions and failures see of a fetch. axios's configs have the same fields. */
interface FetchConfig extends RequestConfig {
  readonly url: string;
  /** In lower case, as in axios. */
  readonly method: string;
  /** By their lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly data: unknown;
  readonly signal: AbortSignal | undefined;
  readonly failover: FetchInit['failover'];
}

/** One call of fetch, prepared for its attempts. */
export interface FetchRequest extends HttpRequest {
  readonly config: FetchConfig;
  /** The wrapped one. */
  readonly fetch: Fetch;
  /** What the caller passed in. Each attempt has headers and a body of its own in place of those in it. */
  readonly init: RequestInit;
  readonly route: Route;
  readonly redirect: RequestRedirect;
  /** Cancels the caller's body, which is passed on as a stream of the package's own. */
  readonly cancelBody: ((reason: unknown) => void) | undefined;
}

/** The fields of a `Request` that mean the same in `init`. */
const REQUEST_FIELDS = [
  'referrer',
  'referrerPolicy',
  'cache',
  'credentials',
  'integrity',
  'keepalive',
  'mode',
  'redirect',
];

/** All fields of `init`. */
const INIT_FIELDS = [...REQUEST_FIELDS, 'method', 'headers', 'body', 'signal', 'duplex', 'priority', 'dispatcher'];

/** One call of fetch: its URL, the config that callbacks get, and what the caller passed in. */
export interface FetchCall {
  /** `undefined`: what the caller passed in is no absolute URL. */
  readonly address: Address | undefined;
  readonly config: FetchConfig;
  readonly init: RequestInit;
  /** The `Request` whose own body is sent. */
  readonly source: Request | undefined;
}

/** @param given what `dictionaryOf` returned */
export function callOf(input: FetchInput, address: Address | undefined, given: FetchInit): FetchCall {
  const request = isRequest(input) ? input : undefined;
  const { headers = request?.headers } = given;
  const body = given.body ?? request?.body;
  // `null` counts as given.
  const { method: name = request?.method ?? 'GET' }: { readonly method?: unknown } = given;
  // Like fetch, which converts anything to a string.
  const method = String(name);
  const signal = (given.signal === undefined ? request?.signal : given.signal) ?? undefined;
  const config = {
    url: textOf(input),
    method: method.toLowerCase(),
    headers: headerFieldsOf(headers),
    data: body ?? undefined,
    signal,
    // An option of this package, so it isn't inherited.
    failover: own(given, 'failover'),
    // Only axios has one. Without this line, what a polluted `Object.prototype` holds would be one.
    cancelToken: undefined,
  };
  const source = body && body === request?.body ? request : undefined;
  // A copy: the caller may write on theirs.
  const passed: FetchInit = { ...given };
  if ('failover' in passed) Reflect.deleteProperty(passed, 'failover');
  const init: FetchInit =
    request === undefined
      ? passed
      : {
          // As in fetch, an `init` that isn't empty resets the two about the referrer.
          ...fieldsOf(request, REQUEST_FIELDS.slice(Object.values(passed).some((each) => each !== undefined) ? 2 : 0)),
          ...(source && ({ duplex: 'half' } as RequestInit)),
          ...passed,
        };
  init.method = method;
  return { address, config, init, source };
}

/** What the caller's URL says. What is neither text nor a `Request` is made text. `undefined`: it isn't absolute. */
export function addressOf(input: FetchInput): Address | undefined {
  try {
    return parseAddress(textOf(input));
  } catch {
    return undefined;
  }
}

function textOf(input: unknown): string {
  return String(isRequest(input) ? input.url : input);
}

/**
 * `init` as fetch reads it: fields that an object inherits count too, such as the getters of a class or of a `Request`.
 *
 * @throws TypeError as fetch does
 */
export function dictionaryOf(init: FetchInit | null | undefined): FetchInit {
  if (init === undefined || init === null) return {};
  if (Object(init) !== init) throw new TypeError(`init must be an object, got ${show(init)}`);
  if (Object.getPrototypeOf(init) === Object.prototype) return init;
  return { ...init, ...fieldsOf(init, INIT_FIELDS) };
}

/** Fields of `init` that DOM's types lack. */
interface NodesInit {
  readonly duplex?: unknown;
  readonly dispatcher?: unknown;
}

/** Whether the body of a `Request` has to be read, because the runtime doesn't show it as a stream. */
export function hidesBody(input: FetchInput, init: FetchInit): input is Request {
  return init.body == null && isRequest(input) && input.body === undefined && !/^(?:get|head)$/i.test(input.method);
}

/** @throws CodedError for what fetch refuses too */
export function openRequest({ address, config, init, source }: FetchCall, fetch: Fetch): FetchRequest {
  const route = checkedRoute(address, config.url);
  // A polyfill's is passed on.
  if (config.signal !== undefined && !('aborted' in Object(config.signal)))
    throw unusable(`init.signal must be an AbortSignal, got ${show(config.signal)}`);
  const data = isAsyncIterable(config.data) ? streamOf(config.data) : capturedFrom(config.data);
  checkDuplex(data, init);
  if (source?.bodyUsed || source?.body?.locked)
    throw unusable('Cannot construct a Request with a Request object that has already been used.');
  // One that was read into memory is sent from there: `openai` 4 repeats an upload with the same stream.
  const isRead = isDisturbed(data) || (isWebStream(data) && data.locked);
  if (isRead && !isCaptured(data)) throw unusable('Response body object should not be disturbed or locked');
  const { redirect = 'follow' } = init;
  const request: FetchRequest = {
    config,
    fetch,
    init,
    route,
    redirect,
    body: data,
    cancelBody: undefined,
    // Whatever it was made from, a `Request` shows only a stream.
    resends: source !== undefined && redirect === 'follow',
    deployment: route.deployment,
    timeout: 0,
    streamed: true,
    // A fetch of the user's own may ignore its signal.
    obeysCancel: false,
    needsAbort: true,
    model: undefined,
    blobBytes: undefined,
  };
  // As with fetch, an aborted signal cancels the body, even while it is being read.
  if (config.signal === undefined || !isWebStream(data) || isRead) return request;
  const { stream, cancel } = cancellable(data);
  return { ...request, body: stream, cancelBody: cancel };
}

/** Of any kind: the wrapped fetch may have its own. */
function isRequest(input: unknown): input is Request {
  // Most input is text, for which making an object would take a while.
  return (
    typeof input !== 'string' && 'method' in Object(input) && typeof (input as Partial<Request>).clone === 'function'
  );
}

function fieldsOf(request: object, names: readonly string[]): RequestInit {
  // A runtime may lack some. `navigate` can't be passed on.
  const fields = names
    .map((name) => [name, (request as Record<string, unknown>)[name]] as const)
    .filter(([, value]) => value !== undefined && value !== '' && value !== 'navigate');
  return Object.fromEntries(fields);
}

/** Node's fetch takes them too. */
function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && !isOneShot(body);
}

function checkedRoute(address: Address | undefined, text: string): Route {
  if (address === undefined) {
    throw new CodedError(`Failed to parse URL from ${withoutUrlSecrets(text)}`, 'ERR_INVALID_URL');
  }
  // The message doesn't show the URL.
  if (address.hasUserinfo) {
    throw new CodedError('Request cannot be constructed from a URL that includes credentials', 'ERR_INVALID_URL');
  }
  return address.route!;
}

/** In the words of Node's fetch. */
function unusable(message: string): CodedError {
  return new CodedError(message, 'ERR_BAD_REQUEST');
}

/** What this runtime's fetch says of a stream without `duplex`. `null`: it takes one. */
let duplexError: Error | null | undefined;

/**
 * A stream that is read into memory first would no longer be refused. Node's own streams are taken: `openai` 4 sends them
 * without `duplex`.
 *
 * @throws CodedError with the words of the runtime's fetch
 */
function checkDuplex(data: unknown, init: RequestInit): void {
  if (!isWebStream(data) || (init as NodesInit).duplex !== undefined) return;
  duplexError ??= refusalOfStream();
  if (duplexError !== null) throw unusable(duplexError.message);
}

function refusalOfStream(): Error | null {
  try {
    new Request('http://localhost', { method: 'POST', body: new ReadableStream() });
    return null;
  } catch (error) {
    return error as Error;
  }
}
