import { Agent, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse, ResponseType } from 'axios';
import { Agent as TlsAgent } from 'node:https';
import { generate } from 'selfsigned';
import { priorityAdapter } from '../src';
import { TestBackend, rejection, startBackends, throttle, useBackends } from './support/backend';
import { scene, turn } from './support/in-process';
import type { Reply } from './support/backend';

useBackends();

const text = '{"text":"ü"}';

async function textOf(data: unknown): Promise<string> {
  if (data instanceof Readable) return Buffer.concat((await data.toArray()) as Buffer[]).toString();
  if (data instanceof ReadableStream) return new Response(data).text();
  if (data instanceof Blob) return data.text();
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString();
  if (Buffer.isBuffer(data)) return data.toString();
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** What kind of thing `data` is, whatever realm it is from. */
const kindOf = (data: unknown): string =>
  Buffer.isBuffer(data) ? 'Buffer' : Object.prototype.toString.call(data).slice(8, -1);

describe.each(['http', 'fetch'])('response types over %s', (wire) => {
  const types: (ResponseType | undefined)[] = [undefined, 'json', 'text', 'arraybuffer', 'blob', 'stream'];

  test.each(types)('%s, for a real answer after a failed one', async (responseType) => {
    const [plain, first, second] = (await startBackends(3)) as [TestBackend, TestBackend, TestBackend];
    first.always({ status: 503 });
    for (const backend of [plain, second])
      backend.always({ body: text, headers: { 'content-type': 'application/json' } });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: wire });
    const config: AxiosRequestConfig = responseType ? { responseType } : {};
    const own: AxiosResponse<unknown> = await axios.get('/x', { adapter, ...config });
    const expected: AxiosResponse<unknown> = await axios.get(`${plain.url}/x`, { adapter: wire, ...config });
    expect(kindOf(own.data)).toBe(kindOf(expected.data));
    expect(await textOf(own.data)).toBe(await textOf(expected.data));
    expect(own.attempts).toHaveLength(2);
  });

  test.each(types)('%s, for the fabricated 429', async (responseType) => {
    const [real, throttled] = (await startBackends(2)) as [TestBackend, TestBackend];
    throttled.always(throttle(1000));
    real.always({ body: text });
    const adapter = priorityAdapter([{ baseURL: throttled.url }], { adapter: wire });
    const config: AxiosRequestConfig = { validateStatus: null, ...(responseType && { responseType }) };
    const { data, fabricated }: AxiosResponse<unknown> = await axios.get('/x', { adapter, ...config });
    const expected: AxiosResponse<unknown> = await axios.get(`${real.url}/x`, { adapter: wire, ...config });
    expect(fabricated).toBe(true);
    // Node's http adapter has no blobs and gives text; the fabricated answer is what was asked for.
    if (wire === 'http' && responseType === 'blob') expect(kindOf(data)).toBe('Blob');
    else expect(kindOf(data)).toBe(kindOf(expected.data));
    expect(JSON.parse(await textOf(data))).toMatchObject({ error: { code: '429', type: 'no_backend_available' } });
  });

  test('a transformResponse sees text, for real answers and the fabricated one', async () => {
    const backend = await TestBackend.start();
    backend.script({ body: text });
    backend.always(throttle(1000));
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const transformResponse = (data: string, _: unknown, status?: number) => `${String(status)}: ${data.slice(0, 7)}`;
    const client = axios.create({ adapter, transformResponse, validateStatus: null });
    expect([(await client.get('/x')).data, (await client.get('/x')).data]).toEqual(['200: {"text"', '429: {"error']);
  });
});

describe.each([
  ['small', 20],
  ['large', 500_000],
])('discarded answers with a %s body release their sockets', (_, size) => {
  test('500 failovers with maxSockets: 1 neither hang nor leave a socket behind', async () => {
    const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
    first.always({ status: 429, headers: { 'retry-after-ms': '0' }, body: 'x'.repeat(size) });
    second.always({ body: 'data: 1' });
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const client = axios.create({ adapter, httpAgent, responseType: 'stream' });
    for (let i = 0; i < 500; i++) {
      const { data } = await client.post<Readable>('/x', {});
      expect(await textOf(data)).toBe('data: 1');
    }
    expect([first.calls.length, second.calls.length]).toEqual([500, 500]);
    expect(Object.keys(httpAgent.sockets)).toEqual([]);
    expect(Object.keys(httpAgent.requests)).toEqual([]);
    httpAgent.destroy();
    while (first.sockets.size + second.sockets.size > 0) await new Promise(setImmediate);
  }, 60_000);
});

test('a rule of the user’s that throws releases the socket too', async () => {
  const backend = await TestBackend.start();
  backend.always({ status: 429, headers: { 'retry-after-ms': '0' }, body: 'x'.repeat(300_000) });
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const failoverCondition = () => {
    throw new Error('own fault');
  };
  const client = axios.create({
    adapter: priorityAdapter([{ baseURL: backend.url }], { failoverCondition }),
    httpAgent,
    responseType: 'stream',
  });
  for (let i = 0; i < 3; i++) expect((await rejection(client.get('/x'))).message).toBe('own fault');
  httpAgent.destroy();
});

test('an answer that is handed to the caller is whole, however slowly it is read', async () => {
  const backend = await TestBackend.start();
  backend.always({ status: 503, body: 'y'.repeat(200_000) });
  const adapter = priorityAdapter([{ baseURL: backend.url }]);
  const { data } = await axios.get<Readable>('/x', {
    adapter,
    responseType: 'stream',
    failover: false,
    validateStatus: null,
  });
  await new Promise(setImmediate);
  expect((await textOf(data)).length).toBe(200_000);
});

test('a stream that breaks off says so, and nobody swallows its error', async () => {
  const backend = await TestBackend.start();
  backend.always((request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x', () => request.socket.destroy());
  });
  const adapter = priorityAdapter([{ baseURL: backend.url }]);
  const { data } = await axios.get<Readable>('/x', { adapter, responseType: 'stream' });
  expect(await rejection(textOf(data))).toMatchObject({ code: 'ECONNRESET' });

  const { request, answers } = scene({ a: {} });
  const stream = new Readable({ read: () => undefined });
  answers.a = { data: stream };
  await request();
  expect(stream.listenerCount('error')).toBe(0);
});

test.each(['http', 'fetch'])('the error of a stream over %s that is too long is the caller’s own', async (wire) => {
  const backend = await TestBackend.start();
  backend.always((_, response) => {
    response.write('x'.repeat(50));
    response.end('y'.repeat(50));
  });
  const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'secret-key' }], { adapter: wire });
  const { data } = await axios.get<AsyncIterable<unknown>>('/x', {
    adapter,
    responseType: 'stream',
    maxContentLength: 60,
  });
  const error = await rejection(
    (async () => {
      for await (const _ of data);
    })(),
  );
  expect(error.message).toContain('maxContentLength');
  expect(error).toMatchObject({ config: { url: '/x' } });
  expect(JSON.stringify(error)).not.toContain('secret-key');
});

describe('as with plain axios, also in the attempt after a failed one:', () => {
  /** The same request, plain and after a failover. */
  async function both(config: AxiosRequestConfig, reply: Parameters<TestBackend['always']>[0] = { body: text }) {
    const [plain, first, second] = (await startBackends(3)) as [TestBackend, TestBackend, TestBackend];
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
    ['a compressed answer', {}, { body: gzipSync(text), headers: { 'content-encoding': 'gzip' } }],
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

  test('socketPath', async () => {
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

  test('a proxy, of the request and of one backend', async () => {
    const proxy = await TestBackend.start();
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

  test('an httpsAgent with a self-signed certificate, of the request and of one backend', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const secure = await TestBackend.start(createTlsServer({ key, cert }));
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
    const first = await TestBackend.start();
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

test.each<[string, () => unknown]>([
  ['a Readable', () => new Readable({ read: () => undefined, destroy: (_, done) => done(new Error('too late')) })],
  ['a web stream', () => new ReadableStream({ cancel: () => Promise.reject(new Error('too late')) })],
])('%s that fails while it is let go of disturbs nobody', async (_, make) => {
  const { request, answers, asked } = scene({ a: {}, b: { priority: 2 } });
  answers.a = { status: 500, data: make() };
  await request({ responseType: 'stream' });
  await turn();
  expect(asked).toEqual(['a', 'b']);
});

test('a stream over fetch within a timeout is whole, however slowly it is read', async () => {
  const backend = await TestBackend.start();
  backend.always({ body: 'all of it' });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
  const { data } = await axios.get<unknown>('/x', { adapter, responseType: 'stream', timeout: 5000 });
  expect(await textOf(data)).toBe('all of it');
});

test('a web stream that the caller gives up gives up its source, and listens to no signal any more', async () => {
  const { adapter, answers } = scene({ a: {} });
  const cancelled = jest.fn();
  answers.a = { data: new ReadableStream({ pull: (controller) => controller.enqueue('x'), cancel: cancelled }) };
  const { signal } = new AbortController();
  const remove = jest.spyOn(signal, 'removeEventListener');
  const { data } = await axios.get<ReadableStream>('/x', { adapter, responseType: 'stream', signal });
  const before = remove.mock.calls.length;
  await data.cancel('enough');
  expect(cancelled).toHaveBeenCalledWith('enough');
  expect(remove.mock.calls.length).toBeGreaterThan(before);
});
