import { setHidden } from '../base/hidden';

/**
 * Adds fields that are not enumerated, so that a response prints as before. What can't be extended stays as it is: a frozen
 * response of a mock, or an error that is no object.
 */
export function withHidden<T>(owner: T, fields: Record<string, unknown>): T {
  if (!Object.isExtensible(owner)) return owner;
  for (const [key, value] of Object.entries(fields)) setHidden(owner as object, key, value);
  return owner;
}
