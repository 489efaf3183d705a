import { runInNewContext } from 'node:vm';
import type * as bodyTextModule from '../../src/http/body-text';
import { bodyText, bytesOfText, joined, textOf, withoutMark } from '../../src/http/body-text';

const MARK = '\uFEFF';

const bytes = (text: string) => new TextEncoder().encode(text);

test.each<[string, unknown, string | undefined]>([
  ['text', 'äbc', 'äb'],
  ['text with a byte order mark, which counts as text', `${MARK}abc`, `${MARK}a`],
  ['bytes', bytes('abc'), 'ab'],
  ['bytes that are cut inside a character', bytes('aä'), 'a\uFFFD'],
  ['a part of a buffer', bytes('abcd').subarray(1), 'bc'],
  ['an ArrayBuffer', bytes('abc').buffer, 'ab'],
  ['an empty ArrayBuffer', new ArrayBuffer(0), ''],
  ['an ArrayBuffer of another realm', runInNewContext('Uint8Array.of(97, 98, 99).buffer'), 'ab'],
  ['bytes that are not UTF-8', Uint8Array.of(0xff, 97), '\uFFFDa'],
  ['an object', { abc: 1 }, undefined],
  ['nothing', undefined, undefined],
])('the first 2 characters or bytes of %s', (_, data, text) => {
  expect(bodyText(data, 2)).toBe(text);
});

test('of bytes, a byte order mark is left out', () => {
  expect(bodyText(bytes(`${MARK}abc`), 5)).toBe('ab');
});

test('bytes are decoded with their byte order mark, which can be removed', () => {
  expect(textOf(bytes(`${MARK}ä`))).toBe(`${MARK}ä`);
  expect(withoutMark(`${MARK}ä`)).toBe('ä');
  expect(withoutMark(`ä${MARK}`)).toBe(`ä${MARK}`);
});

test('text is encoded as UTF-8', () => {
  expect(Buffer.from(bytesOfText('aä')).toString('hex')).toBe('61c3a4');
});

test('chunks are joined in order', () => {
  expect(joined([bytes('ab'), bytes(''), bytes('cd')])).toStrictEqual(bytes('abcd'));
  expect(joined([])).toStrictEqual(new Uint8Array());
});

test('where there is neither TextEncoder nor TextDecoder, ASCII is encoded and decoded', async () => {
  const { TextEncoder: encoder, TextDecoder: decoder } = globalThis;
  let bodyTexts!: typeof bodyTextModule;
  await jest.isolateModulesAsync(async () => void (bodyTexts = await import('../../src/http/body-text')));
  Object.assign(globalThis, { TextEncoder: undefined, TextDecoder: undefined });
  try {
    const ascii = bodyTexts.bytesOfText('data: x\n');
    expect(Buffer.from(ascii).toString()).toBe('data: x\n');
    expect(bodyTexts.textOf(new Uint8Array(ascii))).toBe('data: x\n');
  } finally {
    Object.assign(globalThis, { TextEncoder: encoder, TextDecoder: decoder });
  }
});
