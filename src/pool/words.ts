import type { CooldownReason } from './circuit';

/** A reason in the words of the fabricated 429, where no attempt of this process tells more. */
export const WORDS: Readonly<Record<CooldownReason, string>> = {
  throttled: 'throttled',
  'server-error': 'server error',
  connection: 'unreachable',
  ambiguous: 'unreachable',
  timeout: 'timed out',
  'client-error': 'refused',
  credential: 'credential refused',
  oversized: 'too large',
  manual: 'taken out by hand',
};
