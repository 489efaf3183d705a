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

/** The response with other values of fields that can't be written on. Its clones have them too. */
export function alike(response: Response, fields: Partial<Pick<Response, 'url' | 'redirected' | 'type'>>): Response {
  // A mock may have none.
  const clone = response.clone?.bind(response);
  return withHidden(response, { ...fields, clone: clone && (() => alike(clone(), fields)) });
}
