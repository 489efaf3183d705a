/** What depends on the fetch in use, which `env.fetch` replaces. */
import { inspect } from 'node:util';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { attemptsOf, priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { FakeBackend, rejectionOf, startBackends, closeBackendsAfterEach } from '../support/fake-backend';

closeBackendsAfterEach();

type Fetch = (input: Request, init?: RequestInit) => Promise<Response>;

/** What browsers give for `redirect: 'manual'`, and for `mode: 'no-cors'`. */
function hidden(type: 'opaqueredirect' | 'opaque'): Response {
  return Object.defineProperties(new Response(null), { status: { value: 0 }, type: { value: type } });
}

/** A fetch in place of that of a browser or of Electron: it redirects by itself if it is told to follow. */
const fetches: Record<string, Fetch> = {
  'that hides where a redirect leads': async (input) => {
    const response = await fetch(input, input.redirect === 'follow' ? {} : { redirect: 'manual' });
    return response.status === 307 ? hidden('opaqueredirect') : response;
  },
  'that rejects a redirect': async (input) => {
    const response = await fetch(input, input.redirect === 'follow' ? {} : { redirect: 'manual' });
    if (response.status === 307) throw new TypeError('fetch failed', { cause: new Error('Redirect was cancelled') });
    return response;
  },
};

describe.each(Object.entries(fetches))('over a fetch %s,', (_, fetchInUse) => {
  async function redirecting(own: Partial<BackendOptions>) {
    const [first, second, elsewhere] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    first.always({ status: 307, headers: { location: `${elsewhere.url}/there` } });
    const backends = [
      { baseURL: first.url, name: 'first', ...own },
      { baseURL: second.url, priority: 2 },
    ];
    const adapter = priorityAdapter(backends, { adapter: 'fetch' });
    const client = axios.create({ adapter, env: { fetch: fetchInUse as never } });
    return { client, adapter, first, second, elsewhere };
  }

  test.each<[string, Partial<BackendOptions>, AxiosRequestConfig]>([
    ['an apiKey', { apiKey: 'own' }, {}],
    ['a header of the backend', { headers: { 'x-own': 'own' } }, {}],
    ['a header of the caller', {}, { headers: { authorization: 'Bearer x' } }],
    ['auth of the caller', {}, { auth: { username: 'u', password: 'p' } }],
    ['a sensitive header of the caller', {}, { headers: { 'x-mine': '1' }, sensitiveHeaders: ['X-Mine'] }],
  ])('a redirect is refused for a request with %s, and puts no backend on cooldown', async (_what, own, config) => {
    const { client, adapter, first, second, elsewhere } = await redirecting(own);
    for (const method of ['get', 'post']) {
      const error = await rejectionOf(client.request({ ...config, method, url: '/x' }));
      expect(error).toMatchObject({ code: 'ERR_FR_REDIRECTION_FAILURE', attempts: [{ backend: 'first' }] });
      expect(error.message).toContain("this runtime's fetch hides where the redirect leads");
      expect(error.request).toBeInstanceOf(Request);
    }
    expect([first.calls.length, second.calls.length, elsewhere.calls.length]).toStrictEqual([2, 0, 0]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0, pending: 0 });
  });

  test('a redirect is followed for a request without credentials', async () => {
    const { client, first, elsewhere } = await redirecting({ headers: { 'x-none': null } });
    expect((await client.post('/x', 'body')).status).toBe(200);
    expect(elsewhere.lastCall.body.toString()).toBe('body');
    expect(first.calls).toHaveLength(1);
  });

  test('redirect: manual of the caller has the result of plain axios', async () => {
    const { client, first } = await redirecting({ apiKey: 'own' });
    const outcome = (promise: Promise<{ status: number }>) =>
      promise.then(({ status }) => status).catch((error: Error) => error.message);
    const config = { fetchOptions: { redirect: 'manual' }, env: { fetch: fetchInUse as never } } as const;
    const plain = await outcome(axios.get(`${first.url}/x`, { ...config, adapter: 'fetch' }));
    expect(await outcome(client.get('/x', config))).toBe(plain);
  });
});

describe('a status of 0', () => {
  test('that throws when it is read shows neither the key nor the config of the attempt', async () => {
    const adapter = priorityAdapter([{ baseURL: 'http://a.example', apiKey: 'secret-a' }], {
      adapter: (config) =>
        Promise.resolve({
          get status(): never {
            throw Object.assign(new Error(`no status for ${String(config.headers['api-key'])}`), { config });
          },
        } as never),
    });
    const error = await rejectionOf(axios.get('/x', { adapter }));
    expect(error).toMatchObject({ message: 'no status for ***', config: { url: '/x' } });
    expect(inspect(error, { depth: null })).not.toContain('secret-a');
  });

  test.each([
    ['get', [{ code: 'ERR_NETWORK', reason: 'ambiguous' }, { status: 200 }]],
    ['post', [{ code: 'ERR_NETWORK', reason: 'ambiguous' }]],
  ])('is not a success: a %s', async (method, attempts) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], {
      adapter: async (config) => {
        const response = await axios.getAdapter('http')(config);
        return config.baseURL === first.url ? { ...response, status: 0 } : response;
      },
    });
    const outcome = await axios.request({ url: '/x', method, adapter }).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ attempts });
  });

  test('is returned to a caller who asked for a response that cannot be read', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own' }], { adapter: 'fetch' });
    const env = { fetch: (() => Promise.resolve(hidden('opaque'))) as never };
    expect(await axios.get('/x', { adapter, env, fetchOptions: { mode: 'no-cors' } })).toMatchObject({ status: 0 });
    expect(await axios.get('/x', { adapter, env, maxRedirects: 0 })).toMatchObject({ status: 0 });
    const redirected = await rejectionOf(axios.get('/x', { adapter, env }));
    expect(redirected).toMatchObject({ code: 'ERR_FR_REDIRECTION_FAILURE' });
    // Without credentials, fetch follows by itself.
    const plain = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    expect(await rejectionOf(axios.get('/x', { adapter: plain, env, failover: false }))).toMatchObject({
      code: 'ERR_NETWORK',
    });
  });
});

test.each(['get', 'post'])(
  'a redirect of a %s with redirect: error rejects, and puts no backend on cooldown',
  async (method) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 302, headers: { location: '/there' } });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], {
      adapter: 'fetch',
    });
    const error = await rejectionOf(axios.request({ url: '/x', method, adapter, fetchOptions: { redirect: 'error' } }));
    expect(error).toMatchObject({ code: 'ERR_NETWORK', attempts: [{ backend: first.host }] });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
    expect(second.calls).toHaveLength(0);
  },
);

test.each(['x-own', {}, [1]])(
  'sensitiveHeaders of a wrong kind are refused, as axios refuses them over http: %j',
  async (names) => {
    const backend = await FakeBackend.start();
    const config = {
      sensitiveHeaders: names as string[],
      adapter: priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' }),
    };
    const plain = await rejectionOf(axios.get(`${backend.url}/x`, { ...config, adapter: 'http' }));
    const { message, code } = await rejectionOf(axios.get('/x', config));
    expect({ message, code }).toStrictEqual({ message: plain.message, code: plain.code });
    expect(backend.calls).toHaveLength(0);
  },
);

test('a 503 page of text fails over under responseType: formdata', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always({ status: 503, body: 'Service Unavailable', headers: { 'content-type': 'text/html' } });
  second.always({ body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: 'fetch' });
  const { data, attempts } = await axios.post<FormData>('/x', {}, { adapter, responseType: 'formdata' });
  expect([data.get('a'), attempts]).toStrictEqual(['1', [expect.objectContaining({ status: 503 }), expect.anything()]]);
});

test('an answer that is no form, under responseType: formdata, is the mistake of the caller', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always({ body: '{}', headers: { 'content-type': 'application/json' } });
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: 'fetch' });
  const config = { responseType: 'formdata' } as const;
  const plain = await rejectionOf(axios.get(`${first.url}/x`, { ...config, adapter: 'fetch' }));
  const error = await rejectionOf(axios.get('/x', { ...config, adapter }));
  expect([error.message, attemptsOf(error)]).toStrictEqual([plain.message, [expect.objectContaining({ status: 200 })]]);
  expect(second.calls).toHaveLength(0);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0, cooldowns: [] });
});

test('a form that breaks off, under responseType: formdata, is the failure of its backend', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '100' });
    response.write('a=', () => response.destroy());
  });
  second.always({ body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: 'fetch' });
  const { data } = await axios.get<FormData>('/x', { adapter, responseType: 'formdata' });
  expect(data.get('a')).toBe('1');
  expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 1 });
});
