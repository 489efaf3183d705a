/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-class-instance-assignment -- what is refused has no type */
/** What the compiler must refuse: checked by `npm run types`, never run. */
import axios from 'axios';
import type { AxiosResponse } from 'axios';
import {
  BackendPool,
  affinity,
  attachPriorityAdapter,
  leastPending,
  parseRetryAfter,
  priorityAdapter,
  roundRobin,
} from '../../src';
import type { Attempt, Backend, BackendStatus, Failure, PoolEvent, Selector } from '../../src';

const baseURL = 'a.example';
const backends = [{ baseURL }] as const;

export function backendsRefused(): void {
  // @ts-expect-error -- no backends
  priorityAdapter();
  // @ts-expect-error -- a host alone is no backend
  priorityAdapter(['a.example']);
  // @ts-expect-error -- one is not a list
  priorityAdapter({ baseURL });
  // @ts-expect-error -- baseURL is required
  priorityAdapter([{ priority: 1 }]);
  // @ts-expect-error -- baseURL is text
  priorityAdapter([{ baseURL: new URL('https://a.example') }]);
  // @ts-expect-error -- misspelt
  priorityAdapter([{ baseURL, apikey: 'k' }]);
  // @ts-expect-error -- an integer
  priorityAdapter([{ baseURL, priority: '1' }]);
  // @ts-expect-error -- null is not the default
  priorityAdapter([{ baseURL, weight: null }]);
  // @ts-expect-error -- text, not a number
  priorityAdapter([{ baseURL, name: 1 }]);
  // @ts-expect-error -- a string or a function
  priorityAdapter([{ baseURL, apiKey: 1 }]);
  // @ts-expect-error -- gives a string
  priorityAdapter([{ baseURL, apiKey: () => 1 }]);
  // @ts-expect-error -- an environment variable may be undefined
  priorityAdapter([{ baseURL, apiKey: () => process.env.KEY }]);
  // @ts-expect-error -- a token alone would expire
  priorityAdapter([{ baseURL, azureADTokenProvider: 'token' }]);
  // @ts-expect-error -- as @azure/identity gives it
  priorityAdapter([{ baseURL, azureADTokenProvider: () => 'token' }]);
  // @ts-expect-error -- no header value
  priorityAdapter([{ baseURL, headers: { a: {} } }]);
  // @ts-expect-error -- a record of them
  priorityAdapter([{ baseURL, params: 'api-version=1' }]);
  // @ts-expect-error -- names to names
  priorityAdapter([{ baseURL, deployments: { a: 1 } }]);
  // @ts-expect-error -- what the package sets itself
  priorityAdapter([{ baseURL, request: { url: '/x' } }]);
  // @ts-expect-error -- credentials are said outside
  priorityAdapter([{ baseURL, request: { auth: { username: 'u', password: 'p' } } }]);
  // @ts-expect-error -- milliseconds
  priorityAdapter([{ baseURL, request: { timeout: '5s' } }]);
}

export function optionsRefused(pool: BackendPool): void {
  // @ts-expect-error -- misspelt
  priorityAdapter(backends, { selecter: leastPending });
  // @ts-expect-error -- a selector's name is not one
  priorityAdapter(backends, { selector: 'leastPending' });
  // @ts-expect-error -- roundRobin makes a selector, and is none
  priorityAdapter(backends, { selector: roundRobin });
  // @ts-expect-error -- somebody must be picked
  priorityAdapter(backends, { selector: (candidates) => candidates[0] });
  // @ts-expect-error -- the backend, not its name
  priorityAdapter(backends, { selector: (candidates) => candidates[0]?.name ?? '' });
  // @ts-expect-error -- a promise is always true
  priorityAdapter(backends, { failoverCondition: () => Promise.resolve(true) });
  // @ts-expect-error -- a function of a failure
  priorityAdapter(backends, { failoverCondition: [429] });
  // @ts-expect-error -- a function; a number is defaultCooldown
  priorityAdapter(backends, { cooldown: 1000 });
  // @ts-expect-error -- milliseconds
  priorityAdapter(backends, { defaultCooldown: '10s' });
  // @ts-expect-error -- milliseconds
  priorityAdapter(backends, { maxWait: true });
  // @ts-expect-error -- a number of bytes
  priorityAdapter(backends, { maxReplaySize: '32 MiB' });
  // @ts-expect-error -- answers at once
  priorityAdapter(backends, { shouldBalance: () => Promise.resolve(true) });
  // @ts-expect-error -- axios has no such adapter
  priorityAdapter(backends, { adapter: 5 });
  // @ts-expect-error -- an option of the adapter, not of the pool
  new BackendPool(backends, { maxWait: 1 });
  // @ts-expect-error -- a pool is made of backends
  new BackendPool(pool);
  // @ts-expect-error -- no instance
  attachPriorityAdapter({}, backends);
  // @ts-expect-error -- a key is text or a number
  affinity(() => true);
  // @ts-expect-error -- and is worked out for each request
  affinity('user');
}

export function requestsRefused(): void {
  // @ts-expect-error -- true says nothing
  void axios.get('/x', { failover: true });
  // @ts-expect-error -- null is not the default
  void axios.get('/x', { failover: null });
  // @ts-expect-error -- belongs to the adapter
  void axios.get('/x', { failover: { selector: leastPending } });
  // @ts-expect-error -- belongs to the adapter
  void axios.get('/x', { failover: { maxReplaySize: 1 } });
  // @ts-expect-error -- milliseconds
  void axios.create({ failover: { attemptTimeout: '1s' } });
  // @ts-expect-error -- the status says what is to be read
  parseRetryAfter({ headers: {} });
  // @ts-expect-error -- milliseconds or a Date
  parseRetryAfter({ status: 429 }, '2026-01-15');
}

export function writingRefused(pool: BackendPool, backend: Backend, status: BackendStatus, attempt: Attempt): void {
  // @ts-expect-error -- for reading
  backend.pending = 1;
  // @ts-expect-error -- for reading
  backend.weight = 1;
  // @ts-expect-error -- for reading
  pool.backends.push(backend);
  // @ts-expect-error -- changed by update
  pool.backends = [];
  // @ts-expect-error -- for reading
  status.state = 'available';
  // @ts-expect-error -- for reading
  status.available = true;
  // @ts-expect-error -- for reading
  status.cooldowns.pop();
  // @ts-expect-error -- for reading
  attempt.duration = 1;
  // @ts-expect-error -- one adapter, one pool
  priorityAdapter(backends).pool = pool;
  // @ts-expect-error -- a name and ms
  pool.cool('a');
  // @ts-expect-error -- milliseconds
  pool.cool('a', '1s');
  // @ts-expect-error -- by its name
  pool.restore(backend);
  // @ts-expect-error -- backends, as when it was made
  pool.update(pool);
  // @ts-expect-error -- somebody must be told
  pool.subscribe();
}

export function readingRefused(event: PoolEvent, failure: Failure, response: AxiosResponse): void {
  // @ts-expect-error -- not every event is about a backend
  void event.backend;
  // @ts-expect-error -- a cooldown has a duration, and waits for nobody
  if (event.type === 'cooldown') void event.retryAfter;
  // @ts-expect-error -- there is no such event
  void (event.type === 'failed');
  // @ts-expect-error -- for reading
  event.type = 'waiting';
  // @ts-expect-error -- for reading
  failure.status = 200;
  // @ts-expect-error -- there may be no answer
  void failure.response.status;
  // @ts-expect-error -- for reading
  response.attempts?.pop();
  // @ts-expect-error -- another adapter leaves none
  void response.attempts.length;
  const selector: Selector = (candidates) => {
    // @ts-expect-error -- the pool's own list
    candidates.reverse();
    return candidates[0]!;
  };
  void selector;
}
