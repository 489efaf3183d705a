/* eslint-disable @typescript-eslint/prefer-promise-reject-errors -- anything can be thrown */
/** What is nobody's fault but the caller's, or a provider's, over each of axios's adapters. */
import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapter } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import { pair } from '../support/pair';
import { wires } from '../support/wires';

closeBackendsAfterEach();

/** Whatever it rejects with, also if that is no object. */
async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}

function expectNoBlame({ pool }: PriorityAdapter): void {
  expect(pool.snapshot()).toMatchObject([{ failures: 0, available: true, pending: 0 }, { failures: 0 }]);
}

/** Over http, older versions of axios throw an uncaught error when a Blob can't be read, without this package too. */
const SURVIVES_BLOBS = Number(axios.VERSION.split('.')[1]) > 13;

describe.each(wires())(
  "over %s, the caller's own mistake puts no backend on cooldown and does not fail over:",
  (wire) => {
    const failing = (reason: unknown): Readable =>
      new Readable({
        read() {
          setImmediate(() => this.destroy(reason as Error));
        },
      });
    const unreadable = (): Blob => {
      const blob = new Blob(['gone']);
      Object.defineProperty(blob, 'stream', {
        value: () =>
          new ReadableStream({ pull: (it) => it.error(new DOMException('it has changed', 'NotReadableError')) }),
      });
      return blob;
    };
    const cases: [string, () => AxiosRequestConfig][] = [
      ['an invalid date in params', () => ({ params: { since: new Date(NaN) } })],
      ['a symbol in params', () => ({ params: { id: Symbol('id') } })],
      ['a body stream that fails with an Error', () => ({ method: 'post', data: failing(new Error('disk')) })],
      [
        'a body stream that fails with a network error',
        () => ({ method: 'post', data: failing(Object.assign(new Error('x'), { code: 'ECONNRESET' })) }),
      ],
      ['a body stream that fails with text', () => ({ method: 'post', data: failing('disk') })],
      ['a body stream that ends early', () => ({ method: 'post', data: failing(undefined) })],
      ['an invalid header', () => ({ headers: { 'x-bad': 'line\nbreak \u0000' } })],
      ...(wire === 'http' && SURVIVES_BLOBS
        ? [
            ['a Blob that can no longer be read', () => ({ method: 'post', data: unreadable() })] as [
              string,
              () => AxiosRequestConfig,
            ],
          ]
        : []),
    ];

    test.each(cases)('%s', async (_, make) => {
      const { a, b, adapter } = await pair({ body: 'ok' }, { adapter: wire });
      await thrownBy(axios.request({ url: '/x', adapter, ...make() }));
      expect(a.calls.length).toBeLessThanOrEqual(1);
      expect(b.calls).toStrictEqual([]);
      expectNoBlame(adapter);
    });
  },
);

describe('an error that neither a network nor a server made', () => {
  test('reaches the caller as it is: a mock without a matching rule', async () => {
    const inner = axios.create();
    const mock = new MockAdapter(inner, { onNoMatch: 'throwException' });
    mock.onGet('/other').reply(200);
    const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], {
      adapter: inner.defaults.adapter,
    });
    const error = await rejectionOf(axios.get('/x', { adapter }));
    expect(error.message).toMatch(/Could not find mock/);
    expect(error.attempts).toHaveLength(1);
    expectNoBlame(adapter);
  });

  test.each<[string, unknown]>([
    ['a TypeError', new TypeError("Cannot read properties of undefined (reading 'x')")],
    ['an Error', new Error('not implemented')],
    ['an error with an unknown code', Object.assign(new Error('x'), { code: 'my-own-code' })],
    ['a RangeError', new RangeError('Maximum call stack size exceeded')],
  ])('isn’t mistaken for a network error: %s of an adapter', async (_, bug) => {
    const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], {
      adapter: () => Promise.reject(bug),
    });
    expect(await thrownBy(axios.post('/x', {}, { adapter }))).toBe(bug);
    expectNoBlame(adapter);
  });

  test.each<[string, object]>([
    ['fetch failed', new TypeError('fetch failed')],
    ['Failed to fetch', new TypeError('Failed to fetch')],
    [
      'NetworkError when attempting to fetch resource.',
      new TypeError('NetworkError when attempting to fetch resource.'),
    ],
    ['Load failed', new TypeError('Load failed')],
    ['terminated', new TypeError('terminated')],
    ['error sending request for url', new TypeError('error sending request for url (http://x)')],
    ['error reading a body from connection', new TypeError('error reading a body from connection')],
    ['Error in input stream', new TypeError('Error in input stream')],
    ['Network connection lost. of workerd', new Error('Network connection lost.')],
    [
      'internal error of workerd, for a failed lookup',
      new Error('internal error; reference = pb10bkrlb1tbtesbigstdo2c'),
    ],
    ['Network Error', new Error('Network Error')],
    ['a DOMException NetworkError', new DOMException('x', 'NetworkError')],
    ['a DOMException TimeoutError', new DOMException('x', 'TimeoutError')],
    ['timeout of 5ms exceeded', new Error('timeout of 5ms exceeded')],
    ['ConnectionClosed of Bun', Object.assign(new Error('x'), { code: 'ConnectionClosed' })],
    ['InvalidHTTPResponse of Bun', Object.assign(new TypeError('x'), { code: 'InvalidHTTPResponse' })],
    ['ZlibError of Bun', Object.assign(new TypeError('x'), { code: 'ZlibError' })],
  ])('does not include a network error: %s', async (_, error) => {
    const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example' }], {
      adapter: () => Promise.reject(error),
    });
    await thrownBy(axios.post('/x', {}, { adapter }));
    expect(adapter.pool.snapshot().filter(({ failures }) => failures > 0)).toHaveLength(1);
  });
});

describe('a provider of credentials that fails', () => {
  const axiosError = (status: number): Promise<never> =>
    Promise.reject(
      new axios.AxiosError('token endpoint', 'ERR_BAD_REQUEST', { url: 'https://login.example/token' } as never, {}, {
        status,
        data: '',
        headers: { 'retry-after': '3600' },
        config: { url: 'https://login.example/token' },
      } as never),
    );
  const failures: [string, () => unknown][] = [
    ['an axios 401', () => axiosError(401)],
    ['an axios 400', () => axiosError(400)],
    ['an axios 429', () => axiosError(429)],
    ['a cancel', () => Promise.reject(new axios.CanceledError('token'))],
    ['an abort', () => Promise.reject(new DOMException('aborted', 'AbortError'))],
    ['an AggregateError', () => Promise.reject(new AggregateError([new Error('a'), new TypeError('b')]))],
    ['an EMFILE', () => Promise.reject(Object.assign(new Error('x'), { code: 'EMFILE' }))],
    [
      'a throw',
      () => {
        throw new Error('no chain');
      },
    ],
    ['text', () => Promise.reject('no token')],
    ['nothing', () => Promise.reject(undefined)],
  ];

  test.each(
    failures.flatMap(
      ([name, fail]) =>
        [
          [name, 'azureADTokenProvider', fail],
          [name, 'apiKey', fail],
        ] as const,
    ),
  )('with %s (%s) fails over, POST included, with the reason credential', async (_, option, fail) => {
    const [b] = (await startBackends(1)) as [FakeBackend];
    const own = { [option]: fail } as Partial<BackendOptions>;
    const adapter = priorityAdapter([
      { baseURL: 'http://127.0.0.1:9', name: 'a', ...own },
      { baseURL: b.url, name: 'b', priority: 2 },
    ]);
    const { attempts } = await axios.post('/x', {}, { adapter });
    expect(attempts).toMatchObject([
      { backend: 'a', reason: 'credential', cooldown: 100 },
      { backend: 'b', status: 200 },
    ]);
  });

  test('is the cause of the error of a request that may try no other backend', async () => {
    const thrown = new Error('vault is closed');
    const adapter = priorityAdapter([{ baseURL: 'a.example', apiKey: () => Promise.reject(thrown) }]);
    const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
    expect(error).toMatchObject({ code: 'ERR_CREDENTIAL', message: 'backends[0].apiKey() failed' });
    expect(error.cause).toBe(thrown);
  });

  test('leaves its error unmodified, and two requests that share it get separate errors', async () => {
    const shared = axiosError(401);
    const own = (await rejectionOf(shared)) as Error & { config?: unknown };
    const before = JSON.stringify(Object.getOwnPropertyDescriptors(own));
    const adapter = priorityAdapter([{ baseURL: 'http://127.0.0.1:9', azureADTokenProvider: () => shared }]);
    const failover = { failoverCondition: () => false };
    const [one, two] = await Promise.all(
      ['/one', '/two'].map((url) => rejectionOf(axios.post(url, {}, { adapter, failover }))),
    );
    expect(one).toMatchObject({ code: 'ERR_CREDENTIAL', config: { url: '/one' } });
    expect(two).toMatchObject({ code: 'ERR_CREDENTIAL', config: { url: '/two' } });
    expect(JSON.stringify(Object.getOwnPropertyDescriptors(own))).toBe(before);
    expect(own.config).toMatchObject({ url: 'https://login.example/token' });
    expect((one as { cause?: { cause?: unknown } }).cause?.cause ?? one?.cause).toBe(own);
  });
});
