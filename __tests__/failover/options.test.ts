import axios from 'axios';
import { BackendPool, attachPriorityAdapter, attemptsOf, priorityAdapter } from '../../src';
import { bare } from '../../src/base/hidden';
import { priorityFetch } from '../../src/fetch';
import type { FakeBackend } from '../support/fake-backend';
import { startBackends, closeBackendsAfterEach } from '../support/fake-backend';

closeBackendsAfterEach();

const ok = { baseURL: 'a.example' };

test.each<[object, string]>([
  [{ selecter: 1 }, 'options has an unknown field "selecter"; did you mean "selector"?'],
  [{ selector: 'random' }, 'options.selector must be a function, got "random"'],
  [{ timeout: 1 }, 'options has an unknown field "timeout"; did you mean "attemptTimeout"?'],
  [{ retries: 1 }, 'options has an unknown field "retries"'],
  [{ attemptTimeout: '5s' }, 'options.attemptTimeout must be a finite number of ms ≥ 0, got "5s"'],
  [{ maxWait: NaN }, 'options.maxWait must be a finite number of ms ≥ 0, got NaN'],
  [{ maxReplaySize: '5' }, 'options.maxReplaySize must be a number of bytes ≥ 0, got "5"'],
  [{ maxReplaySize: NaN }, 'options.maxReplaySize must be a number of bytes ≥ 0, got NaN'],
  [{ maxReplaySize: -1 }, 'options.maxReplaySize must be a number of bytes ≥ 0, got -1'],
  [{ failoverCondition: true }, 'options.failoverCondition must be a function, got true'],
  [{ cooldown: 1000 }, 'options.cooldown must be a function, got 1000'],
  [{ shouldBalance: 1 }, 'options.shouldBalance must be a function, got 1'],
])('priorityAdapter and attachPriorityAdapter reject the options %j', (options, message) => {
  for (const make of [priorityAdapter, attachPriorityAdapter.bind(undefined, axios.create())]) {
    expect(() => make([ok], options)).toThrow(TypeError);
    expect(() => make([ok], options)).toThrow(message);
  }
});

test('options may be class instances, AxiosHeaders, module namespaces or objects without a prototype', () => {
  class Options {
    readonly maxWait = 1;
  }
  expect(() => priorityAdapter([ok], new Options())).not.toThrow();
  expect(() => priorityAdapter([{ ...ok, headers: new axios.AxiosHeaders() }])).not.toThrow();
  const namespace = { baseURL: 'b.example', [Symbol.toStringTag]: 'Module' };
  expect(() => priorityAdapter([ok, namespace])).not.toThrow();
  expect(() => priorityAdapter([{ ...ok, params: Object.create(null) as Record<string, unknown> }])).not.toThrow();
});

describe('a polluted Object.prototype sets neither options nor fields of a backend', () => {
  const polluted = {
    ...{ failoverCondition: () => false, shouldBalance: () => false, cooldown: 'x', maxWait: 'x', once: true },
    ...{ adapter: 'nope', selector: 'x', maxCooldown: -1, failover: false, transport: {}, beforeRedirect: 'x' },
    ...{ apiKey: 'polluted', params: { polluted: 1 }, deployments: { a: 'b' }, weight: -1, cancelToken: 'x' },
    ...{ refusal: 'x', reason: 'x', head: 'x', native: 'x', streamError: 'x' },
    ...{ last: 'x', failure: 'x', error: 'x', held: 'x', connection: 'x', isOver: true, resends: true, model: 'x' },
    // Of descriptors.
    ...{ get: () => 'x', set: 'x', value: 'x', writable: true },
    fetch: () => Promise.reject(new Error('polluted')),
  };
  // fetch reads these of its own `init`, inherited or not.
  const notOfFetch = { headers: { 'x-polluted': '1' }, body: 'polluted' };

  test.each<[string, (pool: BackendPool) => Promise<unknown>, object]>([
    [
      'axios over http',
      (pool) => axios.get('/x', { adapter: priorityAdapter(pool), failover: {} }),
      { ...polluted, ...notOfFetch },
    ],
    [
      'axios over fetch',
      (pool) => axios.get('/x', { adapter: priorityAdapter(pool, { adapter: 'fetch' }), failover: {} }),
      polluted,
    ],
    [
      'priorityFetch',
      (pool) => priorityFetch(pool)('http://pool.invalid/x'),
      {
        ...polluted,
        baseURL: 'http://polluted.example/polluted',
        allowAbsoluteUrls: false,
        fetchOptions: { signal: AbortSignal.abort() },
      },
    ],
  ])('over %s', async (_client, request, values) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 503 });
    second.always({ headers: { 'content-type': 'text/event-stream' }, body: 'data: {"choices":[1]}\n\n' });
    // Under Jest, the first look at a global defines it, which the polluted prototype would break.
    await fetch(first.url);
    for (const name of Object.getOwnPropertyNames(globalThis)) Reflect.get(globalThis, name);
    for (const [name, value] of Object.entries(values) as [string, unknown][]) {
      Object.defineProperty(Object.prototype, name, bare({ value, configurable: true, writable: true }));
    }
    try {
      const pool = new BackendPool([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
      const attempts = attemptsOf(await request(pool));
      expect(attempts).toMatchObject([{ status: 503 }, { status: 200 }]);
      expect(Object.keys(attempts[1]!)).toStrictEqual(['backend', 'status', 'duration']);
    } finally {
      for (const name of Object.keys(values)) Reflect.deleteProperty(Object.prototype, name);
    }
    expect([second.lastCall.url, JSON.stringify(second.lastCall.headers)]).toStrictEqual([
      '/x',
      expect.not.stringContaining('polluted'),
    ]);
  });
});

test('backends in place of options are rejected', () => {
  const pool = new BackendPool([ok]);
  const put = 'options must be an object, got an array: pass the backends as the first argument';
  expect(() => priorityAdapter({ maxWait: 1 } as never, [ok] as never)).toThrow(new TypeError(put));
  expect(() => attachPriorityAdapter(axios.create(), pool, [ok] as never)).toThrow(new TypeError(put));
  expect(() => new BackendPool([ok], [ok] as never)).toThrow(new TypeError(put));
  expect(() => priorityAdapter([ok], pool as never)).toThrow(
    new TypeError('options must be an object, got a BackendPool: pass it as the first argument'),
  );
});

test('options that are not an object are rejected', () => {
  expect(() => priorityAdapter([ok], null as never)).toThrow('options must be an object, got null');
  expect(() => new BackendPool([ok], 'x' as never)).toThrow('options must be an object, got a string');
});

test('pool options given together with a ready pool are rejected', () => {
  const pool = new BackendPool([ok]);
  for (const option of ['selector', 'defaultCooldown', 'maxCooldown'] as const) {
    expect(() => priorityAdapter(pool, { [option]: option === 'selector' ? () => pool.backends[0] : 1 })).toThrow(
      `options.${option} belongs to the pool; pass it to new BackendPool(backends, options)`,
    );
  }
  expect(priorityAdapter(pool, { selector: undefined, maxWait: 5 }).pool).toBe(pool);
});

test('BackendPool rejects options that belong to the adapter', () => {
  expect(() => new BackendPool([ok], { maxWait: 1 } as never)).toThrow('options has an unknown field "maxWait"');
});

test('an option that is undefined gets its default', () => {
  const nothing = (names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));
  const fields = [
    'priority',
    'weight',
    'name',
    'headers',
    'params',
    'deployments',
    'attemptTimeout',
    'connectTimeout',
    'request',
  ];
  const options = [
    'adapter',
    'selector',
    'failoverCondition',
    'cooldown',
    'defaultCooldown',
    'maxCooldown',
    'attemptTimeout',
    'maxWait',
    'maxReplaySize',
    'shouldBalance',
  ];
  const { pool } = priorityAdapter([{ ...ok, ...nothing(fields) }], nothing(options));
  expect(pool.snapshot()).toMatchObject([{ name: 'a.example', priority: 1, weight: 1 }]);
});
