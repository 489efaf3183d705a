import { checkFields, mapOf, must, showUrl } from '../base/check';

/**
 * axios settings of one backend, with the meaning and the types that they have in axios. Each overrides the caller's. By
 * default, the caller's is used. With `priorityFetch`, only `fetchOptions` counts.
 */
export interface BackendRequestOptions {
  /** `false` uses no proxy, not even one that the environment names. */
  readonly proxy?: ProxyOptions | false | undefined;
  /** A Node `http.Agent`. */
  readonly httpAgent?: unknown;
  /** A Node `https.Agent`, such as the one of a private endpoint. */
  readonly httpsAgent?: unknown;
  /** A Unix socket. */
  readonly socketPath?: string | null | undefined;
  /** A replacement for Node's `http` or `https`. */
  readonly transport?: unknown;
  /** A replacement for Node's `dns.lookup`. */
  readonly lookup?: unknown;
  /** The version of IP to use. */
  readonly family?: 4 | 6 | undefined;
  /** Accepts malformed HTTP. */
  readonly insecureHTTPParser?: boolean | undefined;
  /** Whether to decompress the response's body. */
  readonly decompress?: boolean | undefined;
  /** Redirects to follow. 0: none. */
  readonly maxRedirects?: number | undefined;
  /** Bytes per second: one limit, or one for uploads and one for downloads. */
  readonly maxRate?: number | [number, number] | undefined;
  /** Whether browsers send cookies to another origin. */
  readonly withCredentials?: boolean | undefined;
  /** 2: HTTP/2 (axios 1.13 and later). */
  readonly httpVersion?: 1 | 2 | undefined;
  /** Settings of the HTTP/2 session (axios 1.13 and later). */
  readonly http2Options?: object | undefined;
  /** Settings for fetch: over axios's fetch adapter, and with `priorityFetch`. */
  readonly fetchOptions?: object | undefined;
}

/** A proxy, as axios takes it. */
export interface ProxyOptions {
  /** Name or address of the proxy. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Of the connection to the proxy. Default: `http` */
  readonly protocol?: string | undefined;
  /** Credentials of the proxy. */
  readonly auth?:
    | {
        /** The user's name. */
        readonly username: string;
        /** The user's password. */
        readonly password: string;
      }
    | undefined;
}

const REQUEST_FIELDS = [
  'proxy',
  'httpAgent',
  'httpsAgent',
  'socketPath',
  'transport',
  'lookup',
  'family',
  'insecureHTTPParser',
  'decompress',
  'maxRedirects',
  'maxRate',
  'withCredentials',
  'httpVersion',
  'http2Options',
  'fetchOptions',
] as const satisfies readonly (keyof BackendRequestOptions)[];

/**
 * The `request` of a backend's options.
 *
 * @throws TypeError that names the place and the value
 */
export function checkRequest(value: unknown, place: string): object | undefined {
  const fields = mapOf(value, place);
  if (fields?.has('timeout') === true) {
    const instead = `${place.replace(/\.request$/, '')}.attemptTimeout`;
    throw new TypeError(
      `${place}.timeout would be the caller's budget for all attempts; use ${instead} for this backend`,
    );
  }
  checkFields(Object(value) as object, REQUEST_FIELDS, place, { dispatcher: 'fetchOptions' });
  if (fields === undefined) return undefined;
  const proxy = fields.get('proxy');
  const isProxy = proxy === undefined || proxy === false || (typeof proxy === 'object' && proxy !== null);
  must(isProxy, `${place}.proxy`, 'be an object { host, port } or false', proxy, showUrl);
  return Object.assign(Object.create(null) as object, Object.fromEntries(fields));
}
