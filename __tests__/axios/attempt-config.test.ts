import axios, { AxiosHeaders } from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { stubPool } from '../support/stub-pool';

test('properties that a config inherits from its prototype reach each attempt', async () => {
  const { adapter, replies, configs } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = 500;
  // The newest axios copies the config of an interceptor. Older ones pass it to the adapter as it is.
  const template: Partial<InternalAxiosRequestConfig> = { insecureHTTPParser: true };
  const own = { url: '/x', method: 'get', headers: new AxiosHeaders() };
  await adapter(Object.assign(Object.create(template) as InternalAxiosRequestConfig, own));
  expect(configs.map(({ insecureHTTPParser }) => insecureHTTPParser)).toStrictEqual([true, true]);
});

test('a custom adapter gets neither the auth nor the baseURL that a config inherits', async () => {
  const { adapter, configs } = stubPool({ a: { apiKey: 'own' } });
  const template = { auth: { username: 'me', password: 'secret' }, baseURL: 'https://caller.example//p' };
  const own = { url: 'x', method: 'get', headers: new AxiosHeaders(), allowAbsoluteUrls: false };
  await adapter(Object.assign(Object.create(template) as InternalAxiosRequestConfig, own));
  expect(configs).toMatchObject([{ auth: undefined, baseURL: undefined, url: 'https://a.example//p/x' }]);
});

test('a custom adapter gets a config with the prototype of the caller’s', async () => {
  const { request, configs } = stubPool({ a: {} });
  await request();
  expect(configs[0]).toBeInstanceOf(Object);
  const bare = Object.assign(Object.create(null) as InternalAxiosRequestConfig, {
    url: '/x',
    method: 'get',
    headers: new AxiosHeaders(),
  });
  const { adapter, configs: seen } = stubPool({ a: {} });
  await adapter(bare);
  expect('constructor' in (seen[0] as object)).toBe(false);
});

test('a custom adapter gets what an interceptor put under a symbol', async () => {
  const { request, replies } = stubPool({ a: {} });
  const key = Symbol('context');
  replies.a = (config) => ({ data: (config as unknown as Record<symbol, unknown>)[key] });
  expect((await request({ [key]: 'mine' } as object)).data).toBe('mine');
});

test('the config of the caller is copied for each attempt, so that an adapter may change it', async () => {
  const { adapter, replies, configs } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = (config) => {
    config.headers.set('content-length', '5');
    config.url = 'broken';
    return 503;
  };
  const response = await axios.post('/x', 'long enough', { adapter });
  expect(configs[1]?.headers.get('content-length')).toBeUndefined();
  expect(configs[1]).toMatchObject({ url: '/x', baseURL: 'https://b.example' });
  expect(configs[1]?.headers).toBeInstanceOf(axios.AxiosHeaders);
  expect(response.config.headers.get('content-length')).toBeUndefined();
});

test('a custom adapter may call hasOwnProperty of its config', async () => {
  const { replies, adapter } = stubPool({ a: {} });
  replies.a = (config) => ({
    data: ['url', 'nothing'].map((name) =>
      // eslint-disable-next-line no-prototype-builtins -- as an adapter may do
      (config as unknown as { hasOwnProperty(name: string): boolean }).hasOwnProperty(name),
    ),
  });
  const { data } = await axios.get<boolean[]>('/x', { adapter });
  expect(data).toStrictEqual([true, false]);
});

test('what an adapter writes on a proxy stays with its attempt', async () => {
  const proxy = Object.freeze({
    host: 'proxy.example',
    port: 3128,
    auth: Object.freeze({ username: 'u', password: 'p' }),
  });
  const { replies, request, configs } = stubPool({ a: { request: { proxy } }, b: { priority: 2 } });
  replies.a = (config) => {
    expect(config.proxy).toStrictEqual(proxy);
    Object.assign(config.proxy as object, { auth: 'u:p' });
    return 503;
  };
  const callers = { host: 'other.example', port: 1 };
  await request({ proxy: callers });
  expect(configs[1]?.proxy).toStrictEqual(callers);
  expect(configs[1]?.proxy).not.toBe(callers);
  expect((await request({ proxy: false })).status).toBe(200);
});
