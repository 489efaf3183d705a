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

function decode(bytes: Uint8Array, limit: number): string {
  const read = bytes.subarray(0, limit);
  if (typeof TextDecoder === 'function') return new TextDecoder().decode(read);
  // jsdom under Jest has none. The characters that matter are ASCII.
  return Array.from(read, (byte) => String.fromCharCode(byte)).join('');
}
