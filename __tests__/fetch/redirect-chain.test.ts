import { createServer } from 'node:http';
import { inspect } from 'node:util';
import axios from 'axios';
import { attemptsOf, priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import type { Fetch } from '../../src/fetch/request';
import { closeConnectionsAfterEach, listening } from '../support/connections';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, startBackends, throttle } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { URL_, pair, post } from '../support/fetch-pair';
import { eventLoopTurn } from '../support/stub-pool';

const nativeFetch = globalThis.fetch;

closeBackendsAfterEach();

closeConnectionsAfterEach();

test('a backend cannot override the caller’s redirect mode', async () => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 302, headers: { location: b.url } });
  const request = { fetchOptions: { redirect: 'follow' } };
  const fetch = priorityFetch([{ baseURL: a.url, apiKey: 'secret-a', request }]);
  expect((await fetch(URL_, { redirect: 'manual' })).status).toBe(302);
  expect(b.calls).toStrictEqual([]);
});

test.each(['manual', 'error'] as const)('the redirect mode %j of a backend applies', async (redirect) => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 302, headers: { location: b.url } });
  const fetch = priorityFetch([{ baseURL: a.url, request: { fetchOptions: { redirect } } }]);
  await fetch(URL_).catch(() => undefined);
  expect([a.calls.length, b.calls.length]).toStrictEqual([1, 0]);
});

describe("a request that fails by the caller's own doing puts no backend on cooldown:", () => {
  const moved = (status = 307): Reply => {
    return (_, response, { url }) =>
      url === '/end' ? void response.end('end') : void response.writeHead(status, { location: '/end' }).end();
  };

  test('a stream body that a redirect needs twice', async () => {
    const a = await FakeBackend.start();
    a.always(moved());
    const fetch = priorityFetch([{ baseURL: a.url }]);
    const error = await rejectionOf(
      fetch(URL_, { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as never),
    );
    expect([error.message, (error.cause as Error).message]).toStrictEqual([
      'fetch failed',
      'a stream can be sent only once',
    ]);
    expect(attemptsOf(error)).toMatchObject([{ code: 'ERR_BAD_REQUEST' }]);
    expect(attemptsOf(error)[0]).not.toHaveProperty('reason');
    expect(fetch.pool.snapshot()[0]!.available).toBe(true);
  });

  test('the body of a Request is streamed if no redirect is followed', async () => {
    const a = await FakeBackend.start();
    const fetch = priorityFetch([{ baseURL: a.url }]);
    await fetch(new Request(URL_, { method: 'POST', body: 'x', redirect: 'manual' }));
    expect(a.lastCall.headers).not.toHaveProperty('content-length');
    await fetch(new Request(URL_, { method: 'POST', body: 'x' }));
    expect(a.lastCall.headers).toHaveProperty('content-length', '1');
  });

  test('a failed integrity check', async () => {
    const { fetch, b } = await pair({ body: 'text' });
    const error = await rejectionOf(fetch(URL_, { integrity: `sha256-${'A'.repeat(43)}=` }));
    expect((error.cause as Error).message).toBe('integrity mismatch');
    expect(fetch.pool.snapshot().map(({ available }) => available)).toStrictEqual([true, true]);
    expect(b.calls).toStrictEqual([]);
  });

  test('a redirect to an address with userinfo', async () => {
    const { fetch, b } = await pair({ status: 302, headers: { location: 'http://user:word@127.0.0.1/' } });
    const error = await rejectionOf(fetch(URL_));
    expect((error.cause as Error).message).toBe('Redirected request failed: the Location contains credentials');
    expect(inspect(error, { depth: 9 })).not.toContain('word');
    expect(fetch.pool.snapshot()[0]!.available).toBe(true);
    expect(b.calls).toStrictEqual([]);
  });
});

test('integrity is not checked for a refusal, which still fails over', async () => {
  const { fetch, b } = await pair(throttle(60_000));
  b.always({ body: 'text' });
  const integrity = 'sha256-mC2eOmuYJcRLxtjfwYIY6nQbx4oJ7ajWCZBEBSnFMHM=';
  const response = await rejectionOf(fetch(URL_, { integrity }));
  expect(attemptsOf(response)).toMatchObject([{ backend: 'a', status: 429 }, { backend: 'b' }]);
});

test.each(['secret-a', undefined])('no key follows a redirect to another origin: backend key %s', async (apiKey) => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 307, headers: { location: `${b.url}/elsewhere` } });
  const own = { headers: { 'x-gateway': 'secret' }, ...(apiKey !== undefined && { apiKey }) };
  const fetch = priorityFetch([{ baseURL: a.url, ...own }]);
  const headers = { authorization: 'Bearer callers', 'x-api-key': 'callers', cookie: 'callers', 'x-custom': 'kept' };
  const response = await fetch(URL_, { ...post(), headers });
  expect([response.redirected, response.url]).toStrictEqual([true, `${b.url}/elsewhere`]);
  expect(b.lastCall).toMatchObject({ method: 'POST', headers: { 'x-custom': 'kept' } });
  expect(b.lastCall.body.toString()).toBe('{"model":"chat"}');
  for (const name of ['api-key', 'authorization', 'x-api-key', 'cookie', 'x-gateway'])
    expect(b.lastCall.headers).not.toHaveProperty(name);
});

test.each<[string, Fetch]>([
  ['opaque', () => Promise.resolve({ type: 'opaqueredirect', status: 0, headers: new Headers() } as Response)],
  ['rejected', () => Promise.reject(new Error('Redirect was cancelled'))],
])('a redirect that is %s rejects with an explanation and puts no backend on cooldown', async (_how, given) => {
  const { fetch, b } = await pair({}, { fetch: given });
  const error = await rejectionOf(fetch(URL_, post()));
  expect(error.message).toContain("this runtime's fetch hides where the redirect leads");
  expect(fetch.pool.backends.map(({ failures }) => failures)).toStrictEqual([0, 0]);
  expect(b.calls).toStrictEqual([]);
});

test('a custom fetch follows redirects by itself if there is no credential', async () => {
  const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
  const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
  await fetch(URL_);
  expect(given.mock.calls[0]![1]).toMatchObject({ redirect: 'follow' });
});

test('a connection that is refused after a redirect is an ambiguous failure', async () => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  const { url } = b;
  await b.close();
  a.always({ status: 307, headers: { location: url } });
  const fetch = priorityFetch([{ baseURL: a.url }]);
  expect(attemptsOf(await rejectionOf(fetch(URL_, post())))).toMatchObject([{ reason: 'ambiguous' }]);
});

test('a Location is read as UTF-8, as native fetch reads it', async () => {
  const { a, fetch } = await pair((_, response, { url }) => {
    const location = Buffer.from('/\u00e9nd\u4e2d').toString('latin1');
    if (url === '/from') response.writeHead(307, { location });
    response.end();
  });
  await globalThis.fetch(`${a.url}/from`);
  await fetch('http://pool.invalid/from');
  expect(a.calls.map(({ url }) => url)).toStrictEqual(['/from', '/%C3%A9nd%E4%B8%AD', '/from', '/%C3%A9nd%E4%B8%AD']);
});

test.each<[string, Fetch]>([
  [
    'rejects',
    async (url, init) => {
      const response = await nativeFetch(url, init);
      if (init?.redirect === 'manual' && response.status === 302) throw new Error('Redirect was cancelled');
      return response;
    },
  ],
  [
    'hides them',
    async (url, init) => {
      const response = await nativeFetch(url, init);
      if (init?.redirect !== 'manual' || response.status !== 302) return response;
      return Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' });
    },
  ],
])(
  'a global fetch that was replaced and %s redirects follows them itself if they get no credentials',
  async (_, given) => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    a.always({ status: 302, headers: { location: `${b.url}/end` } });
    globalThis.fetch = given;
    try {
      expect((await priorityFetch([{ baseURL: a.url }])(URL_)).status).toBe(200);
      const adapter = priorityAdapter([{ baseURL: a.url }], { adapter: 'fetch' });
      expect((await axios.get('/x', { adapter })).status).toBe(200);
      const keyed = priorityFetch([{ baseURL: a.url, apiKey: 'secret-a' }]);
      expect((await rejectionOf(keyed(URL_))).message).toContain('hides where the redirect leads');
    } finally {
      globalThis.fetch = nativeFetch;
    }
    expect(b.calls.map(({ headers }) => headers['api-key'])).toStrictEqual([undefined, undefined]);
  },
);

test('after a redirect without it, the stream that was being uploaded is no longer read', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/end') response.end('end');
    else request.once('data', () => response.writeHead(303, { location: '/end' }).end());
  });
  const baseURL = `http://127.0.0.1:${String(await listening(server))}`;
  let pulled = 0;
  const body = new ReadableStream({
    async pull(controller) {
      await eventLoopTurn();
      pulled++;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const fetch = priorityFetch([{ baseURL }]);
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
  expect(await (await fetch(URL_, init)).text()).toBe('end');
  const before = pulled;
  for (let i = 0; i < 50; i++) await eventLoopTurn();
  expect(pulled - before).toBeLessThan(10);
});

test('with mode same-origin, a redirect to another origin rejects as in native fetch, and blames no backend', async () => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always((_, response, { url }) => {
    if (url.endsWith('/end')) response.end('end');
    else response.writeHead(307, { location: url.endsWith('/out') ? b.url : '/end' }).end();
  });
  const fetch = priorityFetch([{ baseURL: a.url, apiKey: 'secret-a' }]);
  const init = { method: 'POST', body: 'prompt', mode: 'same-origin' } as const;
  const error = await rejectionOf(fetch(`${URL_}/out`, init));
  expect(error).toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
    attempts: [{ backend: fetch.pool.backends[0]!.name }],
  });
  expect((error.cause as Error).message).toContain('request mode cannot be "same-origin"');
  expect(b.calls).toHaveLength(0);
  expect(fetch.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
  expect(await (await fetch(`${URL_}/in`, init)).text()).toBe('end');
});

test('the body of a Request is sent again by a custom fetch that follows redirects by itself', async () => {
  const a = await FakeBackend.start();
  a.always((_, response, { url, body }) => {
    if (url === '/end') response.end(body);
    else response.writeHead(307, { location: '/end' }).end();
  });
  const given: Fetch = (input, init) => nativeFetch(input, init);
  const fetch = priorityFetch([{ baseURL: a.url, deployments: { m: 'renamed' } }], { fetch: given });
  for (const [body, expected] of [
    ['text', 'text'],
    ['{"model":"m"}', '{"model":"renamed"}'],
  ] as const) {
    const response = await fetch(new Request(URL_, { method: 'POST', body }));
    expect(await response.text()).toBe(expected);
    expect(a.lastCall.headers['content-length']).toBe(String(expected.length));
  }
});
