import { inspect } from 'node:util';
import { conceal, hideRequest, hideRequestOf, setRequest } from '../../src/axios/hide-request';

/** Looks like Node's `ClientRequest`. */
class NativeRequest {
  readonly method = 'POST';
  readonly host = 'a.example';
  readonly headers = { 'api-key': 'hunter2' };

  constructor(
    readonly path: unknown = '/x?api-key=hunter2',
    fields: object = {},
  ) {
    Object.assign(this, fields);
  }
}

const printed = { method: 'POST', host: 'a.example', path: '/x' };

const printedOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a concealed request prints as its method, host and path alone', () => {
  const request = new NativeRequest();
  conceal(request);
  expect(printedOf(request)).toStrictEqual(printed);
  expect(inspect(request)).toBe(inspect(printed));
});

test('a path that is no text is left out', () => {
  const request = new NativeRequest(7);
  conceal(request);
  expect(printedOf(request)).toStrictEqual({ method: 'POST', host: 'a.example' });
});

test.each(['_currentRequest', '_redirectable'])('the request in `%s` is concealed too', (name) => {
  const other = new NativeRequest();
  conceal(new NativeRequest('/y', { [name]: other }));
  expect(printedOf(other)).toStrictEqual(printed);
});

test('two requests that refer to each other are both concealed', () => {
  const wrapper = new NativeRequest();
  const current = new NativeRequest('/y', { _redirectable: wrapper });
  Object.assign(wrapper, { _currentRequest: current });
  conceal(wrapper);
  expect([printedOf(wrapper), printedOf(current)]).toStrictEqual([printed, { ...printed, path: '/y' }]);
});

test('a request whose class has a `toJSON` that can’t be assigned is concealed', () => {
  class WithToJson extends NativeRequest {
    get toJSON(): () => object {
      return () => ({ ...this });
    }
  }
  const request = new WithToJson();
  conceal(request);
  expect(printedOf(request)).toStrictEqual(printed);
  expect(inspect(request)).toBe(inspect(printed));
});

test.each<[string, object]>([
  ['frozen', Object.freeze(new NativeRequest())],
  ['a mock’s plain object without headers', { responseURL: 'https://a.example' }],
])('a request that is %s stays as it is', (_, request) => {
  const before = Reflect.ownKeys(request);
  conceal(request);
  expect(Reflect.ownKeys(request)).toStrictEqual(before);
});

test('a plain object with headers is concealed', () => {
  const request = { method: 'GET', path: '/x', _headers: { 'api-key': 'hunter2' } };
  conceal(request);
  expect(printedOf(request)).toStrictEqual({ method: 'GET', path: '/x' });
});

describe('the request that a response gets', () => {
  test('is hidden and concealed', () => {
    const asFunction = Object.assign(() => undefined, { headers: { 'api-key': 'hunter2' } });
    for (const request of [new NativeRequest(), asFunction]) {
      const response = { status: 200 };
      setRequest(response, request);
      expect(Object.keys(response)).toStrictEqual(['status']);
      expect((response as { request?: unknown }).request).toBe(request);
      expect(inspect(request)).not.toContain('hunter2');
    }
  });

  test.each([['null', null] as const, ['text', 'text'] as const])('stays as it is if it is %s', (_, request) => {
    const response = {};
    setRequest(response, request);
    expect(response).toStrictEqual({ request });
  });
});

describe('the request of an error or its response', () => {
  test('is hidden and concealed', () => {
    const owner = { status: 200, request: new NativeRequest() };
    expect(hideRequest(owner)).toBe(true);
    expect(Object.keys(owner)).toStrictEqual(['status']);
    expect(printedOf(owner.request)).toStrictEqual(printed);
  });

  test.each([
    ['missing', {}],
    ['null', { request: null }],
    ['text', { request: 'text' }],
  ])('needs nothing if it is %s', (_, owner) => {
    const before = { ...owner };
    expect(hideRequest(owner)).toBe(true);
    expect(owner).toStrictEqual(before);
  });

  test('can’t be hidden in a frozen one, which is reported, but it is concealed', () => {
    const owner = Object.freeze({ request: new NativeRequest() });
    expect(hideRequest(owner)).toBe(false);
    expect(printedOf(owner.request)).toStrictEqual(printed);
  });

  test('that is hidden already counts as hidden, even in a frozen one', () => {
    const owner = Object.defineProperty({}, 'request', { value: new NativeRequest() });
    expect(hideRequest(Object.freeze(owner))).toBe(true);
  });
});

test('a streamed body conceals its request and hides its URL, whose query may hold a key', () => {
  const body = { req: new NativeRequest(), responseUrl: 'https://a.example/x?api-key=hunter2' };
  hideRequestOf(body);
  expect(JSON.stringify(body)).not.toContain('hunter2');
  expect(body.responseUrl).toBe('https://a.example/x?api-key=hunter2');
  const without = {};
  hideRequestOf(without);
  expect(Reflect.ownKeys(without)).toStrictEqual([]);
});
