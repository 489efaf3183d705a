import { errorBodyOf } from '../../src/http/error-body';

const error = { code: 'DeploymentNotFound', type: 'invalid_request_error', message: 'no such deployment' };
const text = JSON.stringify({ error });

test.each<[string, unknown]>([
  ['text', text],
  ['text with white space before it', `\n ${text}`],
  ['a Buffer', Buffer.from(text)],
  ['an ArrayBuffer', new TextEncoder().encode(text).buffer],
  ['a parsed object', { error }],
])('the code, type and message of an OpenAI-shaped error are read from %s', (_, data) => {
  expect(errorBodyOf(data)).toStrictEqual(error);
});

test('a numeric code is read as text', () => {
  expect(errorBodyOf({ error: { code: 429 } })).toStrictEqual({ code: '429' });
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['JSON that is cut off', text.slice(0, -5)],
  ['a page', '<html></html>'],
  ['a list', '[1]'],
  ['an error that is text', '{"error":"no"}'],
  ['fields that are not text', { error: { code: {}, type: 1, message: [] } }],
  ['a stream', new ReadableStream()],
])('no error is read from %s', (_, data) => {
  expect(errorBodyOf(data)).toStrictEqual({});
});

test('bytes are read without a TextDecoder, as in jsdom under Jest', () => {
  const bytes = new TextEncoder().encode(text);
  const { TextDecoder } = globalThis;
  Object.assign(globalThis, { TextDecoder: undefined });
  try {
    expect(errorBodyOf(bytes)).toStrictEqual(error);
  } finally {
    Object.assign(globalThis, { TextDecoder });
  }
});

test('a polluted Object.prototype is no error', () => {
  Object.defineProperty(Object.prototype, 'code', { value: 'polluted', configurable: true });
  Object.defineProperty(Object.prototype, 'error', { value: { code: 'polluted' }, configurable: true });
  try {
    expect([errorBodyOf('{}'), errorBodyOf('{"error":{"type":"t"}}')]).toStrictEqual([{}, { type: 't' }]);
  } finally {
    Reflect.deleteProperty(Object.prototype, 'code');
    Reflect.deleteProperty(Object.prototype, 'error');
  }
});
