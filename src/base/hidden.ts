/**
 * A descriptor of a field, without a prototype: what somebody has added to `Object.prototype` would be a part of it.
 *
 * @param descriptor as for `Object.defineProperty`
 */
export function bare<T extends PropertyDescriptor>(descriptor: T): T {
  return Object.assign(Object.create(null) as T, descriptor);
}

/** Sets a field that is not enumerated. Returns whether that was possible. */
export function setHidden(owner: object, key: PropertyKey, value: unknown): boolean {
  const descriptor = { __proto__: null, value, enumerable: false, configurable: true, writable: true };
  return Reflect.defineProperty(owner, key, descriptor);
}
