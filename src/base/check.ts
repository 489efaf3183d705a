/**
 * Checks of what a user passes in. Each throws a `TypeError` that names the place and the value. Where the value may be a
 * secret, the message shows only its type.
 */

/** Checks one field of an options object. Returns its value, or the default for `undefined`; throws a `TypeError`. */
export type Check<T> = (value: unknown, place: string) => T;

/** A check for each field. */
export type Checks<T> = { readonly [K in keyof T]-?: Check<T[K]> };

/** Common wrong names → the field that was meant. */
export type Aliases = Readonly<Record<string, string>>;

/** @throws TypeError `<place> must <be>, got <value>` unless `holds` */
export function must(holds: boolean, place: string, be: string, value: unknown, shown = show): asserts holds {
  if (holds) return;
  // What an async callback returned. If nobody listened to its rejection, that would end a Node process.
  if (value instanceof Promise) value.catch(() => undefined);
  throw new TypeError(`${place} must ${be}, got ${shown(value)}`);
}

/** Checks an options object field by field and fills in the defaults. */
export function resolveOptions<T>(value: unknown, place: string, checks: Checks<T>, aliases: Aliases = {}): T {
  const names = Object.keys(checks) as (keyof T & string)[];
  const given = dictionary(value, place);
  checkFields(given, names, place, aliases);
  return Object.fromEntries(names.map((name) => [name, checks[name](own(given, name), `${place}.${name}`)])) as T;
}

/** A field of the object itself: as in axios, what a polluted `Object.prototype` holds is no option. */
export function own<T extends object, K extends keyof T>(value: T, name: K): T[K] | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Accepts a plain object, and an `AxiosHeaders`, which keeps its entries as its own fields. */
export function dictionary(value: unknown, place: string): Readonly<Record<string, unknown>> {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), place, 'be an object', value, showType);
  // The entries of a Map, a Headers or a URLSearchParams aren't fields, so the object would look empty.
  const kind = Object.prototype.toString.call(value);
  const readable = Object.keys(value).length > 0 || /\b(?:Object|AxiosHeaders)\b/.test(kind);
  must(readable, place, 'be a plain object', kind);
  return value as Record<string, unknown>;
}

/** The entries of an optional dictionary, or `undefined` if it has none. A value of `undefined` counts as not given. */
export function mapOf(value: unknown, place: string): ReadonlyMap<string, unknown> | undefined {
  if (value === undefined) return undefined;
  const entries = Object.entries(dictionary(value, place)).filter(([, each]) => each !== undefined);
  return entries.length > 0 ? new Map(entries) : undefined;
}

/** Refuses an unknown field, and suggests the name that was meant. */
export function checkFields(value: object, names: readonly string[], place: string, aliases: Aliases = {}): void {
  const unknown = Object.keys(value).find((field) => !names.includes(field));
  if (unknown === undefined) return;
  const alias = Object.hasOwn(aliases, unknown) ? aliases[unknown] : undefined;
  const meant = names.find((name) => name === alias) ?? nearest(unknown, names);
  throw new TypeError(
    `${place} has an unknown field ${show(unknown)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
  );
}

/** The known name that is nearest, if it is near: a letter in three may differ. */
function nearest(unknown: string, names: readonly string[]): string | undefined {
  const [best] = names.map((name) => [distance(unknown, name), name] as const).sort(([a], [b]) => a - b);
  return best !== undefined && best[0] <= Math.max(unknown.length, best[1].length) / 3 ? best[1] : undefined;
}

/** An optional field whose value must satisfy `holds`. */
export function optional<T>(fallback: T, be: string, holds: (value: unknown) => boolean): Check<T> {
  return (value, place) => {
    if (value === undefined) return fallback;
    must(holds(value), place, be, value);
    return value as T;
  };
}

/** An optional `true` or `false`. */
export function flag(fallback: boolean): Check<boolean> {
  return optional(fallback, 'be true or false', (value) => typeof value === 'boolean');
}

/** An optional duration in ms. */
export function duration(fallback: number): Check<number> {
  return optional(fallback, 'be a finite number of ms ≥ 0', isDuration);
}

/** An optional duration in ms that has no default. */
export const optionalDuration: Check<number | undefined> = (value, place) =>
  value === undefined ? undefined : duration(0)(value, place);

export function isDuration(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}

/** An optional function. */
export function callback<T>(fallback: T): Check<T> {
  return optional(fallback, 'be a function', (value) => typeof value === 'function');
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Shows a value in a message: of a URL, without its secrets. Not for other values that may be secrets. */
export function show(value: unknown): string {
  if (typeof value === 'string') return showText(value.includes('://') ? withoutUrlSecrets(value) : value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : showType(value);
}

/** Shows a URL, or what was meant as one, without its secrets. */
export function showUrl(url: unknown): string {
  return showText(withoutUrlSecrets(String(url)));
}

function showText(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** Userinfo, query and fragment may hold secrets, even in a URL that doesn't parse or whose userinfo contains a "#". */
export function withoutUrlSecrets(url: string): string {
  return url.replace(/^((?:[a-z][a-z\d+\-.]*:)?\/\/)?.*@/is, '$1***@').replace(/([?#]).*/s, '$1***');
}

/** Shows only the type of a value. */
export function showType(value: unknown): string {
  if (value === '') return 'an empty string';
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return value.length > 0 ? 'an array' : 'an empty array';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** Levenshtein's distance, ignoring case. */
function distance(a: string, b: string): number {
  const to = Array.from(b.toLowerCase());
  let row = [0, ...to.map((_, i) => i + 1)];
  Array.from(a.toLowerCase()).forEach((char, i) => {
    let left = i + 1;
    row = [
      left,
      ...to.map((other, j) => (left = Math.min(left + 1, row[j + 1]! + 1, row[j]! + Number(char !== other)))),
    ];
  });
  return row[to.length]!;
}
