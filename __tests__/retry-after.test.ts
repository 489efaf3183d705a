import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxiosHeaders } from 'axios';
import { parseRetryAfter } from '../src';
import copy from './vectors/retry-after.json';

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

/** The vectors' home lies outside the package; a clone has the copy alone. */
const home = join(__dirname, '../../shared/vectors/retry-after.json');
const vectors = (existsSync(home) ? JSON.parse(readFileSync(home, 'utf8')) : copy) as Vectors;

describe('the vectors', () => {
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
    expect(copy).toEqual(JSON.parse(readFileSync(home, 'utf8')));
  });
});

const NOW = Date.parse('2026-01-15T12:00:00Z');
const wait = (headers: object, status = 429, data?: unknown) => parseRetryAfter({ status, headers, data }, NOW);

test('of a header that was sent twice the first counts, also where they are joined', () => {
  expect(wait({ 'retry-after': '3, 9' })).toBe(3000);
  expect(wait({ 'retry-after-ms': '30, 90' })).toBe(30);
  expect(wait({ 'x-ratelimit-reset-requests': '1s, 2s' })).toBe(1000);
});

test('a body that was transferred elsewhere is passed over', () => {
  const data = new TextEncoder().encode('Please retry after 6 seconds.').buffer;
  expect(wait({}, 429, data)).toBe(6000);
  structuredClone(data, { transfer: [data] });
  expect(wait({}, 429, data)).toBeUndefined();
});

test('the old forms of an HTTP date are read as GMT', () => {
  expect(wait({ 'retry-after': 'Thursday, 15-Jan-26 12:00:30 GMT' })).toBe(30_000);
  expect(wait({ 'retry-after': 'Thu Jan 15 12:00:30 2026' })).toBe(30_000);
});

test('a date with a zone of its own is read in that', () => {
  expect(wait({ 'retry-after': 'Thu, 15 Jan 2026 07:00:30 EST' })).toBe(30_000);
  expect(wait({ 'retry-after': 'Thu, 15 Jan 2026 13:00:30 +01:00' })).toBe(30_000);
});

test('a date is measured from the current time by default', () => {
  const soon = new Date(Date.now() + 60_000).toUTCString();
  expect(parseRetryAfter({ status: 503, headers: { 'retry-after': soon } })).toBeGreaterThan(58_000);
});

test.each([
  'Thu, 99 Foo 2026 12:00:30 GMT',
  'before Thu, 15 Jan 2026 12:00:30 GMT',
  'Thu, 15 Jan 2026 9:00:30 GMT',
  'Thu, 15 Jan 2026 12:00:3 GMT',
])('what looks like a date and is none says nothing: %s', (date) => {
  expect(wait({ 'retry-after': date })).toBeUndefined();
});

test('decimals are kept, and units may be in capitals', () => {
  expect(wait({ 'retry-after-ms': '12.75' })).toBe(12.75);
  expect(wait({ 'retry-after': '2 Minutes' })).toBe(120_000);
  expect(wait({ 'retry-after': '6M0S' })).toBe(360_000);
});

test('headers are read from an AxiosHeaders too', () => {
  expect(wait(new AxiosHeaders({ 'Retry-After': '3' }))).toBe(3000);
});

test('a value may be a number, a list or padded, and one that is none hides no other', () => {
  expect(wait({ 'retry-after': 3 })).toBe(3000);
  expect(wait({ 'retry-after': ['3', '4'] })).toBe(3000);
  expect(wait({ 'retry-after': ' 3 ' })).toBe(3000);
  expect(wait({ 'Retry-After': '3', 'retry-after': undefined })).toBe(3000);
});

test.each([
  ['bytes', Buffer.from('Please retry after 6 seconds.')],
  ['an ArrayBuffer', new TextEncoder().encode('Please retry after 6 seconds.').buffer],
  ['parsed JSON', { error: { message: 'Please retry after 6 seconds.' } }],
  ['a gateway’s parsed JSON', { statusCode: 429, message: 'Try again in 6 seconds.' }],
])('the words of %s are read', (_, data) => {
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
])('a body that says nothing usable is passed over: %p', (data) => {
  expect(wait({}, 429, data)).toBeUndefined();
});

test('an answer without headers, as mocks give it, says nothing', () => {
  expect(parseRetryAfter({ status: 429, headers: undefined })).toBeUndefined();
  expect(parseRetryAfter({ status: 429 })).toBeUndefined();
});

test('a number too long to be one is passed over', () => {
  expect(wait({ 'retry-after': '9'.repeat(400) })).toBeUndefined();
});

test('a reset of 0 is a statement, unless the sentinel of -1 stands beside it', () => {
  expect(wait({ 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-remaining-tokens': '0' })).toBe(0);
  expect(wait({ 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-remaining-tokens': '-1' })).toBeUndefined();
});

test('only the beginning of a long body is read, in whatever form it comes', () => {
  const late = `${'x'.repeat(20_000)} try again in 5 seconds`;
  for (const data of [late, Buffer.from(late), { message: late }, { error: { message: late } }]) {
    expect(wait({}, 429, data)).toBeUndefined();
  }
});

test('a long body is read in no time', () => {
  const started = performance.now();
  wait({}, 429, 'try again in ' + '1s '.repeat(5000) + '!'.repeat(1_000_000));
  wait({}, 429, 'retry after '.repeat(1_000_000));
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a header value that is neither text nor a number is passed over', () => {
  expect(wait({ 'retry-after-ms': {}, 'retry-after': null, 'x-ms-retry-after-ms': [7] })).toBe(7);
  expect(wait({ 'retry-after': [[1]] })).toBeUndefined();
});

test('a body that holds itself, or no text where its words should be, says nothing', () => {
  const loop: Record<string, unknown> = {};
  loop.error = loop;
  expect(
    [loop, { message: 7 }, { error: null }, { error: 'retry after 5 seconds' }].map((data) => wait({}, 429, data)),
  ).toEqual([undefined, undefined, undefined, undefined]);
});
