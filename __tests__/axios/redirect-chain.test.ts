/** Which redirects are followed, where to, and with which headers, over real sockets. */
import { METHODS as KNOWN_METHODS } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { createSecureServer } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { AxiosRequestConfig } from 'axios';
import {
  bodyFor,
  credentials,
  ALLOWED,
  METHODS,
  STATUSES,
  agentOf,
  certificate,
  compare,
  here,
  hops,
  loopback,
  originOf,
  refused,
  script,
  secure,
  there,
  to,
  startServersBeforeAll,
} from '../support/redirects';
import type { Run } from '../support/redirects';

startServersBeforeAll();

describe.each(STATUSES)('a %i', (status) => {
  test.each(METHODS)('with a Location is followed after a %s', async (method) => {
    const { hops } = await compare({ replies: [to('/to', status)], config: () => ({ method, ...bodyFor(method) }) });
    expect(hops).toHaveLength(2);
  });

  test('with a Location is followed to another origin', async () => {
    const { hops } = await compare({
      replies: [to(`${there.url}/to?a=1`, status)],
      config: () => ({ method: 'POST', data: { a: 1 }, params: { b: 2 }, headers: { 'X-Own': 'kept' } }),
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['here', 'there']);
  });

  test('without a Location is returned to the caller', async () => {
    const { hops } = await compare({ replies: [{ status, body: status === 304 ? '' : 'look' }] });
    expect(hops).toHaveLength(1);
  });
});

test.each([
  [200, 1],
  [201, 1],
  [306, 2],
  [310, 2],
  [399, 2],
  [404, 1],
  [503, 1],
])('a %i with a Location takes %i requests', async (status, count) => {
  const { hops } = await compare({ replies: [to('/to', status)] });
  expect(hops).toHaveLength(count);
});

test.each<readonly [string, AxiosRequestConfig, number]>([
  // The server of Node 20.16 doesn't know this method.
  ...(KNOWN_METHODS.includes('QUERY') ? [['a QUERY', { method: 'query', data: 'q' }, 303] as const] : []),
  ['an OPTIONS', { method: 'OPTIONS' }, 303],
  ['a lower-case patch', { method: 'patch', data: { a: 1 } }, 302],
  ['a lower-case post', { method: 'post', data: { a: 1 } }, 301],
  ['a PURGE', { method: 'PURGE' }, 307],
  ['a GET with a body', { method: 'GET', data: { a: 1 } }, 302],
  ['a GET with a body', { method: 'GET', data: { a: 1 } }, 303],
  ['a HEAD with a body', { method: 'HEAD', data: { a: 1 } }, 303],
  ['a POST without a body', { method: 'POST' }, 307],
  ['a POST with an empty body', { method: 'POST', data: '' }, 308],
])('a redirect of %s is followed', async (_, config, status) => {
  const { hops } = await compare({ replies: [to('/to', status)], config: () => config });
  expect(hops).toHaveLength(2);
});

describe('a Location', () => {
  const rows: [title: string, location: string | string[] | (() => string), count: number][] = [
    ['absolute', () => `${here.url}/to?q=1`, 2],
    ['absolute, of another origin', () => `${there.url}/to?q=1`, 2],
    ['absolute, without a path', () => there.url, 2],
    ['absolute, with an upper-case scheme', () => there.url.replace('http', 'HTTP'), 2],
    ['absolute, with one slash', () => there.url.replace('//', '/'), 2],
    ['absolute, without a slash', () => there.url.replace('//', ''), 2],
    ['absolute, with backslashes', () => there.url.replace('//', '\\\\'), 2],
    ['absolute, with userinfo', () => there.url.replace('//', '//user:pass@'), 2],
    ['absolute, of the same origin, with userinfo', () => here.url.replace('//', '//user:pass@'), 2],
    ['with another name of the same host', () => here.url.replace('127.0.0.1', 'localhost'), 2],
    ['with the host as a number', () => here.url.replace('127.0.0.1', '2130706433'), 2],
    ['path-absolute', '/to', 2],
    ['relative', 'to', 2],
    ['relative with a colon', './to:there', 2],
    ['relative with what looks like a scheme', 'to:there', 1],
    ['relative, up several levels', '../../../up', 2],
    ['with dots inside', '/a/./b/../c', 2],
    ['a query only', '?only=query', 2],
    ['an empty query', '?', 2],
    ['a fragment only', '#fragment', 2],
    ['with a fragment', '/to#fragment', 2],
    ['with a query and a fragment', '/to?a=1#fragment?b=2', 2],
    ['without a scheme', () => `//${there.host}/to`, 2],
    ['two slashes only', '//', 1],
    ['three slashes', '///to', 1],
    ['empty', '', 1],
    ['only spaces', '  ', 1],
    ['with spaces around it', '  /to  ', 2],
    ['with a space inside', '/to there?a b', 2],
    ['with a tab inside', '/to\tthere', 2],
    ['percent-encoded', '/%E4%BD%A0%2F%3F%23?q=%26%3D%20', 2],
    ['badly percent-encoded', '/%ZZ%?%', 2],
    ['with characters that are invalid in URLs', '/a|b^c`d{e}"f"<g>?h|i^j`{k}"l"<m>\'n\'', 2],
    ['latin1', '/caf\xe9?q=\xfc', 2],
    ['UTF-8, as bytes', () => Buffer.from('/café?q=日本').toString('latin1'), 2],
    ['with non-ASCII in the host', 'http://caf\xe9.invalid/', 1],
    ['given twice', ['/first', '/second'], 2],
    ['very long', `/${'x'.repeat(10_000)}`, 2],
    ['invalid: a bracket', 'http://[bad', 1],
    ['invalid: a port', 'http://127.0.0.1:99999/', 1],
    ['invalid: no host', 'http://', 1],
    ['invalid: a host', 'http://a b/', 1],
    ['ftp:', 'ftp://127.0.0.1/file', 1],
    ['file:', 'file:///etc/hosts', 1],
    ['javascript:', 'javascript:alert(1)', 1],
    ['data:', 'data:text/plain,hello', 1],
    ['mailto:', 'mailto:a@b.test', 1],
    ['ws:', () => here.url.replace('http', 'ws'), 1],
    ['a scheme with a plus', 'svn+ssh://127.0.0.1/', 1],
    ['a drive letter', 'C:/file', 1],
    ['where nothing listens', () => `${refused}/to`, 1],
    ['where nothing listens, over IPv6', () => `${refused.replace('127.0.0.1', '[::1]')}/to`, 1],
    ['with an unknown host', 'http://no-such-host.invalid/', 1],
  ];
  test.each(rows)('is handled as in plain axios: %s', async (_, location, count) => {
    const header = typeof location === 'function' ? location() : location;
    const { hops } = await compare({
      replies: [to(header, 307)],
      config: () => ({ url: '/a/b/c?x=1', method: 'POST', data: { a: 1 } }),
    });
    expect(hops).toHaveLength(count);
  });

  test('is resolved against the latest hop, not the first', async () => {
    const { hops } = await compare({
      replies: [to(`${there.url}/deep/er/`)],
      repliesThere: [to('next?a'), to('?b'), to('/root')],
    });
    expect(hops.map(({ at, url }) => at + url)).toStrictEqual([
      'here/from',
      'there/deep/er/',
      'there/deep/er/next?a',
      'there/deep/er/next?b',
      'there/root',
    ]);
  });

  test('may be written in any letter case', async () => {
    await compare({ replies: [{ status: 302, headers: { LOCATION: '/to' } }] });
  });

  test('is resolved against a URL with params, a fragment and encoded characters', async () => {
    await compare({
      replies: [to('to')],
      config: () => ({ url: '/a%2Fb/ü?x=[1]#f', params: { y: ['ä', 2], z: 'a b' } }),
    });
  });

  test('may lead out of the path prefix of a backend', async () => {
    await compare({ origin: `${here.url}/prefix`, replies: [to('to'), to('/prefix/again'), to('../out')] });
  });
});

describe('the number of redirects', () => {
  const forever = Array.from({ length: 40 }, (_, i) => to(`/${String(i + 1)}`, 307));
  test.each([
    [undefined, 22],
    [0, 1],
    [1, 2],
    [3, 4],
    [5, 6],
    [21, 22],
    [-1, 1],
    [Number.NaN, 22],
    [Number.POSITIVE_INFINITY, 41],
    [null, 22],
    ['2', 3],
  ])('maxRedirects: %s leads to %i requests', async (maxRedirects, count) => {
    const { hops } = await compare({
      replies: forever,
      config: () => ({ ...(maxRedirects !== undefined && { maxRedirects: maxRedirects as number }) }),
    });
    expect(hops).toHaveLength(count);
  });

  test.each([
    ['may be exactly maxRedirects', 3, 3],
    ['may not be one more than maxRedirects', 3, 4],
  ])('%s', async (_, maxRedirects, count) => {
    await compare({
      replies: forever.slice(0, count),
      config: () => ({ maxRedirects, method: 'PUT', data: 'body' }),
    });
  });

  test('a redirect to itself ends with ERR_FR_TOO_MANY_REDIRECTS', async () => {
    const { hops, error } = await compare({ replies: Array.from({ length: 40 }, () => to('/from')) });
    expect(hops).toHaveLength(22);
    expect(error).toMatchObject({
      code: 'ERR_FR_TOO_MANY_REDIRECTS',
      message: 'Maximum number of redirects exceeded',
    });
  });

  test('a loop between two origins ends at maxRedirects', async () => {
    const back = Array.from({ length: 40 }, () => to(`${here.url}/from`));
    const forth = Array.from({ length: 40 }, () => to(`${there.url}/from`));
    const { hops } = await compare({ replies: forth, repliesThere: back, config: () => ({ maxRedirects: 5 }) });
    expect(hops).toHaveLength(6);
  });

  test('is limited as in plain axios even if validateStatus accepts every status', async () => {
    await compare({
      replies: forever,
      config: () => ({ maxRedirects: 0, method: 'POST', data: 'body', validateStatus: () => true }),
    });
    await compare({ replies: forever, config: () => ({ maxRedirects: 2, validateStatus: () => true }) });
  });

  test.each([200, 404, 500, 503])('a %i after a redirect is settled as in plain axios', async (status) => {
    await compare({ replies: [to('/to'), { status, body: 'text', headers: { 'x-own': '1' } }] });
  });
});

describe('a redirect between protocols', () => {
  const httpsAgent = (run: Run): TlsAgent => agentOf(run, new TlsAgent({ rejectUnauthorized: false }));

  test.each([302, 307])('is followed from http to https after a %i', async (status) => {
    const { hops } = await compare({
      replies: [to(`https://${secure.host}/to`, status)],
      config: (run) => ({ ...credentials(), httpsAgent: httpsAgent(run), method: 'POST', data: { a: 1 } }),
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['here', 'secure']);
  });

  test.each([302, 307])('is followed from https to http after a %i', async (status) => {
    script(secure, 'secure', []);
    const { hops } = await compare({
      origin: `https://${secure.host}`,
      replies: [],
      config: (run) => {
        script(secure, 'secure', [to(`${here.url}/to`, status)]);
        return { ...credentials(), httpsAgent: httpsAgent(run), method: 'POST', data: { a: 1 } };
      },
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['secure', 'here']);
  });

  test('is followed from https to https, and fails if the certificate is not trusted', async () => {
    const { hops } = await compare({
      origin: `https://${secure.host}`,
      config: (run) => {
        script(secure, 'secure', [to('/to')]);
        return { httpsAgent: httpsAgent(run) };
      },
    });
    expect(hops.map(({ at }) => at)).toStrictEqual(['secure', 'secure']);
    const { error } = await compare({ replies: [to(`https://${secure.host}/to`)] });
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  test('is handled over HTTP/2 as in plain axios, which uses HTTP/1.1 before 1.13', async () => {
    const sessions: ServerHttp2Session[] = [];
    const server = createSecureServer(
      { ...certificate, allowHTTP1: true },
      ({ method, url, httpVersion }, response) => {
        hops.push({ at: `HTTP/${httpVersion}`, method, url, headers: {}, body: '' });
        if (url === '/from') response.writeHead(302, { location: '/to' });
        response.end('done');
      },
    );
    // axios leaves them open.
    server.on('session', (session) => sessions.push(session));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { hops } = await compare({
        origin: originOf(server).replace('http', 'https'),
        config: (run) => ({
          httpVersion: 2 as const,
          http2Options: { rejectUnauthorized: false, sessionTimeout: 10 },
          httpsAgent: httpsAgent(run),
        }),
      });
      expect(hops.length).toBeGreaterThan(0);
    } finally {
      for (const session of sessions) session.destroy();
      server.close();
    }
  });

  test('fails as in plain axios if the server speaks http where https was meant, or the reverse', async () => {
    await compare({ replies: [to(`http://${secure.host}/to`)] });
    await compare({ replies: [to(here.url.replace('http', 'https'))] });
  });
});

describe('the headers after a redirect', () => {
  const given = (): AxiosRequestConfig => ({
    method: 'POST',
    data: { a: 1 },
    headers: {
      'X-Own': 'kept',
      Cookie: 'c=1',
      Authorization: 'Bearer token',
      'Proxy-Authorization': 'Basic proxy',
      'Content-Language': 'en',
      'CONTENT-MD5': 'md5',
      'X-Content-Type-Options': 'kept',
      'X-List': ['1', '2'],
      Accept: 'text/plain',
      'User-Agent': 'own',
      Range: 'bytes=0-1',
    },
  });
  const locations: [string, () => string][] = [
    ['the same origin', () => '/to'],
    ['the same origin, absolute', () => `${here.url}/to`],
    ['another port', () => `${there.url}/to`],
    ['another name of the host', () => here.url.replace('127.0.0.1', 'localhost')],
  ];

  describe.each(STATUSES)('of status %i', (status) => {
    test.each(locations)('to %s are those of plain axios', async (_, location) => {
      const { hops } = await compare({ replies: [to(location(), status)], config: given });
      expect(hops).toHaveLength(2);
    });
  });

  test('that were removed for another origin stay removed on the way back', async () => {
    await compare({
      replies: [to(`${there.url}/out`, 307)],
      repliesThere: [to(`${here.url}/back`, 307)],
      config: () => ({ ...given(), sensitiveHeaders: ['X-Own'] }),
    });
  });

  test.each(locations)('to %s are those of plain axios with `auth`', async (_, location) => {
    const { hops } = await compare({
      replies: [to(location(), 307), to('/again', 307)],
      repliesThere: [to('/again', 307)],
      config: () => ({ ...given(), auth: { username: 'üser', password: 'p@ss:wörd' } }),
      ignoring: ALLOWED.responseUrl.paths,
    });
    expect(hops).toHaveLength(3);
  });

  test('to another origin and back are those of plain axios with `auth`', async () => {
    await compare({
      replies: [to(`${there.url}/out`, 307)],
      repliesThere: [to(`${here.url}/back`, 307)],
      config: () => ({ auth: { username: 'u', password: 'p' } }),
      ignoring: ALLOWED.responseUrl.paths,
    });
  });

  test.each(locations)('to %s are those of plain axios with `sensitiveHeaders`', async (_, location) => {
    await compare({
      replies: [to(location(), 307)],
      config: () => ({ ...given(), sensitiveHeaders: ['x-OWN', 'X-List', 'x-none', 'a.b*c'] }),
    });
  });

  test.each([
    ['text', 'x-own'],
    ['an object', {}],
    ['a list of numbers', [1]],
    ['null', null],
    ['an empty list', []],
  ])('are checked as in plain axios if `sensitiveHeaders` is %s', async (_, names) => {
    const sensitiveHeaders = names as string[];
    await compare({ replies: [to(`${there.url}/to`)], config: () => ({ ...given(), sensitiveHeaders }) });
    await compare({ replies: [to('/to')], config: () => ({ ...given(), sensitiveHeaders, maxRedirects: 0 }) });
  });

  test('include the caller’s Transfer-Encoding, Content-Length or Connection as in plain axios', async () => {
    for (const status of [303, 307]) {
      await compare({
        replies: [to('/to', status)],
        config: () => ({ method: 'POST', data: 'body', headers: { 'Transfer-Encoding': 'chunked' } }),
      });
      await compare({
        replies: [to('/to', status)],
        config: () => ({ method: 'POST', data: 'body', headers: { 'content-length': '4' } }),
      });
      await compare({ replies: [to('/to', status)], config: () => ({ headers: { Connection: 'close' } }) });
    }
  });

  test('include a backend’s own Host as in plain axios', async () => {
    const host = here.host.replace('127.0.0.1', 'virtual.example.test');
    for (const location of ['to', `${here.url}/to`, `//${here.host}/to`]) {
      const { hops } = await compare({
        replies: [to(location, 307)],
        backend: { headers: { Host: host } },
        plainly: { headers: { Host: host } },
        config: () => ({ lookup: loopback }),
      });
      expect(hops).toHaveLength(2);
      expect(hops[0]?.headers.host).toBe(host);
    }
  });

  describe('between subdomains', () => {
    test.each([
      ['from a domain to its subdomain', 'a.example.test', 'b.a.example.test'],
      ['from a subdomain to its domain', 'b.a.example.test', 'a.example.test'],
      ['from one subdomain to another', 'a.example.test', 'b.example.test'],
      ['to a domain whose name has the same ending', 'a.example.test', 'xa.example.test'],
      ['to a subdomain in upper case', 'a.example.test', 'B.A.EXAMPLE.TEST'],
    ])('%s are those of plain axios', async (_, from, destination) => {
      const port = here.host.split(':')[1]!;
      const { hops } = await compare({
        origin: `http://${from}:${port}`,
        replies: [to(`http://${destination}:${port}/to`, 307)],
        config: () => ({ ...given(), lookup: loopback }),
        ignoring: ALLOWED.authorization.paths,
      });
      expect(hops[1]?.headers.host).toBe(`${destination.toLowerCase()}:${port}`);
    });

    test('to a subdomain on another port are those of plain axios', async () => {
      await compare({
        origin: here.url.replace('127.0.0.1', 'a.example.test'),
        replies: [to(there.url.replace('127.0.0.1', 'b.a.example.test'), 307)],
        config: () => ({ ...given(), lookup: loopback }),
      });
    });

    test('to a subdomain are those of plain axios with `auth`', async () => {
      await compare({
        origin: here.url.replace('127.0.0.1', 'a.example.test'),
        replies: [to(here.url.replace('127.0.0.1', 'b.a.example.test'), 307)],
        config: () => ({ auth: { username: 'u', password: 'p' }, lookup: loopback }),
      });
    });
  });
});
