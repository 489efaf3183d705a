import { withHidden } from '../base/hidden';

/** Overrides read-only fields of a response, in its clones too. */
export function overrideFields(response: Response, fields: Partial<Response>): Response {
  // A mock may have none.
  const clone = response.clone?.bind(response);
  return withHidden(response, { ...fields, clone: clone && (() => overrideFields(clone(), fields)) });
}
