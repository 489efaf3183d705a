import { errorChain } from '../base/errors';
import type { Target } from './http-client';

/** A shorter value is no secret, and removing it would garble messages. */
const MIN_SECRET = 4;

/** The texts that must not appear in a message: all that a backend sets in headers and in the query, except its API's version. */
export function secretsOf({ backend, credentials }: Target): readonly string[] {
  const headers = credentials.flatMap(([, value]) => {
    const texts = textsIn(typeof value === 'number' ? String(value) : value);
    return texts.flatMap((text) => [text, text.replace(/^Bearer /, '')]);
  });
  const params = [...(backend.params ?? [])]
    .filter(([name]) => name.toLowerCase() !== 'api-version')
    .flatMap(([, value]) => textsIn(value).flatMap((text) => [text, ...encoded(text)]));
  return [...new Set([...headers, ...params])].filter(({ length }) => length >= MIN_SECRET);
}

/** A value that is no text, or a list of texts, is no secret. */
function textsIn(value: unknown): string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

/** A query parameter's value as fetch and axios write it. */
function encoded(text: string): string[] {
  const plain = encodeURIComponent(text);
  const byAxios = plain.replaceAll('%3A', ':').replaceAll('%24', '$').replaceAll('%2C', ',').replaceAll('%20', '+');
  const [, byClass] = String(new URLSearchParams({ v: text })).split('=');
  return [plain, byAxios, byClass!];
}

export function withoutSecrets(text: unknown, secrets: readonly string[]): unknown {
  return typeof text === 'string' ? secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text) : text;
}

/**
 * Masks secrets in an error and in all that caused it.
 *
 * @param and is called for each error of the chain. Returns whether it could write what it had to
 * @returns whether everything could be written: an error may be frozen
 */
export function redactError(error: unknown, secrets: readonly string[], and: (each: object) => boolean): boolean {
  return errorChain(error).every((each) => {
    // An error of an invalid URL holds the URL in a field of its own.
    const keys = new Set(['message', 'stack', ...Object.keys(each)]);
    const texts = [...keys].every((key) => replaceField(each, key, (text) => withoutSecrets(text, secrets)));
    return texts && and(each);
  });
}

/** Replaces the value of a field, if it has one. Returns whether that was possible. */
export function replaceField(owner: object, key: string, by: (value: unknown) => unknown): boolean {
  const value: unknown = Reflect.get(owner, key);
  const replacement = value === undefined ? value : by(value);
  return replacement === value || Reflect.set(owner, key, replacement);
}
