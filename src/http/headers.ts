/** The fields of a plain object of headers, or of an `AxiosHeaders`, which keeps its headers as its own fields. */
export type HeaderFields = Record<string, unknown>;

/** All headers as pairs. Takes a plain object, an `AxiosHeaders`, the `Headers` of fetch, or nothing. */
function headerEntries(headers: object | null | undefined): Iterable<[name: string, value: unknown]> {
  const given = headers ?? {};
  return Symbol.iterator in given ? (given as Iterable<[string, unknown]>) : Object.entries(given as HeaderFields);
}

/** Whether they are fetch's own, which have no fields. An `AxiosHeaders` has fields, and a function that gets them. */
export function isHeaders(headers: object | null | undefined): headers is Headers {
  return (
    (headers as { readonly [Symbol.toStringTag]?: unknown } | null | undefined)?.[Symbol.toStringTag] === 'Headers'
  );
}

/** Names and values that `Headers` takes as they are. */
const PLAIN_NAME = /^[a-z\d-]+$/;
const PLAIN_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * The headers of a fetch by their lower-case names.
 *
 * @throws TypeError as fetch does
 */
export function headerFieldsOf(headers: HeadersInit | undefined): Readonly<Record<string, string>> {
  // Making a `Headers` takes about 5 µs, and most headers don't need it.
  const fields = plainFieldsOf(headers);
  if (fields !== undefined) return fields;
  // A `Headers` of another kind than the runtimes' may keep the case of its names.
  const pairs = Array.from(headers instanceof Headers ? headers : new Headers(headers));
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
}

/** The fields of headers that `Headers` wouldn't change. */
function plainFieldsOf(headers: HeadersInit | undefined): Record<string, string> | undefined {
  if (Object(headers) !== headers || Object.getPrototypeOf(headers) !== Object.prototype) return undefined;
  const fields = { ...(headers as HeaderFields) };
  const names = Object.keys(fields);
  // Runtimes differ in what they make of hidden fields and of symbols.
  if (names.length !== Reflect.ownKeys(headers as object).length) return undefined;
  for (const name of names) {
    const value = fields[name];
    if (!PLAIN_NAME.test(name) || typeof value !== 'string' || !PLAIN_VALUE.test(value)) return undefined;
  }
  return fields as Record<string, string>;
}

/** The value of the header of this lower-case name, whatever the case of the given one. */
export function headerOf(headers: object | null | undefined, name: string): unknown {
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  // Most clients write names in lower case.
  const value = (headers as HeaderFields | null | undefined)?.[name];
  if (value !== undefined) return value;
  for (const [given, value] of headerEntries(headers)) if (given.toLowerCase() === name) return value;
  return undefined;
}

/**
 * A copy of the headers without those that `drop` names. It has the prototype of the source, so a copy of an
 * `AxiosHeaders` is one too; copying the fields costs a fifth of what its constructor does.
 *
 * @param drop is given the lower-case name
 */
export function copyHeaders(source: object, drop: (name: string) => boolean): HeaderFields {
  const copy = Object.create(Object.getPrototypeOf(source) as object | null) as HeaderFields;
  const fields = source as HeaderFields;
  for (const name of Object.keys(fields)) if (!drop(name.toLowerCase())) copy[name] = fields[name];
  return copy;
}

/** Sets a header. As in axios, one that is there already, in any case, keeps its name. */
export function setHeader(headers: HeaderFields, name: string, value: unknown): void {
  const lower = name.toLowerCase();
  headers[Object.keys(headers).find((each) => each.toLowerCase() === lower) ?? name] = value;
}

/** @param matches is given the lower-case name */
export function removeHeaders(headers: HeaderFields, matches: (name: string) => boolean): void {
  for (const name of Object.keys(headers)) if (matches(name.toLowerCase())) Reflect.deleteProperty(headers, name);
}
