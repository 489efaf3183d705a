import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse, ResponseType } from 'axios';
import { priorityAdapter } from '../../src';
import type { AdapterKind } from '../../src/axios/adapter-kind';
import type { AxiosRequest } from '../../src/axios/attempt-config';
import { fabricate } from '../../src/axios/response';
import { bytesOfText } from '../../src/http/body-text';
import { FakeBackend, rejectionOf, startBackends, throttle, closeBackendsAfterEach } from '../support/fake-backend';
import { stubPool, fakeClock, throttled } from '../support/stub-pool';
import { kindOf, textOf } from '../support/text-of';
import { wires } from '../support/wires';

closeBackendsAfterEach();

const text = '{"text":"ü"}';

describe.each(['http', 'fetch'])('over %s, responseType', (wire) => {
  const types: (ResponseType | undefined)[] = [undefined, 'json', 'text', 'arraybuffer', 'blob', 'stream'];

  test.each(types)('%s has the type that plain axios gives, after a failed attempt', async (responseType) => {
    const [plain, first, second] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    first.always({ status: 503 });
    for (const backend of [plain, second])
      backend.always({ body: text, headers: { 'content-type': 'application/json' } });
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL: second.url, priority: 2 }], { adapter: wire });
    const config: AxiosRequestConfig = responseType ? { responseType } : {};
    const own: AxiosResponse<unknown> = await axios.get('/x', { adapter, ...config });
    const expected: AxiosResponse<unknown> = await axios.get(`${plain.url}/x`, { adapter: wire, ...config });
    expect(kindOf(own.data)).toBe(kindOf(expected.data));
    expect(await textOf(own.data)).toBe(await textOf(expected.data));
    expect(own.attempts).toHaveLength(2);
  });

  test.each(types)('%s has the same type in the fabricated 429', async (responseType) => {
    const [real, throttled] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    throttled.always(throttle(1000));
    real.always({ body: text });
    const adapter = priorityAdapter([{ baseURL: throttled.url }], { adapter: wire });
    const config: AxiosRequestConfig = { validateStatus: null, ...(responseType && { responseType }) };
    const { data, fabricated }: AxiosResponse<unknown> = await axios.get('/x', { adapter, ...config });
    const expected: AxiosResponse<unknown> = await axios.get(`${real.url}/x`, { adapter: wire, ...config });
    expect(fabricated).toBe(true);
    expect(kindOf(data)).toBe(kindOf(expected.data));
    expect(JSON.parse(await textOf(data))).toMatchObject({ error: { code: '429', type: 'no_backend_available' } });
  });

  test('does not change that transformResponse sees text, for real responses and the fabricated one', async () => {
    const backend = await FakeBackend.start();
    backend.script({ body: text });
    backend.always(throttle(1000));
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    const transformResponse = (data: string, _: unknown, status?: number) => `${String(status)}: ${data.slice(0, 7)}`;
    const client = axios.create({ adapter, transformResponse, validateStatus: null });
    expect([(await client.get('/x')).data, (await client.get('/x')).data]).toStrictEqual([
      '200: {"text"',
      '429: {"error',
    ]);
  });
});

test.each<[AdapterKind, ResponseType, string]>([
  ['xhr', 'arraybuffer', 'ArrayBuffer'],
  ['xhr', 'blob', 'Blob'],
  ['xhr', 'stream', 'String'],
  ['xhr', 'json', 'String'],
  ['fetch', 'stream', 'ReadableStream'],
  ['fetch', 'STREAM' as ResponseType, 'ReadableStream'],
  // Only the fetch adapter accepts any case.
  ['http', 'Stream' as ResponseType, 'String'],
  ['xhr', 'ArrayBuffer' as ResponseType, 'String'],
  ['foreign', 'stream', 'Object'],
  ['foreign', 'arraybuffer', 'Buffer'],
])('a fabricated response follows the adapter, not the globals: %s, %s, %s', async (kind, responseType, expected) => {
  const response = { status: 429, statusText: '', headers: {}, text, why: '' };
  const { data } = fabricate({ kind, config: { responseType } } as AxiosRequest, response) as AxiosResponse<unknown>;
  expect(kindOf(data)).toBe(expected);
  expect(await textOf(data)).toBe(text);
});

test.each<[AdapterKind, string | null]>([
  ['xhr', null],
  ['http', text],
])('over %s, a fabricated response for responseType document has the data %s', (kind, expected) => {
  const response = { status: 429, statusText: '', headers: {}, text, why: '' };
  const config = { responseType: 'document' } as AxiosRequest['config'];
  expect(fabricate({ kind, config } as AxiosRequest, response).data).toBe(expected);
});

describe.each(wires())('over %s,', (adapter) => {
  test.each([{ responseType: false }, { responseType: 0 }, { responseType: null }, { env: false }])(
    'a falsy option is none, as in plain axios: %j',
    async (option) => {
      const backend = await FakeBackend.start();
      backend.always({ body: '{"a":1}' });
      const client = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url }], { adapter }) });
      expect((await client.get('/x', option as object)).data).toStrictEqual({ a: 1 });
    },
  );
});

test('text is encoded without a TextEncoder, as in jsdom under Jest', () => {
  const { TextEncoder } = globalThis;
  Object.assign(globalThis, { TextEncoder: undefined });
  try {
    expect(Buffer.from(bytesOfText('{"a":1}')).toString()).toBe('{"a":1}');
  } finally {
    Object.assign(globalThis, { TextEncoder });
  }
});

test('gets a fabricated 429 that looks like a real one if every backend is on cooldown', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always(throttle(9000));
  second.always(throttle(2500));
  const client = axios.create({ adapter: priorityAdapter([{ baseURL: first.url }, { baseURL: second.url }]) });
  const error = await rejectionOf(client.get('/x'));
  expect(error).toMatchObject({
    code: 'ERR_BAD_REQUEST',
    message: 'Request failed with status code 429: no backend is available (2 throttled)',
    isAxiosError: true,
  });
  const { response } = error as unknown as { response: { headers: { get(name: string): string }; data: unknown } };
  expect(response).toMatchObject({ status: 429, statusText: 'Too Many Requests', fabricated: true });
  expect(response.headers.get('Retry-After')).toBe('3');
  expect(Number(response.headers.get('retry-after-ms'))).toBeGreaterThan(2000);
  expect(Number(response.headers.get('retry-after-ms'))).toBeLessThanOrEqual(2500);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.data).toStrictEqual({
    error: {
      code: '429',
      type: 'no_backend_available',
      message: 'No backend is available: 2 throttled. Retry after 3 s.',
    },
  });
  expect(JSON.stringify(response.data)).not.toContain('127.0.0.1');
  expect(error.attempts).toHaveLength(2);

  const again = await rejectionOf(
    client.get('/x', { responseType: 'text', transformResponse: (data: unknown) => data }),
  );
  expect(again.attempts).toStrictEqual([]);
  expect((again as unknown as { response: { data: string } }).response.data).toContain('"code":"429"');
});

describe('validateStatus', () => {
  test('applies to the fabricated 429 too', async () => {
    const { request, replies, adapter } = stubPool({ a: {} });
    replies.a = 500;
    const response = await request({ validateStatus: () => true });
    expect(response).toMatchObject({ status: 429, fabricated: true });
    const client = axios.create({ adapter });
    expect((await client.get('/x', { validateStatus: null })).status).toBe(429);
    expect((await rejectionOf(client.get('/x'))).message).toBe(
      'Request failed with status code 429: no backend is available (1 HTTP 500)',
    );
  });

  test('of () => true does not prevent failover on a 429', async () => {
    const { adapter, replies, tried } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = 429;
    const response = await axios.get('/x', { adapter, validateStatus: () => true });
    expect([response.status, tried]).toStrictEqual([200, ['a', 'b']]);
  });

  test('of () => false turns a 200 into an error, as validateResponse of axios-retry needs', async () => {
    const { adapter } = stubPool({ a: {} });
    const error = await rejectionOf(axios.get('/x', { adapter, validateStatus: () => false }));
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 200 } });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, successes: 1 });
  });

  test('rejects a 5xx with ERR_BAD_RESPONSE', async () => {
    const { adapter, replies } = stubPool({ a: {} });
    replies.a = 503;
    expect(await rejectionOf(axios.get('/x', { adapter, failover: false }))).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
    });
  });
});

test.each([
  [499, 'ERR_BAD_REQUEST'],
  [500, 'ERR_BAD_RESPONSE'],
])('a %i that is returned to the caller rejects with %s', async (status, code) => {
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = status;
  expect(await rejectionOf(axios.get('/x', { adapter, failover: false }))).toMatchObject({ code });
});

describe('the fabricated retry-after', () => {
  test.each([
    [42.2, '43', '1'],
    [1000, '1000', '1'],
    [1001, '1001', '2'],
  ])('for %d ms is %s ms and %s s', async (ms, inMs, inSeconds) => {
    fakeClock();
    const { request, replies } = stubPool({ a: {} });
    replies.a = throttled(ms);
    expect((await request()).headers).toMatchObject({ 'retry-after-ms': inMs, 'retry-after': inSeconds });
  });
});

test('a response without data, as mocks give it, is returned to the caller', async () => {
  const { request, replies } = stubPool({ a: {} });
  replies.a = { status: 404, data: undefined };
  expect(await request({ validateStatus: () => true })).toMatchObject({ status: 404 });
});

describe('a response', () => {
  const answering = (answer: object) =>
    priorityAdapter([{ baseURL: 'a.example' }], { adapter: () => Promise.resolve(answer as AxiosResponse) });

  test.each([200, 404, 429])('that is frozen is returned like any other: %i', async (status) => {
    const adapter = answering(Object.freeze({ status, data: 'cold', headers: {}, statusText: '' }));
    const response = await axios.get('/x', { adapter, validateStatus: null, failover: false });
    expect(response).toMatchObject({ status, data: 'cold', attempts: [{ status }], config: { url: '/x' } });
  });

  test('that cannot be read rejects the request and ends the attempt', async () => {
    const adapter = answering({
      status: 404,
      get data() {
        throw new Error('unreadable');
      },
    });
    expect(await rejectionOf(axios.get('/x', { adapter }))).toMatchObject({ message: 'unreadable' });
    expect(adapter.pool.snapshot()[0]).toMatchObject({ pending: 0 });
  });
});
