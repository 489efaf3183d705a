import type { AxiosProgressEvent } from 'axios';
import type { Exchange } from '../failover/http-client';
import { headerOf } from '../http/headers';
import { isRedirect } from '../http/redirect-rules';
import type { RedirectRules } from '../http/redirect-rules';
import type { AttemptConfig } from './attempt-config';

type OnProgress = (event: AxiosProgressEvent) => void;

/**
 * Lets the caller's progress callbacks hear of this attempt alone: not of the body of a refusal or of a redirect, where
 * its head is seen first, and of nothing once the attempt has failed or was given up.
 *
 * @param rules by which the package follows redirects. `undefined`: it doesn't
 */
export function reportProgress(attempt: AttemptConfig, exchange: Exchange, rules: RedirectRules | undefined): void {
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
    const head = exchange.connection?.head;
    const status = head?.status ?? statusOfXhr(event) ?? 200;
    const isFollowed =
      rules !== undefined && isRedirect(status, headerOf(head?.headers as object | undefined, 'location'), rules);
    return status < 400 && !isFollowed;
  };
  if (typeof onUploadProgress === 'function') attempt.onUploadProgress = report(onUploadProgress, () => true);
  if (typeof onDownloadProgress === 'function') attempt.onDownloadProgress = report(onDownloadProgress, isOfResponse);
}

/** With XHR, the event of the browser is at hand. */
function statusOfXhr({ event }: AxiosProgressEvent): number | undefined {
  const { target } = Object(event) as { target?: { status?: number } };
  return target?.status;
}
