import { bodyText, bytesOfText } from './body-text';
import { errorFieldsOf, ownField } from './error-body';
import { EventStreamParser } from './event-stream-parser';
import type { ServerSentEvent } from './event-stream-parser';
import { headerOf } from './headers';
import { parseRetryAfter, rateLimitsIn } from './retry-after';

/** The error of a refusal inside a streamed 200, as its event gave it. */
export interface StreamError {
  /** Such as `rate_limit_exceeded`. A number becomes text. */
  readonly code?: string;
  /** Such as `too_many_requests`. */
  readonly type?: string;
  /** Such as `Rate limit is exceeded. Try again in 26 seconds.` */
  readonly message?: string;
}

/** A refusal inside a streamed 200. */
export interface StreamRefusal {
  /** The 429 or 5xx that the error stands for. */
  readonly status: number;
  readonly error: StreamError;
}

/** The most that is held back of a stream, in bytes. */
const MAX_HELD = 65_536;

/**
 * Looks at the first events of a streamed 200, up to the first meaningful one. If that is an error that stands for a 429
 * or 5xx, the stream is a refusal. It has no limit of time of its own: `attemptTimeout` and the caller's `timeout` end it.
 */
export class StreamInspection {
  /** Set if the first meaningful event is a refusal. */
  refusal: StreamRefusal | undefined = undefined;
  #isDecided = false;
  #size = 0;
  readonly #headers: object;
  readonly #parser = new EventStreamParser((event) => this.#look(event));

  /** @param headers of the response */
  constructor(headers: object) {
    this.#headers = headers;
  }

  /** Takes the next bytes of the body. Returns whether it has seen enough. */
  push(bytes: Uint8Array): boolean {
    this.#parser.push(bytes.subarray(0, MAX_HELD - this.#size));
    this.#size += bytes.length;
    return this.#isDecided || this.#size >= MAX_HELD;
  }

  /** The body is over. */
  end(): void {
    this.#parser.end();
  }

  /** Takes a body that has been read, in any form. */
  whole(data: unknown): void {
    const text = bodyText(data, MAX_HELD);
    if (text !== undefined && !this.push(new Uint8Array(bytesOfText(text)))) this.end();
  }

  /** Returns whether the event is meaningful. */
  #look(event: ServerSentEvent): boolean {
    const meaning = meaningOf(event);
    if (meaning?.is === 'error') {
      const { error } = meaning;
      const status = statusOf(error, this.#headers);
      if (status !== undefined) this.refusal = { status, error };
    }
    this.#isDecided = meaning !== undefined;
    return this.#isDecided;
  }
}

export function isEventStream({ status, headers }: { readonly status: number; readonly headers: object }): boolean {
  if (status < 200 || status > 299) return false;
  const type = headerOf(headers, 'content-type');
  // Foreign adapters may give a list.
  const text: unknown = Array.isArray(type) ? type[0] : type;
  return typeof text === 'string' && /^\s*text\/event-stream\s*(?:[;,]|$)/i.test(text);
}

/** Events that say nothing yet, by their name or the `type` in their data. */
const PRELUDE = /^(?:ping|keepalive|response\.(?:created|queued|in_progress))$/;

/** The fields of an event's data that say what it is. */
const FIELDS = ['type', 'object', 'choices', 'error', 'response', 'statusCode'];

/** `undefined`: the event isn't meaningful. */
function meaningOf({
  name,
  data,
}: ServerSentEvent): { readonly is: 'content' } | { readonly is: 'error'; readonly error: StreamError } | undefined {
  const value = parsed(data);
  const [type, object, choices, error, response, statusCode] = FIELDS.map((field) => ownField(value, field));
  const kinds = [name, type, object];
  const isKind = (pattern: RegExp) => kinds.some((kind) => typeof kind === 'string' && pattern.test(kind));
  if (isKind(PRELUDE)) return undefined;
  if (isKind(/^response\.failed$/)) {
    const given = ownField(response, 'error') ?? error;
    return hasError(given) ? { is: 'error', error: streamErrorOf(given) } : undefined;
  }
  if (hasError(error)) return { is: 'error', error: streamErrorOf(error) };
  // Its data is the error. The `type` in it may say only that it is one.
  if (isKind(/^error$/i)) return { is: 'error', error: streamErrorOf(value ?? data, 'error') };
  // Azure's API Management
  if (typeof statusCode === 'number')
    return { is: 'error', error: { code: String(statusCode), ...streamErrorOf(value) } };
  return Array.isArray(choices) && choices.length === 0 ? undefined : { is: 'content' };
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined; // `[DONE]`, words, or cut short
  }
}

function hasError(error: unknown): boolean {
  return typeof error === 'string' ? error !== '' : Object.keys(Object(error) as object).length > 0;
}

/** @param notAType a `type` to ignore */
function streamErrorOf(error: unknown, notAType?: string): StreamError {
  if (typeof error === 'string') return { message: error };
  const { type, ...rest } = errorFieldsOf(error);
  return { ...rest, ...(type !== undefined && type !== notAType && { type }) };
}

/** What codes and types stand for. The first that fits counts. Spaces, dashes and underscores are left out. */
const STATUSES: readonly (readonly [names: RegExp, status: number | undefined])[] = [
  // Azure: too_many_requests, RateLimitReached; OpenAI: rate_limit_exceeded, insufficient_quota
  [/ratelimit|toomanyrequests|quota|throttl/, 429],
  // About the request. OpenAI: invalid_request_error, invalid_prompt, content_filter, image_content_policy_violation,
  // authentication_error
  [/invalid|contentfilter|policy|contextlength|authentication|permission|notfound/, undefined],
  // OpenAI: server_is_overloaded, slow_down; Azure: ServiceUnavailable
  [/overloaded|unavailable|slowdown/, 503],
  // OpenAI: server_error, vector_store_timeout; Azure: InternalServerError
  [/servererror|internal|apierror|storetimeout|badgateway|gatewaytimeout/, 500],
];

/** The 429 or 5xx that the error stands for. `undefined`: the error is about the request. */
function statusOf({ code = '', type = '', message = '' }: StreamError, headers: object): number | undefined {
  if (/^[1-5]\d\d$/.test(code)) {
    const status = Number(code);
    return status === 429 || status >= 500 ? status : undefined;
  }
  const known = knownName(code) ?? knownName(type);
  const isAboutRequest = known !== undefined && known[1] === undefined;
  // A type that stands for a 5xx says less than the message and the headers do.
  if (code === '' && !isAboutRequest) {
    const speaksOfLimit = /rate.?limit|too many requests|quota/i.test(message);
    if (speaksOfLimit || isUsedUp(headers)) return 429;
  }
  return known?.[1];
}

function knownName(name: string): (typeof STATUSES)[number] | undefined {
  const plain = name.toLowerCase().replace(/[^a-z]/g, '');
  return STATUSES.find(([names]) => names.test(plain));
}

/** Whether the headers of a response show that a limit is used up, or specify a wait. */
function isUsedUp(headers: object): boolean {
  const isUsed = rateLimitsIn(headers).some(({ remaining }) => remaining <= 0);
  return isUsed || parseRetryAfter({ status: 429, headers })! > 0;
}
