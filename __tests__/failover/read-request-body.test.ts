import { createReadStream, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { BackendPool, priorityAdapter } from '../../src';
import type { PriorityAdapterOptions } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { NodesError, audio, audioFile, packageForm, parts, web } from '../support/bodies';
import {
  FakeBackend,
  refusedOrigin,
  rejectionOf,
  startBackends,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { pair } from '../support/pair';
import { deferred, stubPool, eventLoopTurn, fakeClock } from '../support/stub-pool';

closeBackendsAfterEach();

const file = audioFile();

/** Listens to nothing else, so that an error that nobody handles stays one. */
const closing = (stream: Readable) => new Promise((resolve) => stream.on('close', resolve));

describe('a one-shot body longer than maxReplaySize', () => {
  const long = () =>
    Readable.from(
      Array.from({ length: 50 }, () => Buffer.alloc(1000, 1)),
      { objectMode: false },
    );

  test.each<[string, string, () => unknown, number]>([
    ['http', 'a Readable', long, 50_000],
    ['fetch', 'a Readable', long, 50_000],
    ['fetch', 'a web stream', () => web(...Array.from({ length: 50 }, () => new Uint8Array(1000))), 50_000],
    ['http', 'a file stream', () => createReadStream(file), audio.length],
    ['http', 'a form', () => packageForm(file), 105_000],
  ])('is streamed whole to one backend, whose own response is returned (%s, %s)', async (wire, _, make, size) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 503, body: 'own words' });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], {
      adapter: wire,
      maxReplaySize: 1500,
      cooldown: () => 60_000,
    });
    const data = make();
    const error = await rejectionOf(axios.post('/x', data, { adapter }));
    expect(error).toMatchObject({ response: { status: 503, data: 'own words' }, attempts: [{ status: 503 }] });
    expect(first.lastCall.body.length).toBeGreaterThanOrEqual(size);
    expect(second.calls).toHaveLength(0);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ state: 'cooling' });
    expect(await rejectionOf(axios.post('/x', data, { adapter }))).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: 'the request body is a stream that was sent before and was too long to be kept (maxReplaySize)',
    });
  });

  test('is never buffered in full', async () => {
    const backend = await FakeBackend.start();
    backend.always({ body: 'ok' });
    let read = 0;
    let most = 0;
    const source = new Readable({
      read() {
        this.push(read < 300 ? Buffer.alloc(16_384) : null);
        read++;
      },
    });
    const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], {
      maxReplaySize: 65_536,
      adapter: async (config) => {
        let taken = 0;
        for await (const chunk of config.data as Readable) {
          // Buffered: read from the source, but not yet from the body.
          most = Math.max(most, read * 16_384 - taken);
          taken += (chunk as Buffer).length;
          await eventLoopTurn();
        }
        return { data: taken, status: 200, statusText: '', headers: {}, config };
      },
    });
    expect((await axios.post('/x', source, { adapter })).data).toBe(300 * 16_384);
    expect(most).toBeLessThan(400_000);
  });

  test('is closed if it was read, but never sent', async () => {
    const selector = (): never => {
      throw new Error('of the selector');
    };
    const { adapter } = stubPool({ a: {}, b: {} }, { maxReplaySize: 10, selector });
    const data = Readable.from(Array.from({ length: 100 }, () => 'longer'));
    const closed = closing(data);
    expect((await rejectionOf(axios.post('/x', data, { adapter }))).message).toBe('of the selector');
    await closed;
  });

  test('is sent unbuffered if there is only one backend', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }], { maxReplaySize: 0 });
    await axios.post('/x', long(), { adapter });
    expect(backend.lastCall.headers['transfer-encoding']).toBe('chunked');
    expect(backend.lastCall.body.length).toBe(50_000);
  });
});

test('a body of exactly maxReplaySize is kept for another attempt', async () => {
  const { request, replies, configs } = stubPool({ a: {}, b: { priority: 2 } }, { maxReplaySize: 5 });
  replies.a = 503;
  expect((await request({ method: 'post', data: parts('hello') })).status).toBe(200);
  expect(configs.map(({ data }) => Buffer.from(data as ArrayBuffer).toString())).toStrictEqual(['hello', 'hello']);
});

test('a stream to a single backend is kept if the request may wait for that backend', async () => {
  const backend = await FakeBackend.start();
  backend.script({ status: 429, headers: { 'retry-after-ms': '5' } });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { maxWait: 5000 });
  expect((await axios.post('/x', parts('all ', 'of it'), { adapter })).status).toBe(200);
  expect(backend.calls.map(({ body }) => body.toString())).toStrictEqual(['all of it', 'all of it']);
});

describe('a stream for which no backend is available', () => {
  test.each(['axios', 'fetch'])('may fail later without ending the process (%s)', async (client) => {
    const { adapter, pool } = stubPool({ a: {} });
    pool.cool('a', 60_000);
    const data = new Readable({ read: () => undefined });
    const init = { method: 'POST', body: data, duplex: 'half' } as unknown as RequestInit;
    const sent =
      client === 'axios' ? axios.post('/x', data, { adapter }) : priorityFetch(pool)('http://b.example', init);
    await sent.catch(() => undefined);
    data.destroy(new NodesError('late'));
    await closing(data);
  });

  test('rejects the request with its own error if it fails during the wait', async () => {
    const { adapter, pool, tried } = stubPool({ a: {} }, { maxWait: 60_000 });
    pool.cool('a', 50_000);
    const waiting = deferred<undefined>();
    pool.subscribe(({ type }) => type === 'waiting' && waiting.resolve(undefined));
    const data = new Readable({ read: () => undefined });
    const refused = rejectionOf(axios.post('/x', data, { adapter }));
    await waiting.promise;
    data.destroy(new NodesError('its own'));
    await closing(data);
    pool.restore('a');
    expect(await refused).toMatchObject({ message: 'its own' });
    expect(tried).toStrictEqual([]);
  });

  test.each([10, 2 ** 20])('is closed if it is a file (maxReplaySize %i)', async (maxReplaySize) => {
    const { adapter, pool } = stubPool({ a: {} }, { maxReplaySize });
    pool.cool('a', 60_000);
    const data = createReadStream(file);
    const closed = closing(data);
    expect(await rejectionOf(axios.post('/x', data, { adapter }))).toMatchObject({ response: { status: 429 } });
    await closed;
  });

  test('is sent in full by a client that repeats the fetch with it, as `openai` 4 does', async () => {
    const backend = await FakeBackend.start();
    const fetch = priorityFetch([{ baseURL: backend.url, name: 'a' }]);
    const init = { method: 'POST', body: parts('all ', 'of it'), duplex: 'half', signal: new AbortController().signal };
    const again = () => fetch('http://b.example', init as unknown as RequestInit);
    fetch.pool.cool('a', 60_000);
    expect((await again()).status).toBe(429);
    fetch.pool.restore('a');
    expect((await again()).status).toBe(200);
    expect(backend.lastCall.body.toString()).toBe('all of it');
  });

  test('is sent in full by a plugin that sends the request again', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url, name: 'a' }]);
    adapter.pool.cool('a', 60_000);
    const headers = { 'content-type': 'text/plain' };
    const error = await rejectionOf(axios.post('/x', parts('all ', 'of it'), { adapter, headers }));
    adapter.pool.restore('a');
    await axios.request(error.config as AxiosRequestConfig);
    expect(backend.lastCall.body.toString()).toBe('all of it');
  });
});

describe('a stream longer than maxReplaySize', () => {
  /** Sends a source that is destroyed on its way to a backend. */
  async function destroyedOnItsWay(reason?: Error) {
    const servers = await startBackends(2);
    const adapter = priorityAdapter(
      servers.map(({ url }) => ({ baseURL: url })),
      { maxReplaySize: 1000 },
    );
    const source = new Readable({ read: () => undefined });
    source.push(Buffer.alloc(5000));
    const error = rejectionOf(axios.post('/x', source, { adapter }));
    while (servers.every(({ sockets }) => sockets.size === 0)) await eventLoopTurn();
    source.destroy(reason);
    return { error: await error, calls: servers.flatMap(({ calls }) => calls), pool: adapter.pool };
  }

  test('that fails midway is cut off, so that the server does not take it for complete', async () => {
    const { error, calls, pool } = await destroyedOnItsWay(new Error('disk on fire'));
    expect(error).toMatchObject({ message: 'disk on fire' });
    expect(calls).toStrictEqual([]);
    expect(pool.snapshot()).toMatchObject([{ failures: 0 }, { failures: 0 }]);
  });

  test('that closes early cancels the request, as in plain axios', async () => {
    const { error } = await destroyedOnItsWay();
    expect(error).toMatchObject({ code: 'ERR_CANCELED', name: 'CanceledError' });
  });
});

describe('a file longer than maxReplaySize', () => {
  const large = join(dirname(file), 'large.bin');

  beforeAll(() => writeFileSync(large, Buffer.alloc(8 * 2 ** 20)));

  /** To a server that reads nothing of it. */
  const send = async (reply: RequestListener, options: PriorityAdapterOptions = {}) => {
    const server = createServer(reply);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const backends = [{ baseURL: url }, { baseURL: `${url}/other`, priority: 2 }];
    const data = createReadStream(large);
    const closed = closing(data);
    const adapter = priorityAdapter(backends, { maxReplaySize: 2 ** 20, ...options });
    const error = await rejectionOf(axios.post('/x', data, { adapter, proxy: false }));
    await closed;
    server.close();
    server.closeAllConnections();
    return error;
  };

  test('is closed when its attempt fails', async () => {
    expect(await send((request) => request.socket.destroy())).toMatchObject({ attempts: [{ reason: 'ambiguous' }] });
  });

  test('is closed when a rule throws', async () => {
    const failoverCondition = () => {
      throw new Error('own fault');
    };
    const error = await send((request) => request.socket.destroy(), { failoverCondition });
    expect(error.message).toBe('own fault');
  });

  test('does not hide a refusal that comes before its end', async () => {
    for (let i = 0; i < 5; i++) {
      const error = await send((_, response) => void response.writeHead(429, { connection: 'close' }).end('no'));
      expect(error).toMatchObject({ attempts: [{ status: 429 }] });
    }
  });

  test.each([0, 100_000])('over fetch, with a maxReplaySize of %i, does not hide it either', async (maxReplaySize) => {
    const server = createServer((_, response) => void response.writeHead(413, { connection: 'close' }).end('no'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseURL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const fetch = priorityFetch([{ baseURL }, { baseURL: `${baseURL}/other`, priority: 2 }], { maxReplaySize });
    for (let i = 0; i < 10; i++) {
      const body = createReadStream(large);
      const init = { method: 'POST', body, duplex: 'half' } as unknown as RequestInit;
      const response = await fetch('http://x.example/', init);
      expect(response.status).toBe(413);
      await response.text();
      body.destroy();
    }
    server.close();
    server.closeAllConnections();
  });
});

test('a stream is kept for another attempt even if its backend becomes available at that very moment', async () => {
  const results = new Set<unknown>();
  for (let lookups = 0; lookups < 12; lookups++) {
    const { adapter, replies, pool, configs } = stubPool({ a: {}, b: { priority: 2 } });
    for (const name of ['a', 'b']) pool.cool(name, 1000);
    const start = performance.now();
    // The cooldowns end after the clock has been read this often.
    let left = lookups;
    Object.defineProperty(performance, 'now', { value: () => start + (left-- > 0 ? 0 : 2000), configurable: true });
    replies.a = 500;
    const { status } = await axios.post('/x', parts('body'), { adapter, validateStatus: null });
    Reflect.deleteProperty(performance, 'now');
    const kept = configs.map(({ data }: { data?: unknown }) => data instanceof ArrayBuffer);
    results.add(`${String(status)} ${String(kept)}`);
    expect(pool.snapshot()).toMatchObject([{ pending: 0 }, { pending: 0 }]);
  }
  expect(results).toStrictEqual(new Set(['200 true,true', '429 ']));
});

test('a cancel stops the buffering of a body', async () => {
  const { adapter, pool, tried } = stubPool({ a: {}, b: {} });
  const controller = new AbortController();
  const error = rejectionOf(
    axios.post('/x', new Readable({ read: () => undefined }), { adapter, signal: controller.signal }),
  );
  await eventLoopTurn();
  controller.abort();
  expect(await error).toMatchObject({ code: 'ERR_CANCELED' });
  expect(tried).toStrictEqual([]);
  expect(pool.snapshot()[0]).toMatchObject({ pending: 0 });
});

describe('a one-shot body for the only backend', () => {
  test.each([
    ['that refuses the connection, is kept', undefined, 200],
    [
      'that answers with a 503, is closed',
      { status: 503, body: 'no' },
      'Response body object should not be disturbed or locked',
    ],
  ])('%s', async (_what, reply, expected) => {
    const backend = await FakeBackend.start();
    const baseURL = reply === undefined ? await refusedOrigin() : backend.always(reply).url;
    const fetch = priorityFetch([{ baseURL, name: 'a' }], { defaultCooldown: 0, cooldown: () => 0 });
    const body = createReadStream(file);
    const closed = closing(body);
    const send = () => fetch('http://x.example/', { method: 'POST', body, duplex: 'half' } as unknown as RequestInit);
    expect((await send()).status).toBe(429);
    await closed;
    fetch.pool.update([{ baseURL: backend.always({ body: 'ok' }).url, name: 'a' }]);
    const again = await send().then(
      ({ status }) => status,
      ({ message }: Error) => message,
    );
    expect(again).toBe(expected);
    if (again === 200) expect(backend.lastCall.body).toStrictEqual(audio);
  });

  test.each<[string, Reply | undefined]>([
    ['503', { status: 503 }],
    ['429', { status: 429, headers: { 'retry-after-ms': '50' } }],
    ['refused connection', undefined],
  ])('gets the fabricated 429 after a %s of the only backend, as any other body does', async (_, reply) => {
    for (const client of ['axios', 'fetch']) {
      const backend = await FakeBackend.start();
      if (reply === undefined) await backend.close();
      else backend.always(reply);
      const pool = new BackendPool([{ baseURL: backend.url }]);
      const events: string[] = [];
      pool.subscribe(({ type }) => void events.push(type));
      const post = (body: Readable | ReadableStream): Promise<object> =>
        client === 'axios'
          ? axios.post('/x', body, { adapter: priorityAdapter(pool), validateStatus: null })
          : priorityFetch(pool)('http://pool.invalid/x', { method: 'POST', body, duplex: 'half' } as never);
      const response = await post(client === 'axios' ? Readable.from(['abc']) : new Blob(['abc']).stream());
      expect(response).toMatchObject({ status: 429, fabricated: true, attempts: [{ backend: backend.host }] });
      expect(events).toStrictEqual(['cooldown', 'attempt', 'exhausted']);
    }
  });

  test('gets the fabricated 404 if the pool loses the deployment meanwhile', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    backend.always((_, response) => {
      adapter.pool.update([{ baseURL: backend.url, deployments: { chat: false } }]);
      response.writeHead(503).end();
    });
    const config = { adapter, validateStatus: null };
    const response = await axios.post('/openai/deployments/chat/x', Readable.from(['abc']), config);
    expect(response).toMatchObject({ status: 404, fabricated: true, attempts: [{ status: 503 }] });
  });

  test('is closed if no attempt is made with it', async () => {
    const selector = (): never => {
      throw new Error('of the selector');
    };
    let isCancelled = false;
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    const fetch = priorityFetch([{ baseURL: 'a.example' }], { selector });
    const sent = fetch('http://pool.invalid/x', { method: 'POST', body, duplex: 'half' } as never);
    expect((await rejectionOf(sent)).message).toBe('of the selector');
    await eventLoopTurn();
    expect(isCancelled).toBe(true);
  });

  test('is never sent again, even if the pool gets another backend meanwhile', async () => {
    const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter([{ baseURL: a.url }]);
    a.always((_, response) => {
      adapter.pool.update([a, b].map(({ url }) => ({ baseURL: url })));
      response.writeHead(503).end();
    });
    const response = await axios.post('/x', Readable.from(['abc']), { adapter, validateStatus: null });
    expect([response.status, a.calls.length, b.calls.length]).toStrictEqual([429, 1, 0]);
  });
});

test('a trial takes its place when it is sent, not while its body is still being read', async () => {
  const { a, adapter } = await pair({ status: 500 }, { defaultCooldown: 1 });
  const clock = fakeClock();
  for (let i = 0; i < 2; i++) {
    await axios.post('/x', 'fails', { adapter });
    clock.advance(2);
  }
  expect(adapter.pool.snapshot()[0]?.state).toBe('trial');
  a.always({ body: 'back' });
  let give!: () => void;
  const slow = new Readable({ read: () => undefined });
  const uploading = axios.post('/slow', slow, { adapter });
  await new Promise((resolve) => ((give = () => resolve(slow.push(null))), setImmediate(() => resolve(undefined))));
  expect((await axios.post<string>('/x', 'quick', { adapter })).attempts).toMatchObject([
    { backend: 'a', status: 200 },
  ]);
  expect(adapter.pool.snapshot()[0]?.state).toBe('available');
  slow.push('the body');
  give();
  expect((await uploading).attempts).toMatchObject([{ backend: 'a' }]);
});
