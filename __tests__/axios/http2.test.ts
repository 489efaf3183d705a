/** Over axios's HTTP/2 (1.13 and later). */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { constants, createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { attemptsOf, priorityAdapter } from '../../src';
import type { PriorityAdapter } from '../../src';
import { discardBody } from '../../src/http/streams';
import { FakeBackend, closeBackendsAfterEach, rejectionOf } from '../support/fake-backend';

closeBackendsAfterEach();

const servers: Http2Server[] = [];
const sessions: ServerHttp2Session[] = [];

afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Two backends: one that speaks HTTP/2 and answers so, and one behind it. */
async function pair(
  answer: (stream: ServerHttp2Stream, call: number) => void,
): Promise<{ adapter: PriorityAdapter; b: FakeBackend; calls: () => number }> {
  const server = createServer();
  servers.push(server);
  let calls = 0;
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream, ++calls);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const b = await FakeBackend.start();
  const adapter = priorityAdapter([
    { baseURL: `http://127.0.0.1:${String(port)}`, name: 'a', request: { httpVersion: 2 } },
    { baseURL: b.url, name: 'b', priority: 2 },
  ]);
  return { adapter, b, calls: () => calls };
}

const ok = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

const post = (adapter: PriorityAdapter, config: AxiosRequestConfig = {}) =>
  axios.post<string>('/x', {}, { adapter, ...config });

test('a session that the server closed gracefully puts no backend on cooldown, and the request, POST included, succeeds', async () => {
  const { adapter, b } = await pair(ok);
  expect((await post(adapter)).data).toBe('ok');
  for (let i = 0; i < 5; i++) {
    sessions.at(-1)!.close();
    const { data, attempts = [] } = await post(adapter);
    expect(data).toBe('ok');
    expect(attempts.at(-1)).toMatchObject({ backend: 'a', status: 200 });
  }
  expect(b.calls).toStrictEqual([]);
  expect(adapter.pool.snapshot()[0]).toMatchObject({ failures: 0, available: true });
});

test('a stream that the server refused was not processed, so a POST fails over', async () => {
  const { adapter } = await pair((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  const { attempts } = await post(adapter);
  expect(attempts).toMatchObject([
    { backend: 'a', reason: 'connection' },
    { backend: 'b', status: 200 },
  ]);
});

test('a backend that refuses streams after it has served, twice for one request, got nothing, so a POST fails over', async () => {
  const { adapter } = await pair((stream, call) =>
    call === 1 ? ok(stream) : stream.close(constants.NGHTTP2_REFUSED_STREAM),
  );
  await post(adapter);
  const { attempts } = await post(adapter);
  expect(attempts).toMatchObject([
    { backend: 'a', reason: 'stale' },
    { backend: 'a', reason: 'connection' },
    { backend: 'b', status: 200 },
  ]);
});

test.each<[object, AxiosRequestConfig]>([
  [{ status: 200 }, { failover: { attemptTimeout: 100 } }],
  [{ code: 'ECONNABORTED' }, { timeout: 100 }],
])('the head of a 429 counts, even if a time limit ends its body (%j)', async (expected, config) => {
  const { adapter } = await pair((stream) => {
    stream.respond({ ':status': 429, 'retry-after-ms': '70' });
    stream.write('{');
  });
  const result = await post(adapter, config).catch((error: unknown) => error);
  expect(result).toMatchObject(expected);
  expect(attemptsOf(result)[0]).toMatchObject({ backend: 'a', status: 429, reason: 'throttled', cooldown: 70 });
});

test('a stream that never settles is ended by the timeout', async () => {
  const { adapter } = await pair(() => undefined);
  expect(await rejectionOf(post(adapter, { timeout: 100 }))).toMatchObject({ code: 'ECONNABORTED' });
});

test('a streamed response prints no key', async () => {
  const { adapter } = await pair(ok);
  const key = randomUUID();
  const response = await post(adapter, { responseType: 'stream', headers: { 'x-key': key } });
  expect(inspect(response.data, { depth: 6 })).not.toContain(key);
  expect(response.request).toBe(response.data);
  discardBody(response.data);
});
