/** Errors carry attempts too. For CommonJS axios's types make `AxiosError` an alias, which nobody can augment. */
import axios, { AxiosError } from 'axios';
import type { Attempt } from 'axios-priority-adapter';

export function attemptsOf(error: unknown): readonly Attempt[] {
  return axios.isAxiosError(error) ? (error.attempts ?? []) : [];
}

export const made: readonly Attempt[] | undefined = new AxiosError('made').attempts;
