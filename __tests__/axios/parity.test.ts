import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { Agent as TlsAgent, createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { generate } from 'selfsigned';
import { priorityAdapter } from '../../src';
import { FakeBackend, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';

closeBackendsAfterEach();

const text = '{"text":"ü"}';

describe('after a failed attempt, a request is the same as with plain axios:', () => {
  /** Sends the same request with plain axios and after a failed attempt. */
  async function both(config: AxiosRequestConfig, reply: Parameters<FakeBackend['always']>[0] = { body: text }) {
    const [plain, first, second] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    first.always({ status: 503 });
    plain.always(reply);
    second.always(reply);
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const settle = (promise: Promise<AxiosResponse>) => promise.catch((error: unknown) => error);
    const url = config.url ?? '/x';
    const own = (await settle(axios.request({ ...config, url, adapter }))) as AxiosResponse<unknown>;
    const expected = (await settle(axios.request({ ...config, url, baseURL: plain.url }))) as AxiosResponse<unknown>;
    return { own, expected, sent: second.calls.at(-1), plainly: plain.calls.at(-1) };
  }

  const cases: [string, AxiosRequestConfig, Reply?][] = [
    ['a compressed response', {}, { body: gzipSync(text), headers: { 'content-encoding': 'gzip' } }],
    [
      'decompress: false',
      { decompress: false, responseType: 'arraybuffer' },
      { body: gzipSync(text), headers: { 'content-encoding': 'gzip' } },
    ],
    ['responseEncoding', { responseEncoding: 'latin1', responseType: 'text' }],
    ['maxRate', { maxRate: [1_000_000, 1_000_000] }],
    ['maxContentLength', { maxContentLength: 5 }],
    ['maxRedirects: 0', { maxRedirects: 0, validateStatus: null }, { status: 302, headers: { location: '/y' } }],
    ['paramsSerializer', { params: { a: [1, 2] }, paramsSerializer: { indexes: null } }],
    ['a paramsSerializer function', { params: { a: 1 }, paramsSerializer: { serialize: () => 'own=1' } }],
    ['auth', { auth: { username: 'ü', password: 'p' } }],
    ['xsrf settings', { xsrfCookieName: 'c', xsrfHeaderName: 'x-csrf', withXSRFToken: true }],
    ['a postForm', { method: 'post', data: new URLSearchParams({ a: '1' }) }],
    ['own headers', { headers: { 'X-Own': 'a', accept: 'text/plain' } }],
    ['a HEAD', { method: 'head' }],
  ];

  test.each(cases.map(([name, config, reply = { body: text }]) => [name, config, reply] as const))(
    '%s',
    async (_, config, reply) => {
      const { own, expected, sent, plainly } = await both(config, reply);
      expect([own.status, own.data]).toEqual([expected.status, expected.data]);
      expect(own).toMatchObject(
        'message' in expected
          ? { message: expected.message, code: (expected as { code?: string }).code }
          : { statusText: expected.statusText },
      );
      expect({ ...sent, headers: { ...sent?.headers, host: '' } }).toEqual({
        ...plainly,
        headers: { ...plainly?.headers, host: '' },
      });
    },
  );

  test('socketPath of one backend', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-'));
    const socketPath = join(folder, 's');
    const server = createServer((request, response) => response.end(request.url));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const adapter = priorityAdapter([
      { baseURL: 'http://a.example', request: { socketPath: join(folder, 'none') } },
      { baseURL: 'http://b.example', priority: 2, request: { socketPath } },
    ]);
    const response = await axios.post('/x?y=1', {}, { adapter });
    expect([response.data, response.attempts?.length]).toEqual(['/x?y=1', 2]);
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('a proxy of the request and of one backend', async () => {
    const proxy = await FakeBackend.start();
    const [host = '', port = ''] = proxy.host.split(':');
    const own = { protocol: 'http', host, port: Number(port), auth: { username: 'u', password: 'hunter2' } };
    const byBackend = priorityAdapter([{ baseURL: 'http://far.example', request: { proxy: own } }]);
    const response = await axios.get('/x', { adapter: byBackend });
    expect(proxy.lastCall).toMatchObject({
      url: 'http://far.example/x',
      headers: { 'proxy-authorization': `Basic ${Buffer.from('u:hunter2').toString('base64')}` },
    });
    expect(JSON.stringify(response.config)).not.toContain('hunter2');
    await axios.get('/y', { adapter: priorityAdapter([{ baseURL: 'http://far.example' }]), proxy: own });
    expect(proxy.lastCall.url).toBe('http://far.example/y');
  });

  test('an httpsAgent of the request and of one backend', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const secure = await FakeBackend.start(createTlsServer({ key, cert }));
    const httpsAgent = new TlsAgent({ rejectUnauthorized: false });
    const baseURL = `https://${secure.host}`;
    expect((await axios.get('/x', { adapter: priorityAdapter([{ baseURL, request: { httpsAgent } }]) })).status).toBe(
      200,
    );
    expect((await axios.get('/x', { adapter: priorityAdapter([{ baseURL }]), httpsAgent })).status).toBe(200);
    httpsAgent.destroy();
  });

  test('httpVersion: 2', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const first = await FakeBackend.start();
    first.always({ status: 503 });
    const server = createSecureServer({ key, cert }, (request, response) =>
      response.end(`${request.httpVersion} ${request.headers['api-key'] as string}`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseURL = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const request = { httpVersion: 2 as const, http2Options: { rejectUnauthorized: false, sessionTimeout: 10 } };
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL, priority: 2, apiKey: 'own', request }]);
    const response = await axios.get('/x', { adapter });
    expect([response.data, response.attempts?.length]).toEqual(['2.0 own', 2]);
    await new Promise((resolve) => server.close(resolve));
  });
});
