import { inspect } from 'node:util';
import axios from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { priorityAdapter } from '../src';
import type { BackendOptions, PoolEvent } from '../src';
import { TestBackend, rejection, reset, startBackends, useBackends } from './support/backend';
import type { Reply } from './support/backend';
import { scene, turn } from './support/in-process';

useBackends();

async function headersAt(own: Partial<BackendOptions>, config: object = {}) {
  const backend = await TestBackend.start();
  await axios.get('/x', { adapter: priorityAdapter([{ baseURL: backend.url, ...own }]), ...config });
  return backend.lastCall.headers;
}

const callers = {
  headers: {
    'Api-Key': 'callers',
    authorization: 'Bearer callers',
    'X-Api-Key': 'callers',
    other: 'kept',
    Host: 'caller.example',
  },
};

describe('a backend with a credential of its own gets only that', () => {
  test.each<[string, Partial<BackendOptions>, object]>([
    ['apiKey', { apiKey: 'own' }, { 'api-key': 'own' }],
    ['apiKey function', { apiKey: () => 'own' }, { 'api-key': 'own' }],
    ['apiKey promise', { apiKey: () => Promise.resolve('own') }, { 'api-key': 'own' }],
    ['azureADTokenProvider', { azureADTokenProvider: () => Promise.resolve('tok') }, { authorization: 'Bearer tok' }],
    ['auth header', { headers: { 'Ocp-Apim-Subscription-Key': 'own' } }, { 'ocp-apim-subscription-key': 'own' }],
    ['Authorization header', { headers: { Authorization: 'Basic own' } }, { authorization: 'Basic own' }],
  ])('%s', async (_, own, expected) => {
    const headers = await headersAt(own, { ...callers, auth: { username: 'caller', password: 'callers' } });
    expect(headers).toMatchObject({ ...expected, other: 'kept' });
    expect(JSON.stringify(headers)).not.toContain('callers');
    expect(headers.host).toMatch(/^127\.0\.0\.1:/);
  });

  test('the caller’s credentials go to a backend without one', async () => {
    expect(await headersAt({}, callers)).toMatchObject({ 'api-key': 'callers', authorization: 'Bearer callers' });
    const { authorization } = await headersAt({}, { auth: { username: 'u', password: 'p' } });
    expect(authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });

  test.each([null, false])('a caller’s credential that `headers` takes away as %s is no credential', async (none) => {
    const headers = await headersAt({ headers: { Authorization: none, 'x-on': true } }, callers);
    expect(headers).toMatchObject({ 'api-key': 'callers', 'x-api-key': 'callers', 'x-on': 'true' });
    expect(headers).not.toHaveProperty('authorization');
  });

  test('headers are set last, in place of the caller’s and of apiKey', async () => {
    const headers = await headersAt(
      {
        apiKey: () => 'first',
        headers: { 'API-KEY': 'last', other: 'own', gone: null, none: undefined, list: ['a', 'b'], n: 1 },
      },
      { headers: { other: 'callers', gone: 'callers', none: 'kept' } },
    );
    expect(headers).toMatchObject({ 'api-key': 'last', other: 'own', none: 'kept', list: 'a, b', n: '1' });
    expect(headers).not.toHaveProperty('gone');
  });

  test('who is overruled by headers is not asked', async () => {
    const apiKey = jest.fn(() => 'first');
    expect(await headersAt({ apiKey, headers: { 'API-KEY': 'last' } })).toMatchObject({ 'api-key': 'last' });
    expect(apiKey).not.toHaveBeenCalled();
  });

  test.each(['', '  ', 'Bearer', 'bearer  ', ' Basic', ['']])('an empty one is refused: %j', (authorization) => {
    expect(() => priorityAdapter([{ baseURL: 'a.example', headers: { authorization } }])).toThrow(
      'backends[0].headers["authorization"] must hold a credential, got an empty one',
    );
  });

  test('no attempt sees what an earlier attempt set', async () => {
    const [first, second, third] = (await startBackends(3)) as [TestBackend, TestBackend, TestBackend];
    first.always({ status: 429 });
    second.always({ status: 500 });
    const adapter = priorityAdapter([
      { baseURL: first.url, apiKey: 'key-1', headers: { 'x-first': '1' } },
      { baseURL: second.url, priority: 2, azureADTokenProvider: () => Promise.resolve('token-2') },
      { baseURL: third.url, priority: 3 },
    ]);
    await axios.post('/x', { a: 1 }, { adapter, headers: { 'api-key': 'callers' } });
    expect(first.lastCall.headers).toMatchObject({ 'api-key': 'key-1', 'x-first': '1' });
    expect(second.lastCall.headers).toMatchObject({ authorization: 'Bearer token-2' });
    expect(second.lastCall.headers).not.toHaveProperty('api-key');
    expect(second.lastCall.headers).not.toHaveProperty('x-first');
    expect(third.lastCall.headers).toMatchObject({ 'api-key': 'callers' });
    expect(third.lastCall.headers).not.toHaveProperty('authorization');
  });
});

describe('a provider', () => {
  const failed = (name: string): string => `backends[0].${name}() failed`;
  const none = (name: string, got: string): string => `backends[0].${name}() must give a non-empty string, got ${got}`;

  test.each<[string, Partial<BackendOptions>, string]>([
    [
      'throws',
      {
        apiKey: () => {
          throw new Error('vault says: top-secret');
        },
      },
      failed('apiKey'),
    ],
    [
      'rejects',
      { azureADTokenProvider: () => Promise.reject(new Error('vault says: top-secret')) },
      failed('azureADTokenProvider'),
    ],
    ['gives nothing', { apiKey: () => '' }, none('apiKey', 'an empty string')],
    ['gives blanks', { apiKey: () => '  ' }, none('apiKey', 'a string')],
    [
      'gives no text',
      { azureADTokenProvider: () => Promise.resolve(undefined as unknown as string) },
      none('azureADTokenProvider', 'undefined'),
    ],
    [
      'gives what fits into no header',
      { apiKey: () => 'top-secret\r\nx: y' },
      'backends[0].apiKey() gave what does not fit into a header',
    ],
  ])('that %s counts as a failed attempt of its backend', async (_, own, message) => {
    const { adapter, asked, pool } = scene({ a: own, b: { priority: 2 } });
    const response = await axios.post('/x', 'body', { adapter });
    expect(asked).toEqual(['b']);
    expect(response.attempts).toMatchObject([
      { backend: 'a', code: 'ERR_CREDENTIAL', cooldown: 10_000 },
      { backend: 'b' },
    ]);
    expect(pool.snapshot()[0]).toMatchObject({ pending: 0, failures: 1, cooldowns: [{ reason: 'credential' }] });
    pool.restore('a');
    const error = await rejection(axios.post('/x', 'body', { adapter, failover: false }));
    expect(error).toMatchObject({ code: 'ERR_CREDENTIAL', message });
  });

  test('is asked for each attempt', async () => {
    let asked = 0;
    const { request, configs } = scene({ a: { apiKey: () => `key-${String(++asked)}` } });
    await request();
    await request();
    expect(configs.map(({ headers }) => headers['api-key'] as string)).toEqual(['key-1', 'key-2']);
  });
});

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
    'over %s to another origin carry nothing that the backend was given; to the same origin they do',
    async (_, wire) => {
      const [backend, elsewhere] = (await startBackends(2)) as [TestBackend, TestBackend];
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
    'over %s make a GET of a POST after a 303, and are left alone with maxRedirects: 0',
    async (wire) => {
      const backend = await TestBackend.start();
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

  test('over fetch carry nothing elsewhere, whatever fetch was told, nor the caller’s cookies and sensitive headers', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [TestBackend, TestBackend];
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

  test('over fetch strip once for all hops, and drain what they leave', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [TestBackend, TestBackend];
    let open = 0;
    const large =
      (location: string): Reply =>
      (_, response) => {
        open++;
        response.on('close', () => open--);
        response.writeHead(302, { location }).end('x'.repeat(50_000_000));
      };
    backend.script(large(`${elsewhere.url}/1`));
    elsewhere.script(large('/2'), large(`${backend.url}/3`));
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: 'fetch' });
    await axios.get('/0', { adapter, responseType: 'stream', auth: { username: 'u', password: 'callers' } });
    expect([...elsewhere.calls, ...backend.calls].map(({ url, headers }) => [url, headers['api-key']])).toEqual([
      ['/1', undefined],
      ['/2', undefined],
      ['/0', 'own-key'],
      ['/3', undefined],
    ]);
    backend.always(large('/loop'));
    const error = await rejection(axios.get('/0', { adapter, responseType: 'stream', maxRedirects: 2 }));
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS' });
    expect(backend.calls).toHaveLength(5);
    while (open > 0) await turn();
  });

  test.each(['http://[bad', 'data:text/plain,hello', undefined])(
    'over fetch to %s are the caller’s to look at',
    async (location) => {
      const backend = await TestBackend.start();
      backend.always({ status: 307, headers: location === undefined ? {} : { location } });
      const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
      expect(await axios.get('/in', { adapter, validateStatus: null })).toMatchObject({ status: 307 });
    },
  );

  test('over fetch are the caller’s to follow where the body cannot be sent again', async () => {
    const backend = await TestBackend.start();
    backend.always({ status: 307, headers: { location: '/here' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const data = new ReadableStream({ start: (controller) => controller.close() });
    expect(await axios.post('/in', data, { adapter, validateStatus: null })).toMatchObject({ status: 307 });
    expect(backend.calls).toHaveLength(1);
  });

  test.each<[string, string, string[]]>([
    ['the same origin', 'https://a.example/there', ['Api-Key', 'X-Own', 'AUTHORIZATION', 'kept']],
    ['another origin', 'https://b.example/there', ['kept']],
    ['another port', 'https://a.example:444/there', ['kept']],
    ['what is no URL', 'there', ['kept']],
  ])('to %s keep or lose the credentials where axios itself does not see to it', async (_, href, kept) => {
    const { request, configs } = scene({ a: { apiKey: 'own', headers: { 'X-Own': '1' } } });
    await request();
    const headers = { 'Api-Key': 'own', 'X-Own': '1', AUTHORIZATION: 'callers', kept: '1' };
    const hook = configs[0]?.beforeRedirect as (options: object, ...others: object[]) => void;
    hook({ href, headers }, { headers: {}, statusCode: 307 }, {});
    expect(Object.keys(headers)).toEqual(kept);
  });

  test('tell the caller’s beforeRedirect of each hop', async () => {
    const backend = await TestBackend.start();
    backend.script({ status: 307, headers: { location: '/here' } });
    const hops: unknown[] = [];
    const beforeRedirect = ({ href }: Record<string, unknown>) => void hops.push(href);
    await axios.get('/in', { adapter: priorityAdapter([{ baseURL: backend.url }]), beforeRedirect });
    expect(hops).toEqual([`${backend.url}/here`]);
  });

  test('strip by their address alone, and leave what has no headers', async () => {
    const { adapter, configs } = scene({ a: { apiKey: 'own-key' } });
    await axios.get('/x', { adapter });
    const strip = (options: object) => configs[0]?.beforeRedirect?.(options, {} as never, {} as never);
    const at = (href: unknown) => {
      const options = { href, headers: { 'Api-Key': 'own-key', other: 'kept' } };
      strip(options);
      return options.headers;
    };
    expect(at('https://a.example/there')).toEqual({ 'Api-Key': 'own-key', other: 'kept' });
    for (const href of ['https://b.example/', 'http://a.example/', 'https://a.example.org', 'no URL', undefined]) {
      expect(at(href)).toEqual({ other: 'kept' });
    }
    expect(() => strip({ href: 'https://b.example' })).not.toThrow();
  });

  test('over fetch make no GET of a HEAD', async () => {
    const backend = await TestBackend.start();
    backend.script({ status: 303, headers: { location: '/there' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    await axios.head('/here', { adapter });
    expect(backend.calls.map(({ method, url }) => [method, url])).toEqual([
      ['HEAD', '/here'],
      ['HEAD', '/there'],
    ]);
  });

  test('over fetch are followed from where an absolute URL leads', async () => {
    const backend = await TestBackend.start();
    backend.script({ status: 302, headers: { location: 'there' } });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    await axios.get('https://caller.example//two/slashes', { adapter });
    expect(backend.calls.map(({ url }) => url)).toEqual(['//two/slashes', '//two/there']);
  });

  test('over fetch keep the caller’s `auth` where they stay, and drop it where they leave', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [TestBackend, TestBackend];
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const auth = { username: 'u', password: 'p' };
    const authorization = `Basic ${btoa('u:p')}`;
    backend.script({ status: 302, headers: { location: '/here' } }, { body: 'ok' });
    await axios.get('/x', { adapter, auth });
    expect(backend.calls.map(({ headers }) => headers.authorization)).toEqual([authorization, authorization]);
    backend.script({ status: 302, headers: { location: `${elsewhere.url}/there` } });
    await axios.get('/x', { adapter, auth });
    expect(elsewhere.lastCall.headers.authorization).toBeUndefined();
  });

  test('over fetch make a GET of a POST as fetch does, and follow as many as the caller allows', async () => {
    const backend = await TestBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
    const to = (status: number, location: string): Reply => ({ status, headers: { location } });
    backend.script(to(301, '/1'), { body: 'ok' }, to(302, '/2'), { body: 'ok' }, to(303, '/3'), { body: 'ok' });
    for (let i = 0; i < 3; i++) await axios.post('/x', 'body', { adapter });
    backend.script(to(302, '/4'), { body: 'ok' });
    await axios.put('/x', 'body', { adapter });
    expect(backend.calls.map(({ method, body }) => [method, body.toString()])).toEqual([
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
    expect(await rejection(axios.get('/x', { adapter, maxRedirects: 2 }))).toMatchObject({
      message: 'Maximum number of redirects exceeded',
    });
    backend.script(to(302, 'xhttp://else.example/'), to(302, 'httpx://else.example/'));
    for (let i = 0; i < 2; i++) expect((await axios.get('/x', { adapter, validateStatus: null })).status).toBe(302);
    backend.script(to(302, '/10'));
    const config = { adapter, fetchOptions: { redirect: 'error' } };
    expect(await rejection(axios.get('/x', config))).toMatchObject({ isAxiosError: true });
    expect(backend.lastCall.url).not.toBe('/10');
  });

  test.each([
    ['its name', 'fetch'],
    ['a function', axios.getAdapter('fetch', { env: axios.defaults.env } as InternalAxiosRequestConfig)],
  ])('over fetch given by %s carry nothing elsewhere where a request has an `env` of its own', async (_, wire) => {
    const [backend, elsewhere] = (await startBackends(2)) as [TestBackend, TestBackend];
    backend.always({ status: 307, headers: { location: `${elsewhere.url}/there` } });
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: wire });
    const env = { fetch: (...args: Parameters<typeof fetch>) => fetch(...args) };
    await axios.post('/out', 'body', { adapter, env } as object);
    expect(elsewhere.lastCall.body.toString()).toBe('body');
    expect(JSON.stringify(elsewhere.lastCall.headers)).not.toContain('own-');
  });

  test('have no hook of the caller’s where that is null', async () => {
    const backend = await TestBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    backend.script({ status: 302, headers: { location: '/there' } }, { body: 'ok' });
    expect((await axios.get('/x', { adapter, beforeRedirect: null as never })).data).toBe('ok');
  });

  test('name the caller’s sensitive headers beside the backend’s', async () => {
    const { adapter, configs } = scene({ a: { headers: { 'X-Own': '1' } } });
    await axios.get('/x', { adapter, sensitiveHeaders: ['x-callers'] });
    expect(configs[0]?.sensitiveHeaders).toEqual(
      expect.arrayContaining(['x-callers', 'x-own', 'api-key', 'authorization']),
    );
  });
});

describe('keys and tokens', () => {
  const secrets = ['secret-key-a', 'secret-token-b', 'secret-header-c'];
  const backends = (urls: string[]): BackendOptions[] => [
    { baseURL: urls[0] ?? '', apiKey: 'secret-key-a' },
    { baseURL: urls[1] ?? '', priority: 2, azureADTokenProvider: () => Promise.resolve('secret-token-b') },
    { baseURL: urls[2] ?? '', priority: 3, headers: { 'x-team': 'secret-header-c' } },
  ];

  /** Everything a program may log of an error or response, except the low-level request, which is Node's own. */
  function everything(value: object): string {
    const { request: _, ...fields } = value as {
      request?: unknown;
      response?: { request?: unknown };
      toJSON?: () => object;
    };
    const response = fields.response ? { ...fields.response, request: undefined } : undefined;
    const plain = { ...fields, response, config: (value as { config?: unknown }).config };
    const json = 'toJSON' in value ? JSON.stringify((value as { toJSON(): object }).toJSON()) : '';
    const { message = '', stack = '' } = value as Partial<Error>;
    return inspect(plain, { depth: 20, showHidden: true }) + json + message + stack;
  }

  test.each([
    ['answers', { body: 'ok' }],
    ['refuses', { status: 401, body: 'no' }],
    ['throttles', { status: 429 }],
    ['fails', { status: 500 }],
    ['hangs up', reset],
  ] as const)('stand nowhere when every backend %s', async (_, reply) => {
    const servers = await startBackends(3);
    for (const server of servers) server.always(reply);
    const adapter = priorityAdapter(backends(servers.map(({ url }) => url)));
    const events: PoolEvent[] = [];
    adapter.pool.subscribe((event) => events.push(event));
    for (const failover of [undefined, false] as const) {
      for (const method of ['get', 'post']) {
        const outcome = await axios
          .request({ url: '/x', method, adapter, ...(failover === false && { failover }) })
          .catch((error: unknown) => error);
        for (const secret of secrets) expect(everything(outcome as object)).not.toContain(secret);
      }
    }
    const public_ =
      JSON.stringify([events, adapter.pool.snapshot(), adapter.pool.backends]) + inspect(adapter.pool, { depth: 20 });
    for (const secret of secrets) expect(public_).not.toContain(secret);
  });

  test('stand in no error of a stream that the caller reads', async () => {
    const backend = await TestBackend.start();
    backend.always((_, response) => void response.write('data: 1\n\n'));
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'secret-key-a' }]);
    const cancel = new AbortController();
    const { data } = await axios.get<NodeJS.ReadableStream>('/x', {
      adapter,
      responseType: 'stream',
      signal: cancel.signal,
    });
    const failed = new Promise<object>((resolve) => data.on('error', resolve));
    cancel.abort();
    const error = await failed;
    expect(error).toMatchObject({ code: 'ERR_CANCELED', config: { url: '/x' } });
    expect(everything(error)).not.toContain('secret-key-a');
  });

  test.each<[string, (config: object) => Error]>([
    [
      'frozen',
      (config) => Object.freeze(Object.assign(new Error('bad secret-key-a'), { config, code: 'ECONNREFUSED' })),
    ],
    ['without a message to write on', () => new DOMException('bad secret-key-a', 'NetworkError')],
  ])('stand in no error that is %s; the failover goes on', async (_, make) => {
    const { adapter, answers, pool } = scene({ a: { apiKey: 'secret-key-a' }, b: { priority: 2 } });
    answers.a = (config) => {
      throw make(config);
    };
    expect((await axios.get('/x', { adapter })).attempts).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
    pool.restore('a');
    const error = await rejection(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({ message: 'bad ***', config: { url: '/x' }, attempts: [{ backend: 'a' }] });
    expect(everything(error)).not.toContain('secret-key-a');
    expect(pool.snapshot()[0]).toMatchObject({ pending: 0 });
  });

  test.each([
    [{ apiKey: 'abcd' }, 'refused abcd', 'refused ***'],
    [{ apiKey: 'abc' }, 'refused abc', 'refused abc'],
    [{ headers: { Authorization: 'Bearer own-token' } }, 'Bearer own-token or own-token', '*** or ***'],
    [{ headers: { Authorization: 'Basic own-token' } }, 'own-token', 'own-token'],
  ])('are taken out of messages and stacks, except where that would garble them: %j', async (own, message, clean) => {
    const { adapter, answers } = scene({ a: own });
    answers.a = () => new axios.AxiosError(message, 'ECONNRESET');
    const error = await rejection(axios.post('/x', {}, { adapter }));
    expect(error.message).toBe(clean);
    expect(error.stack?.includes(message)).toBe(clean === message);
  });

  test('are taken out of a message that repeats them', async () => {
    const inner = axios.create();
    // Its message lists all headers.
    new MockAdapter(inner, { onNoMatch: 'throwException' });
    const adapter = priorityAdapter(
      [{ baseURL: 'a.example', azureADTokenProvider: () => Promise.resolve('secret-token-b') }],
      {
        adapter: inner.defaults.adapter,
      },
    );
    const error = await rejection(axios.post('/x', {}, { adapter }));
    expect(error.message).toContain('Could not find mock');
    expect(error.message + String(error.stack)).not.toContain('secret-token-b');
  });
});
