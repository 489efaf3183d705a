/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters, @typescript-eslint/no-unused-vars, @typescript-eslint/consistent-type-imports -- types are all this file is about */
/** The exact public types: checked by `npm run types`, never run. */
import axios from 'axios';
import type { AxiosAdapter, AxiosInstance, AxiosRequestConfig, AxiosResponse, RawAxiosRequestHeaders } from 'axios';
import {
  BackendPool,
  affinity,
  attachPriorityAdapter,
  defaultFailoverCondition,
  isAmbiguousFailure,
  isConnectionFailure,
  isServerError,
  isThrottled,
  leastPending,
  parseRetryAfter,
  priorityAdapter,
  roundRobin,
  weightedRandom,
} from '../../src';
import type {
  Attempt,
  Backend,
  BackendOptions,
  BackendPoolOptions,
  BackendStatus,
  Failure,
  FailoverCondition,
  HttpResponse,
  PoolEvent,
  PriorityAdapter,
  PriorityAdapterOptions,
  RequestConfig,
  Selector,
} from '../../src';

/** Fails to compile unless the two types are identical. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]): void {
  // Only its type parameters matter.
}

/** The same type in one piece, whatever it was composed of. */
type Flat<T> = { [K in keyof T]: T[K] };

type EventOf<T extends PoolEvent['type']> = Flat<Extract<PoolEvent, { type: T }>>;

const backends = [{ baseURL: 'a.example' }] as const;
const key: string | undefined = process.env.KEY;

type Reason =
  | 'throttled'
  | 'server-error'
  | 'connection'
  | 'ambiguous'
  | 'timeout'
  | 'client-error'
  | 'credential'
  | 'oversized'
  | 'manual';

/** The exports, the options, and the status of a backend. */
export function shapes(): void {
  same<
    keyof typeof import('../../src'),
    | 'BackendPool'
    | 'affinity'
    | 'attachPriorityAdapter'
    | 'attemptsOf'
    | 'defaultFailoverCondition'
    | 'isAmbiguousFailure'
    | 'isConnectionFailure'
    | 'isContextLengthExceeded'
    | 'isServerError'
    | 'isThrottled'
    | 'leastPending'
    | 'parseRetryAfter'
    | 'priorityAdapter'
    | 'roundRobin'
    | 'weightedRandom'
  >();
  type Named = 'name' | 'baseURL' | 'priority' | 'weight';
  same<
    keyof BackendOptions,
    | Named
    | 'apiKey'
    | 'azureADTokenProvider'
    | 'headers'
    | 'params'
    | 'deployments'
    | 'attemptTimeout'
    | 'connectTimeout'
    | 'request'
  >();
  type OfPool = 'selector' | 'defaultCooldown' | 'maxCooldown';
  type OfRequest = 'attemptTimeout' | 'maxWait' | 'failoverCondition' | 'inspectStreams';
  same<keyof BackendPoolOptions, OfPool>();
  same<
    keyof PriorityAdapterOptions,
    OfPool | OfRequest | 'adapter' | 'cooldown' | 'connectTimeout' | 'maxReplaySize' | 'shouldBalance'
  >();
  same<keyof Exclude<AxiosRequestConfig['failover'], false | undefined>, OfRequest | 'backend'>();
  type Numbers = Readonly<Record<'priority' | 'weight' | 'pending' | 'successes' | 'failures', number>>;
  same<Flat<Backend>, Flat<Readonly<Record<'name' | 'baseURL', string>> & Numbers>>();
  type State = 'available' | 'trial' | 'reserve' | 'cooling';
  same<
    Flat<Omit<BackendStatus, 'cooldowns'>>,
    Flat<Backend & { readonly state: State; readonly available: boolean }>
  >();
  type Cooldown = BackendStatus['cooldowns'][number];
  same<BackendStatus['cooldowns'], readonly Cooldown[]>();
  same<Flat<Cooldown>, { readonly scope?: string; readonly reason: Reason; readonly remaining: number }>();
}

/** Attempts, failures and events. */
export function reports(): void {
  same<
    Flat<Attempt>,
    {
      readonly backend: string;
      readonly scope?: string;
      readonly status?: number;
      readonly code?: string;
      readonly reason?: Failure['reason'] | 'stale';
      readonly requestId?: string;
      readonly duration: number;
      readonly cooldown?: number;
    }
  >();
  same<
    Flat<Failure>,
    {
      readonly backend: Backend;
      readonly config: RequestConfig;
      readonly reason:
        'throttled' | 'server-error' | 'connection' | 'ambiguous' | 'timeout' | 'client-error' | 'credential';
      readonly status?: number;
      readonly code?: string;
      readonly errorCode?: string;
      readonly response?: HttpResponse;
      readonly streamError?: { readonly code?: string; readonly type?: string; readonly message?: string };
      readonly error?: unknown;
      readonly attemptTimedOut: boolean;
    }
  >();
  same<PoolEvent['type'], 'attempt' | 'cooldown' | 'recovered' | 'waiting' | 'exhausted'>();
  same<EventOf<'attempt'>, Flat<{ readonly type: 'attempt' } & Attempt>>();
  same<
    EventOf<'cooldown'>,
    {
      readonly type: 'cooldown';
      readonly backend: string;
      readonly scope?: string;
      readonly reason: Reason;
      readonly duration: number;
      readonly remote?: true;
    }
  >();
  same<EventOf<'recovered'>, { readonly type: 'recovered'; readonly backend: string; readonly scope?: string }>();
  same<EventOf<'waiting'>, { readonly type: 'waiting'; readonly duration: number }>();
  same<EventOf<'exhausted'>, { readonly type: 'exhausted'; readonly retryAfter: number }>();
}

/** The signatures of the functions. */
export function signatures(pool: BackendPool): void {
  same<Selector, (candidates: readonly Backend[], config: RequestConfig) => Backend>();
  same<typeof weightedRandom, Selector>();
  same<typeof leastPending, Selector>();
  same<typeof roundRobin, () => Selector>();
  same<typeof affinity, (key: (config: RequestConfig) => string | number | null | undefined) => Selector>();
  same<FailoverCondition, (failure: Failure) => boolean>();
  for (const is of [defaultFailoverCondition, isThrottled, isServerError, isConnectionFailure, isAmbiguousFailure]) {
    same<typeof is, FailoverCondition>();
  }
  same<typeof pool.backends, readonly Backend[]>();
  same<typeof pool.snapshot, () => BackendStatus[]>();
  same<typeof pool.subscribe, (listener: (event: PoolEvent) => void) => () => void>();
  same<typeof pool.cool, (name: string, ms: number, scope?: string) => void>();
  same<typeof pool.restore, (name: string) => void>();
  same<typeof pool.update, (backends: readonly BackendOptions[]) => void>();
  const { detach, ...attached } = attachPriorityAdapter(axios, backends);
  same<typeof detach, () => void>();
  same<typeof attached, { pool: BackendPool }>();
  same<Parameters<typeof attachPriorityAdapter>[0], AxiosInstance>();
  same<PriorityAdapter['pool'], BackendPool>();
  same<ReturnType<typeof parseRetryAfter>, number | undefined>();
  parseRetryAfter({ status: 429, headers: { 'retry-after': 1 }, data: {} }, new Date());
  parseRetryAfter({ status: 429 }, Date.now());
  parseRetryAfter({} as AxiosResponse);
}

export async function calls(): Promise<void> {
  const adapter: PriorityAdapter = priorityAdapter(backends);
  const plain: AxiosAdapter = adapter;
  const client = axios.create({ adapter: plain, failover: { maxWait: 5 } });

  // An environment variable may be undefined, even with exactOptionalPropertyTypes.
  const options: BackendOptions = {
    baseURL: 'a.example',
    priority: undefined,
    weight: undefined,
    name: undefined,
    apiKey: key,
    azureADTokenProvider: () => Promise.resolve('token'),
    headers: { a: '1', b: 2, c: null, d: undefined, e: ['x'], f: false },
    params: { 'api-version': '1', n: 1, none: undefined },
    deployments: { 'gpt-4o': 'gpt-4o-west' },
    attemptTimeout: 5,
    connectTimeout: undefined,
    request: { proxy: false, httpVersion: 2, httpAgent: {}, socketPath: '/x', fetchOptions: {} },
  };
  const headers: RawAxiosRequestHeaders = { 'api-key': 'key' };
  priorityAdapter(
    [
      options,
      { ...options, headers },
      { ...options, headers: axios.AxiosHeaders.from({ a: '1' }) },
      { ...options, apiKey: () => Promise.resolve('key') },
      { ...options, apiKey: () => 'key' },
    ],
    {
      adapter: ['fetch', 'http'],
      selector: undefined,
    },
  );
  for (const name of ['http', 'fetch', 'xhr', plain] as const) priorityAdapter(backends, { adapter: name });
  for (const selector of [weightedRandom, leastPending, roundRobin(), affinity(({ url }) => url)]) {
    new BackendPool(backends, { selector } satisfies BackendPoolOptions);
  }
  // The types can't reject pool options together with a ready pool. priorityAdapter does.
  priorityAdapter(adapter.pool, { selector: leastPending });
  attachPriorityAdapter(client, adapter.pool, { maxWait: 1 });

  const response = await client.get('/x', { failover: false });
  same<typeof response.attempts, readonly Attempt[] | undefined>();
  same<typeof response.fabricated, boolean | undefined>();
  const error: unknown = undefined;
  if (axios.isAxiosError(error)) same<typeof error.attempts, readonly Attempt[] | undefined>();
  for (const failover of [undefined, false, {}, { attemptTimeout: 0, maxWait: undefined }] as const) {
    await client.get('/x', { failover });
  }
}

export function rules(): void {
  const selector: Selector = (candidates, config) => {
    same<typeof candidates, readonly Backend[]>();
    same<typeof config, RequestConfig>();
    return candidates[0]!;
  };
  const condition: FailoverCondition = (failure) => {
    same<typeof failure, Failure>();
    return defaultFailoverCondition(failure) || failure.status === 404;
  };
  const all: Required<PriorityAdapterOptions> = {
    adapter: 'http',
    selector,
    failoverCondition: condition,
    cooldown: ({ response: r }) => r?.status,
    defaultCooldown: 1,
    maxCooldown: 1,
    attemptTimeout: 0,
    connectTimeout: 0,
    maxWait: 1,
    maxReplaySize: Infinity,
    inspectStreams: false,
    shouldBalance: (config) => {
      same<typeof config, RequestConfig>();
      return true;
    },
  };
  priorityAdapter(backends, all);
}

/** Code that is written with axios's own types. */
export function withTypesOfAxios(failure: Failure, given: AxiosRequestConfig, response: AxiosResponse): void {
  const selector: Selector = (candidates: readonly Backend[], config: AxiosRequestConfig) => {
    void config.headers?.['x-tenant'];
    return candidates[0]!;
  };
  const options: PriorityAdapterOptions = {
    selector,
    failoverCondition: (each) => each.config.responseType !== 'stream' && each.response?.statusText !== 'Busy',
    cooldown: ({ response: refusal }: { response?: AxiosResponse }) => Number(refusal?.data),
    shouldBalance: (config: AxiosRequestConfig) => config.url !== '/health',
  };
  const config: AxiosRequestConfig = failure.config;
  const refusal: AxiosResponse | undefined = failure.response;
  const ofFetch = [failure.response as Response, (failure.response as Response).clone()];
  const seen: RequestConfig = given;
  const answer: HttpResponse = response;
  affinity((each: AxiosRequestConfig) => each.url);
  void [options, config, refusal, ofFetch, seen, answer, new BackendPool(backends, { selector: leastPending })];
}
