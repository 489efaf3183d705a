import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import axios from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import MockAdapter from 'axios-mock-adapter';
import axiosRetry from 'axios-retry';
import { Configuration as AzureConfiguration, OpenAIApi as AzureOpenAIApi } from 'azure-openai';
import { Configuration, OpenAIApi } from 'openai';
import { attachPriorityAdapter, priorityAdapter } from '../../src';
import {
  FakeBackend,
  rejectionOf,
  resetConnection,
  startBackends,
  throttle,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { refusingInStreams } from '../support/fake-openai';
import { fakeClock } from '../support/stub-pool';

closeBackendsAfterEach();

describe('axios-retry on top of the failover', () => {
  const retryAfter = (error: { response?: { headers: Record<string, string> } }) =>
    Number(error.response?.headers['retry-after-ms']);

  test.each(['the adapter', 'the plugin', 'the plugin attached after it'])(
    'waits for the fabricated retry-after and then succeeds, with %s',
    async (way) => {
      const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
      first.script(throttle(60), throttle(60), throttle(60));
      second.script(throttle(40), throttle(80), throttle(80));
      const backends = [
        { baseURL: `${first.url}/gw`, apiKey: 'key-1' },
        { baseURL: `${second.url}/gw`, apiKey: 'key-2', priority: 2 },
      ];
      const client = way === 'the adapter' ? axios.create({ adapter: priorityAdapter(backends) }) : axios.create();
      if (way === 'the plugin') attachPriorityAdapter(client, backends);
      axiosRetry(client, {
        retries: 6,
        retryCondition: ({ response }) => response?.status === 429,
        retryDelay: (_, error) => retryAfter(error as never),
      });
      if (way === 'the plugin attached after it') attachPriorityAdapter(client, backends);
      const response = await client.post('/openai/x?v=1', { a: 1 }, { headers: { 'x-own': '1' } });
      expect(response.status).toBe(200);
      for (const [i, backend] of [first, second].entries()) {
        for (const call of backend.calls) {
          expect(call).toMatchObject({
            url: '/gw/openai/x?v=1',
            headers: { 'api-key': `key-${String(i + 1)}`, 'x-own': '1' },
          });
          expect(call.body.toString()).toBe('{"a":1}');
        }
      }
      expect(first.calls.length).toBeGreaterThan(2);
      expect(response.config.url).toBe('/openai/x?v=1');
    },
  );

  test('repeats a POST that was reset but not one that was throttled, by its default rule', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const backends = [{ baseURL: first.url }, { baseURL: second.url, priority: 2 }];
    for (const reply of [resetConnection, throttle(60_000)]) {
      const client = axios.create({ adapter: priorityAdapter(backends) });
      axiosRetry(client, { retries: 1, retryDelay: () => 1 });
      first.script(reply);
      second.script(reply === resetConnection ? {} : reply);
      if (reply === resetConnection) expect((await client.post('/x')).status).toBe(200);
      else expect(await rejectionOf(client.post('/x'))).toMatchObject({ response: { status: 429 } });
    }
    expect([first.calls.length, second.calls.length]).toStrictEqual([2, 2]);
  });

  test('retries what its validateResponse rejects', async () => {
    const backend = await FakeBackend.start();
    const client = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url }]) });
    let judged = 0;
    axiosRetry(client, {
      retries: 2,
      retryCondition: () => true,
      retryDelay: () => 1,
      validateResponse: () => ++judged > 2,
    });
    expect((await client.get('/x')).status).toBe(200);
    expect(backend.calls).toHaveLength(3);
  });
});

describe('axios-cache-interceptor on top of the failover', () => {
  test('serves cached responses without a backend, and does not cache the fabricated 429', async () => {
    const backend = await FakeBackend.start();
    backend.script(throttle(30));
    const clock = fakeClock();
    const pool = priorityAdapter([{ baseURL: backend.url }]);
    const client = setupCache(axios.create({ adapter: pool }));
    expect(await rejectionOf(client.get('/x'))).toMatchObject({ response: { status: 429, fabricated: true } });
    clock.advance(30);
    expect((await client.get('/x')).cached).toBe(false);
    expect((await client.get('/x')).cached).toBe(true);
    expect(backend.calls).toHaveLength(2);
  });

  test('works with attachPriorityAdapter too', async () => {
    const backend = await FakeBackend.start();
    const instance = axios.create();
    attachPriorityAdapter(instance, [{ baseURL: backend.url }]);
    const client = setupCache(instance);
    await client.get('/x');
    expect((await client.get('/x')).cached).toBe(true);
    expect(backend.calls).toHaveLength(1);
  });
});

describe('axios-mock-adapter below the failover', () => {
  test('mocks some requests and passes the others to the network', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 500 });
    const inner = axios.create();
    const mock = new MockAdapter(inner);
    mock.onGet('/mocked').reply(200, 'mocked').onAny().passThrough();
    const adapter = priorityAdapter(
      [
        { baseURL: first.url, apiKey: 'key-1' },
        { baseURL: second.url, priority: 2, apiKey: 'key-2' },
      ],
      { adapter: inner.defaults.adapter },
    );
    expect((await axios.get('/mocked', { adapter })).data).toBe('mocked');
    const response = await axios.post('/real?a=1', { a: 1 }, { adapter });
    expect(response.data).toStrictEqual({ ok: true });
    expect(second.lastCall).toMatchObject({ method: 'POST', url: '/real?a=1', headers: { 'api-key': 'key-2' } });
    expect(second.lastCall.body.toString()).toBe('{"a":1}');
    expect(response.config.baseURL).toBeUndefined();
  });

  test('can be installed on axios itself before the adapter is made', async () => {
    const mock = new MockAdapter(axios);
    mock.onGet('/x').replyOnce(503).onGet('/x').reply(200, 'mocked');
    const client = axios.create({
      adapter: priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }]),
    });
    expect((await client.get('/x')).data).toBe('mocked');
    mock.restore();
  });
});

describe('an unmodified legacy client gets past a throttled backend:', () => {
  const folder = mkdtempSync(join(tmpdir(), 'legacy-'));
  const file = join(folder, 'speech.wav');
  writeFileSync(file, Buffer.alloc(30_000, 3));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function three(refusal: Reply = throttle(20_000)) {
    const backends = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
    backends[0].always(refusal);
    const adapter = priorityAdapter(
      backends.map(({ url }, i) => ({ baseURL: url, priority: i, apiKey: `key-${String(i)}` })),
    );
    const [, second] = backends;
    const client = axios.create({ adapter });
    const basePath = 'https://pool.invalid/openai/deployments/gpt-4o';
    const openai = new OpenAIApi(
      new Configuration({ basePath, apiKey: 'callers', baseOptions: { params: { 'api-version': 'v' } } }),
      undefined,
      client as never,
    );
    return { second, client, openai };
  }

  test('openai@3.3.0, chat', async () => {
    const { openai, second } = await three();
    second.always({ body: { choices: [{ message: { role: 'assistant', content: 'Hello' } }] } });
    const { data } = await openai.createChatCompletion({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(data.choices[0]?.message?.content).toBe('Hello');
    expect(second.lastCall).toMatchObject({
      url: '/openai/deployments/gpt-4o/chat/completions?api-version=v',
      headers: { 'api-key': 'key-1' },
    });
    expect(second.lastCall.headers.authorization).toBeUndefined();
  });

  test.each([
    ['with a 429', throttle(20_000)],
    ['inside a streamed 200', refusingInStreams],
  ])('openai@3.3.0, streamed chat, refused %s', async (_how, refusal) => {
    const { openai, second } = await three(refusal);
    second.always((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"He"}}]}\n\n');
      setImmediate(() => response.end('data: {"choices":[{"delta":{"content":"llo"}}]}\n\ndata: [DONE]\n\n'));
    });
    const response = await openai.createChatCompletion(
      { model: 'gpt-4o', stream: true, messages: [] },
      { responseType: 'stream' },
    );
    let text = '';
    for await (const chunk of response.data as unknown as Readable) text += String(chunk);
    expect([...text.matchAll(/"content":"(\w+)"/g)].map(([, word]) => word).join('')).toBe('Hello');
  });

  test('openai@3.3.0, embeddings', async () => {
    const { openai, second } = await three();
    second.always({ body: { data: [{ embedding: [0.5] }] } });
    const { data } = await openai.createEmbedding({ model: 'embed', input: 'text' });
    expect(data.data[0]?.embedding).toStrictEqual([0.5]);
  });

  test('openai@3.3.0, audio transcription of a file', async () => {
    const { openai, second } = await three();
    second.always({ body: { text: 'spoken' } });
    const { data } = await openai.createTranscription(createReadStream(file) as never, 'whisper-1');
    expect(data.text).toBe('spoken');
    const { body, headers } = second.lastCall;
    const [, boundary = ''] = /boundary=(.+)$/.exec(headers['content-type'] ?? '') ?? [];
    expect(body.includes(boundary)).toBe(true);
    expect(body.includes(Buffer.alloc(30_000, 3))).toBe(true);
    expect(headers['content-length']).toBe(String(body.length));
  });

  test('azure-openai@0.9.4, chat, without leaking its own key', async () => {
    const { client, second } = await three();
    second.always({ body: { choices: [{ message: { role: 'assistant', content: 'Hello' } }] } });
    const azure = { apiKey: 'callers', endpoint: 'https://callers.openai.azure.com', deploymentName: 'gpt-4o' };
    const api = new AzureOpenAIApi(new AzureConfiguration({ azure }), undefined, client as never);
    const { data } = await api.createChatCompletion({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
    expect(data.choices[0]?.message?.content).toBe('Hello');
    expect(second.lastCall.url).toBe('/openai/deployments/gpt-4o/chat/completions?api-version=2023-03-15-preview');
    expect(second.lastCall.headers['api-key']).toBe('key-1');
    expect(JSON.stringify(second.lastCall.headers)).not.toContain('callers');
  });
});
