/** The same fields without a prototype, so that a polluted `Object.prototype` can't add to them. */
export function bare<T extends object>(fields: T): T {
  return Object.assign(Object.create(null) as T, fields);
}

/** An object without fields, whatever a polluted `Object.prototype` holds. */
export const NOTHING = /* @__PURE__ */ Object.freeze(/* @__PURE__ */ bare({}));

const NOT_ENUMERABLE = /* @__PURE__ */ bare({ enumerable: false });

/** Makes a field non-enumerable. Returns whether that was possible. */
export function hide(owner: object, key: PropertyKey): boolean {
  return Reflect.defineProperty(owner, key, NOT_ENUMERABLE);
}

/** Sets a field, also where the object inherits one that can't be written. Returns whether that was possible. */
export function setField(owner: object, key: PropertyKey, value: unknown): boolean {
  return Reflect.defineProperty(owner, key, bare({ value, enumerable: true, configurable: true, writable: true }));
}

/** Sets a non-enumerable field. Returns whether that was possible. */
export function setHidden(owner: object, key: PropertyKey, value: unknown): boolean {
  const descriptor = { __proto__: null, value, enumerable: false, configurable: true, writable: true };
  return Reflect.defineProperty(owner, key, descriptor);
}

/**
 * Adds fields that are not enumerated, so that a response prints as before. What can't be extended stays as it is: a
 * frozen response of a mock, or an error that is no object.
 */
export function withHidden<T>(owner: T, fields: Record<string, unknown>): T {
  if (!Object.isExtensible(owner)) return owner;
  for (const [key, value] of Object.entries(fields)) setHidden(owner as object, key, value);
  return owner;
}
