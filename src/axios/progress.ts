import type { AxiosProgressEvent } from 'axios';
import type { Exchange } from '../failover/http-client';
import type { AttemptConfig } from './attempt-config';

type OnProgress = (event: AxiosProgressEvent) => void;

/**
 * Lets the caller's progress callbacks hear of this attempt alone: not of the body of a refusal or of a redirect, where
 * its head is seen first, and of nothing once the attempt has failed or was given up.
 *
 * @param followsRedirects whether a redirect is followed by us
 */
export function reportProgress(attempt: AttemptConfig, exchange: Exchange, followsRedirects: boolean): void {
  const { onUploadProgress, onDownloadProgress } = attempt as {
    onUploadProgress?: OnProgress;
    onDownloadProgress?: OnProgress;
  };
  const report = (callback: OnProgress, isWanted: (event: AxiosProgressEvent) => boolean): OnProgress => {
    return (event) => {
      if (!exchange.isOver && isWanted(event)) callback(event);
    };
  };
  const isOfResponse = (event: AxiosProgressEvent): boolean => {
    const status = exchange.connection?.head?.status ?? statusOfXhr(event) ?? 200;
    return status < (followsRedirects ? 300 : 400);
  };
  if (typeof onUploadProgress === 'function') attempt.onUploadProgress = report(onUploadProgress, () => true);
  if (typeof onDownloadProgress === 'function') attempt.onDownloadProgress = report(onDownloadProgress, isOfResponse);
}

/** With XHR, the event of the browser is at hand. */
function statusOfXhr({ event }: AxiosProgressEvent): number | undefined {
  const { target } = Object(event) as { target?: { status?: number } };
  return target?.status;
}
