import { Readable } from 'node:stream';
import { getEventListeners } from 'node:events';
import axios from 'axios';
import { priorityAdapter } from '../../src';
import { Abort, onCancel } from '../../src/failover/abort';
import { FakeBackend, neverReply, rejectionOf, trickle, closeBackendsAfterEach } from '../support/fake-backend';
import { pair } from '../support/pair';
import { deferred, eventLoopTurn, stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

afterEach(() => jest.useRealTimers());

describe.each(['signal', 'cancelToken'] as const)('a %s', (kind) => {
  const canceller = () => {
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    return kind === 'signal'
      ? { config: { signal: controller.signal }, cancel: () => controller.abort() }
      : { config: { cancelToken: source.token }, cancel: () => source.cancel('own words') };
  };
  const message = kind === 'signal' ? 'canceled' : 'own words';

  test('cancelled before the first attempt prevents any attempt', async () => {
    const { adapter, tried } = stubPool({ a: {} });
    const { config, cancel } = canceller();
    cancel();
    const direct = adapter({ url: '/x', method: 'get', headers: {}, ...config } as never);
    expect(await rejectionOf(direct)).toMatchObject({ code: 'ERR_CANCELED', message, attempts: [] });
    expect(tried).toStrictEqual([]);
  });

  test.each([0, 1000])(
    'cancelled during an attempt ends it at once without a cooldown (timeout: %i)',
    async (timeout) => {
      const { a, b, adapter } = await pair(neverReply);
      const { config, cancel } = canceller();
      const error = rejectionOf(axios.post('/x', {}, { adapter, timeout, ...config }));
      while (a.calls.length === 0) await eventLoopTurn();
      cancel();
      expect(await error).toMatchObject({
        code: 'ERR_CANCELED',
        message,
        name: 'CanceledError',
        config: { url: '/x' },
      });
      expect((await error).attempts).toMatchObject([{ backend: 'a', code: 'ERR_CANCELED' }]);
      expect(axios.isCancel(await error)).toBe(true);
      expect(b.calls).toHaveLength(0);
      expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, pending: 0, failures: 0 });
      await a.connectionsClosed();
    },
  );

  test('cancelled between two attempts prevents the second', async () => {
    const { config, cancel } = canceller();
    const { adapter, replies, tried, pool } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = 500;
    pool.subscribe(({ type }) => void (type === 'attempt' && cancel()));
    expect(await rejectionOf(axios.get('/x', { adapter, ...config }))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(tried).toStrictEqual(['a']);
  });

  test('cancelled while a credential is being fetched prevents the attempt', async () => {
    const token = deferred<string>();
    const { adapter, tried, pool } = stubPool({ a: { azureADTokenProvider: () => token.promise } });
    const { config, cancel } = canceller();
    const error = rejectionOf(axios.get('/x', { adapter, ...config }));
    await eventLoopTurn();
    cancel();
    expect(await error).toMatchObject({ code: 'ERR_CANCELED' });
    token.resolve('late');
    await eventLoopTurn();
    expect(tried).toStrictEqual([]);
    expect(pool.snapshot()[0]).toMatchObject({ available: true, pending: 0 });
  });

  test.each([
    ['http', 0],
    ['http', 5000],
    ['fetch', 0],
    ['fetch', 5000],
  ])('cancelled while a stream is read over %s ends the stream (timeout: %i)', async (wire, timeout) => {
    const backend = await FakeBackend.start();
    backend.always(trickle);
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const { config, cancel } = canceller();
    const { data } = await axios.get<AsyncIterable<Uint8Array>>('/x', {
      adapter,
      responseType: 'stream',
      timeout,
      ...config,
    });
    const read = async () => {
      for await (const _ of data) cancel();
    };
    expect(await rejectionOf(read())).toMatchObject({ code: 'ERR_CANCELED' });
    await backend.connectionsClosed();
  });

  test('shared by two requests gives each its own error', async () => {
    const { config, cancel } = canceller();
    const { adapter, replies } = stubPool({ a: {} });
    replies.a = () => new Promise(() => undefined);
    const errors = [1, 2].map((n) => rejectionOf(axios.get(`/${String(n)}`, { adapter, ...config })));
    await eventLoopTurn();
    cancel();
    const [first, second] = (await Promise.all(errors)) as [object, object];
    expect(first).not.toBe(second);
    expect([first, second]).toMatchObject([{ config: { url: '/1' } }, { config: { url: '/2' } }]);
  });
});

test('an adapter may replace the signal of its attempt', async () => {
  const { adapter, replies } = stubPool({ a: {} });
  const own = new AbortController().signal;
  let seen: unknown[] = [];
  replies.a = (config) => {
    seen = [config.signal instanceof AbortSignal, Object.keys(config).includes('signal')];
    config.signal = own;
    seen.push(config.signal === own);
    return 200;
  };
  await axios.get('/x', { adapter, timeout: 1000 });
  expect(seen).toStrictEqual([true, true, true]);
});

describe('the abort of an attempt', () => {
  test('gives an aborted signal if the signal is requested after the abort', () => {
    const abort = new Abort();
    abort.abort('first');
    abort.abort('second');
    expect(abort.reason).toBe('first');
    expect([abort.signal.aborted, abort.signal.reason]).toStrictEqual([true, 'first']);
  });

  test('calls each remaining listener once', () => {
    const abort = new Abort();
    const told: string[] = [];
    const left = (): void => void told.push('left');
    abort.addEventListener('abort', left);
    abort.addEventListener('abort', () => told.push('stayed'));
    abort.removeEventListener('abort', left);
    const { signal } = abort;
    abort.abort();
    abort.abort();
    expect(told).toStrictEqual(['stayed']);
    expect(signal.aborted).toBe(true);
  });
});

describe('a stream that was cancelled before the caller got it', () => {
  test.each(['a listener', 'validateStatus'])('by %s frees its connection and leaves no listener', async (by) => {
    const backend = await FakeBackend.start();
    backend.always(trickle);
    const caller = new AbortController();
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    if (by === 'a listener') adapter.pool.subscribe(() => caller.abort());
    const validateStatus = (): boolean => {
      if (by === 'validateStatus') caller.abort();
      return true;
    };
    const config = { adapter, responseType: 'stream', signal: caller.signal, validateStatus } as const;
    await expect(axios.get('/x', config)).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    await backend.connectionsClosed();
    expect(getEventListeners(caller.signal, 'abort')).toStrictEqual([]);
  });
});

test('a response of an adapter that is cancelled while it is being called is discarded', async () => {
  const caller = new AbortController();
  const body = Readable.from(['a']);
  const { request, replies } = stubPool({ a: {} });
  replies.a = () => {
    caller.abort();
    return { data: body };
  };
  await expect(request({ signal: caller.signal, responseType: 'stream' })).rejects.toMatchObject({
    code: 'ERR_CANCELED',
  });
  await eventLoopTurn();
  expect(body.destroyed).toBe(true);
});

test('a cancelled cancelToken aborts the signal of a wrapped adapter', async () => {
  const source = axios.CancelToken.source();
  let signal: unknown;
  const { request, replies } = stubPool({ a: {} });
  replies.a = (config) => {
    signal = config.signal;
    source.cancel('enough');
    return new Promise(() => undefined);
  };
  await expect(request({ cancelToken: source.token })).rejects.toMatchObject({ message: 'enough' });
  expect(signal).toMatchObject({ aborted: true });
});

describe('onCancel', () => {
  test('registers one listener for all requests that share a signal, until the last one ends', () => {
    const { signal } = new AbortController();
    const ends = [1, 2, 3].map(() => onCancel({ signal }, () => undefined));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    ends.forEach((end) => end());
    // A second call does nothing.
    ends[0]!();
    expect(getEventListeners(signal, 'abort')).toStrictEqual([]);
  });

  test('calls each listener although the first one ends its request', () => {
    const controller = new AbortController();
    const called: number[] = [];
    const end = onCancel(controller, () => {
      called.push(1);
      end();
    });
    onCancel(controller, () => called.push(2));
    onCancel(controller, () => called.push(3))();
    controller.abort();
    expect(called).toStrictEqual([1, 2]);
  });

  test('accepts a polyfill of a signal that has no events', () => {
    const end = onCancel({ signal: { aborted: false } }, () => undefined);
    expect(end).not.toThrow();
  });

  test('listens to a cancelToken as well, until it is ended', async () => {
    const source = axios.CancelToken.source();
    const cancelToken = source.token as never;
    const called = jest.fn();
    const ended = jest.fn();
    onCancel({ cancelToken }, called);
    onCancel({ cancelToken }, ended)();
    source.cancel();
    await eventLoopTurn();
    expect([called.mock.calls.length, ended.mock.calls.length]).toStrictEqual([1, 0]);
  });
});

test('a request with a signal and a cancelToken is cancelled by either while it waits', async () => {
  for (const kind of ['signal', 'cancelToken']) {
    const { request, pool } = stubPool({ a: {} }, { maxWait: 60_000 });
    pool.cool('a', 50_000);
    const abort = new AbortController();
    const source = axios.CancelToken.source();
    const rejected = rejectionOf(request({ signal: abort.signal, cancelToken: source.token }));
    await eventLoopTurn();
    if (kind === 'signal') abort.abort();
    else source.cancel('own words');
    expect(await rejected).toMatchObject({
      code: 'ERR_CANCELED',
      message: kind === 'signal' ? 'canceled' : 'own words',
    });
  }
});
