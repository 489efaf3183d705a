import { own } from '../base/check';
import { bodyText } from './body-text';

/** The parts of an OpenAI-shaped error that are used. */
interface ErrorBody {
  readonly code?: string;
  readonly type?: string;
  readonly message?: string;
}

/** Characters, or bytes. Longer bodies are no error messages. */
export const MAX_ERROR_BODY = 65_536;

/** Reads `{ "error": { "code", "type", "message" } }` from a body in any form. Empty for every other body. */
export function errorBodyOf(data: unknown): ErrorBody {
  return errorFieldsOf(ownField(parsed(data), 'error'));
}

/** Reads the `code`, `type` and `message` of an error. */
export function errorFieldsOf(error: unknown): ErrorBody {
  const [code, type, message] = ['code', 'type', 'message'].map((name) => ownField(error, name));
  return {
    ...((typeof code === 'string' || typeof code === 'number') && { code: String(code) }),
    ...(typeof type === 'string' && { type }),
    ...(typeof message === 'string' && { message }),
  };
}

/** What an error calls itself, as a field to spread; empty if it doesn't say. */
export function errorCodeOf({ code, type }: ErrorBody): { readonly errorCode?: string } {
  const errorCode = code ?? type;
  return errorCode === undefined ? {} : { errorCode };
}

/** A field of a value of any kind. */
export function ownField(value: unknown, name: string): unknown {
  return own(Object(value) as Record<string, unknown>, name);
}

function parsed(data: unknown): unknown {
  const text = bodyText(data, MAX_ERROR_BODY);
  if (text === undefined) return data;
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut short, or no JSON
  }
}
