import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runInThisContext } from 'node:vm';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import FormDataPackage from 'form-data';
import { BackendPool, priorityAdapter } from '../../src';
import type { PriorityAdapter, PriorityAdapterOptions } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { capture, discardRest, forOneAttempt, unreadFrom } from '../../src/http/request-body';
import { FakeBackend, rejectionOf, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { deferred, stubPool, eventLoopTurn } from '../support/stub-pool';

closeBackendsAfterEach();

/** The Error outside the realm of jest: fetch passes on only what is an `instanceof` that one. */
const NodesError = runInThisContext('Error') as ErrorConstructor;

const folder = mkdtempSync(join(tmpdir(), 'body-'));

const file = join(folder, 'audio.bin');

const audio = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

writeFileSync(file, audio);

afterAll(() => rmSync(folder, { recursive: true }));

const parts = (...chunks: (string | Buffer)[]) => Readable.from(chunks, { objectMode: false });

/** Listens to nothing else, so that an error that nobody handles stays one. */
const closing = (stream: Readable) => new Promise((resolve) => stream.on('close', resolve));

const web = (...chunks: (string | Uint8Array)[]) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
      controller.close();
    },
  });

function packageForm(): FormDataPackage {
  const form = new FormDataPackage();
  form.append('model', 'whisper');
  form.append('bytes', Buffer.alloc(5000, 7));
  form.append('file', createReadStream(file), { filename: 'audio.bin' });
  return form;
}

function specForm(): FormData {
  const form = new FormData();
  form.append('model', 'whisper');
  form.append('file', new Blob([audio]), 'audio.bin');
  return form;
}

/** A multipart body with a constant boundary. */
function withoutBoundary(body: Buffer): string {
  const text = body.toString('latin1');
  const boundary = text.slice(2, text.indexOf('\r\n'));
  return text.replaceAll(boundary, 'BOUNDARY');
}

const BODIES: [string, () => unknown][] = [
  ['JSON', () => ({ text: 'ü'.repeat(50) })],
  ['text', () => 'plain ü'],
  ['a Buffer', () => Buffer.from(audio)],
  ['a typed array', () => new Uint8Array(audio.subarray(0, 100))],
  ['URLSearchParams', () => new URLSearchParams({ a: '1', b: 'ü' })],
  ['a Blob', () => new Blob([audio], { type: 'audio/wav' })],
  ['a FormData', specForm],
  ['a form of the form-data package with a file in it', packageForm],
  ['a Readable', () => parts('one ', Buffer.from('two '), 'three ü')],
  ['a file stream', () => createReadStream(file)],
  ['an empty Readable', () => parts()],
  ['a web stream', () => web('one ', 'two ', new Uint8Array(audio))],
];

describe.each(['http', 'fetch'])('over %s, the second backend receives every byte of', (wire) => {
  test.each(BODIES)('%s', async (name, make) => {
    const [plain, first, second] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    first.always({ status: 503 });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: wire });
    await axios.post('/x', make(), { adapter });
    expect(first.calls).toHaveLength(1);
    const { body, headers } = second.lastCall;
    expect(headers['content-length'] ?? headers['transfer-encoding']).toBe(
      headers['content-length'] ? String(body.length) : 'chunked',
    );
    // There is no plain request to compare with: axios takes no web stream over http, and fetch may need `duplex`.
    if (name === 'a web stream') {
      expect(body).toEqual(Buffer.concat([Buffer.from('one two '), audio]));
      return;
    }
    const own = wire === 'fetch' && name.includes('form-data') ? 'http' : wire;
    await axios.post(`${plain.url}/x`, make(), { adapter: own });
    const expected = plain.lastCall;
    const kind = (type = '') => type.replace(/boundary=.*/, '');
    expect(kind(headers['content-type'])).toBe(kind(expected.headers['content-type']));
    if (/form/i.test(name)) {
      expect(withoutBoundary(body)).toBe(withoutBoundary(expected.body));
      const [, boundary] = /boundary=(.+)$/.exec(headers['content-type'] ?? '') ?? [];
      if (boundary !== undefined) expect(body.includes(boundary)).toBe(true);
    } else {
      expect(body.equals(expected.body)).toBe(true);
    }
  });
});

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
    ['http', 'a form', packageForm, 105_000],
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
  expect(configs.map(({ data }) => Buffer.from(data as ArrayBuffer).toString())).toEqual(['hello', 'hello']);
});

test('a stream to a single backend is kept if the request may wait for that backend', async () => {
  const backend = await FakeBackend.start();
  backend.script({ status: 429, headers: { 'retry-after-ms': '5' } });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { maxWait: 5000 });
  expect((await axios.post('/x', parts('all ', 'of it'), { adapter })).status).toBe(200);
  expect(backend.calls.map(({ body }) => body.toString())).toEqual(['all of it', 'all of it']);
});

test('a text body keeps the Content-Length that the caller states', async () => {
  const { adapter, configs } = stubPool({ a: {} });
  await axios.post('/x', 'hello', { adapter, headers: { 'Content-Length': '5' } });
  expect(configs[0]?.headers).toMatchObject({ 'Content-Length': '5' });
});

test.each([
  ['unbuffered', { maxWait: 0 }],
  ['once', { maxWait: 1, maxReplaySize: 2 }],
])('a stream that is sent %s keeps the Content-Length that the caller states', async (_, options) => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url }], options);
  await axios.post('/x', parts('hello'), { adapter, headers: { 'Content-Length': '5' } });
  expect(backend.lastCall.headers).toMatchObject({ 'content-length': '5' });
  expect(backend.lastCall.headers).not.toHaveProperty('transfer-encoding');
});

test.each([
  { 'Content-Length': '2' },
  { 'content-length': '20', 'TRANSFER-ENCODING': 'identity' },
  { 'Transfer-Encoding': 'chunked' },
])('a buffered stream is sent with its actual length, whatever the caller states: %j', async (headers) => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always({ status: 429 });
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
  const like = { 'x-transfer-encoding': 'kept', 'content-length-of': 'kept' };
  expect((await axios.post('/x', parts('hello'), { adapter, headers: { ...headers, ...like } })).status).toBe(200);
  expect(second.lastCall.headers).toMatchObject(like);
  expect(second.lastCall.body.toString()).toBe('hello');
  expect(second.lastCall.headers).toMatchObject({ 'content-length': '5' });
  expect(second.lastCall.headers).not.toHaveProperty('transfer-encoding');
});

test.each([100, 2 ** 20])(
  'the headers of a form replace those of the caller (maxReplaySize: %i)',
  async (maxReplaySize) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const adapter = priorityAdapter(
      [
        { baseURL: first.url, apiKey: 'own' },
        { baseURL: second.url, priority: 2 },
      ],
      {
        maxReplaySize,
      },
    );
    const headers = { 'CONTENT-TYPE': 'multipart/form-data', 'x-own': '1' };
    await axios.post('/x', packageForm(), { adapter, headers });
    expect(first.lastCall.headers).toMatchObject({
      'content-type': expect.stringMatching(/^multipart\/form-data; ?boundary=/) as string,
      'x-own': '1',
      'api-key': 'own',
    });
  },
);

test.each(['content-only', 'legacy'] as const)(
  'formDataHeaderPolicy: %s applies to a form that was read into memory, as in plain axios',
  async (formDataHeaderPolicy) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 503 });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const form = () => {
      const made = packageForm();
      const given = made.getHeaders();
      return Object.assign(made, { getHeaders: () => ({ ...given, 'x-form': 'own' }) });
    };
    await axios.post('/x', form(), { adapter, formDataHeaderPolicy });
    const own = second.lastCall.headers;
    await axios.post(`${second.url}/x`, form(), { formDataHeaderPolicy });
    expect(own['x-form']).toBe(second.lastCall.headers['x-form']);
    expect(own['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  },
);

test.each([
  ['fails', (form: FormDataPackage) => form.emit('error', new NodesError('disk on fire')), /disk on fire/],
  ['closes early', (form: FormDataPackage) => form.emit('close'), /aborted/],
])('a request fails if its old-style stream %s', async (_, end, message) => {
  const { request, tried } = stubPool({ a: {}, b: { priority: 2 } });
  const form = new FormDataPackage();
  form.append('slow', new Readable({ read: () => undefined }));
  const error = rejectionOf(request({ method: 'post', data: form }));
  await eventLoopTurn();
  end(form);
  expect((await error).message).toMatch(message);
  expect(tried).toEqual([]);
});

test('a stream that something else has already read is rejected', async () => {
  const { request } = stubPool({ a: {}, b: { priority: 2 } });
  const data = new Readable({ autoDestroy: false, read: () => undefined });
  data.push(null);
  data.resume();
  while (!data.readableEnded) await eventLoopTurn();
  expect(await rejectionOf(request({ method: 'post', data }))).toMatchObject({
    code: 'ERR_BAD_REQUEST',
    message: 'the request body is a stream that has already been read or destroyed',
  });
});

test.each([null, undefined])('a body of %s is sent as no body', async (data) => {
  const { request, configs } = stubPool({ a: {} });
  expect((await request({ method: 'post', data })).status).toBe(200);
  expect(configs[0]?.data).toBe(data);
});

describe('a config that is sent again', () => {
  test('sends its stream again in full', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 503 });
    second.script({ status: 429, headers: { 'retry-after-ms': '1' } });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }]);
    const error = await rejectionOf(
      axios.post('/x', parts('all ', 'of it'), { adapter, headers: { 'content-type': 'text/plain' } }),
    );
    adapter.pool.restore(second.host);
    const response = await axios.request(error.config as AxiosRequestConfig);
    expect(response.status).toBe(200);
    expect(second.calls.map(({ body }) => body.toString())).toEqual(['all of it', 'all of it']);
  });
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
    expect(tried).toEqual([]);
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

describe('a failing request body does not put any backend on cooldown:', () => {
  const pools: [string, (urls: string[], wire: string) => PriorityAdapter][] = [
    ['one backend', ([url = ''], wire) => priorityAdapter([{ baseURL: url }], { adapter: wire })],
    [
      'two backends',
      ([a = '', b = ''], wire) => priorityAdapter([{ baseURL: a }, { baseURL: b, priority: 2 }], { adapter: wire }),
    ],
    [
      'a maxReplaySize that it exceeds first',
      ([a = '', b = ''], wire) =>
        priorityAdapter([{ baseURL: a }, { baseURL: b, priority: 2 }], { adapter: wire, maxReplaySize: 3 }),
    ],
  ];
  const failing = (end: (stream: Readable) => void) => () => {
    let reads = 0;
    return new Readable({
      read() {
        if (reads++ < 2) this.push('some');
        else end(this);
      },
    });
  };
  const bodies: [string, () => unknown, object][] = [
    [
      'with an error',
      failing((stream) => stream.destroy(Object.assign(new Error('disk on fire'), { code: 'EIO' }))),
      { code: 'EIO', message: 'disk on fire' },
    ],
    ['by ending early', failing((stream) => stream.destroy()), { message: 'Request stream has been aborted' }],
    ['because its file is missing', () => createReadStream(join(folder, 'none')), { code: 'ENOENT' }],
  ];

  describe.each(pools)('with %s, a stream that fails', (_, pool) => {
    test.each(bodies)('%s', async (__, make, expected) => {
      const servers = await startBackends(2);
      const adapter = pool(
        servers.map(({ url }) => url),
        'http',
      );
      const error = await rejectionOf(axios.post('/x', make(), { adapter, timeout: 2000 }));
      expect(error).toMatchObject({ isAxiosError: true, config: { url: '/x' }, ...expected });
      expect(adapter.pool.snapshot()).toMatchObject(
        adapter.pool.backends.map(() => ({ available: true, pending: 0, failures: 0 })),
      );
    });
  });

  test.each(['axios', 'priorityFetch'])('over the fetch of %s, a Node stream that closes early', async (client) => {
    const { url: baseURL } = await FakeBackend.start();
    const fetch = priorityFetch([{ baseURL }]);
    const adapter = priorityAdapter(fetch.pool, { adapter: 'fetch' });
    const [, make] = bodies[1]!;
    const init = { method: 'POST', body: make() as never, duplex: 'half' } as RequestInit;
    await rejectionOf(client === 'axios' ? axios.post('/x', make(), { adapter }) : fetch(baseURL, init));
    expect(fetch.pool.snapshot()[0]).toMatchObject({ available: true, pending: 0, failures: 0 });
  });

  test.each(pools)('over fetch with %s, a web stream that fails', async (_, pool) => {
    const servers = await startBackends(2);
    const adapter = pool(
      servers.map(({ url }) => url),
      'fetch',
    );
    let pulls = 0;
    const stream = new ReadableStream({
      pull(controller) {
        if (pulls++ < 2) controller.enqueue(new TextEncoder().encode('some'));
        else controller.error(new NodesError('disk on fire'));
      },
    });
    await rejectionOf(axios.post('/x', stream, { adapter, timeout: 2000 }));
    expect(adapter.pool.snapshot()).toMatchObject(
      adapter.pool.backends.map(() => ({ available: true, pending: 0, failures: 0 })),
    );
  });

  test.each<[string, () => unknown, RegExp]>([
    ['a stream of objects', () => Readable.from([{ a: 1 }]), /a stream of objects; write bytes or text to it/],
    [
      'a stream that was read',
      () => {
        const s = parts('x');
        s.destroy();
        return s;
      },
      /has already been read or destroyed/,
    ],
    [
      'a web stream of numbers',
      () =>
        new ReadableStream({
          start(c) {
            c.enqueue(1);
            c.close();
          },
        }),
      /a stream of numbers/,
    ],
    [
      'a web stream that is locked',
      () => {
        const s = web('x');
        s.getReader();
        return s;
      },
      /something else is reading/,
    ],
    [
      'a web stream that breaks at once',
      () =>
        new ReadableStream({
          start(c) {
            c.error('own words');
          },
        }),
      /own words/,
    ],
  ])('%s, which is rejected', async (_, make, message) => {
    const { adapter, tried } = stubPool({ a: {}, b: {} });
    const error = await rejectionOf(axios.post('/x', make(), { adapter }));
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      message: expect.stringMatching(message) as string,
      attempts: [],
    });
    expect(tried).toEqual([]);
    expect(adapter.pool.snapshot()).toMatchObject([{ pending: 0 }, { pending: 0 }]);
  });

  test('a stream that fails while a credential is being fetched', async () => {
    const stream = failing((s) => s.destroy(new Error('disk on fire')))();
    const provider = async () => {
      stream.resume();
      await new Promise((resolve) => stream.once('close', resolve));
      return 'key';
    };
    const { adapter, tried, pool } = stubPool({ a: { apiKey: provider } });
    expect((await rejectionOf(axios.post('/x', stream, { adapter }))).message).toBe('disk on fire');
    expect(tried).toEqual([]);
    expect(pool.snapshot()[0]).toMatchObject({ available: true, pending: 0 });
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
    expect(calls).toEqual([]);
    expect(pool.snapshot()).toMatchObject([{ failures: 0 }, { failures: 0 }]);
  });

  test('that closes early cancels the request, as in plain axios', async () => {
    const { error } = await destroyedOnItsWay();
    expect(error).toMatchObject({ code: 'ERR_CANCELED', name: 'CanceledError' });
  });
});

test.each<[string, (closed: () => void) => Readable | ReadableStream]>([
  ['Node', (closed) => Readable.from([{ not: 'bytes' }, 'more']).on('close', closed)],
  ['web', (cancel) => new ReadableStream({ pull: (controller) => controller.enqueue({ not: 'bytes' }), cancel })],
])('a %s stream of anything but bytes and text is closed', async (_, make) => {
  const { adapter } = stubPool({ a: {}, b: {} });
  const closed = deferred<undefined>();
  const data = make(() => closed.resolve(undefined));
  expect((await rejectionOf(axios.post('/x', data, { adapter }))).message).toContain('stream of objects');
  await closed.promise;
});

test('a stream that closes itself right after its last byte is sent whole', async () => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter(['a', 'b'].map((name) => ({ baseURL: backend.url, name })));
  const data = new Readable({
    read() {
      this.push('all of it');
      this.push(null);
      this.destroy();
    },
  });
  await axios.post('/x', data, { adapter, headers: { 'content-type': 'text/plain' } });
  expect(backend.lastCall.body.toString()).toBe('all of it');
});

describe('a file longer than maxReplaySize', () => {
  const large = join(folder, 'large.bin');

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
  expect(results).toEqual(new Set(['200 true,true', '429 ']));
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
  expect(tried).toEqual([]);
  expect(pool.snapshot()[0]).toMatchObject({ pending: 0 });
});

test('a JSON stream to a single backend gets the model name of that backend', async () => {
  const backend = await FakeBackend.start();
  const adapter = priorityAdapter([{ baseURL: backend.url, deployments: { m: 'own' } }]);
  await axios.post('/openai/v1/x', parts('{"model":', '"m"}'), { adapter });
  expect(backend.lastCall.body.toString()).toBe('{"model":"own"}');
});

test.each(['http', 'fetch'])('progress events over %s never exceed the total, across all attempts', async (wire) => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always({ status: 503, body: 'x'.repeat(50_000) });
  second.always({ body: 'y'.repeat(200_000) });
  const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: wire });
  const seen: { loaded: number; total?: number | undefined }[] = [];
  const note = ({ loaded, total }: { loaded: number; total?: number | undefined }) => void seen.push({ loaded, total });
  await axios.post('/x', createReadStream(file), { adapter, onUploadProgress: note, onDownloadProgress: note });
  expect(seen.length).toBeGreaterThan(1);
  for (const { loaded, total = Infinity } of seen) expect(loaded).toBeLessThanOrEqual(total);
});

describe('a body stream may consist of', () => {
  const inUtf8 = parts('one ', 'two ü');
  inUtf8.setEncoding('utf8');
  const buffers = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('one ').buffer);
      controller.enqueue('two ü');
      controller.close();
    },
  });
  test.each<[string, unknown]>([
    ['text of a Readable', inUtf8],
    ['ArrayBuffers and text of a web stream', buffers],
  ])('%s', async (_, data) => {
    const { adapter, configs } = stubPool({ a: {}, b: {} });
    await axios.post('/x', data, { adapter });
    expect(Buffer.from(configs[0]?.data as ArrayBuffer).toString()).toBe('one two ü');
  });
});

test('a destroyed stream cancels a request to a single backend, as in plain axios', async () => {
  const { adapter, tried, pool } = stubPool({ a: {} });
  const stream = parts('x');
  stream.destroy();
  expect(await rejectionOf(axios.post('/x', stream, { adapter }))).toMatchObject({ code: 'ERR_CANCELED' });
  expect(tried).toEqual([]);
  expect(pool.snapshot()).toMatchObject([{ available: true, pending: 0, failures: 0 }]);
});

test('cancelling a long web stream cancels its source, with the reason', async () => {
  const { adapter, replies } = stubPool({ a: {}, b: {} }, { maxReplaySize: 2 });
  const cancelled = jest.fn();
  const source = new ReadableStream({ pull: (controller) => controller.enqueue('four'), cancel: cancelled });
  replies.a = async ({ data }) => {
    await (data as ReadableStream).cancel('enough');
    return 200;
  };
  replies.b = replies.a;
  await axios.post('/x', source, { adapter });
  expect(cancelled).toHaveBeenCalledWith('enough');
});

test('a stream that fails with a string rejects the request with that string', async () => {
  const { adapter } = stubPool({ a: {}, b: {} });
  const source = new ReadableStream({ start: (controller) => controller.error('no such file') });
  const error = await rejectionOf(axios.post('/x', source, { adapter }));
  expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', message: 'no such file' });
});

test('a form without headers of its own fails over', async () => {
  const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = 503;
  const data = Object.assign(packageForm(), { getHeaders: () => null });
  expect(await request({ method: 'post', data })).toMatchObject({ status: 200 });
  expect(tried).toEqual(['a', 'b']);
});

describe('discardRest', () => {
  const streamOf = (size: number) => Readable.from([Buffer.alloc(size)]);

  test('closes what is left of a stream that was too long to be kept', async () => {
    const unread = unreadFrom(streamOf(2000))!;
    const body = await capture(unread, 1000);
    expect(body.replayable).toBe(false);
    discardRest(unread, body);
    expect(body.data).toMatchObject({ destroyed: true });
  });

  test('leaves a stream that was sent as it is, and what was kept, to the caller', async () => {
    const stream = streamOf(10);
    const streamed = unreadFrom(stream)!;
    discardRest(streamed, forOneAttempt(streamed));
    expect(stream.destroyed).toBe(false);
    const kept = {
      data: streamOf(10),
      headers: undefined,
      replayable: true,
      isStreamed: false,
      failure: { error: undefined },
    };
    const unread = unreadFrom(streamOf(10))!;
    await capture(unread, 1000);
    discardRest(unread, kept);
    discardRest(undefined, { ...kept, replayable: false });
    expect(kept.data.destroyed).toBe(false);
  });
});

describe('a one-shot body for the only backend', () => {
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
      expect(events).toEqual(['cooldown', 'attempt', 'exhausted']);
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
    expect([response.status, a.calls.length, b.calls.length]).toEqual([429, 1, 0]);
  });
});
