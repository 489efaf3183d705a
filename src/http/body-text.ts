/**
 * A body that is text or bytes, as text of at most `limit` characters. `undefined` for every other body. Bytes that are
 * not UTF-8 become replacement characters.
 */
export function bodyText(data: unknown, limit: number): string | undefined {
  if (typeof data === 'string') return data.slice(0, limit);
  // A transferred buffer is empty.
  if (data instanceof ArrayBuffer) return data.byteLength > 0 ? decode(new Uint8Array(data), limit) : '';
  if (!ArrayBuffer.isView(data)) return undefined;
  return decode(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), limit);
}

function decode(bytes: Uint8Array, limit: number): string {
  return new TextDecoder().decode(bytes.subarray(0, limit));
}
