import { own } from '../base/check';

/** The model that a body names. */
export interface BodyModel {
  readonly name: string;
  /** The body with another model name. All other bytes of JSON stay as they are; a form is copied. */
  renamed(name: string): unknown;
}

/** Reads the model of a body that is JSON, as text or bytes, or a spec `FormData`. `undefined` for every other body. */
export function modelOf(data: unknown): BodyModel | undefined {
  if (isForm(data)) return modelOfForm(data);
  try {
    const text = typeof data === 'string' ? data : new TextDecoder('utf-8', STRICT).decode(data as ArrayBuffer);
    // Parsers refuse a byte order mark, servers often don't.
    const name = own(JSON.parse(text.replace(/^\uFEFF/, '')) as { model?: unknown }, 'model');
    // All of axios's adapters take an ArrayBuffer.
    const encoded = (body: string) => (text === data ? body : new TextEncoder().encode(body).buffer);
    return typeof name === 'string' ? { name, renamed: (to) => encoded(renameInJSON(text, to)) } : undefined;
  } catch {
    return undefined; // not text, not bytes, or not a JSON object
  }
}

export function isBlob(data: unknown): data is Blob {
  return typeof data === 'object' && /^\[object (?:Blob|File)\]$/.test(Object.prototype.toString.call(data));
}

/** @param bytes what the Blob holds, if that is known */
export function modelOfBlob({ type }: Blob, bytes: ArrayBuffer | undefined): BodyModel | undefined {
  const model = modelOf(bytes);
  return model && { name: model.name, renamed: (to) => new Blob([model.renamed(to) as ArrayBuffer], { type }) };
}

/** Not a form of the `form-data` package, which can't be read. */
function isForm(data: unknown): data is FormData {
  if (Object.prototype.toString.call(data) !== '[object FormData]') return false;
  const { get, entries } = data as Partial<FormData>;
  return typeof get === 'function' && typeof entries === 'function';
}

function modelOfForm(form: FormData): BodyModel | undefined {
  const name = form.get('model');
  return typeof name === 'string' ? { name, renamed: (to) => renameInForm(form, to) } : undefined;
}

function renameInForm(form: FormData, name: string): FormData {
  // A polyfill's form is copied by its own class. A subclass of the runtime's may add fields, or need arguments.
  const { constructor: own } = form;
  const Own = form instanceof FormData ? FormData : (own as typeof FormData);
  const copy = new Own();
  for (const [field, value] of form.entries()) {
    if (typeof value !== 'string') copy.append(field, value, value.name);
    else copy.append(field, field === 'model' ? name : value);
  }
  return copy;
}

const STRICT = { fatal: true, ignoreBOM: true };

/**
 * Replaces the value of each top-level `model` in text that is known to be JSON. (Parsers take the last of several.)
 * It goes through the text once: a regular expression over all of it overflows the stack at some megabytes of escapes.
 */
function renameInJSON(text: string, name: string): string {
  let depth = 0;
  let key = '';
  let copied = 0;
  let renamed = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    else if (char === '"') {
      const start = at;
      at = endOfString(text, at);
      if (depth !== 1) continue;
      const isKey = isColon(text, at + 1);
      if (!isKey && key === 'model') {
        renamed += text.slice(copied, start) + JSON.stringify(name);
        copied = at + 1;
      }
      // A longer one can't be the key, even if all of it is escapes.
      key = isKey && at - start < 40 ? (JSON.parse(text.slice(start, at + 1)) as string) : '';
    } else if (char === ',' && depth === 1) key = '';
  }
  return renamed + text.slice(copied);
}

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isColon(text: string, from: number): boolean {
  let at = from;
  while (' \t\n\r'.includes(text[at]!)) at++;
  return text[at] === ':';
}
