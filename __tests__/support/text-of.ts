import { Readable } from 'node:stream';

/** The body of a response as text, in whatever form `responseType` gave it. */
export async function textOf(data: unknown): Promise<string> {
  if (data instanceof Readable) return Buffer.concat((await data.toArray()) as Buffer[]).toString();
  if (data instanceof ReadableStream) return new Response(data).text();
  if (data instanceof Blob) return data.text();
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString();
  if (Buffer.isBuffer(data)) return data.toString();
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** The class of `data`, whatever realm it is from. */
export const kindOf = (data: unknown): string =>
  Buffer.isBuffer(data) ? 'Buffer' : Object.prototype.toString.call(data).slice(8, -1);
