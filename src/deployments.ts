import { beforeQuery, combine, decode } from './url';
import type { Target } from './url';

/** `/deployments/{name}` as a segment of a path. */
const DEPLOYMENT = /((?:^|\/)deployments\/)([^/?#]+)/;

/** The deployment that the URL names, decoded, or `undefined` where it names none. */
export function deploymentOf(target: Target): string | undefined {
  const name = DEPLOYMENT.exec(pathOf(target))?.[2];
  return name === undefined ? undefined : decode(name);
}

/** The same target with another deployment in its path. */
export function renameInPath(target: Target, name: string): Target {
  const renamed = (path: string): string =>
    path.replace(DEPLOYMENT, (_, before: string) => before + encodeURIComponent(name));
  // The name stands in one of the two parts, except where the parts meet inside it; then the split is given up.
  if (DEPLOYMENT.test(target.base)) return { base: renamed(target.base), url: target.url };
  if (DEPLOYMENT.test(beforeQuery(target.url))) return { base: target.base, url: renamed(target.url) };
  return { base: '', url: renamed(combine(target.base, target.url)) };
}

type Span = readonly [from: number, to: number];

/**
 * The model that a JSON body names: where it stands, so that nothing else in the body has to be written again. Made
 * once for a request and used for each of its attempts.
 */
export class BodyModel {
  readonly name: string;
  readonly #text: string;
  /** Positions of the values of the top-level `model` keys; parsers take the last of several. */
  readonly #values: readonly Span[];
  readonly #encode: (text: string) => unknown;

  private constructor(name: string, text: string, values: readonly Span[], encode: (text: string) => unknown) {
    this.name = name;
    this.#text = text;
    this.#values = values;
    this.#encode = encode;
  }

  /** The model of a body that is JSON text or bytes of it; `undefined` for every other body. */
  static of(data: unknown): BodyModel | undefined {
    const [text, encode] = textOf(data);
    if (text === undefined) return undefined;
    try {
      const body: unknown = JSON.parse(text);
      const name = typeof body === 'object' && body !== null && 'model' in body ? body.model : undefined;
      return typeof name === 'string' ? new BodyModel(name, text, modelValues(text), encode) : undefined;
    } catch {
      return undefined; // not JSON: left alone
    }
  }

  /** The body with another model, of the same kind as the caller's; all other bytes are as they were. */
  renamed(name: string): unknown {
    const value = JSON.stringify(name);
    let out = '';
    let end = 0;
    for (const [from, to] of this.#values) {
      out += this.#text.slice(end, from) + value;
      end = to;
    }
    return this.#encode(out + this.#text.slice(end));
  }
}

function textOf(data: unknown): [text: string | undefined, encode: (text: string) => unknown] {
  if (typeof data === 'string') return [data, (text) => text];
  if (data instanceof ArrayBuffer) return [decodeBytes(new Uint8Array(data)), (text) => exactBuffer(text)];
  if (!ArrayBuffer.isView(data)) return [undefined, () => data];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  // The http adapter takes a Buffer but no Uint8Array.
  const { Buffer } = globalThis as { Buffer?: { from(text: string): unknown } };
  return [decodeBytes(bytes), (text) => Buffer?.from(text) ?? new TextEncoder().encode(text)];
}

function exactBuffer(text: string): ArrayBuffer {
  const bytes = new TextEncoder().encode(text);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function decodeBytes(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the string values of the top-level `model` keys stand, in text that is known to be JSON. */
function modelValues(text: string): Span[] {
  const found: Span[] = [];
  let depth = 0;
  let key: string | undefined;
  let isValue = false;
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === '{' || mark === '[') depth++;
    else if (mark === '}' || mark === ']') depth--;
    else if (depth === 1 && (mark === ':' || mark === ',')) isValue = mark === ':';
    if (mark !== '"') continue;
    const end = endOfString(text, at);
    if (depth === 1 && !isValue) key = JSON.parse(text.slice(at, end)) as string;
    else if (depth === 1 && key === 'model') found.push([at, end]);
    at = end - 1;
  }
  return found;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function pathOf({ base, url }: Target): string {
  return beforeQuery(base === '' ? url : combine(base, url));
}
