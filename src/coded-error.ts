/** Why a request, or one attempt of it, cannot be made, with a code as axios or Node has it. It leaves as an AxiosError. */
export class CodedError extends Error {
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error's code, as a field to put where it belongs. */
export function codeOf(error: unknown): { readonly code?: string } {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? { code } : {};
}
