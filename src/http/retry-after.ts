import { bodyText } from './body-text';
import { headerOf } from './headers';
import { isNodeStream } from './streams';

/** The part of a response that {@link parseRetryAfter} reads. An `AxiosResponse` fits. */
export interface RetryAfterSource {
  /** Reset headers count only for a 429, the words of the body only for a 403, 429 or 503. */
  readonly status: number;
  /** An `AxiosHeaders`, a plain object (names in any case) or the `Headers` of fetch. Mocks may leave it out. */
  readonly headers?: object | null | undefined;
  /** The body, as text, bytes or parsed JSON. */
  readonly data?: unknown;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, mil: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Amounts, each with a unit: `6m0s`, `16m17.764s`, `500ms`, `1 minute and 30 seconds`. */
const PARTS = String.raw`(?:\d+(?:\.\d+)?\s*(?:(?:m(?:illi)?)?s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)[\s,]*(?:and\s+)?)+`;
const DURATION = new RegExp(`^${PARTS}$`, 'i');
/** `00:05:00`, or with days in front `1.00:05:00`: how API Management writes the time until a quota is renewed. */
const CLOCK = String.raw`(?:\d+\.)?\d+:\d\d:\d\d`;
/** "try again in 2s", "retry after 6 seconds", "wait for 1 minute", "resets in 2m", "replenished in 00:05:00" */
const WORDS = new RegExp(
  `(?:(?:try again|retry(?:ing)?|resets?|replenished|renewed) (?:in|after)|wait(?: for)?) (${CLOCK}|${PARTS})(?![a-z\\d])`,
  'i',
);
/** The three date forms of RFC 9110. `Date.parse` alone would also accept "-1" and "soon 5". */
const HTTP_DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i;

/** Characters of a body that are searched for words: the sentence is near its beginning. */
const SEARCHED_BODY = 16_384;

/**
 * The wait that a server asks for, in ms (decimals kept), or `undefined` if it asks for none.
 *
 * In this order:
 * 1. `retry-after-ms`, then `x-ms-retry-after-ms`
 * 2. `retry-after`: seconds, an HTTP date, or a duration such as `500ms`
 * 3. for a 429: `x-ratelimit-reset-requests` and `-tokens`. Only those whose `remaining` is used up or not given count,
 *    and of these the longest
 * 4. for a 403, 429 or 503: the words of the body ("Please retry after 6 seconds.")
 *
 * Azure OpenAI's provisioned deployments send `retry-after-ms` together with a `retry-after` that is rounded up to whole
 * seconds.
 *
 * Negative numbers, empty values and everything else that can't be read are skipped. It never throws, whatever it is
 * given.
 *
 * @param response what came back
 * @param now what an HTTP date is measured from, where the response has no `Date` header of its own: a `Date`, or ms
 * since 1970. Default: the current time
 * @returns ms, or `undefined`
 */
export function parseRetryAfter(response: RetryAfterSource, now: number | Date = Date.now()): number | undefined {
  try {
    return waitIn(response, Number(now));
  } catch {
    // A mock's response may be anything, an object whose fields throw included.
    return undefined;
  }
}

function waitIn(response: RetryAfterSource, now: number): number | undefined {
  const { status } = response;
  const header = headerReader(response.headers);
  const retryAfter = header('retry-after');
  return (
    amount(header('retry-after-ms'), 1) ??
    amount(header('x-ms-retry-after-ms'), 1) ??
    amount(retryAfter, 1000) ??
    untilDate(retryAfter, dateOf(header('date')) ?? now) ??
    (status === 429 ? rateLimitReset(response.headers) : undefined) ??
    ([403, 429, 503].includes(status) ? inWords(textOf(response.data)) : undefined)
  );
}

type HeaderReader = (name: string) => string | undefined;

function headerReader(headers: object | null | undefined): HeaderReader {
  return (name) => {
    const value = headerOf(headers, name);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === 'string' || typeof first === 'number' ? String(first).trim() : undefined;
  };
}

/** Reads a duration, or a plain number of `unit` ms if a unit is given. */
function amount(text = '', unit?: number): number | undefined {
  let ms = 0;
  // fetch joins a header that was sent twice. The first one counts, as in Node. (Words have no unit, and may have commas.)
  const first = unit === undefined ? text : text.split(', ')[0]!;
  if (unit !== undefined && /^\d+(?:\.\d+)?$/.test(first)) ms = Number(first) * unit;
  else if (!DURATION.test(first)) return undefined;
  else
    // The first letter of a unit says which it is, except for milliseconds.
    for (const [, digits, name] of first.toLowerCase().matchAll(/([\d.]+)\s*(ms|mil|.)/g))
      ms += Number(digits) * UNIT_MS[name!]!;
  // Floating point leaves noise below a nanosecond in sums such as 16m + 17.764s.
  return Number.isFinite(ms) ? Math.round(ms * 1e6) / 1e6 : undefined;
}

function inWords(text: string): number | undefined {
  const words = WORDS.exec(text)?.[1] ?? '';
  const clock = /^(?:(\d+)\.)?(\d+):(\d\d):(\d\d)$/.exec(words);
  if (clock === null) return amount(words);
  const [, days, hours, minutes, seconds] = clock.map((part) => Number(part || 0)) as [
    0,
    number,
    number,
    number,
    number,
  ];
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

function untilDate(text: string | undefined, now: number): number | undefined {
  const date = dateOf(text);
  return date === undefined || Number.isNaN(now) ? undefined : Math.max(0, date - now);
}

function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // The oldest of the three forms (asctime) names no zone; it means GMT.
  const ms = Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The longest time until a limit that is used up, or of which nothing is known, is renewed. */
function rateLimitReset(headers: object | null | undefined): number | undefined {
  const waits = rateLimitsIn(headers).flatMap(({ remaining, reset = NaN }) =>
    Number.isNaN(reset) || remaining > 0 ? [] : [reset],
  );
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

/** What a response says about one of its limits. */
interface RateLimit {
  /** How much of it is left. NaN: unknown */
  readonly remaining: number;
  /** ms until it is renewed */
  readonly reset: number | undefined;
}

/** The limits of requests and of tokens in the headers of a response. */
export function rateLimitsIn(headers: object | null | undefined): readonly RateLimit[] {
  const header = headerReader(headers);
  return ['requests', 'tokens'].flatMap((limit) => {
    // Both spellings occur (openai-python#937).
    const read: HeaderReader = (part) =>
      header(`x-ratelimit-${part}-${limit}`) ?? header(`x-rate-limit-${part}-${limit}`);
    const remaining = Number.parseFloat(read('remaining') ?? '');
    const reset = amount(read('reset'), 1000);
    // -1 / -1 / 0 for limit, remaining and reset are placeholders (openai-dotnet#838).
    const isPlaceholder = remaining === -1 && (reset === 0 || (reset === undefined && read('limit') === '-1'));
    return isPlaceholder ? [] : [{ remaining, reset }];
  });
}

function textOf(data: unknown): string {
  const text = bodyText(data, SEARCHED_BODY);
  if (text !== undefined) return text;
  // Parsed JSON. A stream or a Blob is none.
  const isJson = Array.isArray(data) || Object.prototype.toString.call(data) === '[object Object]';
  if (!isJson || isNodeStream(data)) return '';
  return `${messagesIn(data as object)}\n${jsonOf(data as object)}`.slice(0, SEARCHED_BODY);
}

/** Where most errors say it. */
function messagesIn(data: object): string {
  const { message, error } = data as { message?: unknown; error?: unknown };
  return [message, (Object(error) as { message?: unknown }).message]
    .filter((each) => typeof each === 'string')
    .join('\n');
}

function jsonOf(data: object): string {
  try {
    return JSON.stringify(data);
  } catch {
    // It contains itself.
    return '';
  }
}
