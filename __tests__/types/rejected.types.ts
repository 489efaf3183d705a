/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-class-instance-assignment -- rejected code has no type */
/** What the compiler must reject: checked by `npm run types`, never run. */
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

export function invalidBackends(): void {
  // @ts-expect-error -- backends are required
  priorityAdapter();
  // @ts-expect-error -- a string is not a backend
  priorityAdapter(['a.example']);
  // @ts-expect-error -- an array is required
  priorityAdapter({ baseURL });
  // @ts-expect-error -- baseURL is required
  priorityAdapter([{ priority: 1 }]);
  // @ts-expect-error -- a string
  priorityAdapter([{ baseURL: new URL('https://a.example') }]);
  // @ts-expect-error -- misspelled
  priorityAdapter([{ baseURL, apikey: 'k' }]);
  // @ts-expect-error -- an integer
  priorityAdapter([{ baseURL, priority: '1' }]);
  // @ts-expect-error -- null is not the default
  priorityAdapter([{ baseURL, weight: null }]);
  // @ts-expect-error -- a string, not a number
  priorityAdapter([{ baseURL, name: 1 }]);
  // @ts-expect-error -- a string or a function
  priorityAdapter([{ baseURL, apiKey: 1 }]);
  // @ts-expect-error -- must return a string
  priorityAdapter([{ baseURL, apiKey: () => 1 }]);
  // @ts-expect-error -- an environment variable may be undefined
  priorityAdapter([{ baseURL, apiKey: () => process.env.KEY }]);
  // @ts-expect-error -- a token alone would expire
  priorityAdapter([{ baseURL, azureADTokenProvider: 'token' }]);
  // @ts-expect-error -- must return a promise
  priorityAdapter([{ baseURL, azureADTokenProvider: () => 'token' }]);
  // @ts-expect-error -- not a header value
  priorityAdapter([{ baseURL, headers: { a: {} } }]);
  // @ts-expect-error -- an object
  priorityAdapter([{ baseURL, params: 'api-version=1' }]);
  // @ts-expect-error -- maps strings to strings
  priorityAdapter([{ baseURL, deployments: { a: 1 } }]);
  // @ts-expect-error -- set by the package
  priorityAdapter([{ baseURL, request: { url: '/x' } }]);
  // @ts-expect-error -- credentials have their own options
  priorityAdapter([{ baseURL, request: { auth: { username: 'u', password: 'p' } } }]);
  // @ts-expect-error -- milliseconds
  priorityAdapter([{ baseURL, attemptTimeout: '5s' }]);
  // @ts-expect-error -- the caller's budget for all attempts
  priorityAdapter([{ baseURL, request: { timeout: 5 } }]);
}

export function invalidOptions(pool: BackendPool): void {
  // @ts-expect-error -- misspelled
  priorityAdapter(backends, { selecter: leastPending });
  // @ts-expect-error -- a selector's name is not one
  priorityAdapter(backends, { selector: 'leastPending' });
  // @ts-expect-error -- roundRobin returns a selector, but is not one
  priorityAdapter(backends, { selector: roundRobin });
  // @ts-expect-error -- must return a backend
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
  // @ts-expect-error -- must be synchronous
  priorityAdapter(backends, { shouldBalance: () => Promise.resolve(true) });
  // @ts-expect-error -- axios has no such adapter
  priorityAdapter(backends, { adapter: 5 });
  // @ts-expect-error -- an option of the adapter, not of the pool
  new BackendPool(backends, { maxWait: 1 });
  // @ts-expect-error -- takes backends, not a pool
  new BackendPool(pool);
  // @ts-expect-error -- not an axios instance
  attachPriorityAdapter({}, backends);
  // @ts-expect-error -- a key is a string or a number
  affinity(() => true);
  // @ts-expect-error -- a function of the config
  affinity('user');
}

export function invalidRequests(): void {
  // @ts-expect-error -- true has no meaning
  void axios.get('/x', { failover: true });
  // @ts-expect-error -- null is not the default
  void axios.get('/x', { failover: null });
  // @ts-expect-error -- an option of the adapter
  void axios.get('/x', { failover: { selector: leastPending } });
  // @ts-expect-error -- an option of the adapter
  void axios.get('/x', { failover: { maxReplaySize: 1 } });
  // @ts-expect-error -- milliseconds
  void axios.create({ failover: { attemptTimeout: '1s' } });
  // @ts-expect-error -- status is required
  parseRetryAfter({ headers: {} });
  // @ts-expect-error -- milliseconds or a Date
  parseRetryAfter({ status: 429 }, '2026-01-15');
}

export function readonlyState(pool: BackendPool, backend: Backend, status: BackendStatus, attempt: Attempt): void {
  // @ts-expect-error -- readonly
  backend.pending = 1;
  // @ts-expect-error -- readonly
  backend.weight = 1;
  // @ts-expect-error -- readonly
  pool.backends.push(backend);
  // @ts-expect-error -- readonly: use update
  pool.backends = [];
  // @ts-expect-error -- readonly
  status.state = 'available';
  // @ts-expect-error -- readonly
  status.available = true;
  // @ts-expect-error -- readonly
  status.cooldowns.pop();
  // @ts-expect-error -- readonly
  attempt.duration = 1;
  // @ts-expect-error -- readonly: an adapter keeps its pool
  priorityAdapter(backends).pool = pool;
  // @ts-expect-error -- ms is required
  pool.cool('a');
  // @ts-expect-error -- milliseconds
  pool.cool('a', '1s');
  // @ts-expect-error -- takes a name
  pool.restore(backend);
  // @ts-expect-error -- takes backends, not a pool
  pool.update(pool);
  // @ts-expect-error -- the listener is required
  pool.subscribe();
}

export function unsafeReading(event: PoolEvent, failure: Failure, response: AxiosResponse): void {
  // @ts-expect-error -- not every event is about a backend
  void event.backend;
  // @ts-expect-error -- a cooldown has a duration
  if (event.type === 'cooldown') void event.retryAfter;
  // @ts-expect-error -- there is no such event
  void (event.type === 'failed');
  // @ts-expect-error -- readonly
  event.type = 'waiting';
  // @ts-expect-error -- readonly
  failure.status = 200;
  // @ts-expect-error -- there may be no response
  void failure.response.status;
  // @ts-expect-error -- readonly
  response.attempts?.pop();
  // @ts-expect-error -- undefined with another adapter
  void response.attempts.length;
  const selector: Selector = (candidates) => {
    // @ts-expect-error -- the list belongs to the pool
    candidates.reverse();
    return candidates[0]!;
  };
  void selector;
}
