import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AxiosHeaders } from 'axios';
import fc from 'fast-check';
import { parseRetryAfter } from '../../src';
import type { RetryAfterSource } from '../../src/http/retry-after';
import copy from './retry-after.vectors.json';

interface Vectors {
  readonly now: string;
  readonly cases: {
    name: string;
    status: number;
    headers: Record<string, unknown>;
    data?: string;
    expect: number | null;
  }[];
}

/** The original of the vectors is outside this repository. Where it is missing, the copy counts. */
const home = join(__dirname, '../../../shared/vectors/retry-after.json');

const vectors = (existsSync(home) ? JSON.parse(readFileSync(home, 'utf8')) : copy) as Vectors;

const NOW = Date.parse('2026-01-15T12:00:00Z');

const wait = (headers: object, status = 429, data?: unknown) => parseRetryAfter({ status, headers, data }, NOW);

describe('parseRetryAfter on the shared vectors:', () => {
  const now = new Date(vectors.now);

  test.each(vectors.cases)('$name', ({ status, headers, data, expect: expected }) => {
    expect(parseRetryAfter({ status, headers, data }, now) ?? null).toBe(expected);
    expect(parseRetryAfter({ status, headers, data }, now.getTime()) ?? null).toBe(expected);
    const entries = Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((each) => [name, String(each)]),
    );
    const ofFetch = { status, headers: new Headers(entries as [string, string][]), data };
    expect(parseRetryAfter(ofFetch, now) ?? null).toBe(expected);
  });

  (existsSync(home) ? test : test.skip)('are the same in both places', () => {
    expect(copy).toStrictEqual(JSON.parse(readFileSync(home, 'utf8')));
  });
});

test('parseRetryAfter takes the first of several values of a header, even if they are joined', () => {
  expect(wait({ 'retry-after': '3, 9' })).toBe(3000);
  expect(wait({ 'retry-after-ms': '30, 90' })).toBe(30);
  expect(wait({ 'x-ratelimit-reset-requests': '1s, 2s' })).toBe(1000);
});

test('parseRetryAfter ignores a body whose buffer has been transferred', () => {
  const data = new TextEncoder().encode('Please retry after 6 seconds.').buffer;
  expect(wait({}, 429, data)).toBe(6000);
  structuredClone(data, { transfer: [data] });
  expect(wait({}, 429, data)).toBeUndefined();
});

test('parseRetryAfter reads the obsolete forms of an HTTP date as GMT', () => {
  expect(wait({ 'retry-after': 'Thursday, 15-Jan-26 12:00:30 GMT' })).toBe(30_000);
  expect(wait({ 'retry-after': 'Thu Jan 15 12:00:30 2026' })).toBe(30_000);
});

test('parseRetryAfter respects the time zone of a date', () => {
  expect(wait({ 'retry-after': 'Thu, 15 Jan 2026 07:00:30 EST' })).toBe(30_000);
  expect(wait({ 'retry-after': 'Thu, 15 Jan 2026 13:00:30 +01:00' })).toBe(30_000);
});

test('parseRetryAfter measures a date from the current time by default', () => {
  const soon = new Date(Date.now() + 60_000).toUTCString();
  expect(parseRetryAfter({ status: 503, headers: { 'retry-after': soon } })).toBeGreaterThan(58_000);
});

test.each([
  'Thu, 99 Foo 2026 12:00:30 GMT',
  'before Thu, 15 Jan 2026 12:00:30 GMT',
  'Thu, 15 Jan 2026 9:00:30 GMT',
  'Thu, 15 Jan 2026 12:00:3 GMT',
])('parseRetryAfter ignores the invalid date %s', (date) => {
  expect(wait({ 'retry-after': date })).toBeUndefined();
});

test('parseRetryAfter keeps decimals and accepts units in upper case', () => {
  expect(wait({ 'retry-after-ms': '12.75' })).toBe(12.75);
  expect(wait({ 'retry-after': '2 Minutes' })).toBe(120_000);
  expect(wait({ 'retry-after': '6M0S' })).toBe(360_000);
});

test('parseRetryAfter reads AxiosHeaders', () => {
  expect(wait(new AxiosHeaders({ 'Retry-After': '3' }))).toBe(3000);
});

test('parseRetryAfter accepts numbers, lists and padded text, and skips undefined', () => {
  expect(wait({ 'retry-after': 3 })).toBe(3000);
  expect(wait({ 'retry-after': ['3', '4'] })).toBe(3000);
  expect(wait({ 'retry-after': ' 3 ' })).toBe(3000);
  expect(wait({ 'Retry-After': '3', 'retry-after': undefined })).toBe(3000);
});

test.each([
  ['bytes', Buffer.from('Please retry after 6 seconds.')],
  ['an ArrayBuffer', new TextEncoder().encode('Please retry after 6 seconds.').buffer],
  ['parsed JSON', { error: { message: 'Please retry after 6 seconds.' } }],
  ['parsed JSON of a gateway', { statusCode: 429, message: 'Try again in 6 seconds.' }],
])('parseRetryAfter reads the message in %s', (_, data) => {
  expect(wait({}, 429, data)).toBe(6000);
  expect(wait({}, 503, data)).toBe(6000);
  expect(wait({}, 500, data)).toBeUndefined();
});

test.each([
  [null],
  [undefined],
  [42],
  [[]],
  [{ error: null }],
  [{ error: { message: 7 } }],
  ['retry after a while'],
  ['try again in 5 sheep'],
])('parseRetryAfter ignores a body without a usable wait: %p', (data) => {
  expect(wait({}, 429, data)).toBeUndefined();
});

test('parseRetryAfter accepts a response without headers, as mocks give it', () => {
  expect(parseRetryAfter({ status: 429, headers: undefined })).toBeUndefined();
  expect(parseRetryAfter({ status: 429 })).toBeUndefined();
});

test('parseRetryAfter ignores a number too long to be one', () => {
  expect(wait({ 'retry-after': '9'.repeat(400) })).toBeUndefined();
});

test('parseRetryAfter takes a reset of 0 literally, unless the remaining count is the sentinel -1', () => {
  expect(wait({ 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-remaining-tokens': '0' })).toBe(0);
  expect(wait({ 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-remaining-tokens': '-1' })).toBeUndefined();
  expect(
    wait({ 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '1s' }),
  ).toBe(1000);
});

test('parseRetryAfter reads only the beginning of a long body, in whatever form', () => {
  const late = `${'x'.repeat(20_000)} try again in 5 seconds`;
  for (const data of [late, Buffer.from(late), { message: late }, { error: { message: late } }]) {
    expect(wait({}, 429, data)).toBeUndefined();
  }
});

test('parseRetryAfter takes linear time over a long body', () => {
  const started = performance.now();
  wait({}, 429, 'try again in ' + '1s '.repeat(5000) + '!'.repeat(1_000_000));
  wait({}, 429, 'retry after '.repeat(1_000_000));
  expect(performance.now() - started).toBeLessThan(1000);
});

test('parseRetryAfter never throws, whatever it is given', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
    },
  );
  const given: unknown[] = [
    undefined,
    null,
    0,
    'x',
    hostile,
    { status: 429, headers: hostile },
    { status: 429, data: hostile },
  ];
  for (const response of given) expect(parseRetryAfter(response as RetryAfterSource)).toBeUndefined();
  const date = { status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } };
  for (const now of [NaN, 'soon', Symbol('now'), new Date('no')] as number[])
    expect(parseRetryAfter(date, now)).toBeUndefined();
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (headers, data, now) => {
      parseRetryAfter({ status: 429, headers, data } as RetryAfterSource, now as number);
    }),
  );
});

test('parseRetryAfter ignores a header value that is neither text nor a number', () => {
  expect(wait({ 'retry-after-ms': {}, 'retry-after': null, 'x-ms-retry-after-ms': [7] })).toBe(7);
  expect(wait({ 'retry-after': [[1]] })).toBeUndefined();
});

test('parseRetryAfter ignores a body that contains itself or holds no words', () => {
  const loop: Record<string, unknown> = {};
  loop.error = loop;
  const bodies = [loop, { message: 7 }, { error: null }, Readable.from(['retry after 5 seconds'])];
  expect(bodies.map((data) => wait({}, 429, data))).toStrictEqual([undefined, undefined, undefined, undefined]);
});

test.each<unknown>([
  { error: 'try again in 5 seconds' },
  { detail: 'try again in 5 seconds' },
  [{ message: 'try again in 5 seconds' }],
  { message: 'Too many requests', error: { message: 'Try again in 5 seconds' } },
])('parseRetryAfter finds the same words in parsed JSON as in its text: %j', (body) => {
  expect([body, JSON.stringify(body)].map((data) => wait({}, 429, data))).toStrictEqual([5000, 5000]);
});

test('parseRetryAfter reads the message of an object that contains itself', () => {
  const loop: Record<string, unknown> = { message: 'Try again in 5 seconds.' };
  loop.self = loop;
  expect(wait({}, 429, loop)).toBe(5000);
});

test('parseRetryAfter reads words with commas', () => {
  expect(wait({}, 429, 'Try again in 1 hour, 2 minutes and 3 seconds.')).toBe(3_723_000);
});

describe('waits in the message of a refusal', () => {
  const UNITS: readonly [ms: number, names: readonly string[]][] = [
    [1, ['ms', 'millisecond', 'milliseconds', 'msec']],
    [1000, ['s', 'sec', 'secs', 'second', 'seconds']],
    [60_000, ['m', 'min', 'mins', 'minute', 'minutes']],
    [3_600_000, ['h', 'hr', 'hrs', 'hour', 'hours']],
    [86_400_000, ['d', 'day', 'days']],
  ];
  const PHRASES = [
    'Rate limit is exceeded. Try again in *.',
    'Please retry after *.',
    'Please try again in *',
    'wait * before retrying',
    'Slow down: wait for * and be patient',
    'Quota will be replenished in *.',
    'Limit reached, it resets in *',
    'The quota is renewed after *!',
  ];

  test.each(PHRASES)('are read with any number, unit, case and plural: %s', (phrase) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(10_000),
          fc.integer({ min: 1, max: 99_999 }).map((n) => n / 10),
        ),
        fc.constantFrom(...UNITS.flatMap(([ms, names]) => names.map((name) => [ms, name] as const))),
        fc.constantFrom('', ' '),
        fc.boolean(),
        (amount, [ms, unit], space, isUpper) => {
          const words = phrase.replace('*', `${String(amount)}${space}${unit}`);
          const data = { error: { message: isUpper ? words.toUpperCase() : words } };
          expect(wait({}, 429, data)).toBeCloseTo(amount * ms, 4);
        },
      ),
    );
  });

  test.each(PHRASES)('are read as hh:mm:ss: %s', (phrase) => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(59), fc.nat(59), (hours, minutes, seconds) => {
        const two = (n: number): string => String(n).padStart(2, '0');
        const data = phrase.replace('*', `${two(hours)}:${two(minutes)}:${two(seconds)}`);
        expect(wait({}, 403, data)).toBe(((hours * 60 + minutes) * 60 + seconds) * 1000);
      }),
    );
  });
});

test('a date is measured against the Date header of its own response, whatever the local clock says', () => {
  const date = 'Wed, 25 Nov 2026 12:00:00 GMT';
  const headers = { date, 'retry-after': 'Wed, 25 Nov 2026 12:00:07 GMT' };
  expect(parseRetryAfter({ status: 429, headers }, Date.parse('2031-01-01'))).toBe(7000);
  expect(parseRetryAfter({ status: 429, headers: { ...headers, date: 'soon' } }, Date.parse(date) + 2000)).toBe(5000);
});

test('of a mock whose fields throw, no wait is read', () => {
  const throwing = Object.defineProperty({ status: 429 }, 'headers', {
    get() {
      throw new Error('no');
    },
  });
  expect(parseRetryAfter(throwing as never)).toBeUndefined();
});
