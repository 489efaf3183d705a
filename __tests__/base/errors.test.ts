import { CodedError, PROVIDER_FAILED, codeOf, codeWithin, errorChain, isProviderFailure } from '../../src/base/errors';
import { revoked } from '../support/stub-pool';

const coded = (code: unknown, rest: object = {}) => Object.assign(new Error('x'), { code, ...rest });

test.each<[string, unknown, string | undefined]>([
  ['text', coded('ECONNRESET'), 'ECONNRESET'],
  ['a number, as a DOMException has it', coded(20), undefined],
  ['missing', new Error('x'), undefined],
  ['of no error', undefined, undefined],
  ['of null', null, undefined],
])('the code of an error is its own text: %s', (_, error, code) => {
  expect(codeOf(error)).toBe(code);
});

test.each<[string, unknown, object]>([
  ['its own first', coded('OUTER', { cause: coded('INNER') }), { code: 'OUTER' }],
  ['or else that of a cause', new TypeError('fetch failed', { cause: coded('INNER') }), { code: 'INNER' }],
  ['or of one of its errors', new AggregateError([new Error('x'), coded('LAST')]), { code: 'LAST' }],
  ['or none', new Error('x', { cause: 'text' }), {}],
])('the code within an error is %s', (_, error, code) => {
  expect(codeWithin(error)).toStrictEqual(code);
});

test('a failed provider is recognised by its code', () => {
  expect(PROVIDER_FAILED).toBe('ERR_CREDENTIAL');
  expect(isProviderFailure(new CodedError('x', PROVIDER_FAILED))).toBe(true);
  expect(isProviderFailure(new CodedError('x', 'ERR_OTHER'))).toBe(false);
});

describe('the chain of an error', () => {
  test('holds it, its errors and its causes, outermost first, each once', () => {
    const cause = new Error('cause');
    const one = new Error('one', { cause });
    const both = new AggregateError([one, cause], 'both', { cause: new Error('of both') });
    expect(errorChain(both).map(({ message }) => message)).toStrictEqual(['both', 'one', 'cause', 'of both']);
  });

  test('ends although an error is its own cause', () => {
    const error = new Error('self');
    error.cause = error;
    expect(errorChain(error)).toStrictEqual([error]);
  });

  test('has a limit', () => {
    let error = new Error('innermost');
    for (let i = 0; i < 1000; i++) error = new Error(String(i), { cause: error });
    expect(errorChain(error)).toHaveLength(101);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['text', 'text'],
    ['a proxy that is revoked', revoked()],
    ['an object whose field throws', throwing('message')],
    ['an object whose cause throws', throwing('cause')],
  ])('leaves out what can’t be read: %s', (_, error) => {
    expect(errorChain(error)).toStrictEqual([]);
    expect(errorChain(new Error('x', { cause: error }))).toHaveLength(1);
  });
});

function throwing(field: string): object {
  return Object.defineProperty({}, field, {
    get() {
      throw new Error('no');
    },
  });
}
