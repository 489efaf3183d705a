import type { AxiosInstance } from 'axios';
import { ABSOLUTE, combine, ignoresBase, urlText } from '../http/url';
import type { RequestConfig } from '../http/messages';

/** Whether it is `axios` itself, from any copy of axios: what `axios.create()` returns has no static members. */
export function isDefaultInstance(instance: AxiosInstance): boolean {
  return 'Axios' in instance && 'isAxiosError' in instance;
}

/**
 * Whether a request of a default instance, which every library of a process shares, is meant for a backend: its URL has
 * the origin of one, or is relative where no page says what it is relative to. One with a `socketPath` is not.
 *
 * @param origins of the backends
 */
export function isMeantForBackends(config: RequestConfig, origins: ReadonlySet<string>): boolean {
  const { socketPath } = config as RequestConfig & { readonly socketPath?: unknown };
  // A request over a Unix socket stays on this machine, whatever its URL.
  if (socketPath !== undefined && socketPath !== null) return false;
  const url = urlText(config.url ?? '');
  // As in axios, any falsy one is none.
  const baseURL = config.baseURL ? urlText(config.baseURL) : '';
  const isAlone = baseURL === '' || ignoresBase(url, baseURL, config.allowAbsoluteUrls);
  const full = isAlone ? url : combine(baseURL, url);
  // Browsers and their web workers, as axios sees them.
  const { href: page } = Object(globalThis.location) as { href?: string };
  try {
    return origins.has(new URL(full, page).origin);
  } catch {
    // Relative, or invalid. axios reports the latter.
    return page === undefined && !ABSOLUTE.test(full);
  }
}
