/**
 * A body that is text or bytes, as text of at most `limit` characters. `undefined` for every other body. Bytes that are
 * not UTF-8 become other characters.
 */
export function bodyText(data: unknown, limit: number): string | undefined {
  if (typeof data === 'string') return data.slice(0, limit);
  // A transferred buffer is empty.
  if (isArrayBuffer(data)) return data.byteLength > 0 ? decode(new Uint8Array(data), limit) : '';
  if (!ArrayBuffer.isView(data)) return undefined;
  return decode(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), limit);
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

/** Decodes UTF-8 that may be cut anywhere, and drops a byte order mark. Called without bytes, it ends the text. */
export function decoder(): (bytes?: Uint8Array) => string {
  if (typeof TextDecoder !== 'function') return (bytes = new Uint8Array()) => asciiOf(bytes);
  const utf8 = new TextDecoder();
  return (bytes) => utf8.decode(bytes, { stream: bytes !== undefined });
}

function decode(bytes: Uint8Array, limit: number): string {
  return decoder()(bytes.subarray(0, limit));
}

/** jsdom under Jest has no `TextDecoder`. The characters that matter are ASCII. */
function asciiOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
