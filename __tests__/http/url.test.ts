import axios, { AxiosHeaders } from 'axios';
import type { AxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { priorityAdapter } from '../../src';
import { combine, decode, pathPartsOf, withParams, withoutParams } from '../../src/http/url';
import { FakeBackend, rejectionOf, closeBackendsAfterEach } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

/** The URL that a single backend with this path prefix receives. */
async function requested(
  config: AxiosRequestConfig,
  prefix = '/gw',
  params?: Record<string, unknown>,
): Promise<string> {
  const backend = await FakeBackend.start();
  const wrapped = config.adapter ? { adapter: config.adapter } : {};
  const adapter = priorityAdapter([{ baseURL: backend.url + prefix, ...(params && { params }) }], wrapped);
  await axios.request({ ...config, adapter });
  expect(backend.calls).toHaveLength(1);
  return backend.lastCall.url;
}

describe('a request with', () => {
  test.each<[AxiosRequestConfig, string]>([
    [{ url: '/openai/x' }, '/gw/openai/x'],
    [{ url: 'openai/x' }, '/gw/openai/x'],
    [{ url: '/openai/x/' }, '/gw/openai/x/'],
    [{ url: '' }, '/gw'],
    [{}, '/gw'],
    [{ url: null as unknown as string, timeout: null as unknown as number }, '/gw'],
    [{ url: '?a=1' }, '/gw/?a=1'],
    [{ url: '/openai/a%20b?x=%2F&y=ü#part' }, '/gw/openai/a%20b?x=%2F&y=%C3%BC'],
    [{ baseURL: 'https://caller.example', url: '/x' }, '/gw/x'],
    [{ baseURL: 'https://caller.example/', url: '/x' }, '/gw/x'],
    [{ baseURL: 'https://caller.example/base/', url: 'x?y=1' }, '/gw/base/x?y=1'],
    [{ baseURL: 'https://caller.example/base', url: '' }, '/gw/base'],
    [{ baseURL: 'https://caller.example/base/', url: '' }, '/gw/base/'],
    [{ baseURL: '/relative', url: '/x' }, '/gw/relative/x'],
    [{ baseURL: 'caller:3000/base', url: '/x' }, '/gw/3000/base/x'],
    [{ baseURL: 'https://caller.example//two', url: '/x' }, '/gw//two/x'],
    [{ baseURL: 'https://user:pass@caller.example/base', url: '/x' }, '/gw/base/x'],
    [{ baseURL: 'https://caller.example/base?k=1', url: '/x' }, '/gw/base?k=1/x'],
    [{ baseURL: 'https://caller.example/base?k=1', url: '' }, '/gw/base?k=1'],
    [{ baseURL: 'https://caller.example/base', url: '//x/y', allowAbsoluteUrls: false }, '/gw/base/x/y'],
    [{ url: 'https://user:pass@other.example:99/x?y=1' }, '/gw/x?y=1'],
    [{ url: 'ftp://other.example/x' }, '/gw/x'],
    [{ url: 'h2://other.example/x' }, '/gw/x'],
    [{ url: 'foo://other.example' }, '/gw/'],
    [{ url: 'foo://other.example?a=1' }, '/gw/?a=1'],
    [{ baseURL: 'https://caller.example/base', url: 'https://other.example/x' }, '/gw/x'],
    [
      { baseURL: 'https://caller.example/base', url: 'https://other.example/x', allowAbsoluteUrls: false },
      '/gw/base/https://other.example/x',
    ],
    [{ url: 'https://other.example/x', allowAbsoluteUrls: false }, '/gw/x'],
    [{ url: 'https://other.example//x' }, '/gw//x'],
    [{ url: '/x//y' }, '/gw/x//y'],
    [{ baseURL: 'https://caller.example/base', url: '/x//y' }, '/gw/base/x//y'],
    [
      { baseURL: 'https://caller.example/base', url: '/x?next=https://other.example/y' },
      '/gw/base/x?next=https://other.example/y',
    ],
    [{ url: '/./x' }, '/gw/x'],
    [{ url: '/a/../x', baseURL: 'https://caller.example/base' }, '/gw/base/x'],
    [{ url: '../x', baseURL: 'https://caller.example/base' }, '/gw/x'],
    [{ url: '/x y?p=/../z&q=a b' }, '/gw/x%20y?p=/../z&q=a%20b'],
    [{ url: '/x/..//y', baseURL: 'https://caller.example/base' }, '/gw/base//y'],
    [{ url: '/\\y', baseURL: 'https://caller.example/base' }, '/gw/base//y'],
    [{ url: '\\y/z', baseURL: 'https://caller.example' }, '/gw//y/z'],
  ])('%j reaches %s', async (config, expected) => {
    expect(await requested(config)).toBe(expected);
  });

  test('a very long run of slashes takes linear time', () => {
    const { request, configs } = stubPool({ a: {} });
    const began = performance.now();
    const slashes = '/'.repeat(100_000);
    void request({ baseURL: `https://caller.example${slashes}x${slashes}y`, url: `${slashes}z${slashes}` });
    expect(() => priorityAdapter([{ baseURL: `https://a.example${slashes}x${slashes}y` }])).not.toThrow();
    expect(configs).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(500);
  });

  test.each(['/gw/', '/gw/openai/responses', '/'])(
    'an empty url reaches the address %s of the backend as it was given',
    async (address) => {
      expect(await requested({ url: '' }, address)).toBe(address);
      expect(await requested({ url: '', params: { a: 1 } }, address)).toBe(`${address}?a=1`);
    },
  );

  test.each([
    '/../../secret',
    '..',
    '/a/../../secret',
    '/%2e%2e/secret',
    '/.%2E/secret',
    '/..\\..\\secret',
    '\\..\\secret',
    '/a/.\t./../secret',
    '//evil.example/../secret',
    'https://evil.example/../../secret',
    'foo://evil.example/..\\..\\secret',
    // The URL parser removes trailing control characters and spaces.
    '/.. ',
    '..\0',
    '%2e%2e\x0b\x1f',
  ])('the url %j does not leave the prefix of the backend', async (url) => {
    expect(await requested({ url })).toMatch(/^\/gw\//);
    expect(await requested({ url, baseURL: 'https://caller.example/base' })).toMatch(/^\/gw\//);
  });

  test.each([
    '//evil.example/x',
    '\\\\evil.example/x',
    '/\\evil.example/x',
    '@evil.example/x',
    ':80@evil.example/x',
    '///evil.example/x',
    'https://evil.example//evil.example/x',
  ])('the url %j reaches the backend and no other host', async (url) => {
    expect(await requested({ url }, '')).toMatch(/^\//);
  });

  test('an invalid URL is a mistake of the caller', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    const error = await rejectionOf(axios.get('https://[::bad/x', { adapter }));
    expect(error).toMatchObject({ message: 'Invalid URL', code: 'ERR_INVALID_URL', attempts: [], isAxiosError: true });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
  });

  test('a URL object is sent as axios sends it', async () => {
    expect(await requested({ url: new URL('https://caller.example/x?y=1') as unknown as string })).toBe('/gw/x?y=1');
  });
});

describe('parsed URLs', () => {
  const base = { baseURL: 'https://caller.example/base' };

  test('are cached by everything that axios joins into them', async () => {
    const { request, configs } = stubPool({ a: {} });
    const url = 'https://other.example/x';
    await request({ ...base, url });
    await request({ ...base, url, allowAbsoluteUrls: false });
    await request({ ...base, url, allowAbsoluteUrls: true });
    await request({ baseURL: '/else', url, allowAbsoluteUrls: false });
    await request({ url, allowAbsoluteUrls: false });
    await request({ url: new URL(url) as unknown as string });
    expect(configs.map((config) => [config.baseURL, config.url])).toStrictEqual([
      ['https://a.example', '/x'],
      ['https://a.example/base', `/${url}`],
      ['https://a.example', '/x'],
      ['https://a.example/else', `/${url}`],
      ['https://a.example', '/x'],
      ['https://a.example', '/x'],
    ]);
  });

  test('are cached for the last hundred, except long ones', async () => {
    const adapter = priorityAdapter([{ baseURL: 'backend.example' }], {
      adapter: (config) => Promise.resolve({ data: '', status: 200, statusText: '', headers: {}, config }),
    });
    const { URL } = globalThis;
    let parsed = 0;
    globalThis.URL = class extends URL {
      constructor(...args: ConstructorParameters<typeof URL>) {
        super(...args);
        parsed++;
      }
    };
    const isRead = async (url: string): Promise<boolean> => {
      parsed = 0;
      await adapter({ ...base, url, headers: new AxiosHeaders() });
      return parsed > 0;
    };
    try {
      const long = `/${'x'.repeat(1999 - base.baseURL.length)}`;
      expect([await isRead('/0'), await isRead('/0')]).toStrictEqual([true, false]);
      expect([await isRead(long), await isRead(long)]).toStrictEqual([true, false]);
      expect([await isRead(`${long}x`), await isRead(`${long}x`)]).toStrictEqual([true, true]);
      // Replaces the URLs that other tests have cached.
      for (let i = 1; !(await isRead('/0')); i++) await isRead(`/other-${String(i)}`);
      for (let i = 1; i <= 98; i++) expect(await isRead(`/${String(i)}`)).toBe(true);
      expect(await isRead('/0')).toBe(false);
      expect(await isRead('/99')).toBe(true);
      expect(await isRead('/0')).toBe(true);
    } finally {
      globalThis.URL = URL;
    }
  });
});

describe('params of a backend', () => {
  test('keep the other params of the caller, and are ignored if undefined', async () => {
    const params = { 'api-version': 'own', kept: undefined };
    const config = { url: '/x?kept=1', params: { many: [1, 2], deep: { a: 1 }, kept: 2 } };
    const url = decodeURIComponent(await requested(config, '', params));
    expect(url).toBe('/x?kept=1&many[]=1&many[]=2&deep[a]=1&kept=2&api-version=own');
  });

  test('override those of the caller, including the same name inside the URL', async () => {
    const url = '/x?api-version=1&keep=a%2Fb&api%2Dversion=2#part';
    expect(await requested({ url, params: { 'api-version': '3', own: 1 } }, '', { 'api-version': '2024-10-21' })).toBe(
      '/x?keep=a%2Fb&api-version=2024-10-21&own=1',
    );
  });

  test('override a URLSearchParams of the caller without changing it', async () => {
    const params = new URLSearchParams('api-version=3&a=1&a=2');
    expect(await requested({ url: '/x', params }, '', { 'api-version': 'v', n: 7, no: null, l: [1, 2] })).toBe(
      '/x?a=1&a=2&api-version=v&n=7&l%5B%5D=1&l%5B%5D=2',
    );
    expect(params.toString()).toBe('api-version=3&a=1&a=2');
  });

  test.each([
    ['/x?v=9', '/x'],
    ['/x?v=9&keep=1&also=2#part', '/x?keep=1&also=2#part'],
    ['/x?keep=1&v=9#part', '/x?keep=1#part'],
    ['/x?v&keep', '/x?keep'],
    ['?v=9&keep=1', '?keep=1'],
    ['/x?a+b=9&a%20b=9&ab=1', '/x?ab=1'],
    ['/x#part?v=9', '/x#part?v=9'],
    ['#part?v=9', '#part?v=9'],
  ])('remove the same names from %s, leaving %s', async (url, left) => {
    const { request, configs } = stubPool({ a: { params: { v: 1, 'a b': 2 } } });
    await request({ url });
    expect(configs[0]?.url).toBe(left);
  });

  test.each([
    ['a serializer', { serialize: (params: object) => new URLSearchParams(params as never).toString() }],
    ['a function that serializes', (params: object) => new URLSearchParams(params as never).toString()],
  ])('of null never reach %s of the caller', async (_, paramsSerializer) => {
    const own = { drop: null, own: 1 };
    const config = { url: '/x', paramsSerializer: paramsSerializer as never };
    expect(await requested({ ...config, params: { drop: '1', k: 2 } }, '', own)).toBe('/x?k=2&own=1');
    expect(await requested({ ...config, params: { k: 2 } }, '', own)).toBe('/x?k=2&own=1');
  });

  test('leave a URL without a query alone', async () => {
    expect(await requested({ url: '/x' }, '', { v: 1, none: undefined })).toBe('/x?v=1');
    expect(await requested({ url: '/x?v=9' }, '', { v: 1 })).toBe('/x?v=1');
    expect(await requested({ url: '/x?%=9' }, '', { v: 1 })).toBe('/x?%=9&v=1');
  });
});

describe('the wrapped adapter', () => {
  test('gets the path as the caller split it, so that mocks that match on a path still match', async () => {
    const inner = axios.create();
    const mock = new MockAdapter(inner);
    mock.onPost('/openai/x').reply(200, 'path');
    mock.onGet(/^\/base\/y/).reply(200, 'expression');
    mock.onGet('/x?q=hello world&p=/../z').reply(200, 'blanks');
    mock.onGet('/openai/z', { params: { a: 1 } }).reply(200, 'params');
    const client = axios.create({
      adapter: priorityAdapter([{ baseURL: 'backend.example/gw' }], { adapter: inner.defaults.adapter }),
    });

    expect((await client.post('/openai/x', {})).data).toBe('path');
    expect((await client.get('/base/y')).data).toBe('expression');
    expect((await client.get('/x?q=hello world&p=/../z', { baseURL: '/base' })).data).toBe('blanks');
    expect((await client.get('/openai/z', { params: { a: 1 } })).data).toBe('params');
    await client.get('/openai/z', { baseURL: 'https://caller.example/base/', params: { a: 1 } });
    expect(mock.history.get?.at(-1)).toMatchObject({
      baseURL: 'https://backend.example/gw/base/',
      url: '/openai/z',
    });
    expect(mock.history.post?.[0]).toMatchObject({ baseURL: 'https://backend.example/gw', url: '/openai/x' });
  });

  test.each<[AxiosRequestConfig, string, string]>([
    [{ url: '/x' }, '', '/x'],
    [{ url: '' }, '', ''],
    [{ baseURL: 'https://caller.example/', url: '/x' }, '', '/x'],
    [{ baseURL: 'https://caller.example/base', url: '' }, '/base', ''],
    [{ baseURL: 'https://caller.example/base//', url: '/x' }, '/base//', '/x'],
    [{ baseURL: 'https://caller.example/base//', url: '/a/../x' }, '/base', '/x'],
    [{ baseURL: 'https://caller.example/base', url: '/a/../x' }, '/base', '/x'],
    [{ baseURL: 'https://caller.example/base', url: '/../x' }, '', '/x'],
    [{ baseURL: 'https://caller.example/base', url: '/a b/c' }, '/base', '/a b/c'],
    [{ baseURL: 'https://caller.example/base', url: '?p=/../z#part' }, '/base', '?p=/../z#part'],
  ])('gets %j split into %s and %s', async (config, base, url) => {
    const { request, configs } = stubPool({ a: {} });
    await request(config as never);
    expect(configs[0]).toMatchObject({ baseURL: `https://a.example${base}`, url });
  });

  test('gets one absolute URL if axios would take the path for one', async () => {
    const seen: AxiosRequestConfig[] = [];
    const adapter = priorityAdapter([{ baseURL: 'backend.example' }], {
      adapter: (config) => {
        seen.push(config);
        return Promise.resolve({ data: '', status: 200, statusText: '', headers: {}, config });
      },
    });
    await axios.get('https://caller.example//evil.example/x', { adapter, baseURL: 'https://caller.example' });
    expect(seen[0]?.url).toBe('https://backend.example//evil.example/x');
    expect(seen[0]).not.toHaveProperty('baseURL');
  });
});

test.each<[url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined, base: string, rest: string]>([
  ['/x', '', undefined, '', '/x'],
  ['/x', '/', undefined, '', '/x'],
  ['/x', 'https://a.example', undefined, '', '/x'],
  ['/x?y', 'https://a.example/base', undefined, '/base', '/x?y'],
  ['/x', 'https://a.example/base/', undefined, '/base/', '/x'],
  ['/x', 'https://a.example/base?k=1', undefined, '', '/base?k=1/x'],
  ['/x', 'https://a.example/base#k', undefined, '', '/base#k/x'],
  ['/x', 'https://a.example//base', undefined, '', '//base/x'],
  ['../x', 'https://a.example/base', undefined, '', '/x'],
  ['./x', 'https://a.example/base', undefined, '/base', './x'],
  ['y/../x', 'https://a.example/base', undefined, '/base', '/x'],
  ['y/%2E%2e/x', 'https://a.example/base', undefined, '/base', '/x'],
  ['/x\\y', 'https://a.example/base', undefined, '/base', '/x/y'],
  ['/x\ty', 'https://a.example/base', undefined, '/base', '/xy'],
  ['/x ', 'https://a.example/base', undefined, '/base', '/x'],
  ['/a..b/..c', 'https://a.example/base', undefined, '/base', '/a..b/..c'],
  ['/x?y=/../z', 'https://a.example/base', undefined, '/base', '/x?y=/../z'],
  ['https://b.example/x', 'https://a.example/base', undefined, '', '/x'],
  ['//b.example/x', 'https://a.example/base', true, '', '/x'],
  ['https://b.example/x', '', false, '', '/x'],
])('the path of %j behind %j (allowAbsoluteUrls: %s) is %j and %j', (url, baseURL, allow, base, rest) => {
  expect(pathPartsOf(url, baseURL, allow)).toStrictEqual({ base, url: rest });
});

test('a URL that does not parse is refused without being shown', () => {
  const parts = () => pathPartsOf('https://hunter2:x', '', undefined);
  expect(parts).toThrow(expect.objectContaining({ code: 'ERR_INVALID_URL', message: 'Invalid URL' }) as Error);
});

test.each([
  ['', '', ''],
  ['/base', '', '/base'],
  ['/base//', '//x', '/base/x'],
  ['', 'x', '/x'],
])('%j and %j are joined to %j', (base, url, joined) => {
  expect(combine(base, url)).toBe(joined);
});

test.each([
  ['a%20b', 'a b'],
  ['a%', 'a%'],
  ['%2', '%2'],
  ['ab', 'ab'],
])('%j is decoded to %j', (text, decoded) => {
  expect(decode(text)).toBe(decoded);
});

test.each([
  ['/x', '/x'],
  ['/x?', '/x?'],
  ['/x?key=1', '/x'],
  ['/x?a=1&key=2&b#f?key=3', '/x?a=1&b#f?key=3'],
  ['/x#key=1', '/x#key=1'],
  ['/x?k%65y=1&a', '/x?a'],
  ['/x?k\te\ny=1&a', '/x?a'],
  ['/x?+key=1', '/x?+key=1'],
  ['/x?a=key', '/x?a=key'],
  ['/x?key', '/x'],
])('without the parameter "key", %j is %j', (url, expected) => {
  expect(withoutParams(url, (name) => name === 'key')).toBe(expected);
});

test.each<[Record<string, unknown>, string]>([
  [{}, '/x?a#f'],
  [{ b: 1 }, '/x?a&b=1#f'],
  [{ b: null, c: undefined }, '/x?a#f'],
  [{ 'b c': 'd&e' }, '/x?a&b%20c=d%26e#f'],
  [{ b: [1, 'two'] }, '/x?a&b[]=1&b[]=two#f'],
  [{ b: [1, { c: 2 }] }, '/x?a&b[0]=1&b[1][c]=2#f'],
  [{ b: { c: [1], 'd e': 2 } }, '/x?a&b[c][0]=1&b[d%20e]=2#f'],
  [{ b: new Date(0) }, '/x?a&b=1970-01-01T00%3A00%3A00.000Z#f'],
  [{ b: true }, '/x?a&b=true#f'],
])('with the parameters %j, "/x?a#f" is %j', (params, expected) => {
  expect(withParams('/x?a#f', new Map(Object.entries(params)))).toBe(expected);
  expect(withParams('/x', new Map(Object.entries(params)))).toBe(
    expected.replace('#f', '').replace(/\?a&?/, '?').replace(/\?$/, ''),
  );
});
