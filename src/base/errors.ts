import { setHidden } from './hidden';

const IS_CODED = Symbol.for('axios-priority-adapter.coded-error');

/** An error of the package's own, with a code as axios and Node have it. The caller gets it as an error of its client. */
export class CodedError extends Error {
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    setHidden(this, IS_CODED, true);
  }
}

/** Not `instanceof`: the ESM and the CommonJS build have a class each, and may share a pool. */
export function isCodedError(error: unknown): error is CodedError {
  return (Object(error) as Record<symbol, unknown>)[IS_CODED] === true;
}

/** The code of an error of a provider of credentials. */
export const PROVIDER_FAILED = 'ERR_CREDENTIAL';

/** Whether a provider of credentials failed. */
export function isProviderFailure(error: unknown): boolean {
  return codeOf(error) === PROVIDER_FAILED;
}

/** The `code` of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** The outermost code of an error and its causes, as a field to spread: fetch keeps the network's code in a cause. */
export function codeWithin(error: unknown): { readonly code?: string } {
  const code = errorChain(error)
    .map(codeOf)
    .find((each) => each !== undefined);
  return code === undefined ? {} : { code };
}

/**
 * The fields that we read from an error or one of its causes. Anything can be thrown, so every field may hold anything.
 */
export interface ErrorLike {
  readonly name: string;
  readonly code?: string;
  readonly message?: unknown;
  readonly syscall?: unknown;
  /** Of HTTP/2. */
  readonly rstCode?: unknown;
}

/** The error, then its `cause`s and `errors`, outermost first. (axios's fetch adapter keeps the code in `cause`.) */
export function errorChain(error: unknown): readonly ErrorLike[] {
  // An attempt that worked has none.
  if (error === undefined) return [];
  const chain = new Set<object>();
  const add = (value: unknown): void => {
    if (isReadable(value)) chain.add(value);
  };
  add(error);
  // It grows meanwhile. The limit is for chains that never end.
  for (const each of chain) {
    if (chain.size > MAX_CHAIN) break;
    const { cause, errors } = each as { cause?: unknown; errors?: unknown };
    if (Array.isArray(errors)) errors.forEach(add);
    add(cause);
  }
  return [...chain] as ErrorLike[];
}

const MAX_CHAIN = 100;

const ERROR_FIELDS = ['name', 'code', 'message', 'syscall', 'rstCode', 'cause', 'errors'];

/** What was thrown may be a proxy, or have getters that throw. Such an object says nothing. */
function isReadable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    Object.getPrototypeOf(value);
    for (const field of ERROR_FIELDS) Reflect.get(value, field);
    return true;
  } catch {
    return false;
  }
}
