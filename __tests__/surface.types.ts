/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters, @typescript-eslint/no-unused-vars, @typescript-eslint/consistent-type-imports -- types are all this file is about */
/** What the compiler must take and what it must refuse: checked by `npm run types`, never run. */
import axios from 'axios';
import type { AxiosAdapter, AxiosRequestConfig } from 'axios';
import {
  BackendPool,
  affinity,
  attachPriorityAdapter,
  defaultFailoverCondition,
  leastPending,
  parseRetryAfter,
  priorityAdapter,
  roundRobin,
  weightedRandom,
} from '../src';
import type {
  Attempt,
  Backend,
  BackendOptions,
  BackendPoolOptions,
  BackendStatus,
  Failure,
  FailoverCondition,
  PoolEvent,
  PriorityAdapter,
  PriorityAdapterOptions,
  Selector,
} from '../src';

/** Fails to compile where the two types are not the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]): void {
  // Types only.
}

const backends = [{ baseURL: 'a.example' }] as const;
const key: string | undefined = process.env.KEY;

export async function taken(): Promise<void> {
  const adapter: PriorityAdapter = priorityAdapter(backends);
  const plain: AxiosAdapter = adapter;
  const client = axios.create({ adapter: plain, failover: { maxWait: 5 } });

  // An environment variable may be undefined, also under exactOptionalPropertyTypes.
  const options: BackendOptions = {
    baseURL: 'a.example',
    apiKey: key,
    azureADTokenProvider: () => Promise.resolve('token'),
    headers: { a: '1', b: 2, c: null, d: undefined, e: ['x'] },
    request: { timeout: 5, proxy: false, httpVersion: 2 },
  };
  priorityAdapter([options, { ...options, apiKey: () => Promise.resolve('key') }], {
    adapter: ['fetch', 'http'],
    selector: undefined,
  });
  for (const selector of [weightedRandom, leastPending, roundRobin(), affinity(({ url }) => url)]) {
    new BackendPool(backends, { selector } satisfies BackendPoolOptions);
  }

  const response = await client.get('/x', { failover: false });
  same<typeof response.attempts, readonly Attempt[] | undefined>();
  same<typeof response.fabricated, boolean | undefined>();
  const error: unknown = undefined;
  if (axios.isAxiosError(error)) same<typeof error.attempts, readonly Attempt[] | undefined>();

  const { pool, detach } = attachPriorityAdapter(client, adapter.pool);
  same<typeof detach, () => void>();
  same<ReturnType<typeof pool.snapshot>, BackendStatus[]>();
  same<ReturnType<typeof parseRetryAfter>, number | undefined>();
  pool.subscribe((event: PoolEvent) => {
    if (event.type === 'cooldown') same<typeof event.scope, string | undefined>();
    if (event.type === 'attempt') same<typeof event.backend, string>();
    if (event.type === 'exhausted') same<typeof event.retryAfter, number>();
  });

  const selector: Selector = (candidates, config) => {
    same<typeof candidates, readonly Backend[]>();
    same<typeof config, AxiosRequestConfig>();
    return candidates[0]!;
  };
  const condition: FailoverCondition = (failure) => {
    same<typeof failure, Failure>();
    return defaultFailoverCondition(failure) || failure.status === 404;
  };
  const all: PriorityAdapterOptions = {
    selector,
    failoverCondition: condition,
    cooldown: ({ response: r }) => r?.status,
  };
  priorityAdapter(backends, all);
}

export function refused(): void {
  // @ts-expect-error -- no backends
  priorityAdapter();
  // @ts-expect-error -- a host alone is no backend
  priorityAdapter(['a.example']);
  // @ts-expect-error -- baseURL is required
  priorityAdapter([{ priority: 1 }]);
  // @ts-expect-error -- misspelt
  priorityAdapter([{ baseURL: 'a.example', apikey: 'k' }]);
  // @ts-expect-error -- misspelt
  priorityAdapter(backends, { selecter: leastPending });
  // @ts-expect-error -- roundRobin makes a selector, and is none
  priorityAdapter(backends, { selector: roundRobin });
  // @ts-expect-error -- a promise is always true
  priorityAdapter(backends, { failoverCondition: () => Promise.resolve(true) });
  // @ts-expect-error -- an option of the adapter, not of the pool
  new BackendPool(backends, { maxWait: 1 });
  // @ts-expect-error -- true says nothing
  void axios.get('/x', { failover: true });
  // @ts-expect-error -- belongs to the adapter
  void axios.get('/x', { failover: { selector: leastPending } });
  // @ts-expect-error -- what the package sets itself
  priorityAdapter([{ baseURL: 'a.example', request: { url: '/x' } }]);
  const [backend] = new BackendPool(backends).backends;
  // @ts-expect-error -- for reading
  if (backend) backend.pending = 1;
}
