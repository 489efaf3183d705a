import { BackendPool } from '../../src';
import {
  callback,
  checkFields,
  dictionary,
  duration,
  flag,
  isText,
  mapOf,
  must,
  optionalDuration,
  own,
  resolveOptions,
  show,
  showType,
  showUrl,
} from '../../src/base/check';
import { priorityFetch } from '../../src/fetch';
import { redisTransport, shareCooldowns } from '../../src/sharing';
import { ok } from '../support/refused-backends';

describe('a URL in the wrong place is shown without its userinfo and its query:', () => {
  const url = 'redis://user:hunter2@host/path?sig=hunter2';
  const pool = new BackendPool([ok]);
  test.each<[string, () => unknown]>([
    ['transport', () => shareCooldowns(pool, url as never)],
    ['client', () => redisTransport(url as never, { prefix: 'x' })],
    ['options.fetch', () => priorityFetch([ok], { fetch: url as never })],
    ['listener', () => pool.subscribe(url as never)],
    ['unknown backend', () => pool.restore(url)],
    ['backends[1].name', () => new BackendPool([ok, ok].map((each) => ({ ...each, name: url })))],
    ['options has an unknown field', () => new BackendPool([ok], { [url]: 1 } as never)],
    ['backends[0].deployments', () => new BackendPool([{ ...ok, deployments: { [url]: '' } }])],
    ['backends[0].headers', () => new BackendPool([{ ...ok, headers: { [url]: 'x' } }])],
  ])('%s', (place, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(place);
    expect(make).toThrow('redis://***@host/path?***');
    expect(make).not.toThrow('hunter2');
  });
});

test('an error message truncates long values and names arrays as such', () => {
  expect(() => new BackendPool([{ ...ok, priority: 'x'.repeat(101) as never }])).toThrow(
    `backends[0].priority must be an integer ≥ 0, got "${'x'.repeat(100)}…"`,
  );
  expect(() => new BackendPool([{ ...ok, name: 'x'.repeat(100).split('') as never }])).toThrow('got an array');
});

test.each<[unknown, string]>([
  ['text', '"text"'],
  ['a "quote"', '"a \\"quote\\""'],
  ['x'.repeat(100), `"${'x'.repeat(100)}"`],
  ['x'.repeat(101), `"${'x'.repeat(100)}…"`],
  ['user:pass@host', '"user:pass@host"'],
  ['https://user:pass@host/path?q', '"https://***@host/path?***"'],
  [1.5, '1.5'],
  [NaN, 'NaN'],
  [true, 'true'],
  ['', '""'],
  [null, 'null'],
  [undefined, 'undefined'],
  [[], 'an empty array'],
  [['secret'], 'an array'],
  [{ secret: 1 }, 'an object'],
  [() => 'secret', 'a function'],
  [Symbol('secret'), 'a symbol'],
  [1n, 'a bigint'],
])('the value %p is shown as %s', (value, shown) => {
  expect(show(value)).toBe(shown);
});

test.each<[unknown, string]>([
  ['secret', 'a string'],
  ['', 'an empty string'],
  [1, 'a number'],
  [undefined, 'undefined'],
])('of a possible secret, only the type is shown: %p as %s', (value, shown) => {
  expect(showType(value)).toBe(shown);
});

test.each([
  ['user:pass@host', '"***@host"'],
  ['//user:pass@host/x', '"//***@host/x"'],
  ['https://user:p@ss@host/x', '"https://***@host/x"'],
  ['H2+a-b.c://user@host', '"H2+a-b.c://***@host"'],
  ['https://us#er:pa?ss@host', '"https://***@host"'],
  ['https://user\n:pass@host', '"https://***@host"'],
  ['https://host/a?b#c', '"https://host/a?***"'],
  ['https://host/a#b\n?c', '"https://host/a#***"'],
  ['host/path', '"host/path"'],
])('a URL %j is shown as %s', (url, shown) => {
  expect(showUrl(url)).toBe(shown);
});

test.each([
  ['weigth', '; did you mean "weight"?'],
  ['WEIGHT', '; did you mean "weight"?'],
  ['wght', '; did you mean "weight"?'],
  ['whight', '; did you mean "weight"?'],
  ['weightsx', '; did you mean "weight"?'],
  ['wg', ''],
  ['colour', ''],
  ['host', '; did you mean "baseURL"?'],
  ['toString', ''],
])('an unknown field %j is refused, with the name that was meant: %j', (field, suggestion) => {
  const check = () => checkFields({ [field]: 1 }, ['weight', 'baseURL'], 'place', { host: 'baseURL' });
  expect(check).toThrow(new TypeError(`place has an unknown field "${field}"${suggestion}`));
});

test('a wrong name whose right one is not among the fields suggests the nearest', () => {
  const check = () => checkFields({ weigth: 1 }, ['weight'], 'place', { weigth: 'other' });
  expect(check).toThrow('did you mean "weight"?');
});

test('known fields are accepted', () => {
  expect(() => checkFields({ weight: 1 }, ['weight'], 'place')).not.toThrow();
});

describe('a dictionary', () => {
  test.each<[string, object]>([
    ['a plain object', {}],
    [
      'an instance of a class with fields',
      new (class Own {
        readonly field = 1;
      })(),
    ],
    ['an object without a prototype', Object.create(null) as object],
  ])('is %s', (_, value) => {
    expect(dictionary(value, 'place')).toBe(value);
  });

  test.each<[unknown, string]>([
    [null, 'be an object, got null'],
    ['secret', 'be an object, got a string'],
    [['secret'], 'be an object, got an array'],
    [new Map([['a', 1]]), 'be a plain object, got "[object Map]"'],
  ])('is not %p', (value, message) => {
    expect(() => dictionary(value, 'place')).toThrow(new TypeError(`place must ${message}`));
  });

  test('has the entries that are given, and none if it is left out', () => {
    expect(mapOf({ a: 1, b: undefined, c: null }, 'place')).toStrictEqual(
      new Map<string, unknown>([
        ['a', 1],
        ['c', null],
      ]),
    );
    expect([mapOf(undefined, 'place'), mapOf({ b: undefined }, 'place')]).toStrictEqual([undefined, undefined]);
  });

  test('has no inherited fields', () => {
    const inherited = Object.create({ field: 1 }) as { field?: number };
    expect(own(inherited, 'field')).toBeUndefined();
    expect(own({ field: 2 }, 'field')).toBe(2);
  });
});

test('a check of a promise leaves no rejection unhandled', async () => {
  const unhandled = jest.fn();
  process.on('unhandledRejection', unhandled);
  expect(() => must(false, 'place', 'be text', Promise.reject(new Error('x')))).toThrow(
    'place must be text, got an object',
  );
  await new Promise((resolve) => void setImmediate(resolve));
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test.each<
  [string, (value: unknown, place: string) => unknown, readonly unknown[], unknown, readonly unknown[], string]
>([
  ['a flag', flag(true), [true, false], true, [0, 'true', null], 'be true or false'],
  ['a duration', duration(5), [0, 1.5], 5, [-1, NaN, Infinity, '1', null], 'be a finite number of ms ≥ 0'],
  [
    'an optional duration',
    optionalDuration,
    [0, 1.5],
    undefined,
    [-1, NaN, Infinity, '1', null],
    'be a finite number of ms ≥ 0',
  ],
  ['a callback', callback(isText), [String], isText, [1, null, {}], 'be a function'],
])('%s accepts its values, has a default and refuses all else', (_, check, fitting, fallback, others, be) => {
  for (const value of fitting) expect(check(value, 'place')).toBe(value);
  expect(check(undefined, 'place')).toBe(fallback);
  for (const value of others) expect(() => check(value, 'place')).toThrow(`place must ${be}, got ${show(value)}`);
});

test('options are checked field by field, and those that are left out get their defaults', () => {
  const checks = { on: flag(true), wait: duration(5) };
  expect(resolveOptions({ wait: 1 }, 'options', checks)).toStrictEqual({ on: true, wait: 1 });
  expect(() => resolveOptions({ wait: -1 }, 'options', checks)).toThrow('options.wait must be');
  expect(() => resolveOptions({ on_: 1 }, 'options', checks)).toThrow(
    'options has an unknown field "on_"; did you mean "on"?',
  );
});

test.each([
  ['a', true],
  ['', false],
  [1, false],
  [undefined, false],
])('%p is text that says something: %s', (value, expected) => {
  expect(isText(value)).toBe(expected);
});
