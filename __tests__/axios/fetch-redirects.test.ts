import axios from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import { FakeBackend, rejectionOf, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';

closeBackendsAfterEach();

describe('redirects', () => {
  test.each([
    ['http', 'http'],
    ['fetch', 'fetch'],
    ['fetch as a function', axios.getAdapter('fetch')],
    [
      'fetch as a function for the defaults',
      axios.getAdapter('fetch', { env: axios.defaults.env } as InternalAxiosRequestConfig),
    ],
  ])(
    'over %s drop the headers of the backend on the way to another origin and keep them on the same origin',
    async (_, wire) => {
      const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
      backend.always((request, response) => {
        const to = request.url === '/out' ? `${elsewhere.url}/there` : '/here';
        if (request.url === '/here') response.end('{}');
        else response.writeHead(307, { location: to }).end();
      });
      const adapter = priorityAdapter(
        [
          {
            baseURL: backend.url,
            apiKey: 'own-key',
            azureADTokenProvider: () => Promise.resolve('own-token'),
            headers: { 'X-Own': 'own-header' },
          },
        ],
        { adapter: wire },
      );
      const config = { adapter, headers: { kept: '1' } };
      expect((await axios.post('/in', 'body', config)).config.url).toBe('/in');
      expect(backend.lastCall.headers).toMatchObject({
        'api-key': 'own-key',
        authorization: 'Bearer own-token',
        'x-own': 'own-header',
      });
      expect(backend.lastCall.body.toString()).toBe('body');
      await axios.post('/out', 'body', config);
      expect(elsewhere.lastCall.headers).toMatchObject({ kept: '1' });
      expect(elsewhere.lastCall.body.toString()).toBe('body');
      expect(JSON.stringify(elsewhere.lastCall.headers)).not.toContain('own-');
    },
  );

  test.each(['http', 'fetch'])(
    'over %s turn a POST into a GET after a 303, and are not followed with maxRedirects: 0',
    async (wire) => {
      const backend = await FakeBackend.start();
      backend.always((request, response) => {
        if (request.url === '/in?v=1') response.writeHead(303, { location: '/here' }).end();
        else response.end('there');
      });
      const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key', params: { v: 1 } }], {
        adapter: wire,
      });
      expect((await axios.post('/in', { a: 1 }, { adapter })).data).toBe('there');
      expect(backend.lastCall).toMatchObject({ method: 'GET', url: '/here', headers: { 'api-key': 'own-key' } });
      expect(backend.lastCall.headers).not.toHaveProperty('content-type');
      expect(await axios.get('/in', { adapter, maxRedirects: 0, validateStatus: null })).toMatchObject({ status: 303 });
    },
  );

  test('over fetch drop credentials, cookies and sensitive headers whatever fetchOptions.redirect says', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    backend.always({ status: 307, headers: { location: `${elsewhere.url}/there` } });
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: 'fetch' });
    const headers = { cookie: 'own-cookie', 'proxy-authorization': 'own-proxy', 'x-own': 'own-header', kept: '1' };
    const fetchOptions = { redirect: 'follow' };
    await axios.get('/x', { adapter, headers, fetchOptions, sensitiveHeaders: ['X-Own'] });
    expect(elsewhere.lastCall.headers).toMatchObject({ kept: '1' });
    expect(JSON.stringify(elsewhere.lastCall.headers)).not.toContain('own-');
    await axios.get('/x', { adapter, maxRedirects: 0, validateStatus: null });
    await axios.get('/x', { adapter, fetchOptions: { redirect: 'manual' }, validateStatus: null });
    expect(elsewhere.calls).toHaveLength(1);
  });

  test.each(['http://[bad', 'data:text/plain,hello', undefined])(
    'over fetch to the location %s are returned to the caller',
    async (location) => {
      const backend = await FakeBackend.start();
      backend.always({ status: 307, headers: location === undefined ? {} : { location } });
      const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
      expect(await axios.get('/in', { adapter, validateStatus: null })).toMatchObject({ status: 307 });
    },
  );

  test('over fetch are returned to the caller if the body cannot be sent again', async () => {
    const backend = await FakeBackend.start();
    backend.always({ status: 307, headers: { location: '/here' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const data = new ReadableStream({ start: (controller) => controller.close() });
    expect(await axios.post('/in', data, { adapter, validateStatus: null })).toMatchObject({ status: 307 });
    expect(backend.calls).toHaveLength(1);
  });

  test('over fetch keep the method of a HEAD request', async () => {
    const backend = await FakeBackend.start();
    backend.script({ status: 303, headers: { location: '/there' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    await axios.head('/here', { adapter });
    expect(backend.calls.map(({ method, url }) => [method, url])).toStrictEqual([
      ['HEAD', '/here'],
      ['HEAD', '/there'],
    ]);
  });

  test('over fetch resolve relative to the absolute URL of the request', async () => {
    const backend = await FakeBackend.start();
    backend.script({ status: 302, headers: { location: 'there' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    await axios.get('https://caller.example//two/slashes', { adapter });
    expect(backend.calls.map(({ url }) => url)).toStrictEqual(['//two/slashes', '//two/there']);
  });

  test('over fetch keep the auth of the caller on the same origin and drop it on another', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const auth = { username: 'u', password: 'p' };
    const authorization = `Basic ${btoa('u:p')}`;
    backend.script({ status: 302, headers: { location: '/here' } }, { body: 'ok' });
    await axios.get('/x', { adapter, auth });
    expect(backend.calls.map(({ headers }) => headers.authorization)).toStrictEqual([authorization, authorization]);
    backend.script({ status: 302, headers: { location: `${elsewhere.url}/there` } });
    await axios.get('/x', { adapter, auth });
    expect(elsewhere.lastCall.headers.authorization).toBeUndefined();
  });

  test('over fetch change the method as fetch does, and respect maxRedirects and redirect: error', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const to = (status: number, location: string): Reply => ({ status, headers: { location } });
    backend.script(to(301, '/1'), { body: 'ok' }, to(302, '/2'), { body: 'ok' }, to(303, '/3'), { body: 'ok' });
    for (let i = 0; i < 3; i++) await axios.post('/x', 'body', { adapter });
    backend.script(to(302, '/4'), { body: 'ok' });
    await axios.put('/x', 'body', { adapter });
    expect(backend.calls.map(({ method, body }) => [method, body.toString()])).toStrictEqual([
      ...[1, 2, 3].flatMap(() => [
        ['POST', 'body'],
        ['GET', ''],
      ]),
      ['PUT', 'body'],
      ['PUT', 'body'],
    ]);
    backend.script(to(302, '/5'), to(302, '/6'), { body: 'ok' });
    expect((await axios.get('/x', { adapter, maxRedirects: 2 })).data).toBe('ok');
    backend.script(to(302, '/7'), to(302, '/8'), to(302, '/9'));
    expect(await rejectionOf(axios.get('/x', { adapter, maxRedirects: 2 }))).toMatchObject({
      message: 'Maximum number of redirects exceeded',
    });
    backend.script(to(302, 'xhttp://else.example/'), to(302, 'httpx://else.example/'));
    for (let i = 0; i < 2; i++) expect((await axios.get('/x', { adapter, validateStatus: null })).status).toBe(302);
    backend.script(to(302, '/10'));
    const config = { adapter, fetchOptions: { redirect: 'error' } };
    expect(await rejectionOf(axios.get('/x', config))).toMatchObject({ isAxiosError: true });
    expect(backend.lastCall.url).not.toBe('/10');
  });

  test.each([
    ['its name', 'fetch'],
    ['a function', axios.getAdapter('fetch', { env: axios.defaults.env } as InternalAxiosRequestConfig)],
  ])('over fetch given by %s drop credentials even if the request sets its own env.fetch', async (_, wire) => {
    const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    backend.always({ status: 307, headers: { location: `${elsewhere.url}/there` } });
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: wire });
    const env = { fetch: (...args: Parameters<typeof fetch>) => fetch(...args) };
    await axios.post('/out', 'body', { adapter, env } as object);
    expect(elsewhere.lastCall.body.toString()).toBe('body');
    expect(JSON.stringify(elsewhere.lastCall.headers)).not.toContain('own-');
  });
});

test('a redirect does not repeat params or a baseURL that the config inherits', async () => {
  const backend = await FakeBackend.start();
  backend.script({ status: 302, headers: { location: '/end' } });
  const template = { params: { a: '1' }, baseURL: 'http://caller.invalid/', allowAbsoluteUrls: false };
  const config = Object.assign(Object.create(template) as InternalAxiosRequestConfig, {
    url: '/start',
    method: 'get',
    headers: new axios.AxiosHeaders(),
  });
  await priorityAdapter([{ baseURL: backend.url }])(config);
  expect(backend.calls.map(({ url }) => url)).toStrictEqual(['/start?a=1', '/end']);
});

test('over fetch with mode same-origin, a redirect to another origin rejects, and blames no backend', async () => {
  const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  backend.always({ status: 307, headers: { location: elsewhere.url } });
  const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: 'fetch' });
  const fetchOptions = { mode: 'same-origin' };
  const error = await rejectionOf(axios.post('/x', 'prompt', { adapter, fetchOptions } as object));
  expect(error).toMatchObject({ isAxiosError: true, message: expect.stringContaining('same-origin') as string });
  expect(elsewhere.calls).toHaveLength(0);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
});
