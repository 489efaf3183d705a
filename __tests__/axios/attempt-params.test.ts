import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, startBackends } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

/** The URL that plain axios requests, and the one that a backend gets. */
async function urlsOf(config: AxiosRequestConfig, backend: Partial<BackendOptions> = { apiKey: 'own' }) {
  const [server] = (await startBackends(1)) as [FakeBackend];
  const adapter = priorityAdapter([{ baseURL: server.url, ...backend }]);
  await axios.get('/x', { ...config, baseURL: server.url });
  await axios.get('/x', { ...config, adapter });
  return server.calls.map(({ url }) => url) as [plain: string, ours: string];
}

class Query {
  readonly #a = 1;
  text(): string {
    return `a=${String(this.#a)}`;
  }
}

class WithPercents extends URLSearchParams {
  override toString(): string {
    return super.toString().replaceAll('+', '%20');
  }
}

const serializer = (serialize: (params: never) => string | undefined) => ({ serialize: serialize as never });

describe('what only a serializer of the caller’s can read', () => {
  const cases: readonly (readonly [name: string, config: AxiosRequestConfig])[] = [
    [
      'pairs',
      {
        params: [
          ['a', 1],
          ['b', 'x y'],
        ],
        paramsSerializer: serializer((params: string[][]) => new URLSearchParams(params).toString()),
      },
    ],
    ['text', { params: 'a=1&b=2', paramsSerializer: serializer((params: string) => params) }],
    [
      'a Map',
      {
        params: new Map([['a', 1]]),
        paramsSerializer: serializer((params: Map<string, string>) => new URLSearchParams([...params]).toString()),
      },
    ],
    [
      'an object with private fields',
      { params: new Query(), paramsSerializer: serializer((params: Query) => params.text()) },
    ],
    ['a URLSearchParams that writes itself', { params: new WithPercents({ q: 'a b' }) }],
    ['an object', { params: { a: [1, 2] }, paramsSerializer: serializer(({ a }: { a: number[] }) => `a=${a.join()}`) }],
    ['nothing', { params: { a: 1 }, paramsSerializer: serializer(() => undefined) }],
  ];

  test.each(cases)('reaches a backend with a key as in plain axios: %s', async (_, config) => {
    const [plain, ours] = await urlsOf(config);
    expect(ours).toBe(plain);
  });

  test.each(cases)('is followed by the backend’s own params: %s', async (_, config) => {
    const [plain, ours] = await urlsOf(config, { params: { v: [1, 2], when: new Date(0) } });
    const own = 'v[]=1&v[]=2&when=1970-01-01T00%3A00%3A00.000Z';
    expect(ours).toBe(plain.includes('?') ? `${plain}&${own}` : `${plain}?${own}`);
  });
});

describe('a serializer of the caller’s', () => {
  test('is not asked about the params of a backend if the caller has none', async () => {
    const serialize = jest.fn(() => 'asked=1');
    const [, ours] = await urlsOf({ paramsSerializer: { serialize } }, { params: { v: 1, none: null } });
    expect(ours).toBe('/x?v=1');
    expect(serialize).not.toHaveBeenCalled();
  });

  test('may be a function in place of an object', async () => {
    const [plain, ours] = await urlsOf({
      params: { a: 1 },
      paramsSerializer: ((params: { a: number }) => `A=${String(params.a)}`) as never,
    });
    expect([plain, ours]).toStrictEqual(['/x?A=1', '/x?A=1']);
    // Where the adapter is called directly, axios hasn't put it into an object.
    const { request, configs } = stubPool({ a: { params: { v: 1 } } });
    await request({ url: '/x', params: { a: 1 }, paramsSerializer: (() => 'A=1') as never });
    const { params, paramsSerializer } = configs[0]!;
    const { serialize } = paramsSerializer as { serialize: (params: unknown) => string };
    expect(serialize(params)).toBe('A=1&v=1');
  });

  test('gets its options, and an object without what the backend replaces', async () => {
    const seen: unknown[] = [];
    const serialize = (params: object, options?: object) => {
      seen.push({ ...params }, (options as { indexes?: unknown }).indexes);
      return 'a:1;v:1';
    };
    const params = { a: 1, v: 1, 'api-key': 'callers' };
    const backend = { apiKey: 'own', params: { v: 2 } };
    const [, ours] = await urlsOf({ params, paramsSerializer: { serialize, indexes: true } }, backend);
    expect(seen).toStrictEqual([params, true, { a: 1 }, true]);
    expect(ours).toBe('/x?a:1;v:1&v=2');
    expect(params).toStrictEqual({ a: 1, v: 1, 'api-key': 'callers' });
  });

  test('writes no credential that a backend with its own must not get', async () => {
    const paramsSerializer = serializer((params: string) => params);
    const [plain, ours] = await urlsOf({ params: 'a=1&api%2Dkey=callers&b=2', paramsSerializer });
    expect([plain, ours]).toStrictEqual(['/x?a=1&api%2Dkey=callers&b=2', '/x?a=1&b=2']);
    expect((await urlsOf({ params: 'subscription-key=callers', paramsSerializer }))[1]).toBe('/x');
  });
});

test('params of a backend beside a URLSearchParams are written as in an object', async () => {
  const params = { since: new Date(0), o: { a: 1 }, l: [1, { z: null, y: 2 }], none: null };
  const [, beside] = await urlsOf({ params: new URLSearchParams() }, { params });
  const [, alone] = await urlsOf({}, { params });
  const pairs = (url: string) => [...new URL(url, 'http://a').searchParams];
  expect(pairs(beside)).toStrictEqual(pairs(alone));
  expect(pairs(beside)).toStrictEqual([
    ['since', '1970-01-01T00:00:00.000Z'],
    ['o[a]', '1'],
    ['l[0]', '1'],
    ['l[1][y]', '2'],
  ]);
});

test.each([false, 0, '', null, undefined])('params of %p count as none, with a serializer too', async (params) => {
  const paramsSerializer = serializer(() => 'asked=1');
  for (const config of [{ params }, { params, paramsSerializer }])
    expect((await urlsOf(config as AxiosRequestConfig, { params: { v: 1 } }))[1]).toBe('/x?v=1');
});

test('a serializer gets the very URLSearchParams of the caller', async () => {
  const params = new WithPercents({ a: 'x y', v: '1' });
  const serialize = jest.fn(String);
  const [, ours] = await urlsOf({ params, paramsSerializer: serializer(serialize) }, { params: { v: 2 } });
  expect(ours).toBe('/x?a=x%20y&v=2');
  expect(serialize.mock.calls.every(([given]) => given === params)).toBe(true);
});

describe('a wrapped adapter that reads the params itself', () => {
  const read = async (config: AxiosRequestConfig) => {
    const { request, configs } = stubPool({ a: { apiKey: 'own', params: { v: 2 } } });
    await request({ url: '/x', ...config } as never);
    return new URLSearchParams(configs[0]!.params as Record<string, string>).toString();
  };

  test.each<[string, AxiosRequestConfig]>([
    ['an object', { params: { a: 1, v: 1, 'api-key': 'callers' } }],
    [
      'an object and a serializer',
      { params: { a: 1, v: 1, 'api-key': 'callers' }, paramsSerializer: serializer(() => '') },
    ],
    ['a URLSearchParams', { params: new URLSearchParams({ a: '1', v: '1', 'api-key': 'callers' }) }],
    [
      'a URLSearchParams and a serializer',
      { params: new URLSearchParams({ a: '1', v: '1', 'api-key': 'callers' }), paramsSerializer: serializer(() => '') },
    ],
    ['a subclass of it', { params: new WithPercents({ a: '1', v: '1', 'api-key': 'callers' }) }],
  ])('sees those of the backend, and no credential of the caller: %s', async (_, config) => {
    expect(await read(config)).toBe(`a=1&v=2`);
  });
});

test('a polluted Object.prototype is no serializer', async () => {
  Object.defineProperty(Object.prototype, 'serialize', { value: () => 'polluted=1', configurable: true });
  try {
    expect((await urlsOf({ params: { a: 1 } }, { apiKey: 'own', params: { v: 1 } }))[1]).toBe('/x?a=1&v=1');
  } finally {
    Reflect.deleteProperty(Object.prototype, 'serialize');
  }
});
