/** What becomes of connections, over real sockets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { Agent as SecureAgent, createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { certificate } from '../support/certificate';
import { FakeBackend, closeBackendsAfterEach, neverReply, rejectionOf, startBackends } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { agentFailing, agentOf, closeConnectionsAfterEach, takeSocket } from '../support/connections';
import { pair } from '../support/pair';
import { wires } from '../support/wires';

closeBackendsAfterEach();

closeConnectionsAfterEach();

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
    expect(b.calls).toStrictEqual([]);
  });

  test.each(wires())(
    'because the connection is refused, over %s, and nothing is written on its request',
    async (wire) => {
      const { b, adapter } = await pair(redirecting, { adapter: wire });
      const error = await rejectionOf(axios.post('/x', {}, { adapter }));
      expect(error).toMatchObject({ attempts: [{ backend: 'a', reason: 'ambiguous' }] });
      expect(error.request).not.toHaveProperty('_redirectCount');
      expect(b.calls).toStrictEqual([]);
    },
  );
});

describe('nothing was sent, so a POST fails over, when', () => {
  const through = async (own: BackendOptions['request']): Promise<object> => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter([
      { baseURL: a.url, name: 'a', request: own },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const { attempts } = await axios.post('/x', {}, { adapter });
    expect(a.calls).toStrictEqual([]);
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
    expect(b.calls).toStrictEqual([]);
  });

  test('a socket breaks with an error that has no code', async () => {
    const { a, b, adapter } = await pair(neverReply);
    const agent = agentOf();
    const error = rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    while (a.calls.length === 0) await new Promise(setImmediate);
    Object.values(agent.sockets).flat()[0]!.destroy(new Error('the tunnel has gone'));
    expect(await error).toMatchObject({ message: 'the tunnel has gone', attempts: [{ reason: 'ambiguous' }] });
    expect(b.calls).toStrictEqual([]);
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
    expect(b.calls).toStrictEqual([]);
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

/** A server that answers while the event loop of this process is blocked. The program prints its port. */
async function inAnotherProcess(program: string): Promise<{ baseURL: string; stop: () => void }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { baseURL: `http://127.0.0.1:${line.toString().trim()}`, stop: () => void child.kill() };
}

describe('local trouble:', () => {
  test.each(['EMFILE', 'ENFILE'])('%s is returned to the caller and puts no backend on cooldown', async (code) => {
    const agent = agentFailing((callback) => callback(Object.assign(new Error(code), { code, syscall: 'connect' })));
    const { b, adapter } = await pair({ body: 'ok' });
    const error = await rejectionOf(axios.post('/x', {}, { adapter, httpAgent: agent }));
    expect(error).toMatchObject({ code, attempts: [{ backend: 'a', code }] });
    expect(b.calls).toStrictEqual([]);
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
      const failoverCondition = jest.fn(() => true);
      const adapter = priorityAdapter([{ baseURL: a.url }], { failoverCondition });
      const client = axios.create({ adapter, httpAgent: agentOf({ maxSockets: 1 }) });
      const release = await takeSocket(client, a);
      expect(await rejectionOf(client.post('/x', {}, config))).toMatchObject({ code: 'ECONNABORTED' });
      expect(failoverCondition).not.toHaveBeenCalled();
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
    const { baseURL, stop } = await inAnotherProcess(program);
    try {
      const adapter = priorityAdapter([{ baseURL }], { attemptTimeout: 100 });
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
      stop();
    }
  });

  test('compressed responses that arrived while the event loop was blocked are used too', async () => {
    const program =
      "const z=require('zlib').gzipSync('x'.repeat(1e5));require('http').createServer((q,r)=>{q.resume();q.on('end',()=>setTimeout(()=>r.writeHead(200,{'content-encoding':'gzip'}).end(z),20))}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
    const { baseURL, stop } = await inAnotherProcess(program);
    try {
      const adapter = priorityAdapter([{ baseURL }], { attemptTimeout: 100 });
      const httpAgent = agentOf({ maxSockets: 4 });
      // Over open connections, so that all are written in this turn.
      const all = () =>
        Promise.all(Array.from({ length: 4 }, () => axios.post<string>('/x', {}, { adapter, httpAgent })));
      await all();
      const responses = all();
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      for (const { data, attempts } of await responses) {
        expect(attempts).toMatchObject([{ status: 200 }]);
        expect(data).toHaveLength(100_000);
      }
    } finally {
      stop();
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
      expect(b.calls).toStrictEqual([]);
      expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
    },
  );

  test('is an ambiguous failure after a 200: a POST does not fail over, a GET does', async () => {
    const { b, adapter } = await pair(cut(200), { adapter: wire });
    expect((await rejectionOf(axios.post('/x', {}, { adapter }))).attempts).toMatchObject([{ reason: 'ambiguous' }]);
    expect(b.calls).toStrictEqual([]);
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
