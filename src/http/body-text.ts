/**
 * A body that is text or bytes, as text of at most `limit` characters. `undefined` for every other body. Bytes that are
 * not UTF-8 become other characters.
 */
export function bodyText(data: unknown, limit: number): string | undefined {
  if (typeof data === 'string') return data.slice(0, limit);
  // A transferred buffer is empty.
  if (isArrayBuffer(data)) return data.byteLength > 0 ? beginning(new Uint8Array(data), limit) : '';
  if (!ArrayBuffer.isView(data)) return undefined;
  return beginning(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), limit);
}

function beginning(bytes: Uint8Array, limit: number): string {
  return withoutMark(textOf(bytes.subarray(0, limit)));
}

/** Of any realm: jsdom and Node each have their own. */
function isArrayBuffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]';
}

/** The bytes of a text. jsdom under Jest has no `TextEncoder`; what the package writes there is ASCII. */
export function bytesOfText(text: string): ArrayBuffer {
  if (typeof TextEncoder === 'function') return new TextEncoder().encode(text).buffer;
  return Uint8Array.from(text, (char) => char.charCodeAt(0)).buffer;
}

let utf8: TextDecoder | undefined;

/**
 * The text of these bytes, with the byte order mark if there is one. Bytes that are not UTF-8 become other characters.
 * jsdom under Jest has no `TextDecoder`; the characters that matter are ASCII.
 */
export function textOf(bytes: Uint8Array): string {
  if (typeof TextDecoder !== 'function') return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  utf8 ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return utf8.decode(bytes);
}

/** The text without a byte order mark at its start. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
