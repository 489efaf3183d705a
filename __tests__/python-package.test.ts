import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axios from 'axios';
import { BackendPool, priorityAdapter } from '../src';
import { TestBackend, rejection, startBackends, throttle, useBackends } from './support/backend';
import { scene, stillClock, throttled } from './support/in-process';

useBackends();

/** One test for each row of the README's table, by the row's first cell. */
const rows: Record<string, () => void | Promise<void>> = {
  '`Backend(host, priority)`': () => {
    const [backend] = new BackendPool([{ baseURL: 'oai-eastus.openai.azure.com', priority: 1 }]).snapshot();
    expect(backend).toMatchObject({
      baseURL: 'https://oai-eastus.openai.azure.com',
      priority: 1,
      available: true,
      successes: 0,
      cooldowns: [],
    });
  },

  '`Backend(host, priority, path, api_key)`': async () => {
    for (const path of ['/ai', '/ai/']) {
      const backend = await TestBackend.start();
      const adapter = priorityAdapter([{ baseURL: backend.url + path, priority: 1, apiKey: 'c3d1' }]);
      const client = axios.create({
        adapter,
        baseURL: 'https://foo.openai.azure.com',
        headers: { 'api-key': 'example API key' },
      });
      await client.post('/openai/completions?api-version=2024-04-01-preview', { model: 'my-deployment-model' });
      expect(backend.lastCall).toMatchObject({
        url: '/ai/openai/completions?api-version=2024-04-01-preview',
        headers: { 'api-key': 'c3d1' },
      });
    }
  },

  '`httpx.Client(transport=LoadBalancer(backends))`': async () => {
    const backends = await startBackends(3);
    const client = axios.create({ adapter: priorityAdapter(backends.map(({ url }) => ({ baseURL: url }))) });
    expect((await client.get('/x')).status).toBe(200);
    expect(backends.flatMap(({ calls }) => calls)).toHaveLength(1);
  },

  '429 and 5xx cool a backend, and it returns when its time is over': async () => {
    for (const status of [429, 500, 503]) {
      const clock = stillClock();
      const { request, answers, asked } = scene({ a: {}, b: { priority: 2 } });
      answers.a = { status, headers: { 'Retry-After': '3' } };
      await request();
      answers.a = 200;
      clock.forward(2999);
      await request();
      clock.forward(1);
      await request();
      expect(asked).toEqual(['a', 'b', 'b', 'a']);
    }
  },

  'the best priority that is available always wins': async () => {
    const { request, asked, pool } = scene({ b: { priority: 2 }, a: { priority: 1 }, c: { priority: 2 } });
    await request();
    pool.cool('a', 3000);
    await request();
    expect(asked[0]).toBe('a');
    expect(['b', 'c']).toContain(asked[1]);
  },

  'equals share at random': async () => {
    const { request, asked } = scene({ a: {}, b: {}, c: {} });
    for (let i = 0; i < 3000; i++) await request();
    for (const name of ['a', 'b', 'c']) expect(asked.filter((each) => each === name).length).toBeGreaterThan(850);
    expect(new Set(asked.slice(0, -1).map((name, i) => name + String(asked[i + 1]))).size).toBe(9);
  },

  'other 4xx pass through': async () => {
    const { adapter, answers, asked } = scene({ a: {}, b: { priority: 2 } });
    answers.a = 400;
    expect(await rejection(axios.post('/x', {}, { adapter }))).toMatchObject({ response: { status: 400 } });
    expect(asked).toEqual(['a']);
  },

  'a 429 with the soonest `Retry-After` when nobody is left': async () => {
    const backends = await startBackends(3);
    for (const [i, seconds] of [3, 1, 5].entries()) backends[i]?.always(throttle(seconds * 1000));
    const adapter = priorityAdapter(backends.map(({ url }) => ({ baseURL: url })));
    const { response } = (await rejection(axios.post('/x', {}, { adapter }))) as unknown as {
      response: { status: number; headers: object };
    };
    expect(response).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(backends.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  },

  '`successful_call_count`': async () => {
    const { request, pool } = scene({ a: {} });
    await Promise.all([request(), request(), request()]);
    expect(pool.snapshot()[0]?.successes).toBe(3);
  },

  'a single backend behaves as a plain client does': async () => {
    const backend = await TestBackend.start();
    const plain = axios.create({ baseURL: backend.url, validateStatus: null });
    const balanced = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url }]), validateStatus: null });
    for (const status of [200, 201, 302, 400, 401, 404]) {
      backend.always({ status, body: { status }, headers: { 'x-own': '1' } });
      const [one, other] = await Promise.all([plain, balanced].map((client) => client.post('/x?y=1', { a: 1 })));
      expect([other?.status, other?.data, other?.headers['x-own']]).toEqual([
        one?.status,
        one?.data,
        one?.headers['x-own'],
      ]);
    }
    const [first, second] = backend.calls.slice(-2);
    expect({ ...first, headers: undefined }).toEqual({ ...second, headers: undefined });
    expect(first?.headers).toEqual(second?.headers);
    backend.always(throttle(1000));
    expect((await balanced.get('/x')).status).toBe((await plain.get('/x')).status);
  },
};

const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
const table = (readme.split('## Coming from the Python package')[1] ?? '').split('\n## ')[0] ?? '';
const written = [...table.matchAll(/^\| (.+?) +\| .+\|$/gm)]
  .map(([, cell = '']) => cell)
  .filter((cell) => cell !== 'Python' && !cell.startsWith('-'));

test('each row of the table has a test', () => {
  expect(written).toEqual(Object.keys(rows));
});

describe('what the Python package does:', () => {
  test.each(Object.entries(rows))('%s', async (_, act) => {
    await act();
  });
});

describe('its faults are not ported:', () => {
  test('paths do not pile up when several backends are tried', async () => {
    const { adapter, answers, configs } = scene({ a: {}, b: { priority: 2 }, c: { priority: 3 } });
    answers.a = answers.b = 500;
    await axios.get('/openai/x', { adapter });
    expect(configs.map(({ baseURL = '', url = '' }) => baseURL + url)).toEqual(
      ['a', 'b', 'c'].map((name) => `https://${name}.example/openai/x`),
    );
  });

  test('one backend’s key does not reach the next', async () => {
    const { adapter, answers, configs } = scene({ a: { apiKey: 'key of a' }, b: { priority: 2 } });
    answers.a = 429;
    await axios.get('/x', { adapter });
    expect(configs[1]?.headers.has('api-key')).toBe(false);
  });

  test.each(['1s', 'Thu, 15 Jan 2099 12:00:30 GMT', 'soon'])('a wait of %j is no crash', async (wait) => {
    const { request, answers } = scene({ a: {}, b: { priority: 2 } });
    answers.a = { status: 429, headers: { 'retry-after': wait } };
    expect((await request()).status).toBe(200);
  });

  test('concurrent requests have each their own count', async () => {
    const { request, answers } = scene({ a: {}, b: {} });
    answers.a = answers.b = throttled(1000);
    const responses = await Promise.all(Array.from({ length: 10 }, () => request()));
    for (const { status, attempts = [] } of responses) {
      expect(status).toBe(429);
      expect(new Set(attempts.map(({ backend }) => backend)).size).toBe(attempts.length);
    }
  });
});
