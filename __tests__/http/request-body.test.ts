import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import FormDataPackage from 'form-data';
import { priorityAdapter } from '../../src';
import type { PriorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { capture, closeRest, forOneAttempt, unreadFrom } from '../../src/http/request-body';
import { NodesError, audio, audioFile, packageForm, parts, web } from '../support/bodies';
import { FakeBackend, rejectionOf, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import { deferred, stubPool, eventLoopTurn } from '../support/stub-pool';

const file = audioFile();

closeBackendsAfterEach();

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
  ['a form of the form-data package with a file in it', () => packageForm(file)],
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
      expect(body).toStrictEqual(Buffer.concat([Buffer.from('one two '), audio]));
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
    await axios.post('/x', packageForm(file), { adapter, headers });
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
      const made = packageForm(file);
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
  expect(tried).toStrictEqual([]);
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
    expect(second.calls.map(({ body }) => body.toString())).toStrictEqual(['all of it', 'all of it']);
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
    ['because its file is missing', () => createReadStream(`${file}.none`), { code: 'ENOENT' }],
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
    expect(tried).toStrictEqual([]);
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
    expect(tried).toStrictEqual([]);
    expect(pool.snapshot()[0]).toMatchObject({ available: true, pending: 0 });
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
  expect(tried).toStrictEqual([]);
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
  const data = Object.assign(packageForm(file), { getHeaders: () => null });
  expect(await request({ method: 'post', data })).toMatchObject({ status: 200 });
  expect(tried).toStrictEqual(['a', 'b']);
});

describe('closeRest', () => {
  const streamOf = (size: number) => Readable.from([Buffer.alloc(size)]);

  test('closes what is left of a stream that was too long to be kept', async () => {
    const unread = unreadFrom(streamOf(2000))!;
    const body = await capture(unread, 1000);
    expect(body.replayable).toBe(false);
    closeRest(unread, body);
    expect(body.data).toMatchObject({ destroyed: true });
  });

  test('leaves a stream that was sent as it is, and what was kept, to the caller', async () => {
    const stream = streamOf(10);
    const streamed = unreadFrom(stream)!;
    closeRest(streamed, forOneAttempt(streamed));
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
    closeRest(unread, kept);
    closeRest(undefined, { ...kept, replayable: false });
    expect(kept.data.destroyed).toBe(false);
  });
});

test('a stream that is sent again and again is watched once', () => {
  const stream = Readable.from(['x']);
  const before = ['error', 'close'].map((event) => stream.listenerCount(event));
  const [first, second] = [unreadFrom(stream)!, unreadFrom(stream)!];
  expect(['error', 'close'].map((event) => stream.listenerCount(event))).toStrictEqual(
    before.map((count) => count + 1),
  );
  const error = new Error('own');
  stream.emit('error', error);
  expect([first.failure.error, second.failure.error]).toStrictEqual([error, error]);
});
