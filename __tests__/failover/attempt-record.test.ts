import axios from 'axios';
import { attemptsOf, isContextLengthExceeded, priorityAdapter } from '../../src';
import type { PoolEvent } from '../../src';
import { closeBackendsAfterEach, FakeBackend, rejectionOf } from '../support/fake-backend';
import { wires } from '../support/wires';
import { stubPool, throttled } from '../support/stub-pool';

closeBackendsAfterEach();

test('attemptsOf reads the attempts of a response and of an error', async () => {
  const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = throttled(1000);
  const response = await axios.get('/x', { adapter });
  expect(attemptsOf(response)).toBe(response.attempts);
  replies.b = 400;
  expect(attemptsOf(await rejectionOf(axios.get('/x', { adapter })))).toMatchObject([{ backend: 'b', status: 400 }]);
});

test.each([
  undefined,
  null,
  0,
  'text',
  {},
  { attempts: 3 },
  { attempts: ['a'] },
  { attempts: [{ backend: 'a' }] },
  new Error('no'),
])('attemptsOf finds none in anything else: %p', (value) => {
  expect(attemptsOf(value)).toStrictEqual([]);
});

test('attemptsOf finds none in what throws when it is looked at', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(attemptsOf(proxy)).toStrictEqual([]);
});

describe('an attempt', () => {
  test('names the deployment of the URL as its backend knows it, even if it succeeded', async () => {
    const { adapter, replies, pool } = stubPool({ a: { deployments: { chat: 'chat-east' } }, b: { priority: 2 } });
    const events: PoolEvent[] = [];
    pool.subscribe((event) => events.push(event));
    replies.a = throttled(1000);
    const { attempts } = await axios.post('/openai/deployments/chat/x', {}, { adapter });
    expect(attempts).toMatchObject([
      { backend: 'a', scope: 'chat-east' },
      { backend: 'b', scope: 'chat' },
    ]);
    expect(events.filter(({ type }) => type === 'attempt')).toMatchObject([{ scope: 'chat-east' }, { scope: 'chat' }]);
  });

  test('names the model of a body only if the body had to be read', async () => {
    const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } });
    const post = () => axios.post('/openai/v1/responses', { model: 'chat' }, { adapter });
    expect((await post()).attempts).toStrictEqual([
      { backend: 'a', status: 200, duration: expect.any(Number) as number },
    ]);
    replies.a = throttled(1000);
    expect((await post()).attempts).toMatchObject([{ scope: 'chat' }, { scope: 'chat' }]);
  });

  test.each([
    [{ 'x-ms-request-id': 'ms', 'X-Request-Id': 'x', 'apim-request-id': 'apim' }, 'apim'],
    [{ 'x-ms-request-id': 'ms', 'X-Request-Id': 'x' }, 'x'],
    [{ 'X-MS-Request-Id': 'ms' }, 'ms'],
    [{ 'apim-request-id': '', 'x-request-id': 'x' }, 'x'],
    [{ 'apim-request-id': '' }, undefined],
    [{}, undefined],
  ])('has the server’s request id, refused or not: %j', async (headers, requestId) => {
    const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } });
    replies.a = { status: 503, headers };
    replies.b = { status: 200, headers };
    const { attempts = [] } = await axios.get('/x', { adapter });
    expect(attempts.map((attempt) => attempt.requestId)).toStrictEqual([requestId, requestId]);
    expect(attempts.map((attempt) => 'requestId' in attempt)).toStrictEqual([
      requestId !== undefined,
      requestId !== undefined,
    ]);
  });
});

test.each('installedAxios' in globalThis ? ['http'] : wires())(
  'a 404 whose body is lost has its reason and request id, over %s',
  async (wire) => {
    const backend = await FakeBackend.start();
    backend.always((_, response) => {
      response.writeHead(404, { 'content-length': '100', 'x-request-id': 'id' });
      response.write('{', () => response.destroy());
    });
    const adapter = priorityAdapter([{ baseURL: backend.url }], { adapter: wire });
    expect(attemptsOf(await rejectionOf(axios.post('/x', {}, { adapter })))).toMatchObject([
      { status: 404, reason: 'client-error', requestId: 'id' },
    ]);
    expect(adapter.pool.snapshot()[0]).toMatchObject({ available: true, failures: 0 });
  },
);

describe('isContextLengthExceeded', () => {
  const body = (code: string) => JSON.stringify({ error: { code, message: 'too long' } });

  test.each([
    [{ status: 400, data: body('context_length_exceeded') }, true],
    [{ status: 400, data: body('string_above_max_length') }, true],
    [{ status: 413, data: '' }, true],
    [{ status: 400, data: body('content_filter') }, false],
    [{ status: 500, data: body('context_length_exceeded') }, false],
  ])('of %j is %s', async (reply, expected) => {
    const { adapter, replies, pool, tried } = stubPool(
      { a: {}, b: { priority: 2 } },
      { failoverCondition: isContextLengthExceeded },
    );
    replies.a = reply;
    const response = await axios.post('/x', {}, { adapter, validateStatus: null });
    expect([response.status, tried.length]).toStrictEqual(expected ? [200, 2] : [reply.status, 1]);
    if (expected) expect(pool.snapshot()[0]).toMatchObject({ available: true, cooldowns: [] });
  });
});
