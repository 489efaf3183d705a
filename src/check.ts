/**
 * Checks of what a user passes in. Each throws a `TypeError` that names the place and the value; where the value may
 * hold a secret, only its type is shown.
 */

/** A plain dictionary, as an options object must be. */
export function checkObject(value: unknown, place: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${place} must be an object, got ${showType(value)}`);
  }
}

/** Refuses a field that is not known, with the nearest one that is. */
export function checkFields(value: object, known: readonly string[], place: string): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) {
      throw new TypeError(`${place} has an unknown field "${field}"${suggestion(field, known)}`);
    }
  }
}

/** A length of time in ms. `undefined` means the default. */
export function checkDuration(value: unknown, fallback: number, place: string): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new TypeError(`${place} must be a finite number of ms ≥ 0, got ${show(value)}`);
  }
  return value;
}

export function checkFunction<F extends (...args: never[]) => unknown>(
  value: F | undefined,
  place: string,
): F | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${place} must be a function, got ${show(value)}`);
  }
  return value;
}

/** How a value that holds no secret looks in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  return showType(value, String);
}

/** How a value that may hold a secret looks in a message. */
export function showType(value: unknown, plain: (value: unknown) => string = (v) => `a ${typeof v}`): string {
  if (value === '') return 'an empty string';
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object')
    return Array.isArray(value) ? `an ${value.length === 0 ? 'empty ' : ''}array` : 'an object';
  return plain(value);
}

function suggestion(field: string, known: readonly string[]): string {
  const nearest = [...known].sort((a, b) => distance(field, a) - distance(field, b))[0];
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

/** Levenshtein's distance, blind to upper and lower case. */
function distance(a: string, b: string): number {
  const to = b.toLowerCase();
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, char] of a.toLowerCase().split('').entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (char === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
