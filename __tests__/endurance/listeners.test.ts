import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import type { Fetch } from '../../src/fetch/request';
import type { FakeBackend } from '../support/fake-backend';
import { startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import { URL_ } from '../support/fetch-pair';
import { deferred, eventLoopTurn, stubPool } from '../support/stub-pool';
import { textOf } from '../support/text-of';

closeBackendsAfterEach();

/** A signal that counts its listeners, and notes the types of the events that they no longer listen to. */
function countingSignal() {
  const { signal } = new AbortController();
  const counts = { listening: 0, types: new Set<string>() };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counts.listening++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counts.listening--;
    counts.types.add(args[0]);
    remove(...args);
  };
  return { signal, counts };
}

test('no request leaves a listener on a long-lived signal, whatever its result', async () => {
  const { signal, counts } = countingSignal();
  const warned = jest.fn();
  process.on('warning', warned);
  const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } }, { defaultCooldown: 0 });
  let i = 0;
  replies.a = () => [200, 429, 500, 404, new Error('reset')][i++ % 5] as number;
  await Promise.all(
    Array.from({ length: 1000 }, (_, n) =>
      axios
        .get('/x', { adapter, signal, timeout: n % 2 ? 10_000 : 0, failover: n % 3 ? { attemptTimeout: 5000 } : {} })
        .catch(() => undefined),
    ),
  );
  expect(counts.listening).toBe(0);
  expect([...counts.types]).toStrictEqual(['abort']);
  await eventLoopTurn();
  expect(warned).not.toHaveBeenCalled();
  process.off('warning', warned);
});

test('an abandoned attempt that ends late keeps the listeners of later requests', async () => {
  const { signal } = new AbortController();
  const { adapter, replies } = stubPool({ a: {} });
  const [late, running] = [deferred<number>(), deferred<number>()];
  const gates = [late, running, running];
  replies.a = () => gates.shift()!.promise;
  await expect(axios.get('/x', { adapter, signal, timeout: 5 })).rejects.toThrow('timeout');
  const second = axios.get('/x', { adapter, signal });
  await eventLoopTurn();
  late.resolve(200);
  await eventLoopTurn();
  const third = axios.get('/x', { adapter, signal });
  await eventLoopTurn();
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  running.resolve(200);
  await Promise.all([second, third]);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

describe.each(['http', 'fetch'])('over %s, long-lived signals used in turn', (wire) => {
  test.each<[string, AxiosRequestConfig]>([
    ['by requests', {}],
    ['by requests with a timeout', { timeout: 5000 }],
    ['by streamed responses', { responseType: 'stream' }],
    ['by streamed requests', { method: 'post' }],
  ])('%s cause no warning and keep no listener', async (_, config) => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 503 });
    const adapter = priorityAdapter(
      [
        { baseURL: first.url, azureADTokenProvider: () => Promise.resolve('token') },
        { baseURL: second.url, priority: 2 },
      ],
      { adapter: wire, defaultCooldown: 0 },
    );
    const warned = jest.fn();
    process.on('warning', warned);
    const signals = [new AbortController().signal, new AbortController().signal];
    for (let i = 0; i < 60; i++) {
      const body = config.method === 'post' ? { data: Readable.from(['body']) } : {};
      const { data }: AxiosResponse<unknown> = await axios.request({
        url: '/x',
        ...config,
        ...body,
        adapter,
        signal: signals[i % 2]!,
      });
      if (config.responseType === 'stream') await textOf(data);
    }
    await eventLoopTurn();
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
    expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toStrictEqual([0, 0]);
  });
});

test('a streamed response that nobody reads does not keep its request in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = () => ({ data: new ReadableStream() });
  const send = async () => {
    const { signal } = new AbortController();
    await axios.get('/x', { adapter, signal, responseType: 'stream' });
    return new WeakRef(signal);
  };
  const signals: WeakRef<AbortSignal>[] = [];
  for (let i = 0; i < 20; i++) signals.push(await send());
  await eventLoopTurn();
  collectGarbage();
  expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(5);
});

test('10,000 fetches on one signal leave no listener on it', async () => {
  const { signal, counts } = countingSignal();
  const given: Fetch = (_url, init) => {
    expect(init!.signal!.aborted).toBe(false);
    return Promise.resolve(new Response('x'));
  };
  const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
  for (let i = 0; i < 10_000; i++) await fetch(URL_, { signal });
  expect(counts.listening).toBe(0);
});
