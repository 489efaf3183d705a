import fc from 'fast-check';
import { AxiosHeaders } from 'axios';
import { copyHeaders, headerFieldsOf, headerOf, removeHeaders, setHeader } from '../../src/http/headers';

/** What `read` returns or throws. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as Error).name;
  }
}

const byHeaders = (headers: HeadersInit | undefined) => Object.fromEntries(new Headers(headers));

describe('the fields of the headers of a fetch are those that `Headers` has', () => {
  test.each<[what: string, headers: unknown]>([
    ['usual ones', { 'content-type': 'application/json', 'api-key': 'a key' }],
    ['none', undefined],
    ['null', null],
    ['an empty object', {}],
    ['names in capitals', { 'Content-Type': 'text/plain', 'API-KEY': 'k' }],
    ['one name in two cases', { accept: 'a', Accept: 'b' }],
    ['white space around a value', { a: ' b\t', c: '  ' }],
    ['an empty value', { a: '' }],
    ['a value that is no text', { a: 1, b: null, c: undefined, d: ['e', 'f'] }],
    ['a value beyond ASCII', { a: 'caf\u00e9' }],
    ['a value that no header can have', { a: '\u20ac' }],
    ['a value with a line break', { a: 'b\r\nc: d' }],
    ['a name that no header can have', { 'a b': 'c' }],
    ['an empty name', { '': 'a' }],
    ['a symbol for a name', { [Symbol('a')]: 'b' }],
    ['pairs', [['A', 'b']]],
    ['a `Headers`', new Headers({ A: 'b' })],
    ['an object of a class', Object.create({ a: 'b' }, { C: { value: 'd', enumerable: true } })],
    ['a hidden field', Object.defineProperty({ a: 'b' }, 'c', { value: 'd', enumerable: false })],
  ])('with %s', (_, headers) => {
    const given = headers as HeadersInit;
    expect(outcome(() => headerFieldsOf(given))).toStrictEqual(outcome(() => byHeaders(given)));
  });

  test('with any text', () => {
    const text = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9-]{0,9}$/), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.dictionary(text, text), (headers) => {
        expect(outcome(() => headerFieldsOf({ ...headers }))).toStrictEqual(outcome(() => byHeaders(headers)));
      }),
    );
  });

  test('in a copy that shares nothing with the headers given', () => {
    const headers = { a: 'b' };
    const fields = headerFieldsOf(headers);
    headers.a = 'c';
    expect(fields).toStrictEqual({ a: 'b' });
  });
});

test('the fields of the headers of a fetch have lower-case names even if its `Headers` keep the case, as in happy-dom', () => {
  const given = { [Symbol.iterator]: () => Object.entries({ 'X-Kept': '1' })[Symbol.iterator]() };
  expect(headerFieldsOf(Object.assign(new Headers(), given))).toStrictEqual({ 'x-kept': '1' });
});

test('a header is found under its name in any case, in an object and in a `Headers`', () => {
  const headers = { 'X-A': '1', 'x-b': '2' };
  for (const each of [headers, new Headers(headers), new AxiosHeaders(headers)]) {
    expect(['x-a', 'x-b', 'x-c'].map((name) => headerOf(each, name) ?? undefined)).toStrictEqual(['1', '2', undefined]);
  }
});

test('a copy of headers has the prototype of the source and leaves out what is dropped, by lower-case names', () => {
  const source = new AxiosHeaders({ 'X-A': '1', 'X-B': '2' });
  const copy = copyHeaders(source, (name) => name === 'x-a');
  expect(copy).toBeInstanceOf(AxiosHeaders);
  expect({ ...copy }).toStrictEqual({ 'X-B': '2' });
});

test('a header that is set replaces the one of that name, in whatever case, and keeps its name', () => {
  const headers = { 'X-A': '1' };
  setHeader(headers, 'x-a', '2');
  setHeader(headers, 'X-b', '3');
  expect(headers).toStrictEqual({ 'X-A': '2', 'X-b': '3' });
});

test('headers are removed by their lower-case names', () => {
  const headers = { 'X-A': '1', 'x-b': '2' };
  removeHeaders(headers, (name) => name === 'x-a');
  expect(headers).toStrictEqual({ 'x-b': '2' });
});
