import axios from 'axios';
import type { AxiosError, InternalAxiosRequestConfig } from 'axios';
import type { AdapterKind } from './adapter-kind';

/**
 * axios's own words and code for a timeout.
 *
 * @param ms as the caller gave it
 */
export function timeoutError(
  config: InternalAxiosRequestConfig,
  ms: number | undefined,
  kind: AdapterKind,
): AxiosError {
  if (kind === 'fetch')
    return new axios.AxiosError(`timeout of ${String(ms)}ms exceeded`, axios.AxiosError.ETIMEDOUT, config);
  const clarify = config.transitional?.clarifyTimeoutError ?? false;
  const message = config.timeoutErrorMessage ?? `timeout of ${String(ms)}ms exceeded`;
  return new axios.AxiosError(message, clarify ? axios.AxiosError.ETIMEDOUT : axios.AxiosError.ECONNABORTED, config);
}
