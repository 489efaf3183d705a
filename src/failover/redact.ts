import { errorChain } from '../base/errors';
import type { HeaderList } from '../http/credentials';

/** A shorter value is no secret, and removing it would garble messages. */
const MIN_SECRET = 4;

/** The texts that must not appear in a message. */
export function secretsOf(credentials: HeaderList): readonly string[] {
  return credentials
    .flatMap(([, value]) => [String(value as unknown), String(value as unknown).replace(/^Bearer /, '')])
    .filter(({ length }) => length >= MIN_SECRET);
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
    const texts = ['message', 'stack'].every((key) => replaceField(each, key, (text) => withoutSecrets(text, secrets)));
    return texts && and(each);
  });
}

/** Replaces the value of a field, if it has one. Returns whether that was possible. */
export function replaceField(owner: object, key: string, by: (value: unknown) => unknown): boolean {
  const value: unknown = Reflect.get(owner, key);
  const replacement = value === undefined ? value : by(value);
  return replacement === value || Reflect.set(owner, key, replacement);
}
