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
