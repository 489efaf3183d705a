/** The limit for connecting, over real sockets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent as SecureAgent } from 'node:https';
import { connect, createServer } from 'node:net';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapterOptions } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import { agentOf, closeConnectionsAfterEach, held, listening } from '../support/connections';

closeBackendsAfterEach();

closeConnectionsAfterEach();

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

  test('leaves no timer after a cancel, even if there is no socket yet', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    const controller = new AbortController();
    const httpAgent = agentOf();
    // As for a tunnel that is never made.
    const asked = new Promise<void>((resolve) => (httpAgent.createConnection = () => void resolve()));
    const adapter = priorityAdapter([{ baseURL: 'http://far.example' }], { connectTimeout: 7777 });
    const cancelled = rejectionOf(axios.get('/x', { adapter, httpAgent, signal: controller.signal }));
    await asked;
    controller.abort();
    expect(await cancelled).toMatchObject({ code: 'ERR_CANCELED' });
    const set = timers.mock.calls.findIndex(([, ms]) => ms === 7777);
    expect(cleared.mock.calls.map(([timer]) => timer)).toContain(timers.mock.results[set]!.value);
    jest.restoreAllMocks();
  });

  test('of 0 sets no limit', async () => {
    const baseURL = `https://127.0.0.1:${String(await silent())}`;
    const error = await rejectionOf(post({ baseURL }, { connectTimeout: 0 }, { timeout: 100 }));
    expect(error).toMatchObject({ code: 'ECONNABORTED' });
  });
});
