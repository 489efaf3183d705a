/** Keep-alive connections that a server has closed, over real sockets. */
import { once } from 'node:events';
import * as http from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Server as HttpServer, Agent } from 'node:http';
import { Agent as SecureAgent, createServer as createSecureServer, request as secureRequest } from 'node:https';
import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import { certificate } from '../support/certificate';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, resetConnection } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import {
  HoardingAgent,
  agentOf,
  closedAfterTest,
  closeConnectionsAfterEach,
  listening,
  portOf,
  resetReused,
  socketTo,
} from '../support/connections';
import { pair } from '../support/pair';
import { deferred, fakeClock } from '../support/stub-pool';

closeBackendsAfterEach();

closeConnectionsAfterEach();

describe('a stale keep-alive connection', () => {
  test('is replaced: a POST is sent again to the same backend, which gets no cooldown', async () => {
    const { a, b, adapter } = await pair(resetReused());
    const client = axios.create({ adapter, httpAgent: agentOf() });
    const events: string[] = [];
    adapter.pool.subscribe((event) => void (event.type === 'attempt' && events.push(event.reason ?? 'ok')));
    await client.post('/x', 'one');
    const { data, attempts } = await client.post<string>('/x', 'two');
    expect(data).toBe('ok');
    expect(attempts).toMatchObject([
      { backend: 'a', reason: 'stale', code: 'ECONNRESET' },
      { backend: 'a', status: 200 },
    ]);
    expect(a.calls.map(({ body }) => body.toString())).toStrictEqual(['one', 'two', 'two']);
    expect(b.calls).toStrictEqual([]);
    expect(events).toStrictEqual(['ok', 'stale', 'ok']);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ state: 'available', failures: 0, successes: 2, pending: 0 });
  });

  test("is not what a caller's own stream fails like on a connection that is used again", async () => {
    const server = createHttpServer();
    const a = await FakeBackend.start(server);
    const adapter = priorityAdapter([{ baseURL: a.url }]);
    const client = axios.create({ adapter, httpAgent: agentOf() });
    await client.post('/x', 'one');
    const arrived = once(server, 'request');
    const upload = new Readable({ read: () => undefined });
    upload.push('two');
    const error = rejectionOf(client.post('/x', upload));
    await arrived;
    upload.destroy(Object.assign(new Error('upstream'), { code: 'ECONNRESET' }));
    expect(await error).toMatchObject({ message: 'upstream', attempts: [{ backend: a.host }] });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ state: 'available', failures: 0, pending: 0 });
  });

  test('is replaced under failover: false too', async () => {
    const { adapter } = await pair(resetReused());
    const client = axios.create({ adapter, httpAgent: agentOf() });
    await client.post('/x', 'one');
    const { attempts } = await client.post('/x', 'two', { failover: false });
    expect(attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
  });

  test.each<[string, string, (server: HttpServer) => AxiosRequestConfig | Promise<AxiosRequestConfig>]>([
    ['http', 'http', () => ({})],
    ['https', 'https', () => ({})],
    ["http with the caller's `beforeRedirect`", 'http', () => ({ beforeRedirect: () => undefined })],
    ["https with the caller's `transport`", 'https', () => ({ transport: { request: secureRequest } as never })],
    ['a Unix socket', 'http', (server) => socketTo(server)],
    ['a proxy', 'http', (server) => ({ proxy: { host: '127.0.0.1', port: portOf(server) } })],
    [
      "a proxy with the caller's `beforeRedirect`",
      'http',
      (server) => ({ proxy: { host: '127.0.0.1', port: portOf(server) }, beforeRedirect: () => undefined }),
    ],
  ])('is not replaced by another stale one of the same agent over %s', async (_, protocol, configFor) => {
    const { key, cert } = await certificate();
    const secure = protocol === 'https';
    const server = secure ? createSecureServer({ key, cert }) : createHttpServer();
    const backend = await FakeBackend.start(server);
    const config = await configFor(server);
    const [gate, ready] = [deferred<undefined>(), deferred<undefined>()];
    let waiting = 0;
    // Five requests at once leave five idle connections.
    const together: Reply = (_, response) => {
      waiting++;
      if (waiting === 5) ready.resolve(undefined);
      void gate.promise.then(() => response.end('ok'));
    };
    backend.always(resetReused(together));
    const agent = secure ? closedAfterTest(new SecureAgent({ keepAlive: true, rejectUnauthorized: false })) : agentOf();
    // Whoever connects to the proxy or the Unix socket needs no address.
    const host = config.proxy || config.socketPath ? 'backend.example' : backend.host;
    const adapter = priorityAdapter([{ baseURL: `${protocol}://${host}` }]);
    const client = axios.create({ adapter, httpAgent: agent, httpsAgent: agent, ...config });
    const first = Promise.all(Array.from({ length: 5 }, () => client.post('/x', {})));
    await ready.promise;
    gate.resolve(undefined);
    await first;
    // Only now are all of them idle.
    await new Promise(setImmediate);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(5);
    const { attempts } = await client.post('/x', {});
    expect(attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
  });

  test("of Node's own agent is replaced with the caller's `beforeRedirect` too", async () => {
    const { adapter } = await pair(resetReused());
    const client = axios.create({ adapter, beforeRedirect: () => undefined });
    await client.post('/x', 'one');
    expect((await client.post('/x', 'two')).attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
  });

  test('is replaced that an agent passed on from one request to the next in its queue', async () => {
    const { adapter } = await pair(resetReused());
    const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1 }) });
    const responses = await Promise.all(['one', 'two'].map((text) => client.post('/x', text)));
    expect(responses.map(({ attempts }) => attempts)).toMatchObject([
      [{ backend: 'a', status: 200 }],
      [{ reason: 'stale' }, { backend: 'a', status: 200 }],
    ]);
  });

  test('is replaced if the agent is null, for which Node takes its own', async () => {
    const { adapter } = await pair(resetReused());
    const client = axios.create({ adapter, httpAgent: null });
    await client.post('/x', 'one');
    expect(await client.post('/x', 'two')).toMatchObject({ attempts: [{ reason: 'stale' }, { status: 200 }] });
  });

  test('that was the only one leaves the idle connections to other servers open', async () => {
    const { a, adapter } = await pair(resetReused());
    const other = await FakeBackend.start();
    const client = axios.create({ adapter, httpAgent: agentOf(), beforeRedirect: () => undefined });
    await axios.get(other.url, { httpAgent: client.defaults.httpAgent as Agent });
    await client.post('/x', 'one');
    const { attempts } = await client.post('/x', 'two');
    expect(attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
    await axios.get(other.url, { httpAgent: client.defaults.httpAgent as Agent });
    expect([a.connections, other.connections]).toStrictEqual([2, 1]);
  });

  test('loses no request under bursts over a gateway that closes idle connections', async () => {
    const backend = await FakeBackend.start();
    backend.always((_, response) => {
      response.end('ok');
      // Idle connections are closed when the response has left.
      setImmediate(() => response.socket?.destroy());
    });
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 20 }) });
    for (let burst = 0; burst < 20; burst++) {
      await Promise.all(Array.from({ length: 20 }, () => client.post('/x', {})));
    }
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, successes: 400 });
  });

  test('that breaks again after the second sending is ambiguous, so a POST does not fail over', async () => {
    const { a, b, adapter } = await pair({ body: 'ok' });
    const client = axios.create({ adapter, httpAgent: agentOf() });
    await client.post('/x', 'one');
    a.always(resetConnection);
    const error = await rejectionOf(client.post('/x', 'two'));
    expect(error).toMatchObject({ code: 'ECONNRESET', attempts: [{ reason: 'stale' }, { reason: 'ambiguous' }] });
    expect(b.calls).toStrictEqual([]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 1, cooldowns: [{ reason: 'ambiguous' }] });
  });

  test('of an agent that keeps its connections to itself is ambiguous the second time, so a GET fails over', async () => {
    const { a, adapter } = await pair({ body: 'ok' });
    const agent = new HoardingAgent();
    const client = axios.create({ adapter, httpAgent: agent });
    const gate = deferred<undefined>();
    const together: Reply = (_, response) => void gate.promise.then(() => response.end('ok'));
    a.script(together, together);
    const first = [client.get('/x'), client.get('/x')];
    while (a.calls.length < 2) await new Promise(setImmediate);
    gate.resolve(undefined);
    await Promise.all(first);
    for (let turn = 0; turn < 1_000 && agent.idle.length < 2; turn++) await new Promise(setImmediate);
    expect(agent.idle).toHaveLength(2);
    a.always(resetConnection);
    const { attempts } = await client.get('/x');
    expect(attempts).toMatchObject([{ reason: 'stale' }, { backend: 'a', reason: 'ambiguous' }, { backend: 'b' }]);
  });

  test.each<[string, (advance: (ms: number) => void) => Reply]>([
    [
      'a second or more of processing',
      (advance) => (request) => {
        advance(1000);
        request.socket.destroy();
      },
    ],
    ['the first byte of a response', () => (request) => void request.socket.end('H')],
  ])('is no longer considered stale after %s', async (_, make) => {
    const clock = fakeClock();
    const { a, adapter } = await pair({ body: 'ok' });
    const client = axios.create({ adapter, httpAgent: agentOf() });
    await client.post('/x', 'one');
    a.always(make((ms) => clock.advance(ms)));
    const error = await rejectionOf(client.post('/x', 'two'));
    expect(error.attempts).toMatchObject([{ backend: 'a', reason: 'ambiguous' }]);
    expect(a.calls).toHaveLength(2);
  });

  test('needs a body that can be sent again', async () => {
    const { a, adapter } = await pair(resetReused());
    const client = axios.create({ adapter, httpAgent: agentOf(), maxRedirects: 0 });
    await client.post('/x', 'one');
    const data = new Blob(['two']).stream();
    const { Readable } = await import('node:stream');
    const error = await rejectionOf(client.post('/x', Readable.fromWeb(data as never), { failover: false }));
    expect(error.attempts).toMatchObject([{ backend: 'a', reason: 'ambiguous' }]);
    expect(a.calls.length).toBeLessThanOrEqual(2);
  });
});

test('stale connections, lost bodies and failing agents are detected even if the caller sets beforeRedirect', async () => {
  const { a, b, adapter } = await pair({ body: 'ok' });
  const agent = agentOf();
  const client = axios.create({ adapter, httpAgent: agent, beforeRedirect: () => undefined });
  await client.post('/x', 'one');
  a.script(resetConnection);
  const again = await client.post('/x', 'two');
  expect(again.attempts).toMatchObject([{ reason: 'stale' }, { backend: 'a', status: 200 }]);
  a.script((request, response) => {
    response.writeHead(429, { 'content-length': '1000', 'retry-after-ms': '70' });
    response.write('{"half":', () => request.socket.destroy());
  });
  expect((await client.post('/x', 'three')).attempts).toMatchObject([{ status: 429, cooldown: 70 }, { backend: 'b' }]);
  adapter.pool.restore('a');
  agent.destroy();
  Object.assign(agent, {
    createConnection: (_: object, callback: (error: Error) => void) => callback(new Error('no tunnel')),
  });
  const error = await rejectionOf(client.post('/x', 'four'));
  expect(error.attempts).toMatchObject([{ reason: 'connection' }, { reason: 'connection' }]);
  expect(b.calls).toHaveLength(1);
});

test('a stale connection is detected even if credentials took a while, and the caller sets beforeRedirect', async () => {
  const backend = await FakeBackend.start();
  const clock = fakeClock();
  const apiKey = () => {
    clock.advance(1100);
    return Promise.resolve('own');
  };
  const adapter = priorityAdapter([{ baseURL: backend.url, apiKey }]);
  const client = axios.create({ adapter, httpAgent: agentOf(), beforeRedirect: () => undefined });
  await client.post('/x', 'one');
  backend.script(resetConnection);
  expect((await client.post('/x', 'two')).attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
});

test.each<[string, AxiosRequestConfig]>([
  ['the package’s own transport', {}],
  ['a `beforeRedirect`', { beforeRedirect: () => undefined }],
  ['a `transport`', { transport: http }],
])('with %s, a POST whose answer had begun is not sent again', async (_, config) => {
  let posts = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!String(data).startsWith('POST')) return void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      posts++;
      socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-', () => void socket.resetAndDestroy());
      return undefined;
    });
  });
  const adapter = priorityAdapter([{ baseURL: `http://127.0.0.1:${String(await listening(server))}` }]);
  const client = axios.create({ adapter, httpAgent: agentOf(), proxy: false });
  await client.get('/warm');
  expect((await rejectionOf(client.post('/x', 'body', config))).attempts).toMatchObject([{ reason: 'ambiguous' }]);
  expect(posts).toBe(1);
});
