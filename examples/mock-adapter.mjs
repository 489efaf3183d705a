/**
 * Tests of your own, without a network: axios-mock-adapter is what the priority adapter wraps, so the mocks play the
 * backends. They see the caller's path in `url`, and the backend in `baseURL`.
 *
 *     node examples/mock-adapter.mjs
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import axios from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { priorityAdapter } from 'axios-priority-adapter';

const URL_PATH = '/openai/deployments/gpt-4o/chat/completions';

function scene() {
  const inner = axios.create();
  const mock = new MockAdapter(inner);
  const backends = [{ baseURL: 'east.example' }, { baseURL: 'west.example', priority: 2 }];
  return { mock, client: axios.create({ adapter: priorityAdapter(backends, { adapter: inner.defaults.adapter }) }) };
}

test('a refusal is failed over', async () => {
  const { mock, client } = scene();
  mock.onPost(URL_PATH).replyOnce(429, '', { 'retry-after-ms': '60000' });
  mock.onPost(URL_PATH).reply(200, { choices: [] });
  const { attempts } = await client.post(URL_PATH, { messages: [] });
  assert.deepEqual(
    attempts.map(({ backend, status }) => `${backend} ${status}`),
    ['east.example 429', 'west.example 200'],
  );
  const asked = mock.history.post.map(({ baseURL }) => baseURL);
  assert.deepEqual(asked, ['https://east.example', 'https://west.example']);
});

test('the application is told when nobody is left', async () => {
  const { mock, client } = scene();
  mock.onAny().reply(429, '', { 'retry-after-ms': '1500' });
  const { status, fabricated, headers } = await client.post(URL_PATH, {}, { validateStatus: null });
  assert.deepEqual([status, fabricated, headers['retry-after']], [429, true, '2']);
});
