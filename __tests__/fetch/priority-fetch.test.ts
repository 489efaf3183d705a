import axios from 'axios';
import { inspect } from 'node:util';
import { attemptsOf, priorityAdapter } from '../../src';
import { BackendPool, affinity, priorityFetch, roundRobin } from '../../src/fetch';
import type { PriorityFetchOptions } from '../../src/fetch';
import type { Fetch } from '../../src/fetch/request';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, startBackends, throttle } from '../support/fake-backend';
import { URL_, pair, post } from '../support/fetch-pair';

closeBackendsAfterEach();

describe('one pool for axios and fetch', () => {
  test('a cooldown caused by one of them applies to the other', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always(throttle(60_000));
    const adapter = priorityAdapter([
      { baseURL: a.url, name: 'a' },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const fetch = priorityFetch(adapter.pool);
    expect(fetch.pool).toBe(adapter.pool);
    await axios.post('/openai/v1/responses', { model: 'chat' }, { adapter });
    expect(attemptsOf(await fetch(URL_, post()))).toMatchObject([{ backend: 'b', scope: 'chat' }]);
    await axios.post('/openai/v1/responses', { model: 'other' }, { adapter });
    expect(a.calls).toHaveLength(2);
  });
});

describe('secrets:', () => {
  test('a backend removes the headers of the caller for which it has null or false', async () => {
    const backend = await FakeBackend.start();
    const fetch = priorityFetch([
      { baseURL: backend.url, headers: { 'X-None': null, 'X-False': false, 'X-Own': ['1', '2'] } },
    ]);
    await fetch(URL_, { headers: { 'x-none': 'callers', 'x-false': 'callers', 'x-own': 'callers', 'x-kept': '1' } });
    expect(backend.lastCall.headers).toMatchObject({ 'x-own': '1, 2', 'x-kept': '1' });
    expect(Object.keys(backend.lastCall.headers)).not.toStrictEqual(
      expect.arrayContaining([expect.stringMatching(/none|false/)]),
    );
  });

  test('each backend gets its own credential and none of the caller’s', async () => {
    const { fetch, a, b } = await pair(throttle(60_000), {}, { headers: { 'x-none': null, 'x-list': ['1', '2'] } });
    const headers = { 'api-key': 'callers', Authorization: 'Bearer callers', 'x-none': 'x', 'X-Custom': 'kept' };
    await fetch(`${URL_}?api-key=callers&subscription-key=callers&kept=1`, { ...post(), headers });
    for (const [{ lastCall }, key] of [
      [a, 'secret-a'],
      [b, 'secret-b'],
    ] as const) {
      expect(lastCall.url).toBe('/openai/v1/responses?kept=1');
      expect(lastCall.headers).toMatchObject({ 'api-key': key, 'x-custom': 'kept' });
      expect(lastCall.headers).not.toHaveProperty('authorization');
    }
    expect(b.lastCall.headers).toMatchObject({ 'x-list': '1, 2' });
    expect(b.lastCall.headers).not.toHaveProperty('x-none');
  });

  test('neither the message nor a log of an error shows a key', async () => {
    const fetch = priorityFetch([{ baseURL: 'http://a.example', apiKey: 'secret-a' }], {
      fetch: (_input, init) => {
        const { 'api-key': key } = init!.headers as Record<string, string>;
        return Promise.reject(new TypeError('fetch failed', { cause: new Error(`bad value ${key!}`) }));
      },
    });
    const error = await rejectionOf(fetch(URL_, post()));
    expect(inspect(error, { depth: 9 })).toContain('bad value ***');
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
  });

  test('an error that cannot be modified is replaced', async () => {
    const frozen = Object.freeze(new TypeError('fetch failed for secret-a'));
    const backends = [{ baseURL: 'http://a.example', apiKey: 'secret-a' }];
    const fetch = priorityFetch(backends, { fetch: () => Promise.reject(frozen) });
    expect((await rejectionOf(fetch(URL_, post()))).message).toBe('fetch failed for ***');
  });

  test('a URL of another scheme bypasses the backends, and the error for a URL that is none shows no secret', async () => {
    const { fetch, a, b } = await pair({});
    expect(await (await fetch('data:,x')).text()).toBe('x');
    const error = await rejectionOf(fetch('/x?secret=1'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('Failed to parse URL from /x?***');
    const { message } = await rejectionOf(fetch('http://user:secret@ho st/x'));
    expect(message).toBe('Failed to parse URL from http://***@ho st/x');
    expect(error).not.toHaveProperty('attempts');
    expect([...a.calls, ...b.calls]).toStrictEqual([]);
  });
});

test('a priority fetch may replace the global fetch but not wrap another priority fetch', async () => {
  const backend = await FakeBackend.start();
  const { fetch } = globalThis;
  const ours = priorityFetch([{ baseURL: backend.url }]);
  globalThis.fetch = ours;
  try {
    expect((await globalThis.fetch(URL_)).status).toBe(200);
  } finally {
    globalThis.fetch = fetch;
  }
  expect(() => priorityFetch([{ baseURL: 'a.example' }], { fetch: ours })).toThrow(
    'options.fetch is a priority fetch; pass the fetch to wrap',
  );
});

test('a priority fetch that is used as an axios adapter rejects with a hint', async () => {
  const { fetch } = await pair({});
  await expect(axios.get('/x', { adapter: fetch as never })).rejects.toThrow(
    new TypeError('this is a fetch; for axios, use priorityAdapter'),
  );
});

describe('callbacks', () => {
  test('get the config that axios would give them', async () => {
    const configs: unknown[] = [];
    const note = (config: unknown) => void configs.push(config);
    const signal = new AbortController().signal;
    const { fetch } = await pair(throttle(60_000), {
      shouldBalance: (config) => !note(config),
      selector: ([first], config) => (note(config), first!),
      failoverCondition: ({ config }) => !note(config),
      cooldown: ({ config }) => note(config),
    });
    const failover = { maxWait: 1 };
    await fetch(URL_, { method: 'Put', headers: { 'X-Custom': 'a' }, body: 'text', signal, failover });
    expect(configs).toHaveLength(5);
    expect(configs[0]).toStrictEqual({
      url: URL_,
      method: 'put',
      headers: { 'x-custom': 'a' },
      data: 'text',
      signal,
      failover,
      cancelToken: undefined,
    });
    expect(new Set(configs).size).toBe(1);
  });

  test('shouldBalance false sends the request through the wrapped fetch untouched', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { fetch: given, shouldBalance: () => false });
    const [input, init] = [new Request('http://elsewhere.example'), { failover: { nonsense: 1 } as never }];
    const response = await fetch(input, init);
    expect(given).toHaveBeenCalledWith(input, init);
    expect(response).not.toHaveProperty('attempts');
  });

  test('an affinity selector keeps a user on one backend', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const selector = affinity(({ headers }) => (headers as Record<string, string>)['x-user']);
    const fetch = priorityFetch([{ baseURL: a.url }, { baseURL: b.url }], { selector });
    for (let i = 0; i < 4; i++) await fetch(URL_, { headers: { 'X-User': 'one' } });
    expect([a.calls.length, b.calls.length].sort()).toStrictEqual([0, 4]);
  });
});

describe('failover in init', () => {
  test('false makes one attempt, and returns its response as it is', async () => {
    const { fetch, b } = await pair({ status: 429, body: 'real' });
    const response = await fetch(URL_, { ...post(), failover: false });
    expect([response.status, await response.text(), b.calls.length]).toStrictEqual([429, 'real', 0]);
    expect(response).not.toHaveProperty('fabricated');
  });

  test('pins a request to a backend', async () => {
    const { fetch, a } = await pair({});
    expect((await fetch(URL_, { failover: { backend: 'b' } })).attempts[0]!.backend).toBe('b');
    expect(a.calls).toStrictEqual([]);
    await expect(fetch(URL_, { failover: { backend: 'c' } })).rejects.toThrow(
      'init.failover.backend: unknown backend "c"; expected one of a, b',
    );
  });

  test('waits within maxWait', async () => {
    const { fetch, a, b } = await pair({});
    a.script(throttle(30));
    b.always(throttle(60_000));
    expect((await fetch(URL_, { ...post(), failover: { maxWait: 2000 } })).status).toBe(200);
    expect(a.calls).toHaveLength(2);
  });
});

test.each<[PriorityFetchOptions, string]>([
  [{ fetch: 'x' as never }, 'options.fetch must be a function, got "x"'],
  [
    { connectTimeout: 5 } as never,
    "options.connectTimeout is for axios alone; the runtime's fetch has a limit of its own",
  ],
  [{ adapter: 'http' } as never, 'options.adapter is for axios alone; pass the fetch to wrap as fetch'],
  [{ selector: roundRobin as never }, 'options.selector is roundRobin itself; write roundRobin()'],
])('priorityFetch rejects the options %j', (options, message) => {
  expect(() => priorityFetch([{ baseURL: 'a.example' }], options)).toThrow(new TypeError(message));
});

test.each<[object, string]>([
  [{ fetch: 'x' }, 'options.fetch must be a function, got "x"'],
  [{ adapter: 'http' }, 'pass the fetch to wrap as fetch'],
  [{ connectTimeout: 5 }, "the runtime's fetch has a limit of its own"],
])('the options %j are refused', (options, message) => {
  expect(() => priorityFetch([{ baseURL: 'http://a.example' }], options)).toThrow(message);
});

test('pool options are rejected with a ready pool, and the pool of another client is accepted', () => {
  const pool = new BackendPool([{ baseURL: 'a.example' }]);
  expect(() => priorityFetch(pool, { maxCooldown: 5 })).toThrow('options.maxCooldown belongs to the pool');
  expect(priorityFetch(pool).pool).toBe(pool);
});

test('the global fetch is looked up at each call', async () => {
  const { fetch } = globalThis;
  const ours = priorityFetch([{ baseURL: 'http://a.example' }]);
  globalThis.fetch = () => Promise.resolve(new Response('replaced'));
  try {
    expect(await (await ours(URL_)).text()).toBe('replaced');
  } finally {
    globalThis.fetch = fetch;
  }
});
