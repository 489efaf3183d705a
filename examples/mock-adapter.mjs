/**
 * Tests your application without a network. The mocks play the backends: they see the caller's path in `url` and the backend
 * in `baseURL`. For that, axios-mock-adapter has to stand below the failover, in one of these two ways:
 *
 * - a priority adapter that wraps the mock
 * - an instance with both the mock and `attachPriorityAdapter`
 *
 * `new MockAdapter(client)` on a client made with `adapter: priorityAdapter(…)` skips the failover: the mock replaces
 * `client.defaults.adapter`, and that is the priority adapter.
 *
 *     node mock-adapter.mjs
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { attachPriorityAdapter, priorityAdapter } from 'axios-priority-adapter';

const URL_PATH = '/openai/v1/chat/completions';

function setUp() {
  const inner = axios.create();
  const mock = new MockAdapter(inner);
  const backends = [{ baseURL: 'east.example' }, { baseURL: 'west.example', priority: 2 }];
  return { mock, client: axios.create({ adapter: priorityAdapter(backends, { adapter: inner.defaults.adapter }) }) };
}

test('a throttled request fails over to the next backend', async () => {
  const { mock, client } = setUp();
  mock.onPost(URL_PATH).replyOnce(429, '', { 'retry-after-ms': '60000' });
  mock.onPost(URL_PATH).reply(200, { choices: [] });
  const { attempts } = await client.post(URL_PATH, { model: 'chat', messages: [] });
  assert.deepEqual(
    attempts.map(({ backend, status }) => `${backend} ${status}`),
    ['east.example 429', 'west.example 200'],
  );
  const asked = mock.history.post.map(({ baseURL }) => baseURL);
  assert.deepEqual(asked, ['https://east.example', 'https://west.example']);
});

test('the caller gets a 429 when every backend is throttled', async () => {
  const { mock, client } = setUp();
  mock.onAny().reply(429, '', { 'retry-after-ms': '1500' });
  const { status, fabricated, headers } = await client.post(URL_PATH, {}, { validateStatus: null });
  assert.deepEqual([status, fabricated, headers['retry-after']], [429, true, '2']);
});

test('an existing client with the plugin fails over between mocks', async () => {
  const client = axios.create();
  const mock = new MockAdapter(client);
  const { detach } = attachPriorityAdapter(client, [
    { baseURL: 'east.example' },
    { baseURL: 'west.example', priority: 2 },
  ]);
  mock.onPost(URL_PATH).replyOnce(503);
  mock.onPost(URL_PATH).reply(200, { choices: [] });
  const { attempts } = await client.post(URL_PATH, { model: 'chat', messages: [] });
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [503, 200],
  );
  detach();
});

test('a mock on top of a priority adapter skips the failover', async () => {
  const client = axios.create({ adapter: priorityAdapter([{ baseURL: 'east.example' }]) });
  const mock = new MockAdapter(client);
  mock.onPost(URL_PATH).reply(503);
  const { status, attempts } = await client.post(URL_PATH, {}, { validateStatus: null });
  assert.deepEqual([status, attempts], [503, undefined]);
});
