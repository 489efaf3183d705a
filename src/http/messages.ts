/**
 * The caller's request, as selectors, conditions and failures see it. axios's own `AxiosRequestConfig` satisfies this
 * type and can be used in its place.
 */
export interface RequestConfig {
  /** The URL as the caller gave it, relative or absolute. */
  readonly url?: string;
  /** In any case. Default: GET */
  readonly method?: string;
  /** The caller's `baseURL`, if any. */
  readonly baseURL?: string;
  /** Everything else the client was given: `headers`, `data`, `signal`, `failover`, … */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- axios types its open fields so, and callers rely on it
  readonly [field: string]: any;
}

/** What a `Response` of fetch has, so that a condition of a fetch can write `failure.response as Response`. */
interface ResponseFields {
  /** @hidden */
  readonly arrayBuffer?: unknown;
  /** @hidden */
  readonly blob?: unknown;
  /** @hidden */
  readonly body?: unknown;
  /** @hidden */
  readonly bodyUsed?: unknown;
  /** @hidden */
  readonly bytes?: unknown;
  /** @hidden */
  readonly clone?: unknown;
  /** @hidden */
  readonly formData?: unknown;
  /** @hidden */
  readonly json?: unknown;
  /** @hidden */
  readonly ok?: unknown;
  /** @hidden */
  readonly redirected?: unknown;
  /** @hidden */
  readonly text?: unknown;
  /** @hidden */
  readonly type?: unknown;
  /** @hidden */
  readonly url?: unknown;
}

/** A response as a failure holds it. axios's own `AxiosResponse` satisfies this type and can be used in its place. */
export interface HttpResponse extends ResponseFields {
  /** The HTTP status. */
  readonly status: number;
  /** The reason phrase. */
  readonly statusText: string;
  /** With axios: an `AxiosHeaders`. With fetch: a `Headers`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly headers: any;
  /**
   * With axios: the body in the form that `responseType` asks for, before `transformResponse`: JSON is still text. With
   * fetch: not set.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly data: any;
  /** With axios: the caller's config. With fetch: not set. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly config: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly [field: string]: any;
}
