/** What any TypeScript consumer writes, of either kind of module: compiled as `.mts`, as `.cts` and for a bundler. */
import axios from 'axios';
import type { AxiosAdapter, AxiosRequestConfig, AxiosResponse } from 'axios';
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
} from 'axios-priority-adapter';
import type {
  Attempt,
  Backend,
  BackendOptions,
  BackendPoolOptions,
  BackendStatus,
  FailoverCondition,
  Failure,
  PoolEvent,
  PriorityAdapter,
  PriorityAdapterOptions,
  Selector,
} from 'axios-priority-adapter';

declare const key: string | undefined;
declare const azureADTokenProvider: () => Promise<string>;

export const backends: readonly BackendOptions[] = [
  { baseURL: 'https://ptu.example', priority: 1, apiKey: key, name: undefined },
  { baseURL: 'payg.example', priority: 2, weight: 2, azureADTokenProvider, headers: { a: '1', b: null, c: ['x'] } },
  {
    baseURL: 'west.example',
    apiKey: async () => 'k',
    params: { v: 1 },
    deployments: { a: 'b' },
    attemptTimeout: 5,
    request: { proxy: false },
  },
];
const condition: FailoverCondition = (failure: Failure) =>
  defaultFailoverCondition(failure) ||
  [isThrottled, isServerError, isConnectionFailure, isAmbiguousFailure].some((is) => is(failure)) ||
  failure.backend.name === 'ptu.example';
const own: Selector = (candidates: readonly Backend[], config: AxiosRequestConfig) => {
  const [first] = candidates;
  if (first === undefined || config.url === undefined) throw new Error('nobody');
  return first;
};
const selectors: Selector[] = [own, weightedRandom, leastPending, roundRobin(), affinity((config) => config.url)];
const poolOptions: BackendPoolOptions = { selector: own, defaultCooldown: 1, maxCooldown: undefined };
const options: PriorityAdapterOptions = {
  ...poolOptions,
  adapter: ['http', 'fetch'],
  failoverCondition: condition,
  cooldown: ({ response }) => (response && parseRetryAfter(response)) ?? undefined,
  attemptTimeout: 1000,
  maxWait: 20_000,
  maxReplaySize: 1024,
  shouldBalance: (config) => config.url !== undefined,
};

// Exported without a type of their own: a library that builds declarations must be able to name what they are.
export const adapter = priorityAdapter(backends, options);
export const attached = attachPriorityAdapter(axios.create(), new BackendPool(backends, poolOptions));
export const predicates = { isThrottled, defaultFailoverCondition, parseRetryAfter, roundRobin };
export const status = () => adapter.pool.snapshot();
export const reasons = () => status().flatMap(({ cooldowns }) => cooldowns.map(({ reason }) => reason));

const plain: AxiosAdapter = adapter;
const named: PriorityAdapter = adapter;
const client = axios.create({
  adapter: plain,
  failover: { maxWait: 5, attemptTimeout: 1, failoverCondition: condition },
});

export async function requests(): Promise<readonly Attempt[]> {
  const response: AxiosResponse<{ id: number }> = await client.get<{ id: number }>('/x', { failover: false });
  const id: number = response.data.id;
  const fabricated: boolean | undefined = response.fabricated;
  const attempts: readonly Attempt[] | undefined = response.attempts;
  return fabricated === true && id > 0 ? [] : (attempts ?? []);
}

export function events(pool: BackendPool = named.pool): () => void {
  const health: BackendStatus[] = pool.snapshot();
  pool.cool(health[0]?.name ?? '', 60_000, 'gpt-4o');
  pool.restore('ptu.example');
  pool.update(backends);
  return pool.subscribe((event: PoolEvent) => {
    if (event.type === 'cooldown') return void [event.scope?.length, event.duration.toFixed(), event.reason];
    if (event.type === 'attempt') return void [event.backend.length, event.status?.toFixed(), event.cooldown];
    if (event.type === 'recovered') return void event.backend.length;
    return event.type === 'waiting' ? void event.duration.toFixed() : void event.retryAfter.toFixed();
  });
}

export function refused(response: AxiosResponse): unknown {
  // @ts-expect-error -- misspelt
  priorityAdapter([{ baseURL: 'a.example', apikey: 'k' }]);
  // @ts-expect-error -- baseURL is required
  priorityAdapter([{ priority: 1 }]);
  // @ts-expect-error -- a number
  priorityAdapter([{ baseURL: 'a.example', priority: '1' }]);
  // @ts-expect-error -- a string or a function
  priorityAdapter([{ baseURL: 'a.example', apiKey: 1 }]);
  // @ts-expect-error -- misspelt
  priorityAdapter(backends, { selecter: own });
  // @ts-expect-error -- a promise is always true
  priorityAdapter(backends, { failoverCondition: async () => true });
  // @ts-expect-error -- an option of the adapter, not of the pool
  new BackendPool(backends, { maxWait: 1 });
  // @ts-expect-error -- true says nothing
  void client.get('/x', { failover: true });
  // @ts-expect-error -- for reading
  response.attempts?.push({ backend: 'a', duration: 1 });
  // @ts-expect-error -- internal, and stripped from the published types
  adapter.pool.events;
  return selectors;
}
