/** Proxies, timeouts, hooks and agents of a redirected request, and what differs from plain axios, over real sockets. */
import { getEventListeners, once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions, Server } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import { pathOfSocket } from '../support/path-of-socket';
import {
  ALLOWED,
  agentOf,
  at,
  closedSockets,
  compare,
  credentials,
  here,
  hops,
  loopback,
  observePooled,
  proxy,
  refused,
  remove,
  script,
  secure,
  structuredCloneable,
  testOnNewest,
  there,
  to,
  withoutDate,
  startServersBeforeAll,
} from '../support/redirects';
import type { HookOptions, Reply } from '../support/redirects';

startServersBeforeAll();

describe('a proxy', () => {
  const through = (): AxiosRequestConfig['proxy'] => {
    const { hostname: host, port } = new URL(proxy.url);
    return { protocol: 'http', host, port: Number(port), auth: { username: 'pröxy', password: 'secret' } };
  };

  testOnNewest.each([
    ['the same origin', () => '/to'],
    ['the same origin, relative', () => 'to'],
    ['another origin', () => `${there.url}/to`],
    ['a query', () => '?a=1'],
  ])('is used again after a redirect to %s', async (_, location) => {
    const { hops } = await compare({
      replies: [to(location(), 307)],
      config: () => ({ proxy: through()!, ...credentials(), method: 'POST', data: { a: 1 }, params: { b: 'ü' } }),
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['proxy', 'here', 'proxy', at(location())]);
    expect(hops[2]?.headers['proxy-authorization']).toBeDefined();
  });

  test('that answers with a redirect itself is handled as in plain axios', async () => {
    await compare({
      config: () => {
        script(proxy, 'proxy', [to(`${there.url}/to`)]);
        return { proxy: through()! };
      },
    });
  });

  testOnNewest('is used as in plain axios with maxRedirects: 0 and with `auth`', async () => {
    await compare({ replies: [to('/to')], config: () => ({ proxy: through()!, maxRedirects: 0 }) });
    const auth = { username: 'u', password: 'p' };
    await compare({ replies: [to('/to'), to('on')], config: () => ({ proxy: through()!, auth }) });
  });

  test('gets a backend’s own Host as in plain axios', async () => {
    const { hops } = await compare({
      replies: [to('/to', 307)],
      backend: { headers: { Host: 'virtual.example.test' } },
      plainly: { headers: { Host: 'virtual.example.test' } },
      config: () => ({ proxy: through()! }),
    });
    expect(hops).toHaveLength(4);
  });

  test.each([
    ['down to a subdomain', 'http://a.example.test', 'http://b.a.example.test/to'],
    ['up from a subdomain', 'http://b.a.example.test', 'http://a.example.test/to'],
    ['from http to https', 'http://a.example.test', 'https://a.example.test/to'],
    ['from https to http', 'https://a.example.test', 'http://a.example.test/to'],
    ['from https to https', 'https://a.example.test', 'https://b.a.example.test/to'],
  ])('is used after redirects between hosts without a port: %s', async (_, origin, location) => {
    const { hops } = await compare({
      origin,
      config: (run) => {
        script(origin.startsWith('https') ? secure : here, origin.startsWith('https') ? 'secure' : 'here', [
          to(location, 307),
        ]);
        const httpsAgent = agentOf(run, new TlsAgent({ rejectUnauthorized: false }));
        return { proxy: through()!, ...credentials(), httpsAgent, method: 'POST', data: { a: 1 } };
      },
      ignoring: ALLOWED.authorization.paths,
    });
    expect(hops).toHaveLength(4);
  });

  test('that refuses at once or after a redirect rejects as in plain axios', async () => {
    const { hostname: host, port } = new URL(refused);
    const gone = { host, port: Number(port), protocol: 'http' };
    await compare({ config: () => ({ proxy: gone }) });
    await compare({
      replies: [to(`https://${secure.host}/to`)],
      config: () => {
        script(proxy, 'proxy', [to('https://a.example.test/to'), { status: 407 }]);
        return { proxy: through()! };
      },
    });
  });

  test.each(['socks5', 'socks5:', 'ftp'])('of the protocol %s is handled as in plain axios', async (protocol) => {
    const { hostname: host, port } = new URL(proxy.url);
    await compare({
      replies: [to('/to')],
      config: () => ({ proxy: { protocol, host, port: Number(port) } }),
      ignoring: ALLOWED.protocol.paths,
    });
  });

  describe('from the environment', () => {
    afterEach(() => {
      for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) Reflect.deleteProperty(process.env, name);
    });

    test('is looked up for each hop', async () => {
      process.env.http_proxy = proxy.url.replace('//', '//user:pass@');
      process.env.no_proxy = there.host;
      const { hops } = await compare({
        replies: [to('/again', 307), to(`${there.url}/to`, 307), to('/end', 307)],
        repliesThere: [to('/here', 307), to(`${here.url}/back`, 307)],
        config: () => ({ method: 'POST', data: { a: 1 } }),
      });
      expect(hops.map(({ at }) => at).join(' ')).toBe('proxy here proxy here there there proxy here proxy here');
      const direct = await compare({ replies: [to(`${there.url}/to`)], config: () => ({ proxy: false }) });
      expect(direct.hops.map(({ at }) => at)).toStrictEqual(['here', 'there']);
    });

    test('is used after a redirect even if the first hop needed none', async () => {
      process.env.http_proxy = proxy.url;
      process.env.no_proxy = here.host;
      const { hops } = await compare({ replies: [to(`${there.url}/to`, 307)], config: credentials });
      expect(hops.map(({ at }) => at)).toStrictEqual(['here', 'proxy', 'there']);
    });

    test('is used as in plain axios if only https_proxy is set', async () => {
      process.env.https_proxy = proxy.url;
      await compare({
        replies: [to('https://a.example.test/to', 307)],
        config: (run) => ({
          ...credentials(),
          httpsAgent: agentOf(run, new TlsAgent({ rejectUnauthorized: false })),
        }),
      });
    });
  });
});

describe('timeouts and cancels', () => {
  test('timeout covers all hops together', async () => {
    const late = (location: string): Reply => {
      return (_, response) => void setTimeout(() => response.writeHead(302, { location }).end(), 60);
    };
    const { error } = await compare({
      replies: [late('/to'), late('/on'), late('/on')],
      config: () => ({ timeout: 100 }),
      ignoring: [...ALLOWED.interrupted.paths, 'hops'],
    });
    expect(error).toMatchObject({ message: 'timeout of 100ms exceeded', code: 'ECONNABORTED' });
  });

  test('timeout after a redirect rejects with the caller’s timeoutErrorMessage', async () => {
    const { error } = await compare({
      replies: [to('/to'), () => undefined],
      config: () => ({
        timeout: 150,
        timeoutErrorMessage: 'too slow',
        transitional: { clarifyTimeoutError: true },
      }),
      ignoring: ALLOWED.interrupted.paths,
    });
    expect(error).toMatchObject({ message: 'too slow', code: 'ETIMEDOUT' });
  });

  test('a timeout that is not reached changes nothing', async () => {
    const { hops } = await compare({ replies: [to('/to'), to(there.url)], config: () => ({ timeout: 5000 }) });
    expect(hops).toHaveLength(3);
  });

  test.each(['signal', 'cancelToken'] as const)(
    'a cancel by %s during the second hop rejects and closes the connection',
    async (by) => {
      const { error, hops } = await compare({
        config: () => {
          const abort = new AbortController();
          const source = axios.CancelToken.source();
          script(here, 'here', [to('/to', 307), () => (by === 'signal' ? abort.abort() : source.cancel('enough'))]);
          const config = { method: 'POST', data: 'body' };
          return by === 'signal' ? { ...config, signal: abort.signal } : { ...config, cancelToken: source.token };
        },
        ignoring: ALLOWED.interrupted.paths,
      });
      expect(error).toMatchObject({ code: 'ERR_CANCELED' });
      expect(hops).toHaveLength(2);
      await closedSockets(here);
    },
  );

  test('a cancel ends a stream after a redirect as in plain axios', async () => {
    await compare({
      config: (run) => {
        const abort = new AbortController();
        script(here, 'here', [
          to('/to'),
          (_, response) => {
            response.writeHead(200).write('first', () => setTimeout(() => abort.abort(), 20));
          },
        ]);
        run.cleanups.push(() => here.sockets.forEach((socket) => socket.destroy()));
        return { responseType: 'stream', signal: abort.signal };
      },
    });
  });
});

describe('the caller’s hooks and agents', () => {
  test('beforeRedirect is called with the same arguments as in plain axios', async () => {
    const { notes } = await compare({
      replies: [
        { status: 307, headers: { location: '/to?a=1#f', 'x-own': '1' } },
        { status: 303, headers: { location: `${there.url}/on` } },
      ],
      config: ({ notes }) => ({
        ...credentials(),
        method: 'POST',
        data: { a: 1 },
        beforeRedirect: (...args: unknown[]) => {
          const [options, ...more] = structuredCloneable(args) as [Record<string, unknown>, ...unknown[]];
          for (const name of ALLOWED.sensitiveHeaders.paths) remove(options, name.split('.'));
          notes.calls = [...((notes.calls as unknown[] | undefined) ?? []), [options, ...more.map(withoutDate)]];
        },
      }),
    });
    expect(notes.calls).toHaveLength(2);
  });

  test.each<[string, (options: HookOptions) => void]>([
    ['sets headers', ({ headers }) => void (headers['x-hook'] = 'set')],
    ['removes headers', ({ headers }) => void Reflect.deleteProperty(headers, 'X-Own')],
    ['replaces the headers', (options) => void (options.headers = { 'x-only': '1' })],
    ['changes the path', (options) => void (options.path = '/elsewhere?b=2')],
    ['changes the method', (options) => void (options.method = 'PATCH')],
    ['changes the port', (options) => void (options.port = there.host.split(':')[1])],
    ['changes the protocol', (options) => void (options.protocol = 'ftp:')],
    ['sets `auth`', (options) => void (options.auth = 'u:p')],
    ['lowers maxRedirects', (options) => void (options.maxRedirects = 1)],
    ['sets a bad header', ({ headers }) => void (headers['x-bad'] = 'a\nb')],
    [
      'throws',
      () => {
        throw new Error('not there');
      },
    ],
    [
      'throws text',
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw 'text';
      },
    ],
  ])('a beforeRedirect that %s has the same effect as in plain axios', async (_, beforeRedirect) => {
    await compare({
      replies: [to('/to', 307), to('/on', 307)],
      config: () => ({
        method: 'POST',
        data: 'body',
        headers: { 'X-Own': '1' },
        beforeRedirect: (options) => beforeRedirect(options as HookOptions),
      }),
    });
  });

  test('a custom transport is called once, and redirects are not followed', async () => {
    const { hops, notes } = await compare({
      replies: [to('/to')],
      config: ({ notes }) => ({
        maxRedirects: 3,
        beforeRedirect: () => void (notes.asked = true),
        transport: {
          request(options: RequestOptions, answered: (response: IncomingMessage) => void) {
            notes.options = Object.keys(options).sort();
            return httpRequest(options, answered);
          },
        },
      }),
    });
    expect(hops).toHaveLength(1);
    expect(notes).not.toHaveProperty('asked');
  });

  test.each([
    [{ keepAlive: true, maxSockets: 1 }],
    [{ keepAlive: true, maxSockets: 2, maxTotalSockets: 2 }],
    [{ keepAlive: true }],
    [{ keepAlive: false }],
    [{ keepAlive: true, timeout: 1000 }],
  ])('an httpAgent with %j leaves as many sockets as it does with plain axios', async (options) => {
    const { hops, notes } = await compare({
      replies: [to('/to', 307), to('/on', 307), to(`${there.url}/out`, 307)],
      repliesThere: [to('/in', 307), to(`${here.url}/back`, 307)],
      config: (run) => {
        const agent = new Agent(options);
        run.cleanups.push(() => agent.destroy());
        run.notes.agent = agent;
        return { httpAgent: agent, method: 'POST', data: { a: 1 } };
      },
    });
    expect(hops).toHaveLength(6);
    expect(notes.agent).toMatchObject({ busy: 0, waiting: 0 });
    await closedSockets(here);
    await closedSockets(there);
  });

  test('an httpsAgent is used for https alone', async () => {
    const { hops } = await compare({
      replies: [to(`https://${secure.host}/to`, 307)],
      config: (run) => {
        script(secure, 'secure', [to('/again', 307), to(`${there.url}/out`, 307)]);
        const httpsAgent = new TlsAgent({ rejectUnauthorized: false, keepAlive: true, maxSockets: 1 });
        run.cleanups.push(() => httpsAgent.destroy());
        run.notes.agent = httpsAgent;
        return { httpsAgent };
      },
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['here', 'secure', 'secure', 'there']);
    await closedSockets(secure);
  });

  test('many redirects cause no leak warning and leave no socket open', async () => {
    const warnings: string[] = [];
    const warned = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', warned);
    const sockets = await compare({
      replies: Array.from({ length: 20 }, (_, i) => to(`/${String(i)}`)),
      config: (run) => ({ httpAgent: agentOf(run, new Agent({ keepAlive: true })) }),
    });
    await new Promise(setImmediate);
    process.off('warning', warned);
    expect(sockets.hops).toHaveLength(21);
    expect(warnings).toStrictEqual([]);
    await closedSockets(here);
  });

  test('requests that share the only socket of an agent wait for each other at each hop', async () => {
    for (const adapter of ['http' as const, priorityAdapter([{ baseURL: here.url }])]) {
      const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
      script(here, 'here', []);
      here.always(({ url = '' }, response) => {
        const on = { '/1': '/2', '/2': '/3' }[url];
        if (on === undefined) response.end('done');
        else response.writeHead(307, { location: on }).end('x'.repeat(1000));
      });
      const client = axios.create({ baseURL: here.url, adapter, httpAgent, method: 'POST', data: 'body' });
      const answers = await Promise.all(Array.from({ length: 5 }, () => client.request({ url: '/1' })));
      expect(answers.map(({ data }) => data as unknown)).toStrictEqual(Array.from({ length: 5 }, () => 'done'));
      httpAgent.destroy();
    }
  });

  test('no listener stays on the caller’s signal', async () => {
    const { notes } = await compare({
      replies: [to('/to'), to(`${there.url}/on`)],
      config: (run) => {
        const { signal } = new AbortController();
        run.cleanups.push(() => (run.notes.listeners = getEventListeners(signal, 'abort').length));
        return { signal };
      },
    });
    expect(notes).toStrictEqual({ listeners: 0 });
  });

  describe('a socketPath is used for all hops', () => {
    const socketPath = pathOfSocket('redirects');
    let server: Server;

    beforeAll(async () => {
      server = createServer((request, response) => {
        const { method = '', url = '', headers } = request;
        request.resume().on('end', () => {
          hops.push({ at: 'unix', method, url, headers, body: '' });
          const location = { '/from': '/to', '/to': 'http://elsewhere.example.test/on' }[url];
          if (location === undefined) response.end('done');
          else response.writeHead(307, { location }).end();
        });
      });
      server.listen(socketPath);
      await once(server, 'listening');
    });

    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    test.each([
      [undefined, 3],
      [0, 1],
      [1, 2],
    ])('with maxRedirects: %s', async (maxRedirects, count) => {
      const { hops } = await compare({
        origin: 'http://localhost',
        config: () => ({ socketPath, ...(maxRedirects !== undefined && { maxRedirects }) }),
      });
      expect(hops).toHaveLength(count);
    });

    testOnNewest('and only the same origin gets the credentials', async () => {
      const { hops } = await compare({
        origin: 'http://localhost',
        config: () => ({ socketPath, ...credentials() }),
      });
      expect(hops.map(({ headers }) => headers.authorization)).toStrictEqual([
        'Bearer token',
        'Bearer token',
        undefined,
      ]);
    });
  });

  test('a family applies to all hops', async () => {
    await compare({
      replies: [to(here.url.replace('127.0.0.1', 'localhost'))],
      config: () => ({ family: 4 }),
    });
  });
});

describe('what differs from plain axios on purpose', () => {
  test('the caller’s API keys reach no other origin', async () => {
    const keys = { 'api-key': 'k1', 'X-Api-Key': 'k2', 'Ocp-Apim-Subscription-Key': 'k3' };
    await compare({ replies: [to('/to', 307)], config: () => ({ headers: keys }) });
    const pooled = await observePooled({ replies: [to(`${there.url}/to`, 307)], config: () => ({ headers: keys }) });
    expect(pooled.hops[0]?.headers).toMatchObject({ 'api-key': 'k1' });
    expect(JSON.stringify(pooled.hops[1])).not.toMatch(/"k\d"/);
    await compare({
      replies: [to(`${there.url}/to`, 307)],
      config: () => ({ headers: keys }),
      ignoring: ALLOWED.apiKeys.paths,
    });
  });

  test.each([
    ['another origin', () => there.url],
    ['a subdomain', () => here.url.replace('127.0.0.1', 'b.a.example.test')],
    ['https', () => `https://${secure.host}`],
    ['the same host by another name', () => here.url.replace('127.0.0.1', 'localhost')],
    ['the same origin with userinfo', () => here.url.replace('127.0.0.1', 'u:p@a.example.test'), true],
    ['the same origin', () => here.url.replace('127.0.0.1', 'a.example.test'), true],
  ])('a backend’s own headers follow a redirect only to its own origin: %s', async (_, destination, same = false) => {
    const pooled = await observePooled({
      origin: here.url.replace('127.0.0.1', 'a.example.test'),
      replies: [to(`${destination()}/to`, 307), to('/on', 307)],
      repliesThere: [to(`${here.url.replace('127.0.0.1', 'a.example.test')}/back`, 307)],
      backend: { apiKey: 'own-key', headers: { 'X-Own': 'own-header', Authorization: 'Bearer own-token' } },
      config: (run) => ({
        lookup: loopback,
        method: 'POST',
        data: 'body',
        httpsAgent: agentOf(run, new TlsAgent({ rejectUnauthorized: false })),
      }),
    });
    const [first, ...others] = pooled.hops;
    expect(first?.headers).toMatchObject({ 'api-key': 'own-key', 'x-own': 'own-header' });
    expect(others.length).toBeGreaterThan(0);
    for (const hop of others) {
      expect(hop.body).toBe('body');
      if (same) expect(hop.headers).toMatchObject({ 'api-key': 'own-key', authorization: 'Bearer own-token' });
      else expect(JSON.stringify(hop.headers)).not.toContain('own-');
    }
  });

  test('a proxy’s credentials do not replace those of a backend', async () => {
    const { hostname: host, port } = new URL(proxy.url);
    const pooled = await observePooled({
      replies: [to(`${there.url}/to`, 307)],
      backend: { apiKey: 'own-key' },
      config: () => ({ proxy: { host, port: Number(port), protocol: 'http' } }),
    });
    expect(pooled.hops.map(({ at, headers }) => [at, headers['api-key']])).toStrictEqual([
      ['proxy', 'own-key'],
      ['here', 'own-key'],
      ['proxy', undefined],
      ['there', undefined],
    ]);
  });

  test('the caller’s Host is not sent', async () => {
    const pooled = await observePooled({
      replies: [to('to')],
      config: () => ({ headers: { Host: here.host.replace('127.0.0.1', 'virtual.example.test') }, lookup: loopback }),
    });
    expect(pooled.hops.map(({ headers }) => headers.host)).toStrictEqual([here.host, here.host]);
  });

  test('timeout covers the body too', async () => {
    const pooled = await observePooled({
      replies: [
        to('/to'),
        (_, response) => {
          response.writeHead(200);
          const timer = setInterval(() => response.write('x'), 10);
          response.on('close', () => clearInterval(timer));
          setTimeout(() => response.end(), 200);
        },
      ],
      config: () => ({ timeout: 60 }),
    });
    expect(pooled.error).toMatchObject({ message: 'timeout of 60ms exceeded' });
  });
});
