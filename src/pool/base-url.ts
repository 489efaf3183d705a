import { must, showUrl } from '../base/check';
import { withoutSlashes } from '../http/url';

/** The parts of a backend's `baseURL`. */
export interface BaseURL {
  readonly origin: string;
  readonly host: string;
  /** The path without slashes at its end. */
  readonly prefix: string;
  /** Origin and path, with a slash at its end if it was given with one. */
  readonly address: string;
}

/**
 * Reads the `baseURL` of a backend.
 *
 * @throws TypeError that names the place and shows no secret
 */
export function checkBaseURL(value: unknown, place: string): BaseURL {
  const text = typeof value === 'string' ? value.trim() : '';
  must(text !== '', place, 'be a non-empty string', value);
  // "localhost:3000" would parse, with the protocol "localhost:".
  const href = isHostMissing(text)
    ? ''
    : /^[a-z][a-z\d+\-.]*:\/\//i.test(text)
      ? text
      : /^(https?:|\/)/i.test(text)
        ? ''
        : `https://${text}`;
  const url = parsed(href);
  must(url !== undefined && !isMeantOtherwise(url), place, 'be a URL or a host', text, (given) =>
    isHostMissing(text) || UNSET_LABEL.test(url?.hostname ?? '')
      ? `${showUrl(given)}: is its environment variable set?`
      : showUrl(given),
  );
  must(/^https?:$/.test(url.protocol), place, 'be an http or https URL', text, showUrl);
  must(url.username + url.password === '', place, 'not hold credentials (use apiKey or headers)', text, showUrl);
  must(!/[?#]/.test(text), place, 'not hold a query or fragment (use params)', text, showUrl);
  const { origin, host, pathname } = url;
  const prefix = withoutSlashes(pathname);
  return { origin, host, prefix, address: prefix === '' ? origin : origin + pathname };
}

/** Not with `URL.canParse`, which jsdom has only since Jest 30. */
function parsed(href: string): URL | undefined {
  try {
    return new URL(href);
  } catch {
    return undefined;
  }
}

/** A URL parser would take the beginning of the path for the host. */
function isHostMissing(text: string): boolean {
  return /^https?:\/{3}/i.test(text);
}

/** What a template makes of a variable that isn't set. An empty one is missing before the first dot. */
const UNSET_LABEL = /(?:^|\.)(?:undefined|null)(?:\.|$)|^\./;

/** "https//host", two URLs in one text, a template in ordinary quotes, and variables that aren't set. */
function isMeantOtherwise({ hostname }: URL): boolean {
  const isName = /^(?:[\w-]+\.)*[\w-]+\.?$/.test(hostname) || /^\[.*\]$/.test(hostname);
  return !isName || /^https?$/.test(hostname) || UNSET_LABEL.test(hostname);
}
