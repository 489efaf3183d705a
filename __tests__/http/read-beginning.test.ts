import { once } from 'node:events';
import { Readable } from 'node:stream';
import axios from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { attemptsOf, priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { ReadAhead } from '../../src/http/read-beginning';
import type { FakeBackend } from '../support/fake-backend';
import { rejectionOf, closeBackendsAfterEach, startBackends } from '../support/fake-backend';
import { stubPool, eventLoopTurn } from '../support/stub-pool';
import { textOf } from '../support/text-of';

closeBackendsAfterEach();

afterEach(() => jest.useRealTimers());

describe('a Node stream whose beginning was read', () => {
  const through = (stream: () => Readable | Promise<Readable>) => async (config: InternalAxiosRequestConfig) => ({
    ...{ status: 200, statusText: '', headers: { 'content-type': 'text/event-stream' }, config },
    data: await stream(),
  });

  test('is read to its end by listeners of `readable`', async () => {
    // Only a prelude, so that it is read to its end.
    const words = async function* () {
      await eventLoopTurn();
      yield ': hello\n\n';
    };
    const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
      adapter: through(() => Readable.from(words(), { objectMode: false })),
    });
    const { data } = await axios.get<Readable>('/x', { adapter, responseType: 'stream' });
    let text = '';
    data.on('readable', () => {
      for (let chunk; (chunk = data.read() as Buffer | null) !== null;) text += String(chunk);
    });
    await once(data, 'end');
    expect(text).toBe(': hello\n\n');
  });

  test.each([
    ['with an error', new Error('cut'), 'cut'],
    ['without one', undefined, 'Premature close'],
  ])('is not waited for if it has already closed, %s', async (_how, error, message) => {
    const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
      adapter: through(async () => {
        const stream = new Readable({ read: () => undefined }).on('error', () => undefined).destroy(error);
        await once(stream, 'close');
        return stream;
      }),
    });
    const rejected = await rejectionOf(axios.post('/x', {}, { adapter, responseType: 'stream' }));
    expect(rejected.message).toBe(message);
  });
});

test('a part of a larger buffer is copied into a byte stream', async () => {
  const pool = new Uint8Array(100).fill(120);
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array());
      controller.enqueue(pool.subarray(10, 13));
      controller.enqueue(new Uint8Array());
      controller.enqueue(pool.subarray(20, 22));
      controller.close();
    },
  });
  const ahead = new ReadAhead(source);
  expect(await ahead.read((bytes) => bytes.length > 0, {})).toBe(false);
  expect(await textOf(ahead.stream)).toBe('xxxxx');
  expect(pool.length).toBe(100);
});

test('a reader with its own buffer gets all of a stream, and its end', async () => {
  const ahead = new ReadAhead(new Blob(['abc']).stream());
  expect(await ahead.read(() => false, {})).toBe(true);
  const reader = ahead.stream.getReader({ mode: 'byob' });
  const first = await reader.read(new Uint8Array(10));
  expect(Buffer.from(first.value!).toString()).toBe('abc');
  expect((await reader.read(new Uint8Array(10))).done).toBe(true);
});

test('an event stream that the wrapped adapter is reading itself is passed on', async () => {
  const { request, replies } = stubPool({ a: {} });
  const data = new ReadableStream();
  data.getReader();
  replies.a = { headers: { 'content-type': 'text/event-stream' }, data };
  expect((await request({ responseType: 'stream' })).data).toBe(data);
});

test('a runtime without streams of bytes, as Safari was, fails over and streams all the same', async () => {
  const { ReadableStream: Stream } = globalThis;
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 503, body: '{}' });
  b.always({ headers: { 'content-type': 'text/event-stream' }, body: 'data: 1\n\n' });
  const fetch = priorityFetch([{ baseURL: a.url }, { baseURL: b.url, priority: 2 }]);
  globalThis.ReadableStream = new Proxy(Stream, {
    construct(target, [source, ...others]: [{ type?: string }]) {
      if (source.type === 'bytes') throw new TypeError('not implemented');
      return Reflect.construct(target, [source, ...others]) as object;
    },
  });
  try {
    const response = await fetch('http://x.example/');
    expect(attemptsOf(response)).toMatchObject([{ status: 503 }, { status: 200 }]);
    expect(await response.text()).toBe('data: 1\n\n');
  } finally {
    globalThis.ReadableStream = Stream;
  }
});
