import { own } from '../base/check';
import { errorChain } from '../base/errors';
import { hide } from '../base/hidden';
import { isAuth } from '../http/credentials';
import type { Target } from './http-client';

/** A shorter value is no secret, and removing it would garble messages. */
const MIN_SECRET = 4;

/** A number of fewer digits, such as a limit, is no secret. */
const MIN_DIGITS = 6;

type AlsoWrite = (each: object) => boolean | undefined;

/**
 * What an attempt threw, without the secrets of its target.
 *
 * @param alsoWrite is called for each error of the chain: writes the fields that have rules of their own
 * (`RULED_FIELDS`). Returns whether it could; `undefined`: they are treated as all others
 * @param replacement makes an error with a message that shows no secret, in place of one that can't be written on
 */
export function cleanedError(
  error: unknown,
  target: Target,
  alsoWrite: AlsoWrite,
  replacement: (message: string) => Error,
): unknown {
  const secrets = secretsOf(target);
  if (typeof error === 'string') return withoutSecrets(error, secrets);
  if (redactError(error, secrets, alsoWrite)) return error;
  const { message } = Object(error) as { message?: unknown };
  return replacement(String(withoutSecrets(message, secrets)));
}

/** The texts that must not appear in a message: a backend's header and query values, except `api-version`. */
function secretsOf({ backend, credentials }: Target): readonly string[] {
  const headers = credentials.flatMap(([name, value]) => {
    const texts = textsIn(value, MIN_SECRET);
    // With and without its scheme: `Bearer …`, `Basic …`.
    return isAuth(name) ? texts.flatMap((text) => [text, text.replace(/^\s*\w+\s+/, '')]) : texts;
  });
  const params = [...(backend.params ?? [])]
    .filter(([name]) => name.toLowerCase() !== 'api-version')
    .flatMap(([, value]) => textsIn(value, MIN_DIGITS).flatMap((text) => [text, ...encoded(text)]));
  const texts = [...headers, ...params].filter(({ length }) => length >= MIN_SECRET);
  // Also with JSON's escapes: a message may be JSON.
  const all = new Set(texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]));
  // The longest first: one may be a part of another.
  return [...all].sort((a, b) => b.length - a.length);
}

/** The texts and long numbers in a value, however deep. */
function textsIn(value: unknown, minDigits: number): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)].filter(({ length }) => length >= minDigits);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((each) => textsIn(each, minDigits));
}

/** A query parameter's value as fetch and axios write it. */
function encoded(text: string): string[] {
  const plain = encodeURIComponent(text);
  const byAxios = plain.replaceAll('%3A', ':').replaceAll('%24', '$').replaceAll('%2C', ',').replaceAll('%20', '+');
  const [, byClass] = String(new URLSearchParams({ v: text })).split('=');
  return [plain, byAxios, byClass!];
}

function withoutSecrets(text: unknown, secrets: readonly string[]): unknown {
  if (typeof text !== 'string' || (RUNTIMES_WORDS.test(text) && !secrets.includes(text))) return text;
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}

/**
 * Messages by which alone a network error is recognised. A harmless header of a backend (`X-Requested-With: fetch`) may
 * occur in one.
 */
const RUNTIMES_WORDS =
  /^(?:Network Error|fetch failed|Failed to fetch|Load failed|terminated|NetworkError when attempting to fetch resource\.?|Network connection lost\.?)$/i;

/**
 * Masks secrets in an error and in all that caused it.
 *
 * @returns whether everything could be written: an error may be frozen
 */
function redactError(error: unknown, secrets: readonly string[], alsoWrite: AlsoWrite): boolean {
  return errorChain(error).every((each) => {
    // An error of an invalid URL holds the URL in a field of its own.
    const keys = new Set(['message', 'stack', ...Object.keys(each)]);
    const texts = [...keys].every((key) =>
      replaceField(each, key, (text) => (namesKind(key, text, secrets) ? text : withoutSecrets(text, secrets))),
    );
    const written = alsoWrite(each);
    return hideSecretsOf(each, secrets, written !== undefined) && texts && written !== false;
  });
}

/** What the fields of an error hold that say what kind of error it is. */
const KINDS: Readonly<Record<string, RegExp>> = {
  name: /^[A-Z]\w*(?:Error|Exception)$/,
  code: /^(?:E[A-Z\d]+|[A-Z\d]+(?:_[A-Z\d]+)+)$/,
  syscall: /^(?:connect|read|write|getaddrinfo|query[A-Z]\w*)$/,
};

/** Whether a field names the kind of an error. A harmless header of a backend may occur in it. */
function namesKind(key: string, value: unknown, secrets: readonly string[]): boolean {
  return typeof value === 'string' && own(KINDS, key)?.test(value) === true && !secrets.includes(value);
}

/** Fields of an axios error that its client replaces or hides, whatever they hold. */
const RULED_FIELDS: readonly unknown[] = ['config', 'request', 'response'];

/** Fields whose errors are masked by themselves. */
const CHAIN: readonly unknown[] = ['cause', 'errors'];

/**
 * A foreign adapter or a fetch of the user's own may add fields to its errors, such as the options of the request. Makes
 * those non-enumerable that hold a secret, or are too large to search. A `config` is removed, since axios's own `toJSON`
 * would show it.
 *
 * @param hasRules whether `RULED_FIELDS` have been written already
 * @returns whether all that hold a secret could be written
 */
function hideSecretsOf(error: object, secrets: readonly string[], hasRules: boolean): boolean {
  if (secrets.length === 0) return true;
  return Reflect.ownKeys(error).every((key) => {
    const isExempt = CHAIN.includes(key) || (hasRules && RULED_FIELDS.includes(key));
    if (isExempt || !Object.prototype.propertyIsEnumerable.call(error, key)) return true;
    const value = readField(error, key);
    const found = typeof value === 'object' ? searched(value, secrets) : 'nothing';
    if (found === 'nothing') return true;
    const isHidden = key === 'config' ? Reflect.set(error, key, undefined) : hide(error, key);
    return isHidden || found === 'too large';
  });
}

/** How many values of an object are searched. */
const MAX_VALUES = 1_000;

/** Whether an object shows a secret when it is printed. */
function searched(object: unknown, secrets: readonly string[]): 'nothing' | 'secret' | 'too large' {
  // It grows meanwhile.
  const values = new Set([object]);
  for (const value of values) {
    if (typeof value === 'string' && secrets.some((secret) => value.includes(secret))) return 'secret';
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    for (const each of shownBy(value)) {
      values.add(each);
      if (values.size > MAX_VALUES) return 'too large';
    }
  }
  return 'nothing';
}

/** Objects that show their entries. */
const WITH_ENTRIES = /^\[object (?:Array|Map|Set|Headers|FormData|URLSearchParams)\]$/;

/** What an object shows when it is printed: its entries or fields, and the headers and the URL of a `Request`. */
function* shownBy(value: object): Generator {
  try {
    const { [Symbol.iterator]: iterator } = value as Partial<Iterable<unknown>>;
    if (typeof iterator === 'function' && WITH_ENTRIES.test(Object.prototype.toString.call(value)))
      yield* value as Iterable<unknown>;
    else for (const key of [...Reflect.ownKeys(value), 'headers', 'url']) yield readField(value, key);
  } catch {
    // What can't be looked at shows nothing.
  }
}

/** The value of a field. `undefined` if it can't be read. */
export function readField(object: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined; // a getter that throws shows nothing
  }
}

/** Replaces the value of a field, if it has one. Returns whether that was possible. */
export function replaceField(owner: object, key: string, by: (value: unknown) => unknown): boolean {
  const value = readField(owner, key);
  const replacement = value === undefined ? value : by(value);
  return replacement === value || Reflect.set(owner, key, replacement);
}
