/** What {@link parseRetryAfter} reads: the part of an `AxiosResponse` that says how long to wait. */
export interface RetryAfterSource {
  /** Reset headers count for a 429 alone, the words of the body for a 429 and a 503. */
  readonly status: number;
  /** Names in any case; an `AxiosHeaders` or a plain object. Mocks may leave it out. */
  readonly headers?: object | null | undefined;
  /** The body, as text, bytes or parsed JSON. */
  readonly data?: unknown;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** One amount and unit of a duration; the unit's first letters are enough to tell it. */
const PART = String.raw`\d+(?:\.\d+)?\s*(?:milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)`;
const DURATION = new RegExp(String.raw`^(?:${PART}\s*)+$`, 'i');
const WORDS = new RegExp(String.raw`(?:try again|retry) (?:in|after) ((?:${PART}\s*)+)(?![a-z\d])`, 'i');
const PLAIN_NUMBER = /^\d+(?:\.\d+)?$/;
/** The three forms of RFC 9110; `Date.parse` alone takes "-1" and "soon 5" for dates too. */
const HTTP_DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i;

/** How much of a body is searched for words; the sentence stands near its beginning. */
const SEARCHED_BODY = 16_384;

/**
 * How long the server asks to wait, in milliseconds (decimals kept), or `undefined` where it said nothing usable.
 *
 * By precedence: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds, an HTTP date, or a duration such as
 * `500ms`); for a 429 `x-ratelimit-reset-requests` / `-tokens`, of those whose `remaining` is used up or not given the
 * longest; for a 429 or 503 the words of the body ("Please retry after 6 seconds."). Azure OpenAI's provisioned
 * deployments send `retry-after-ms` beside a `retry-after` that is rounded up to whole seconds.
 *
 * Negative numbers, empty values and anything else that cannot be read are passed over; it never throws.
 *
 * @param response what came back
 * @param now the wall-clock time that an HTTP date is measured from; default: the current time
 */
export function parseRetryAfter(response: RetryAfterSource, now: number | Date = Date.now()): number | undefined {
  const header = headerReader(response.headers);
  return (
    amount(header('retry-after-ms'), 1) ??
    amount(header('x-ms-retry-after-ms'), 1) ??
    amount(header('retry-after'), 1000) ??
    untilDate(header('retry-after'), new Date(now).getTime()) ??
    (response.status === 429 ? rateLimitReset(header) : undefined) ??
    (response.status === 429 || response.status === 503 ? wordsOf(response.data) : undefined)
  );
}

type HeaderReader = (name: string) => string | undefined;

function headerReader(headers: object | null | undefined): HeaderReader {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries((headers ?? {}) as Record<string, unknown>)) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first === 'string' || typeof first === 'number') values.set(name.toLowerCase(), String(first).trim());
  }
  return (name) => values.get(name);
}

function amount(text: string | undefined, unitMs: number): number | undefined {
  if (text === undefined) return undefined;
  return finite(PLAIN_NUMBER.test(text) ? Number(text) * unitMs : duration(text));
}

/** `6m0s`, `16m17.764s`, `500ms`, `2 minutes` → milliseconds. */
function duration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const name = (unit ?? '').toLowerCase();
    total += Number(digits) * (UNIT_MS[/^m(?:s|illi)/.test(name) ? 'ms' : name.charAt(0)] ?? 0);
  }
  // A sum of decimals such as 16m + 17.764s leaves dust behind the microseconds.
  return Math.round(total * 1e6) / 1e6;
}

function untilDate(text: string | undefined, now: number): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // The oldest of the three forms names no zone; it means GMT.
  return finite(Math.max(0, Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text) - now));
}

function rateLimitReset(header: HeaderReader): number | undefined {
  const waits: number[] = [];
  for (const limit of ['requests', 'tokens']) {
    // Both spellings are seen in the field (openai-python#937).
    const read: HeaderReader = (part) =>
      header(`x-ratelimit-${part}-${limit}`) ?? header(`x-rate-limit-${part}-${limit}`);
    const remaining = read('remaining');
    const wait = amount(read('reset'), 1000);
    // -1 / -1 / 0 for limit, remaining and reset are sentinels that say nothing (openai-dotnet#838).
    const says = wait !== undefined && !(wait === 0 && remaining === '-1');
    const usedUp = remaining === undefined || !(Number(remaining) > 0);
    if (says && usedUp) waits.push(wait);
  }
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

function wordsOf(data: unknown): number | undefined {
  const found = WORDS.exec(textOf(data))?.[1];
  return found === undefined ? undefined : finite(duration(found.trim()));
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data.slice(0, SEARCHED_BODY);
  if (data instanceof ArrayBuffer) return decode(new Uint8Array(data));
  if (ArrayBuffer.isView(data)) return decode(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return messageOf(data) ?? messageOf(field(data, 'error')) ?? '';
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, SEARCHED_BODY));
}

function messageOf(data: unknown): string | undefined {
  const message = field(data, 'message');
  return typeof message === 'string' ? message.slice(0, SEARCHED_BODY) : undefined;
}

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}

function finite(ms: number | undefined): number | undefined {
  return ms !== undefined && Number.isFinite(ms) ? ms : undefined;
}
