import axios from 'axios';
import type { AxiosError, InternalAxiosRequestConfig } from 'axios';
import { isCodedError } from '../base/errors';
import { setField, setHidden } from '../base/hidden';
import type { AbortReason } from '../failover/abort';
import type { RedirectError } from '../http/redirect-rules';
import type { Attempt } from '../pool/events';
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

/** The error with which axios's adapter of this kind reports a cancel or a timeout. */
export function abortError(reason: AbortReason, config: InternalAxiosRequestConfig, kind: AdapterKind): AxiosError {
  const { why, ms, cancelMessage, signalReason } = reason;
  if (why !== 'cancelled') return timeoutError(config, why === 'timeout' ? config.timeout : ms, kind);
  const words = signalReason instanceof Error ? signalReason.message : signalReason;
  const message = cancelMessage ?? (kind === 'fetch' ? (words as string | undefined) : undefined);
  return new axios.CanceledError(message, config);
}

/** A `CodedError` as an axios error. Other errors are returned as they are. */
export function fromCodedError(error: unknown, config: InternalAxiosRequestConfig): unknown {
  if (!isCodedError(error)) return error;
  if (error.code === 'ERR_CANCELED') return new axios.CanceledError(error.message, config);
  const own = axios.AxiosError.from(error, error.code, config);
  // Some versions of axios take over the cause of the given error instead.
  setHidden(own, 'cause', error.cause ?? error);
  return own;
}

export function withAttempts(error: unknown, attempts: readonly Attempt[]): unknown {
  // A `cancelToken`'s reason, which all its requests share, never gets here.
  if (Object.isExtensible(error)) setField(error as object, 'attempts', attempts);
  return error;
}

/** The AxiosError for a redirect error of this package. */
export function fromRedirectError(error: unknown, config: InternalAxiosRequestConfig, request: unknown): AxiosError {
  const { code } = error as RedirectError;
  return axios.AxiosError.from(error, code, config, request);
}
