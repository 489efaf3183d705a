import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import axios from 'axios';
import { priorityAdapter } from '../../src';
import { drainBody } from '../../src/http/streams';
import { FakeBackend, rejectionOf, closeBackendsAfterEach } from '../support/fake-backend';
import { stubPool, eventLoopTurn } from '../support/stub-pool';
import { textOf } from '../support/text-of';

closeBackendsAfterEach();

afterEach(() => jest.useRealTimers());

test('a failover condition that throws releases the socket of the response', async () => {
  const backend = await FakeBackend.start();
  backend.always({ status: 500, body: 'x'.repeat(300_000) });
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const failoverCondition = () => {
    throw new Error('own fault');
  };
  const client = axios.create({
    adapter: priorityAdapter([{ baseURL: backend.url }], { failoverCondition, cooldown: () => 0 }),
    httpAgent,
    responseType: 'stream',
  });
  for (let i = 0; i < 3; i++) expect((await rejectionOf(client.get('/x'))).message).toBe('own fault');
  httpAgent.destroy();
});

test('a streamed response arrives whole however slowly it is read', async () => {
  const backend = await FakeBackend.start();
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

test('a stream that breaks off emits its error to the caller', async () => {
  const backend = await FakeBackend.start();
  backend.always((request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x', () => request.socket.destroy());
  });
  const adapter = priorityAdapter([{ baseURL: backend.url }]);
  const { data } = await axios.get<Readable>('/x', { adapter, responseType: 'stream' });
  expect(await rejectionOf(textOf(data))).toMatchObject({ code: 'ECONNRESET' });

  const { request, replies } = stubPool({ a: {} });
  const stream = new Readable({ read: () => undefined });
  replies.a = { data: stream };
  await request();
  expect(stream.listenerCount('error')).toBe(0);
});

test.each(['http', 'fetch'])(
  'a stream over %s longer than maxContentLength fails with a redacted error',
  async (wire) => {
    const backend = await FakeBackend.start();
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
    const error = await rejectionOf(
      (async () => {
        for await (const _ of data);
      })(),
    );
    expect(error.message).toContain('maxContentLength');
    expect(error).toMatchObject({ config: { url: '/x' } });
    expect(JSON.stringify(error)).not.toContain('secret-key');
  },
);

test.each<[string, () => unknown]>([
  ['a Readable', () => new Readable({ read: () => undefined, destroy: (_, done) => done(new Error('too late')) })],
  ['a web stream', () => new ReadableStream({ cancel: () => Promise.reject(new Error('too late')) })],
])('an error while discarding %s is ignored', async (_, make) => {
  const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = { status: 500, data: make() };
  await request({ responseType: 'stream' });
  await eventLoopTurn();
  expect(tried).toStrictEqual(['a', 'b']);
});

test('a stream over fetch arrives whole within its timeout', async () => {
  const backend = await FakeBackend.start();
  backend.always({ body: 'all of it' });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: 'fetch' });
  const { data } = await axios.get<unknown>('/x', { adapter, responseType: 'stream', timeout: 5000 });
  expect(await textOf(data)).toBe('all of it');
});

test('cancelling a web stream cancels its source and removes the listener from the signal', async () => {
  const { adapter, replies } = stubPool({ a: {} });
  const cancelled = jest.fn();
  replies.a = { data: new ReadableStream({ pull: (controller) => controller.enqueue('x'), cancel: cancelled }) };
  const { signal } = new AbortController();
  const remove = jest.spyOn(signal, 'removeEventListener');
  const { data } = await axios.get<ReadableStream>('/x', { adapter, responseType: 'stream', signal });
  const before = remove.mock.calls.length;
  await data.cancel('enough');
  expect(cancelled).toHaveBeenCalledWith('enough');
  expect(remove.mock.calls.length).toBeGreaterThan(before);
});

test.each([
  ['http', 0],
  ['http', 5000],
  ['fetch', 5000],
])('no listener stays on the signal after a stream over %s was read (timeout: %i)', async (wire, timeout) => {
  const backend = await FakeBackend.start();
  backend.always({ body: 'all of it' });
  const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
  const controller = new AbortController();
  const add = jest.spyOn(controller.signal, 'addEventListener');
  const remove = jest.spyOn(controller.signal, 'removeEventListener');
  const { data } = await axios.get<AsyncIterable<Uint8Array>>('/x', {
    adapter,
    responseType: 'stream',
    signal: controller.signal,
    timeout,
  });
  let text = '';
  for await (const chunk of data) text += Buffer.from(chunk).toString();
  await eventLoopTurn();
  expect(text).toBe('all of it');
  expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
});

test.each(['http', 'fetch'])(
  'no listener stays on the signal for a rejected stream over %s that nobody reads',
  async (wire) => {
    const backend = await FakeBackend.start();
    backend.always({ status: 400, body: 'x'.repeat(1_000_000) });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    const error = await rejectionOf(axios.get('/x', { adapter, responseType: 'stream', signal }));
    expect(error).toMatchObject({ response: { status: 400 } });
    expect(add).toHaveBeenCalled();
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  },
);

test('no listener stays on the signal for a fabricated stream that nobody reads', async () => {
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = 429;
  const { signal } = new AbortController();
  const add = jest.spyOn(signal, 'addEventListener');
  const remove = jest.spyOn(signal, 'removeEventListener');
  const config = { adapter, responseType: 'stream', validateStatus: null, signal } as const;
  expect((await axios.get('/x', config)).fabricated).toBe(true);
  expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
});

test('a body that nobody will read is read to its end if it is a web stream, and closed if it is one of Node', async () => {
  let isPulled = false;
  const pull = (controller: ReadableStreamDefaultController): void => {
    isPulled = true;
    controller.close();
  };
  drainBody(new ReadableStream({ pull }, { highWaterMark: 0 }));
  drainBody(new ReadableStream({ pull: (controller) => controller.error(new Error('broke off')) }));
  const stream = Readable.from(['x']);
  drainBody(stream);
  await eventLoopTurn();
  expect([isPulled, stream.destroyed]).toStrictEqual([true, true]);
});
