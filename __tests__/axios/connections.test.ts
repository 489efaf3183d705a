/** What becomes of connections, over real sockets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, createServer as createHttpServer, request as plainRequest } from 'node:http';
import type { AgentOptions, ClientRequest, Server as HttpServer } from 'node:http';
import { Agent as SecureAgent, createServer as createSecureServer, request as secureRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapterOptions } from '../../src';
import { certificate } from '../support/certificate';
import {
  FakeBackend,
  closeBackendsAfterEach,
  neverReply,
  rejectionOf,
  resetConnection,
  startBackends,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { pair } from '../support/pair';
import { deferred, fakeClock } from '../support/stub-pool';
import { wires } from '../support/wires';

closeBackendsAfterEach();

const agents: Agent[] = [];
const servers: Server[] = [];
/** The connections to servers that never answer. */
const held: Socket[] = [];

function agentOf(options: AgentOptions = {}): Agent {
  const agent = new Agent({ keepAlive: true, ...options });
  agents.push(agent);
  return agent;
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An agent that shows nobody the idle connections that it keeps. */
class HoardingAgent {
  readonly idle: Socket[] = [];
  readonly defaultPort = 80;
  readonly keepAlive = true;
  readonly protocol = 'http:';

  addRequest(request: ClientRequest, { host, port }: { host: string; port: number }): void {
    const idle = this.idle.pop();
    if (idle === undefined) {
      const socket = connect(port, host);
      socket.on('free', () => this.idle.push(socket));
      held.push(socket);
      request.onSocket(socket);
      return;
    }
    request.reusedSocket = true;
    process.nextTick(() => request.onSocket(idle));
  }
}

/** An agent that can't connect. */
function agentFailing(fail: (callback: (error: unknown) => void) => void): Agent {
  const createConnection = (_: object, callback: (error: unknown) => void): void => fail(callback);
  return Object.assign(agentOf(), { createConnection });
}

/** Passes on what comes over a Unix socket. */
async function socketTo(server: HttpServer): Promise<{ socketPath: string }> {
  const socketPath = join(tmpdir(), `connections-${String(process.pid)}.sock`);
  const relay = createHttpServer((request, response) => void server.emit('request', request, response));
  servers.push(relay);
  await new Promise<void>((resolve) => relay.listen(socketPath, resolve));
  return { socketPath };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Takes the only socket of a client's agent with a request that gets no answer. Returns a function that ends it. */
async function takeSocket(client: AxiosInstance, backend: FakeBackend): Promise<() => Promise<void>> {
  const cancel = new AbortController();
  const failover = { attemptTimeout: 0 };
  const holder = rejectionOf(client.post('/x', {}, { failover, signal: cancel.signal }));
  while (backend.calls.length === 0) await new Promise(setImmediate);
  return async () => {
    cancel.abort();
    await holder;
  };
}

afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
  for (const server of servers.splice(0)) server.close();
  for (const socket of held.splice(0)) socket.destroy();
});

/** Resets the connection if it carried a request before, as a gateway that has just closed it does. */
function resetReused(answer: Reply = { body: 'ok' }): Reply {
  const used = new WeakSet<Socket>();
  return (request, response, call) => {
    if (used.has(request.socket)) request.socket.destroy();
    else {
      used.add(request.socket);
      if (typeof answer === 'function') answer(request, response, call);
      else response.end(answer.body);
    }
  };
}

describe('a POST that was redirected stays with its backend when nothing answers behind the redirect', () => {
  const redirecting: Reply = { status: 307, headers: { location: 'http://127.0.0.1:1/' } };

  test('because the agent throws', async () => {
    let requests = 0;
    const agent = agentOf();
    const addRequest = Reflect.get(agent, 'addRequest') as (...args: unknown[]) => void;
    Object.assign(agent, {
      addRequest(...args: unknown[]) {
        requests++;
        if (requests > 1) throw new Error('no tunnel');
        addRequest.apply(agent, args);
      },
    });
    const { b, adapter } = await pair(redirecting);
    const error = await rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    expect(error).toMatchObject({ message: 'no tunnel', attempts: [{ backend: 'a', reason: 'ambiguous' }] });
    expect(b.calls).toEqual([]);
  });

  test.each(wires())(
    'because the connection is refused, over %s, and nothing is written on its request',
    async (wire) => {
      const { b, adapter } = await pair(redirecting, { adapter: wire });
      const error = await rejectionOf(axios.post('/x', {}, { adapter }));
      expect(error).toMatchObject({ attempts: [{ backend: 'a', reason: 'ambiguous' }] });
      expect(error.request).not.toHaveProperty('_redirectCount');
      expect(b.calls).toEqual([]);
    },
  );
});

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
    expect(a.calls.map(({ body }) => body.toString())).toEqual(['one', 'two', 'two']);
    expect(b.calls).toEqual([]);
    expect(events).toEqual(['ok', 'stale', 'ok']);
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
    const agent = secure ? new SecureAgent({ keepAlive: true, rejectUnauthorized: false }) : agentOf();
    agents.push(agent);
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

  test('that was the only one leaves the idle connections to other servers open', async () => {
    const { a, adapter } = await pair(resetReused());
    const other = await FakeBackend.start();
    const client = axios.create({ adapter, httpAgent: agentOf(), beforeRedirect: () => undefined });
    await axios.get(other.url, { httpAgent: client.defaults.httpAgent as Agent });
    await client.post('/x', 'one');
    const { attempts } = await client.post('/x', 'two');
    expect(attempts).toMatchObject([{ reason: 'stale' }, { status: 200 }]);
    await axios.get(other.url, { httpAgent: client.defaults.httpAgent as Agent });
    expect([a.connections, other.connections]).toEqual([2, 1]);
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
    let stale = 0;
    for (let burst = 0; burst < 20; burst++) {
      const responses = await Promise.all(Array.from({ length: 20 }, () => client.post('/x', {})));
      stale += responses.flatMap(({ attempts = [] }) => attempts).filter(({ reason }) => reason === 'stale').length;
    }
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, successes: 400 });
    expect(stale).toBeGreaterThanOrEqual(0);
  });

  test('that breaks again after the second sending is ambiguous, so a POST does not fail over', async () => {
    const { a, b, adapter } = await pair({ body: 'ok' });
    const client = axios.create({ adapter, httpAgent: agentOf() });
    await client.post('/x', 'one');
    a.always(resetConnection);
    const error = await rejectionOf(client.post('/x', 'two'));
    expect(error).toMatchObject({ code: 'ECONNRESET', attempts: [{ reason: 'stale' }, { reason: 'ambiguous' }] });
    expect(b.calls).toEqual([]);
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

describe('nothing was sent, so a POST fails over, when', () => {
  const through = async (own: BackendOptions['request']): Promise<object> => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter([
      { baseURL: a.url, name: 'a', request: own },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const { attempts } = await axios.post('/x', {}, { adapter });
    expect(a.calls).toEqual([]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ cooldowns: [{ reason: 'connection' }] });
    return attempts as object;
  };
  test.each<[string, (callback: (error: unknown) => void) => void]>([
    ['throws a TypeError', () => (undefined as unknown as { x: () => void }).x()],
    ['passes an error without a code', (callback) => callback(new Error('tunneling socket could not be established'))],
    ['passes a TypeError', (callback) => callback(new TypeError('no proxy'))],
    ['passes an ECONNRESET', (callback) => callback(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))],
    ['passes a code of its own', (callback) => callback(Object.assign(new Error('x'), { code: 'ERR_PROXY_TUNNEL' }))],
  ])('the agent %s', async (_, fail) => {
    expect(await through({ httpAgent: agentFailing(fail) })).toMatchObject([{ backend: 'a' }, { backend: 'b' }]);
  });

  test.each([
    'ESERVFAIL',
    'ETIMEOUT',
    'EREFUSED',
    'ENODATA',
    'EFORMERR',
    'EBADRESP',
    'ECANCELLED',
    'EAI_AGAIN',
    'ENOMEM',
  ])('a lookup fails with %s', async (code) => {
    const lookup = (_host: string, _options: object, callback: (error: Error) => void): void =>
      callback(Object.assign(new Error(`queryA ${code}`), { code, syscall: 'queryA' }));
    const [b] = (await startBackends(1)) as [FakeBackend];
    const adapter = priorityAdapter([
      { baseURL: 'http://some.name:9', name: 'a', request: { lookup } },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const { attempts } = await axios.post('/x', {}, { adapter });
    expect(attempts).toMatchObject([{ backend: 'a', reason: 'connection' }, { backend: 'b' }]);
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

describe('the request may have arrived, so a POST does not fail over, when', () => {
  test.each([
    ['EHOSTUNREACH', 'read'],
    ['ETIMEDOUT', 'read'],
    ['ENETDOWN', 'write'],
    ['ECONNREFUSED', undefined],
  ])('an established connection breaks with %s (%s)', async (code, syscall) => {
    const { a, b, adapter } = await pair(neverReply);
    const agent = agentOf();
    const error = rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    while (a.calls.length === 0) await new Promise(setImmediate);
    const [socket] = Object.values(agent.sockets).flat();
    socket!.destroy(Object.assign(new Error('broken'), { code, ...(syscall && { syscall }) }));
    expect(await error).toMatchObject({ code, attempts: [{ backend: 'a' }] });
    expect(b.calls).toEqual([]);
  });

  test('a socket breaks with an error that has no code', async () => {
    const { a, b, adapter } = await pair(neverReply);
    const agent = agentOf();
    const error = rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    while (a.calls.length === 0) await new Promise(setImmediate);
    Object.values(agent.sockets).flat()[0]!.destroy(new Error('the tunnel has gone'));
    expect(await error).toMatchObject({ message: 'the tunnel has gone', attempts: [{ reason: 'ambiguous' }] });
    expect(b.calls).toEqual([]);
  });

  test('TLS breaks after the request', async () => {
    const { key, cert } = await certificate();
    const raw: Socket[] = [];
    const server = createSecureServer({ key, cert });
    server.on('connection', (socket: Socket) => raw.push(socket));
    const secure = await FakeBackend.start(server);
    secure.always(() => void raw[0]!.write('this is no TLS record'));
    const [b] = (await startBackends(1)) as [FakeBackend];
    const httpsAgent = new SecureAgent({ rejectUnauthorized: false });
    const adapter = priorityAdapter([
      { baseURL: `https://${secure.host}`, name: 'a', request: { httpsAgent } },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const error = await rejectionOf(axios.post('/x', {}, { adapter }));
    expect(error.attempts).toMatchObject([{ backend: 'a', reason: 'ambiguous' }]);
    expect(b.calls).toEqual([]);
  });
});

describe('connectTimeout', () => {
  /** A request to `first` with a backend behind it. */
  const post = async (first: BackendOptions, options: PriorityAdapterOptions, config: AxiosRequestConfig = {}) => {
    const [b] = (await startBackends(1)) as [FakeBackend];
    const adapter = priorityAdapter(
      [
        { name: 'a', ...first },
        { baseURL: b.url, name: 'b', priority: 2 },
      ],
      options,
    );
    return axios.post('/x', {}, { adapter, ...config });
  };
  const silent = async (): Promise<number> =>
    listening(createServer((socket) => void held.push(socket.on('error', () => undefined).resume())));

  test('ends the wait for an address that does not answer', async () => {
    const program =
      "const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))";
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    // It accepts nothing any longer, and its backlog is full.
    child.kill('SIGSTOP');
    const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    try {
      const { attempts } = await post({ baseURL: `http://127.0.0.1:${String(port)}` }, { connectTimeout: 100 });
      expect(attempts).toMatchObject([{ backend: 'a', code: 'ETIMEDOUT', reason: 'connection' }, { backend: 'b' }]);
      expect(attempts![0]!.duration).toBeLessThan(2000);
    } finally {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    }
  });

  test('ends the wait for a server that never finishes the TLS handshake', async () => {
    const baseURL = `https://127.0.0.1:${String(await silent())}`;
    const { attempts } = await post({ baseURL }, { connectTimeout: 50 });
    expect(attempts).toMatchObject([{ backend: 'a', code: 'ETIMEDOUT', reason: 'connection' }, { backend: 'b' }]);
  });

  test('ends the wait for a proxy that never answers CONNECT', async () => {
    const proxy = { host: '127.0.0.1', port: await silent() };
    const { attempts } = await post({ baseURL: 'https://far.example', request: { proxy } }, { connectTimeout: 50 });
    expect(attempts).toMatchObject([{ backend: 'a', reason: 'connection' }, { backend: 'b' }]);
  });

  test('does not count the wait for a free socket, nor the time until a response', async () => {
    const [backend] = (await startBackends(1)) as [FakeBackend];
    const gates: (() => void)[] = [];
    backend.always((_, response) => void gates.push(() => response.end('ok')));
    const adapter = priorityAdapter([{ baseURL: backend.url }], { connectTimeout: 30 });
    const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1, keepAlive: false }) });
    const both = [client.post('/x', {}), client.post('/x', {})];
    await sleep(100);
    gates.shift()!();
    while (gates.length === 0) await new Promise(setImmediate);
    await sleep(50);
    gates.shift()!();
    for (const { attempts } of await Promise.all(both)) expect(attempts).toMatchObject([{ status: 200 }]);
  });

  test('restarts when a request leaves the queue of its agent', async () => {
    const [backend] = (await startBackends(1)) as [FakeBackend];
    let release!: () => void;
    backend.script((_, response) => void (release = () => response.setHeader('connection', 'close').end('ok')));
    const lookup: LookupFunction = (_host, _options, done) =>
      void setTimeout(() => done(null, [{ address: '127.0.0.1', family: 4 }]), 100);
    const httpAgent = agentOf({ maxSockets: 1, keepAlive: false });
    httpAgent.createConnection = (options) =>
      connect({ ...(options as { port: number }), host: 'far.example', lookup });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { connectTimeout: 200 });
    const client = axios.create({ adapter, httpAgent });
    const first = client.post('/x', {});
    while (backend.calls.length === 0) await new Promise(setImmediate);
    const second = client.post('/x', {}, { failover: false });
    await sleep(150);
    release();
    await first;
    expect((await second).status).toBe(200);
  });

  test('applies to a request that has left the queue of its agent', async () => {
    const baseURL = `https://127.0.0.1:${String(await silent())}`;
    const httpsAgent = new SecureAgent({ maxSockets: 1 });
    const client = axios.create({ adapter: priorityAdapter([{ baseURL }], { connectTimeout: 200 }), httpsAgent });
    const cancel = new AbortController();
    const first = rejectionOf(client.post('/x', {}, { signal: cancel.signal }));
    const second = rejectionOf(client.post('/x', {}));
    while (held.length === 0) await new Promise(setImmediate);
    const left = performance.now();
    cancel.abort();
    await Promise.all([first, second]);
    expect(performance.now() - left).toBeLessThan(350);
  });

  test('does not count the time in which the event loop was blocked', async () => {
    const [backend] = (await startBackends(1)) as [FakeBackend];
    const httpAgent = agentOf();
    httpAgent.createConnection = (options) => {
      process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150));
      return connect(options as { port: number });
    };
    const adapter = priorityAdapter([{ baseURL: backend.url }], { connectTimeout: 50 });
    // What follows the reading of a file runs where sockets are read, so timers come first after it.
    await readFile(__filename);
    expect((await axios.post('/x', {}, { adapter, httpAgent, failover: false })).status).toBe(200);
  });

  test('of 0 sets no limit', async () => {
    const baseURL = `https://127.0.0.1:${String(await silent())}`;
    const error = await rejectionOf(post({ baseURL }, { connectTimeout: 0 }, { timeout: 100 }));
    expect(error).toMatchObject({ code: 'ECONNABORTED' });
  });
});

test('a server that switches to another protocol, unasked, is no answer', async () => {
  const { adapter } = await pair(
    (request) =>
      void request.socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  );
  const { attempts } = await axios.get('/x', { adapter });
  expect(attempts).toMatchObject([{ backend: 'a', reason: 'ambiguous' }, { status: 200 }]);
});

describe('local trouble:', () => {
  test.each(['EMFILE', 'ENFILE'])('%s is returned to the caller and puts no backend on cooldown', async (code) => {
    const agent = agentFailing((callback) => callback(Object.assign(new Error(code), { code, syscall: 'connect' })));
    const { b, adapter } = await pair({ body: 'ok' });
    const error = await rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    expect(error).toMatchObject({ code, attempts: [{ backend: 'a', code }] });
    expect(b.calls).toEqual([]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
  });

  test.each<[string, AxiosRequestConfig]>([
    ['as usual', {}],
    ["with the caller's `beforeRedirect`", { beforeRedirect: () => undefined }],
    ["with the caller's `transport`", { transport: { request: plainRequest } as never }],
  ])(
    'a request that gets no free socket within attemptTimeout fails over without a cooldown: %s',
    async (_, config) => {
      const { a, adapter } = await pair(neverReply, { attemptTimeout: 60 });
      const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1 }), ...config });
      const release = await takeSocket(client, a);
      const { attempts } = await client.post('/x', {});
      expect(attempts).toMatchObject([{ backend: 'a' }, { backend: 'b', status: 200 }]);
      expect(attempts![0]).not.toHaveProperty('reason');
      expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
      await release();
    },
  );

  test.each<[string, AxiosRequestConfig]>([
    ['attemptTimeout passes at the only backend', { failover: { attemptTimeout: 60 } }],
    ["the caller's timeout passes", { timeout: 60 }],
  ])(
    'a request that gets no free socket until %s ends with that error, and puts no backend on cooldown',
    async (_, config) => {
      const [a] = (await startBackends(1)) as [FakeBackend];
      a.always(neverReply);
      const adapter = priorityAdapter([{ baseURL: a.url }]);
      const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1 }) });
      const release = await takeSocket(client, a);
      expect(await rejectionOf(client.post('/x', {}, config))).toMatchObject({ code: 'ECONNABORTED' });
      expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
      await release();
    },
  );

  test('a request that gets no free socket ends with that error under failover: false', async () => {
    const { a, adapter } = await pair(neverReply, { attemptTimeout: 60 });
    const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1 }) });
    const release = await takeSocket(client, a);
    const error = await rejectionOf(client.post('/x', {}, { failover: false }));
    expect(error).toMatchObject({ code: 'ECONNABORTED', attempts: [{ backend: 'a' }] });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
    await release();
  });

  test('a response that arrived while the event loop was blocked past attemptTimeout is used', async () => {
    const program =
      "require('http').createServer((q,r)=>{q.resume();q.on('end',()=>setTimeout(()=>r.end('x'.repeat(100000)),20))}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    try {
      const backends = [{ baseURL: `http://127.0.0.1:${line.toString().trim()}` }];
      const adapter = priorityAdapter(backends, { attemptTimeout: 100 });
      const httpAgent = agentOf();
      const response = axios.post<string>('/x', {}, { adapter, httpAgent });
      while (
        !Object.values(httpAgent.sockets)
          .flat()
          .some((socket) => socket?.bytesWritten)
      )
        await new Promise(setImmediate);
      // The request has been written.
      await new Promise(setImmediate);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      expect((await response).attempts).toMatchObject([{ status: 200 }]);
      expect((await response).data).toHaveLength(100_000);
    } finally {
      child.kill();
    }
  });
});

describe.each(wires())('over %s, a refusal whose body is lost', (wire) => {
  const cut =
    (status: number): Reply =>
    (request, response) => {
      response.writeHead(status, { 'content-length': '1000', 'retry-after-ms': '70' });
      response.write('{"half":', () => request.socket.destroy());
    };
  const sees = wire === 'http' || 'getFetch' in Object(axios.getAdapter('fetch')) || seesFetch();

  (sees ? test.each : test.skip.each)([429, 503, 500])('is classified by its head: %i', async (status) => {
    const { b, adapter } = await pair(cut(status), { adapter: wire });
    const { attempts } = await axios.post('/x', {}, { adapter });
    expect(attempts).toMatchObject([{ backend: 'a', status, cooldown: 70 }, { backend: 'b' }]);
    expect(b.calls).toHaveLength(1);
  });

  (sees ? test : test.skip)("is classified by its head if its body exceeds the caller's limit", async () => {
    const { adapter } = await pair({ status: 503, body: 'x'.repeat(5000) }, { adapter: wire });
    const { attempts } = await axios.post('/x', {}, { adapter, maxContentLength: 100 });
    expect(attempts).toMatchObject([{ status: 503 }, { status: 200 }]);
  });

  (sees ? test : test.skip)(
    'is an error for the caller if it is another 4xx, and puts no backend on cooldown',
    async () => {
      const { b, adapter } = await pair(cut(404), { adapter: wire });
      const error = await rejectionOf(axios.post('/x', {}, { adapter }));
      expect(error.attempts).toMatchObject([{ backend: 'a', status: 404 }]);
      expect(b.calls).toEqual([]);
      expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
    },
  );

  test('is an ambiguous failure after a 200: a POST does not fail over, a GET does', async () => {
    const { b, adapter } = await pair(cut(200), { adapter: wire });
    expect((await rejectionOf(axios.post('/x', {}, { adapter }))).attempts).toMatchObject([{ reason: 'ambiguous' }]);
    expect(b.calls).toEqual([]);
    adapter.pool.restore('a');
    expect((await axios.get('/x', { adapter })).attempts).toHaveLength(2);
  });
});

/** axios honours `env.fetch` from 1.13 on. */
function seesFetch(): boolean {
  try {
    const env = { fetch: () => undefined } as never;
    return axios.getAdapter('fetch', { env } as never) !== axios.getAdapter('fetch');
  } catch {
    return false;
  }
}

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
