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

/**
 * The caller's `timeout` in ms, read as axios reads it. 0: none.
 *
 * @throws AxiosError for what is no number, which not all of axios's adapters notice; and a timeout for a negative
 * number, as what is left of a deadline may be one
 */
export function timeoutOf(config: InternalAxiosRequestConfig, kind: AdapterKind): number {
  const ms = config.timeout ? Number.parseInt(String(config.timeout), 10) : 0;
  if (ms < 0) throw timeoutError(config, ms, kind);
  if (!Number.isNaN(ms)) return ms;
  const message = 'error trying to parse `config.timeout` to int';
  throw new axios.AxiosError(message, axios.AxiosError.ERR_BAD_OPTION_VALUE, config);
}
