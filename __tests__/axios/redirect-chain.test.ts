/**
 * Redirects, over real sockets: what an instance with a priority adapter does is what a plain axios instance does, value
 * by value. Nothing here says what axios does, apart from the number of hops: plain axios is asked, so the comparison
 * holds for every version of axios.
 */
import { createHash } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { Agent, METHODS as KNOWN_METHODS, createServer, globalAgent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import {
  Agent as TlsAgent,
  createServer as createTlsServer,
  globalAgent as tlsGlobalAgent,
  request as tlsRequest,
} from 'node:https';
import { createSecureServer } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosInstance, AxiosProgressEvent, AxiosRequestConfig, AxiosResponse } from 'axios';
import NodeFormData from 'form-data';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { certificate as selfSigned } from '../support/certificate';
import { FakeBackend } from '../support/fake-backend';
import { pathOfSocket } from '../support/path-of-socket';

/** A canned answer, or a function that does with the socket what it likes. */
type Reply =
  | { readonly status?: number; readonly headers?: Record<string, string | string[]>; readonly body?: string | Buffer }
  | ((request: IncomingMessage, response: ServerResponse) => void);

/** One request, as a server saw it. */
interface Hop {
  readonly at: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What `beforeRedirect` may change. */
type HookOptions = Record<string, unknown> & { headers: Record<string, unknown> };

interface Scenario {
  /** What the servers answer, in order. Behind the last, everything is a 200. Set anew for each instance. */
  readonly replies?: Reply[];
  /** The same for the second server. */
  readonly repliesThere?: Reply[];
  /** Made anew for each instance. */
  readonly config?: (run: Run) => AxiosRequestConfig;
  /** Where the first request goes. Default: `here` */
  readonly origin?: string;
  /** What the backend is given beside its origin. */
  readonly backend?: Partial<BackendOptions>;
  /** What plain axios is given in place of that. */
  readonly plainly?: AxiosRequestConfig;
  /** Paths of values that may differ, of `ALLOWED`. */
  readonly ignoring?: readonly string[];
  /** ms until a request counts as hanging. Default: 4000 */
  readonly patience?: number;
}

/** One request of one instance. */
interface Run {
  /** What is compared besides. */
  readonly notes: Record<string, unknown>;
  /** For what is to be closed behind it. */
  readonly cleanups: (() => void)[];
}

interface Observed {
  readonly hops: readonly Hop[];
  readonly response?: SeenResponse;
  readonly error?: SeenError;
  readonly notes: Record<string, unknown>;
}

type SeenResponse = Record<'status' | 'statusText' | 'headers' | 'data' | 'request', unknown>;
type SeenError = Record<
  'name' | 'message' | 'code' | 'system' | 'cause' | 'isAxiosError' | 'hasRequest' | 'response',
  unknown
>;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const STATUSES = [300, 301, 302, 303, 304, 305, 307, 308] as const;

/** Older versions of axios break rules that the newest has, and the package with every version. */
const isOlderAxios = 'installedAxios' in globalThis;
const testOnNewest = isOlderAxios ? test.skip : test;

/** What is said of a request that has not ended in time. */
const HANGS = 'it hangs';

let here: FakeBackend;
let there: FakeBackend;
let secure: FakeBackend;
let proxy: FakeBackend;
let certificate: { key: string; cert: string };
/** An origin where nobody listens. */
let refused: string;
let hops: Hop[] = [];

beforeAll(async () => {
  certificate = await selfSigned();
  [here, there, secure, proxy] = await Promise.all([
    FakeBackend.start(),
    FakeBackend.start(),
    FakeBackend.start(createTlsServer(certificate)),
    FakeBackend.start(tunnels(createServer())),
  ]);
  const gone = await FakeBackend.start();
  refused = gone.url;
  await gone.close();
});

afterAll(() => Promise.all([here, there, secure, proxy].map((server) => server.close())));

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
    expect(hops.map(({ at }) => at)).toEqual(['here', 'there']);
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
    expect(hops.map(({ at, url }) => at + url)).toEqual([
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
    expect(hops.map(({ at }) => at)).toEqual(['here', 'secure']);
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
    expect(hops.map(({ at }) => at)).toEqual(['secure', 'here']);
  });

  test('is followed from https to https, and fails if the certificate is not trusted', async () => {
    const { hops } = await compare({
      origin: `https://${secure.host}`,
      config: (run) => {
        script(secure, 'secure', [to('/to')]);
        return { httpsAgent: httpsAgent(run) };
      },
    });
    expect(hops.map(({ at }) => at)).toEqual(['secure', 'secure']);
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

describe('the request body', () => {
  const kinds: [string, () => Pick<AxiosRequestConfig, 'data' | 'headers'>][] = [
    ['a string', () => ({ data: 'text ü' })],
    ['JSON', () => ({ data: { a: 'ü' } })],
    ['a Buffer', () => ({ data: Buffer.from([0, 1, 254, 255]) })],
    ['an ArrayBuffer', () => ({ data: new Uint8Array([0, 1, 254, 255]).buffer })],
    ['URLSearchParams', () => ({ data: new URLSearchParams({ a: '1', b: 'ü' }) })],
    ['FormData', () => ({ data: form(new FormData()) })],
    ['a Blob', () => ({ data: new Blob(['blob ü'], { type: 'text/x-own' }) })],
    ['a Blob without a type', () => ({ data: new Blob(['blob']) })],
    ['a stream', () => ({ data: Readable.from([Buffer.from('one '), Buffer.from('two')]) })],
    ['a stream of text', () => ({ data: Readable.from(['öne ', 'twö']), headers: { 'Content-Type': 'text/plain' } })],
    ['a stream of a known length', () => ({ data: Readable.from(['body']), headers: { 'Content-Length': '4' } })],
    ['an empty stream', () => ({ data: Readable.from([]) })],
    ['a form of the form-data package', () => ({ data: form(new NodeFormData()) })],
    ['a large Buffer', () => ({ data: Buffer.alloc(1_000_000, 'x') })],
    ['a large stream', () => ({ data: Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(20_000, 'y'))) })],
  ];

  describe.each([301, 303, 307, 308])('after a %i', (status) => {
    test.each(kinds)('is dropped below 307 and sent again otherwise: %s', async (_, body) => {
      const { hops } = await compare({
        replies: [to('/to', status), to(`${there.url}/on`, status)],
        config: () => ({ method: 'POST', ...body() }),
      });
      const [first, second, third] = hops;
      expect(hops).toHaveLength(3);
      expect(second?.body).toBe(status < 307 ? '' : first?.body);
      expect(third?.body).toBe(second?.body);
    });
  });

  test.each([301, 308])('is sent again after a %i to a PUT, even if it is a stream', async (status) => {
    const { hops } = await compare({
      replies: [to('/to', status)],
      config: () => ({ method: 'PUT', data: Readable.from(['one', 'two']) }),
    });
    expect(hops[1]?.body).toBe('onetwo');
  });

  test('rejects as in plain axios if it is a stream that fails', async () => {
    await compare({ config: () => ({ method: 'POST', data: failing(), maxRedirects: 3 }) });
  });

  test('is reported by onUploadProgress as in plain axios', async () => {
    await compare({
      replies: [to('/to', 307)],
      config: ({ notes }) => ({
        method: 'POST',
        data: Buffer.alloc(100_000, 'z'),
        onUploadProgress: (event) => void (notes.uploaded = progressOf(event)),
      }),
    });
  });

  describe('and maxBodyLength:', () => {
    const small = kinds.filter(([title]) => !title.includes('empty') && !title.includes('large'));
    test.each(small)('%s over the limit rejects before anything is sent', async (_, body) => {
      const { error, hops } = await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', ...body(), maxBodyLength: 3 }),
      });
      expect(error).toMatchObject({ message: 'Request body larger than maxBodyLength limit' });
      expect(hops).toHaveLength(0);
    });

    test.each(small)('%s within the limit is sent after two redirects', async (_, body) => {
      const { hops } = await compare({
        replies: [to('/to', 307), to('/on', 307)],
        config: () => ({ method: 'POST', ...body(), maxBodyLength: 1000 }),
      });
      expect(hops).toHaveLength(3);
    });

    test('a text over the limit is handled as in plain axios if maxRedirects is 0', async () => {
      await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', data: 'text', maxBodyLength: 3, maxRedirects: 0 }),
      });
    });

    test('without a limit, a stream may exceed the 10 MB of follow-redirects', async () => {
      const { hops } = await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', data: Readable.from(Array.from({ length: 11 }, () => Buffer.alloc(1e6))) }),
      });
      expect(hops).toHaveLength(2);
    });
  });

  describe('that is still being sent when the redirect comes', () => {
    let early: Server;
    let redirected: Promise<void>;

    beforeEach(async () => {
      early = createServer((request, response) => {
        const { method = '', url = '', headers } = request;
        hops.push({ at: 'early', method, url, headers, body: '' });
        response.writeHead(url === '/as-get' ? 303 : 307, { location: `${here.url}/to` }).end('early');
      });
      await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
    });

    afterEach(() => {
      early.closeAllConnections();
      early.close();
    });

    /** One chunk, and the others when the second request is under way. */
    const halting = (...more: string[]): Readable => {
      redirected = once(early, 'request').then(() => sleep(50));
      return Readable.from(
        (async function* () {
          yield 'one';
          await redirected;
          yield* more;
        })(),
      );
    };

    test.each(['/from', '/as-get'])('is handled as in plain axios if it is a Buffer sent to %s', async (url) => {
      const scenario: Scenario = {
        origin: originOf(early),
        config: () => ({ url, method: 'POST', data: Buffer.alloc(20_000_000, 'e') }),
        patience: 1000,
      };
      const plain = await observePlain(scenario);
      // axios 1.5 to 1.7 waits for ever for the rest of a body that it has thrown away: nobody has to do so too.
      if (plain.error?.message === HANGS) return;
      expect(await observePooled(scenario)).toEqual(plain);
      expect(plain.hops.map(({ at }) => at)).toEqual(['early', 'here']);
    });

    test('is sent again in full if it is a stream', async () => {
      const { hops } = await compare({
        origin: originOf(early),
        config: () => ({ method: 'POST', data: halting('two', 'three') }),
      });
      expect(hops[1]?.body).toBe('onetwothree');
    });

    test('is not sent again if its stream then exceeds maxBodyLength', async () => {
      const { hops } = await compare({
        origin: originOf(early),
        config: () => ({ method: 'POST', data: halting('x'.repeat(100)), maxBodyLength: 50 }),
      });
      expect(hops.map(({ at }) => at)).toEqual(['early']);
    });

    test('rejects with the error of its stream if that then fails', async () => {
      const { error } = await compare({
        origin: originOf(early),
        config: () => {
          const data = halting('two');
          void redirected.then(() => data.destroy(new Error('the source failed')));
          return { method: 'POST', data };
        },
      });
      expect(error).toMatchObject({ message: 'the source failed' });
    });
  });
});

describe('the response', () => {
  const types = ['json', 'text', 'arraybuffer', 'stream', 'blob', 'document', undefined] as const;
  test.each(types)('after a redirect has the data of plain axios: responseType %s', async (responseType) => {
    await compare({
      replies: [
        { status: 302, headers: { location: '/to' }, body: 'not this one' },
        { status: 200, headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] }, body: '{"ü":1}' },
      ],
      config: () => ({ ...(responseType && { responseType }) }),
    });
  });

  test.each(['json', 'stream', 'arraybuffer'] as const)(
    'has the data of plain axios if redirects are not followed: responseType %s',
    async (responseType) => {
      const reply: Reply = { status: 302, headers: { location: '/to' }, body: '{"look":"here"}' };
      await compare({
        replies: [reply],
        config: () => ({ responseType, maxRedirects: 0 }),
        ignoring: responseType === 'stream' ? ALLOWED.refusedStream.paths : [],
      });
      await compare({
        replies: [reply],
        config: () => ({ responseType, maxRedirects: 0, validateStatus: (status) => status < 400 }),
      });
    },
  );

  test.each([true, false])('after a redirect is decompressed as in plain axios: decompress: %s', async (decompress) => {
    const body = gzipSync('{"zipped":true}');
    await compare({
      replies: [
        { status: 302, headers: { location: '/to', 'content-encoding': 'gzip' }, body: 'not gzip' },
        { status: 200, headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' }, body },
      ],
      config: () => ({ decompress, responseType: 'arraybuffer' }),
    });
  });

  test.each(['HEAD', 'GET'])('to a %s may have content-encoding: gzip and no body', async (method) => {
    await compare({
      replies: [to('/to', 303), { status: 204, headers: { 'content-encoding': 'gzip' } }],
      config: () => ({ method }),
    });
  });

  test('does not wait for the body of a redirect that never ends', async () => {
    const { hops } = await compare({
      replies: [
        (_, response) => void response.writeHead(302, { location: '/to', 'content-length': '1000' }).write('never'),
        (_, response) => void response.writeHead(307, { location: '/on' }).write('never'),
      ],
    });
    expect(hops).toHaveLength(3);
  });

  test('is limited by maxContentLength as in plain axios if the body of the redirect exceeds it', async () => {
    const large = { status: 302, headers: { location: '/to' }, body: 'x'.repeat(100_000) };
    await compare({ replies: [large, { body: 'small' }], config: () => ({ maxContentLength: 10 }) });
    for (const responseType of ['text', 'stream'] as const) {
      const { response, error } = await compare({
        replies: [large, { body: 'x'.repeat(100) }],
        config: () => ({ maxContentLength: 10, responseType }),
      });
      expect(response ?? error).toBeDefined();
    }
  });

  test('that is cut off after a redirect rejects as in plain axios', async () => {
    await compare({
      replies: [
        to('/to'),
        (request, response) => {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('half', () => request.socket.destroy());
        },
      ],
    });
  });

  test.each([
    ['connection reset', (request: IncomingMessage) => request.socket.resetAndDestroy()],
    ['connection closed', (request: IncomingMessage) => request.socket.destroy()],
    ['not HTTP', (request: IncomingMessage) => request.socket.end('this is not HTTP\r\n\r\n')],
  ])('that never comes after a redirect rejects as in plain axios: %s', async (_, reply) => {
    const { hops } = await compare({ replies: [to('/to', 307), reply], config: () => ({ method: 'POST', data: 'b' }) });
    expect(hops).toHaveLength(2);
  });

  test('may have invalid headers only with insecureHTTPParser', async () => {
    const reply: Reply = (request) => request.socket.end('HTTP/1.1 302 Found\r\nlocation: /to\r\nx: \x01\r\n\r\n');
    await compare({ replies: [reply] });
    const { hops } = await compare({ replies: [reply, reply], config: () => ({ insecureHTTPParser: true }) });
    expect(hops).toHaveLength(3);
  });

  test('is unaffected by interim 1xx responses', async () => {
    await compare({
      replies: [
        (_, response) => {
          response.writeProcessing();
          response.writeHead(302, { location: '/to' }).end();
        },
        (_, response) => {
          response.writeEarlyHints({ link: '</a>; rel=preload' });
          response.end('done');
        },
      ],
    });
  });

  test('is the only one that onDownloadProgress reports', async () => {
    const { notes } = await compare({
      replies: [{ status: 302, headers: { location: '/to' }, body: 'x'.repeat(5000) }, { body: 'y'.repeat(3000) }],
      config: ({ notes }) => ({ onDownloadProgress: (event) => void (notes.downloaded = progressOf(event)) }),
    });
    expect(notes).toMatchObject({ downloaded: { loaded: 3000 } });
  });

  test('sets no cookies for the next hop', async () => {
    const { hops } = await compare({
      replies: [{ status: 302, headers: { location: '/to', 'set-cookie': 'a=1' } }],
      config: () => ({ withCredentials: true }),
    });
    expect(hops[1]?.headers).not.toHaveProperty('cookie');
  });
});

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
    expect(hops.map(({ at }) => at)).toEqual(['proxy', 'here', 'proxy', at(location())]);
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
      expect(direct.hops.map(({ at }) => at)).toEqual(['here', 'there']);
    });

    test('is used after a redirect even if the first hop needed none', async () => {
      process.env.http_proxy = proxy.url;
      process.env.no_proxy = here.host;
      const { hops } = await compare({ replies: [to(`${there.url}/to`, 307)], config: credentials });
      expect(hops.map(({ at }) => at)).toEqual(['here', 'proxy', 'there']);
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
    expect(hops.map(({ at }) => at)).toEqual(['here', 'secure', 'secure', 'there']);
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
    expect(warnings).toEqual([]);
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
      expect(answers.map(({ data }) => data as unknown)).toEqual(Array.from({ length: 5 }, () => 'done'));
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
    expect(notes).toEqual({ listeners: 0 });
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
      expect(hops.map(({ headers }) => headers.authorization)).toEqual(['Bearer token', 'Bearer token', undefined]);
    });
  });

  test('a family applies to all hops', async () => {
    await compare({
      replies: [to(here.url.replace('127.0.0.1', 'localhost'))],
      config: () => ({ family: 4 }),
    });
  });
});

/** Where today's package differs from plain axios on purpose. Paths into what is observed. */
const ALLOWED = {
  authorization: {
    reason:
      'A redirect to another origin carries no credential headers. Older axios carries Authorization to a subdomain, and from http to https.',
    paths: ['hops.1.headers.authorization', 'hops.2.headers.authorization', 'hops.3.headers.authorization'],
  },
  apiKeys: {
    reason: 'The same for the headers of Azure, OpenAI and API Management, which axios does not know of.',
    paths: ['hops.1.headers.api-key', 'hops.1.headers.x-api-key', 'hops.1.headers.ocp-apim-subscription-key'],
  },
  sensitiveHeaders: {
    reason: 'Which headers those are is said by axios’s own option. Paths into the options of `beforeRedirect`.',
    paths: ['sensitiveHeaders', 'beforeRedirects.sensitiveHeaders'],
  },
  host: {
    reason: 'The caller’s Host names another server than the backend.',
    paths: ['hops.0.headers.host'],
  },
  settled: {
    reason: 'A 3xx that the caller does not take for valid has the code of today’s axios; older axios gives it none.',
    paths: ['error.code'],
  },
  refusedStream: {
    reason: 'Whoever catches the error may read its stream; axios 1.13 destroys it before.',
    paths: ['error.response.data'],
  },
  responseUrl: {
    reason: 'follow-redirects repeats the credentials of `auth` in `responseUrl`. No response shows credentials here.',
    paths: ['response.request.responseUrl', 'error.response.request.responseUrl'],
  },
  protocol: {
    reason: 'Node names the protocol that it does not speak; follow-redirects only fails an assertion.',
    paths: ['error.code', 'error.message', 'error.name', 'error.cause'],
  },
  olderAxios: {
    reason:
      'With every version, redirects follow the rules of the newest axios: `auth` is kept for its origin, Proxy-Authorization is not repeated, cookies go to one origin alone, and `sensitiveHeaders` are removed.',
    paths: [1, 2, 3].flatMap((hop) =>
      ['authorization', 'proxy-authorization', 'cookie', 'x-own', 'x-list'].map(
        (name) => `hops.${String(hop)}.headers.${name}`,
      ),
    ),
  },
  interrupted: {
    reason: 'A budget for the whole request is kept by the package, whose error has no request of one attempt.',
    paths: ['error.hasRequest'],
  },
} as const;

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
    expect(pooled.hops.map(({ at, headers }) => [at, headers['api-key']])).toEqual([
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
    expect(pooled.hops.map(({ headers }) => headers.host)).toEqual([here.host, here.host]);
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

async function compare(scenario: Scenario): Promise<Observed> {
  const { plain, pooled } = await observeBoth(scenario);
  const { error } = plain;
  const unsettled = error?.response !== undefined && error.code === undefined;
  const isUnsupported = isOlderAxios && String(error?.message).includes('Unsupported protocol');
  const older = isOlderAxios ? [...ALLOWED.olderAxios.paths, ...(isUnsupported ? ALLOWED.protocol.paths : [])] : [];
  for (const path of [...(scenario.ignoring ?? []), ...older, ...(unsettled ? ALLOWED.settled.paths : [])])
    for (const observed of [plain, pooled]) remove(observed, path.split('.'));
  expect(pooled).toEqual(plain);
  return pooled;
}

/** The same request by plain axios and by a pool, one after the other, to the same servers. */
async function observeBoth(scenario: Scenario): Promise<{ plain: Observed; pooled: Observed }> {
  return { plain: await observePlain(scenario), pooled: await observePooled(scenario) };
}

function observePlain(scenario: Scenario): Promise<Observed> {
  return observe(axios.create({ ...scenario.plainly, baseURL: scenario.origin ?? here.url }), scenario);
}

function observePooled(scenario: Scenario): Promise<Observed> {
  const backend = { ...scenario.backend, baseURL: scenario.origin ?? here.url };
  // What a failure leads to, the 429 where nobody is left, is another matter.
  return observe(axios.create({ adapter: priorityAdapter([backend], { failoverCondition: () => false }) }), scenario);
}

async function observe(client: AxiosInstance, scenario: Scenario): Promise<Observed> {
  hops = [];
  for (const { calls, sockets } of [here, there, secure, proxy]) {
    calls.length = 0;
    for (const socket of sockets) socket.destroy();
  }
  script(here, 'here', scenario.replies ?? []);
  script(there, 'there', scenario.repliesThere ?? []);
  script(secure, 'secure', []);
  script(proxy, 'proxy', []);
  const run: Run = { notes: {}, cleanups: [] };
  const config = { url: '/from', ...scenario.config?.(run) };
  const outcome = await outcomeOf(client.request(config), scenario.patience ?? 4000);
  const { agent } = run.notes;
  if (agent instanceof Agent) run.notes.agent = await socketsOf(agent);
  for (const cleanup of run.cleanups) cleanup();
  globalAgent.destroy();
  tlsGlobalAgent.destroy();
  return { hops, ...outcome, notes: run.notes };
}

async function outcomeOf(
  request: Promise<AxiosResponse>,
  patience: number,
): Promise<Pick<Observed, 'response' | 'error'>> {
  const enough = new AbortController();
  const hangs = sleep(patience, undefined, { signal: enough.signal }).then(() => {
    throw new Error(HANGS);
  });
  try {
    return { response: await seenResponse(await Promise.race([request, hangs])) };
  } catch (error) {
    return { error: await seenError(error) };
  } finally {
    enough.abort();
    hangs.catch(() => undefined);
  }
}

async function seenResponse({ status, statusText, headers, data, request }: AxiosResponse): Promise<SeenResponse> {
  const { path, method, protocol, host, res, constructor } = request as Record<string, unknown> & {
    readonly res?: Record<string, unknown>;
  };
  const { responseUrl, redirects, httpVersion } = res ?? {};
  return {
    status,
    statusText,
    headers: withoutDate({ ...headers }),
    data: await seenData(data),
    request: { path, method, protocol, host, responseUrl, redirects, httpVersion, kind: constructor.name },
  };
}

async function seenError(error: unknown): Promise<SeenError> {
  const { name, message, code, cause, isAxiosError, request, response, ...more } = Object(error) as SystemError & {
    readonly isAxiosError?: unknown;
    readonly request?: unknown;
    readonly response?: AxiosResponse;
  };
  return {
    name,
    message,
    code,
    system: systemOf(more),
    cause: cause instanceof Error ? seenCause(cause) : cause,
    isAxiosError,
    hasRequest: request !== undefined && request !== null,
    response: response && (await seenResponse(response)),
  };
}

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

function seenCause(cause: SystemError): object {
  const { name, message, code } = cause;
  return { name, message, code, ...systemOf(cause) };
}

/** What an operating system says about a failure. */
function systemOf({ errno, syscall, address, port }: Partial<SystemError>): object {
  return { errno, syscall, address, port };
}

async function seenData(data: unknown): Promise<unknown> {
  if (Buffer.isBuffer(data)) return { base64: data.toString('base64') };
  if (!(data instanceof Readable)) return data;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of data) chunks.push(chunk as Buffer);
    return { streamed: Buffer.concat(chunks).toString() };
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    return { streamed: Buffer.concat(chunks).toString(), error: { name, message, code } };
  }
}

/** Answers with what stands in the script, behind that with a 200; a proxy forwards. */
function script(server: FakeBackend, at: string, replies: readonly Reply[]): void {
  const left = [...replies];
  server.always((request, response, { method, url, headers, body }) => {
    hops.push(seenHop(at, { method, url, headers, body }));
    const reply = left.shift() ?? (at === 'proxy' ? forwarding(body) : { body: `${method} at ${at}` });
    if (typeof reply === 'function') reply(request, response);
    else response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
  });
}

/** Without what no two requests have in common: a form's boundary. Of large bodies a digest. */
function seenHop(
  at: string,
  { method, url, headers, body }: Pick<FakeBackend['lastCall'], 'method' | 'url' | 'headers' | 'body'>,
): Hop {
  const seen = { at, method, url, headers };
  if (body.length > 10_000) {
    return { ...seen, body: `${String(body.length)} bytes, ${createHash('md5').update(body).digest('hex')}` };
  }
  const { 'content-type': type = '' } = headers;
  const boundary = /boundary=(\S+)/.exec(type)?.[1];
  const text = body.toString('latin1');
  if (boundary === undefined) return { ...seen, body: text };
  return {
    ...seen,
    headers: { ...headers, 'content-type': type.replace(boundary, 'BOUNDARY') },
    body: text.replaceAll(boundary, 'BOUNDARY'),
  };
}

function forwarding(body: Buffer): Reply {
  return (request, response) => {
    if (!URL.canParse(request.url!)) {
      response.writeHead(400).end('this is a proxy');
      return;
    }
    const { protocol, hostname, port, pathname, search } = new URL(request.url!);
    const invented = hostname.endsWith('.test');
    const server = protocol === 'https:' ? secure : here;
    const send = protocol === 'https:' ? tlsRequest : httpRequest;
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const forwarded = send(
      {
        host: '127.0.0.1',
        port: invented ? server.host.split(':')[1] : port,
        method: request.method,
        path: pathname + search,
        headers,
        agent: false,
        rejectUnauthorized: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  };
}

/** Answers CONNECT with a tunnel. */
function tunnels(server: Server): Server {
  return server.on('connect', ({ url = '', headers }: IncomingMessage, socket) => {
    hops.push({ at: 'proxy', method: 'CONNECT', url, headers, body: '' });
    const [host, port] = url.split(':') as [string, string];
    const to = connect(Number(host.endsWith('.test') ? secure.host.split(':')[1] : port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      to.pipe(socket).pipe(to);
    });
    to.on('error', () => socket.destroy());
    socket.on('error', () => to.destroy());
    socket.on('close', () => to.destroy());
  });
}

function to(location: string | string[], status = 302): Reply {
  return { status, headers: { location } };
}

function at(location: string): string {
  return location.startsWith(there.url) ? 'there' : 'here';
}

function bodyFor(method: string): AxiosRequestConfig {
  return method === 'GET' || method === 'HEAD' ? {} : { data: { a: 'ü' } };
}

function credentials(): AxiosRequestConfig {
  return {
    headers: { Authorization: 'Bearer token', Cookie: 'c=1', 'Proxy-Authorization': 'Basic own', 'X-Own': '1' },
  };
}

function form<T extends { append(name: string, value: string): void }>(data: T): T {
  data.append('name', 'välue');
  data.append('more', 'x');
  return data;
}

function failing(): Readable {
  return Readable.from(
    (function* () {
      yield 'one';
      throw new Error('the source failed');
    })(),
  );
}

function progressOf({ loaded, total, progress, bytes }: AxiosProgressEvent): object {
  return { loaded, total, progress, ...(loaded === bytes && { bytes }) };
}

/** Every name is this machine's. */
const loopback = ((
  _: string,
  { all }: { all?: boolean },
  found: (error: null, address: unknown, family?: number) => void,
): void => {
  if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
}) as unknown as NonNullable<AxiosRequestConfig['lookup']>;

function agentOf<T extends Agent>(run: Run, agent: T): T {
  run.cleanups.push(() => agent.destroy());
  return agent;
}

/** How many sockets an agent has, once it has taken back the one of the answer. */
async function socketsOf(agent: Agent): Promise<object> {
  const count = (lists: NodeJS.ReadOnlyDict<unknown[]>): number => Object.values(lists).flat().length;
  for (let i = 0; i < 100 && count(agent.sockets) > 0; i++) await sleep(2);
  return { busy: count(agent.sockets), free: count(agent.freeSockets), waiting: count(agent.requests) };
}

/** Gives up after a second. */
async function closedSockets({ sockets }: FakeBackend): Promise<void> {
  for (let i = 0; i < 500 && sockets.size > 0; i++) await sleep(2);
  expect(sockets.size).toBe(0);
}

/** Data alone, of what may hold functions, agents and sockets. */
function structuredCloneable(value: unknown, depth = 0): unknown {
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Agent) return 'agent';
  if (depth > 4) return 'deep';
  if (Array.isArray(value)) return value.map((each) => structuredCloneable(each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, structuredCloneable(each, depth + 1)]));
}

function withoutDate(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'date')
      .map(([key, each]: [string, unknown]) => [key, key === 'headers' ? withoutDate(each) : each]),
  );
}

function remove(value: unknown, [key, ...rest]: readonly string[]): void {
  if (key === undefined || typeof value !== 'object' || value === null) return;
  if (rest.length === 0) Reflect.deleteProperty(value, key);
  else remove(Reflect.get(value, key), rest);
}

function originOf(server: { address(): unknown }): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
