/** What {@link parseRetryAfter} reads: the part of an `AxiosResponse` that says how long to wait. */
export interface RetryAfterSource {
  /** Reset headers count for a 429 alone, the words of the body for a 429 and a 503. */
  readonly status: number;
  /** Names in any case; an `AxiosHeaders`, a plain object, or the `Headers` of a fetch. Mocks may leave it out. */
  readonly headers?: object | null | undefined;
  /** The body, as text, bytes or parsed JSON. */
  readonly data?: unknown;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, mil: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Durations such as `6m0s`, `16m17.764s`, `500ms`, `2 minutes`: amounts, each with a unit. */
const PARTS = String.raw`(?:\d+(?:\.\d+)?\s*(?:(?:m(?:illi)?)?s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)\s*)+`;
const DURATION = new RegExp(`^${PARTS}$`, 'i');
const WORDS = new RegExp(`(?:try again|retry) (?:in|after) (${PARTS})(?![a-z\\d])`, 'i');
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
  const { status } = response;
  const header = headerReader(response.headers);
  const retryAfter = header('retry-after');
  return (
    amount(header('retry-after-ms'), 1) ??
    amount(header('x-ms-retry-after-ms'), 1) ??
    amount(retryAfter, 1000) ??
    untilDate(retryAfter, Number(now)) ??
    (status === 429 ? rateLimitReset(header) : undefined) ??
    (status === 429 || status === 503 ? amount(WORDS.exec(textOf(response.data))?.[1]) : undefined)
  );
}

type HeaderReader = (name: string) => string | undefined;

function headerReader(headers: object | null | undefined): HeaderReader {
  const values = new Map<string, string>();
  const given = headers ?? {};
  const entries =
    Symbol.iterator in given
      ? (given as Iterable<[string, unknown]>)
      : Object.entries(given as Record<string, unknown>);
  for (const [name, value] of entries) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first === 'string' || typeof first === 'number') values.set(name.toLowerCase(), String(first).trim());
  }
  return (name) => values.get(name);
}

/** A plain number of `unit` ms, where there may be one, or a duration. */
function amount(text = '', unit?: number): number | undefined {
  let ms = 0;
  // Of a header that was sent twice, which fetch joins, the first counts, as it does in Node.
  const [first] = text.split(', ') as [string];
  if (unit !== undefined && /^\d+(?:\.\d+)?$/.test(first)) ms = Number(first) * unit;
  else if (!DURATION.test(first)) return undefined;
  else
    for (const [, digits, name] of first.toLowerCase().matchAll(/([\d.]+)\s*(ms|mil|.)/g))
      ms += Number(digits) * UNIT_MS[name!]!;
  // A sum of decimals such as 16m + 17.764s leaves dust behind the microseconds.
  return Number.isFinite(ms) ? Math.round(ms * 1e6) / 1e6 : undefined;
}

function untilDate(text: string | undefined, now: number): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // The oldest of the three forms names no zone; it means GMT.
  const ms = Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function rateLimitReset(header: HeaderReader): number | undefined {
  const waits = ['requests', 'tokens'].flatMap((limit) => {
    // Both spellings are seen in the field (openai-python#937).
    const read: HeaderReader = (part) =>
      header(`x-ratelimit-${part}-${limit}`) ?? header(`x-rate-limit-${part}-${limit}`);
    const remaining = read('remaining');
    const wait = amount(read('reset'), 1000);
    // -1 / -1 / 0 for limit, remaining and reset are sentinels that say nothing (openai-dotnet#838).
    return wait === undefined || (wait === 0 && remaining === '-1') || Number(remaining) > 0 ? [] : [wait];
  });
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data.slice(0, SEARCHED_BODY);
  // Of what has been transferred nothing is left to be read.
  if (data instanceof ArrayBuffer) return data.byteLength > 0 ? decode(new Uint8Array(data)) : '';
  if (ArrayBuffer.isView(data)) return decode(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const { message, error } = Object(data) as { message?: unknown; error?: unknown };
  const words = [message, (Object(error) as { message?: unknown }).message].find((each) => typeof each === 'string');
  return words?.slice(0, SEARCHED_BODY) ?? '';
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, SEARCHED_BODY));
}
