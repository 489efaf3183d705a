import axios, { AxiosError } from 'axios';
import type { AxiosResponse } from 'axios';
import { createServer } from 'node:http';
import { BackendPool, priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { FakeBackend, closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import { fakeClock, stubPool, throttled } from '../support/stub-pool';
import type { StubReply } from '../support/stub-pool';

closeBackendsAfterEach();

interface Body {
  error: { message: string; code: string; type: string };
}

const wordsIn = ({ data }: AxiosResponse<unknown>): string =>
  /: (.*)\. Retry after \d+ s\.$/.exec((JSON.parse(data as string) as Body).error.message)![1]!;

const error = (code: string, message = 'fetch failed'): Error => Object.assign(new TypeError(message), { code });

describe('the message of the fabricated 429 says why a backend is out', () => {
  test.each<[string, string, StubReply, Partial<BackendOptions>?]>([
    ['throttled', 'a 429', throttled(2000)],
    ['throttled', 'a used-up quota', { status: 403, headers: { 'retry-after': '60' } }, { apiKey: 'key' }],
    ['HTTP 503', 'a 503', 503],
    ['HTTP 500', 'a 500 with a wait', { status: 500, headers: { 'retry-after': '60' } }],
    ['too large', 'a wait of a day', throttled(86_400_000)],
    ['timed out', 'a timeout', new AxiosError('timeout of 5ms exceeded', 'ECONNABORTED')],
    ['ECONNREFUSED', 'a refused connection', error('ECONNREFUSED')],
    ['ENOTFOUND', 'an unknown host over fetch', Object.assign(error('ERR_NETWORK'), { cause: error('ENOTFOUND') })],
    ['CERT_HAS_EXPIRED', 'an expired certificate', error('CERT_HAS_EXPIRED')],
    ['ConnectionRefused', 'a refused connection in Bun', error('ConnectionRefused')],
    ['unreachable', 'the network error of a browser', error('ERR_NETWORK', 'Network Error')],
    ['unreachable', 'an error without a code', new Error('Network Error')],
  ])('"%s" after %s', async (words, _cause, reply, own = {}) => {
    const { replies, request } = stubPool({ a: own });
    replies.a = reply;
    await request().catch(() => undefined);
    expect(wordsIn(await request())).toBe(`1 ${words}`);
  });

  test('"HTTP 418" after a 418 that puts it on cooldown', async () => {
    const options = { failoverCondition: () => true, cooldown: () => 1000 };
    const { replies, request } = stubPool({ a: {}, b: { priority: 2 } }, options);
    Object.assign(replies, { a: 418, b: 503 });
    expect(wordsIn(await request())).toBe('1 HTTP 418, 1 HTTP 503');
  });

  test('"credential refused" after a provider that failed', async () => {
    const provider = () => Promise.reject(new Error('no token'));
    const { request } = stubPool({ a: { azureADTokenProvider: provider } });
    expect(wordsIn(await request())).toBe('1 credential refused');
  });

  test('"taken out by hand" after pool.cool', async () => {
    const { request, pool } = stubPool({ a: {} });
    pool.cool('a', 5000);
    expect(wordsIn(await request())).toBe('1 taken out by hand');
  });

  test('even to a request that made no attempt', async () => {
    const { request, replies } = stubPool({ a: {} });
    replies.a = { status: 503, headers: { 'retry-after': '60' } };
    await request();
    const later = await request();
    expect(later.attempts).toStrictEqual([]);
    expect(wordsIn(later)).toBe('1 HTTP 503');
  });

  test('even if the failure caused no cooldown', async () => {
    const { request, replies } = stubPool({ a: {}, b: {} }, { cooldown: () => 0 });
    replies.a = replies.b = 503;
    expect(wordsIn(await request())).toBe('2 HTTP 503');
  });

  test('with the reason of the cooldown that lasts longest', async () => {
    fakeClock();
    const { request, replies, pool } = stubPool({ a: {} });
    replies.a = throttled(2000);
    await request({ url: '/openai/deployments/chat/x' });
    pool.cool('a', 1000);
    expect(wordsIn(await request({ url: '/openai/deployments/chat/x' }))).toBe('1 throttled');
    pool.cool('a', 5000);
    expect(wordsIn(await request({ url: '/openai/deployments/chat/x' }))).toBe('1 taken out by hand');
  });
});

test('equal reasons are counted, in the order in which the backends were given, and no host is named', async () => {
  const [a, b, c] = await startBackends(3);
  a!.always({ status: 429, headers: { 'retry-after': '7' } });
  c!.always({ status: 429, headers: { 'retry-after': '9' } });
  const url = b!.url;
  await b!.close();
  const backends = [{ baseURL: c!.url, priority: 3 }, { baseURL: url, priority: 1 }, { baseURL: a!.url }];
  const client = axios.create({ adapter: priorityAdapter(backends) });
  const rejected = await rejectionOf(client.post('/openai/v1/responses', {}));
  expect(rejected.message).toBe(
    'Request failed with status code 429: no backend is available (2 throttled, 1 ECONNREFUSED)',
  );
  expect((rejected as unknown as AxiosError<Body>).response!.data.error.message).toBe(
    'No backend is available: 2 throttled, 1 ECONNREFUSED. Retry after 7 s.',
  );
  expect(JSON.stringify(rejected)).not.toContain('127.0.0.1');
});

test('a response that breaks off is described by its error, not its status', async () => {
  const [backend] = (await startBackends(1)) as [FakeBackend];
  backend.always((_, response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('x', () => response.destroy());
  });
  const client = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url, name: 'a' }]) });
  const { message, cause } = await rejectionOf(client.get('/'));
  expect(message).toMatch(/429: no backend is available \(1 \w+\)$/);
  expect((cause as Error).message).toBe('a: stream has been aborted');
});

test.each(['http', 'fetch'])('over %s, a wrong host is described by the error code of the lookup', async (adapter) => {
  const client = axios.create({ adapter: priorityAdapter([{ baseURL: 'http://nowhere.invalid' }], { adapter }) });
  const { message } = await rejectionOf(client.get('/'));
  expect(message).toMatch(
    /^Request failed with status code 429: no backend is available \(1 (?:ENOTFOUND|EAI_AGAIN)\)$/,
  );
});

describe('a request for a deployment that no backend has', () => {
  const none = { deployments: { o3: false } } as const;

  test('gets a fabricated 404 that names it', async () => {
    const { adapter, tried, pool } = stubPool({ a: none, b: { deployments: { '*': false, chat: 'gpt' } } });
    const events: string[] = [];
    pool.subscribe(({ type }) => events.push(type));
    const rejected = await rejectionOf(axios.post('/openai/deployments/o3/chat/completions', {}, { adapter }));
    expect(rejected.message).toBe('Request failed with status code 404: no backend has the deployment "o3"');
    expect(rejected).toMatchObject({ code: 'ERR_BAD_REQUEST', attempts: [] });
    const { response } = rejected as unknown as AxiosError<Body>;
    expect(response).toMatchObject({ status: 404, statusText: 'Not Found', fabricated: true });
    expect(response!.headers).not.toHaveProperty('retry-after');
    expect(response!.data).toStrictEqual({
      error: {
        code: 'DeploymentNotFound',
        type: 'deployment_not_found',
        message: 'No backend has the deployment "o3".',
      },
    });
    expect(tried).toStrictEqual([]);
    expect(events).toStrictEqual([]);
  });

  test('gets a 404 that names the backend to which it is pinned', async () => {
    const { adapter } = stubPool({ a: none, b: {} });
    const pinned = axios.post('/openai/deployments/o3/x', {}, { adapter, failover: { backend: 'a' } });
    const rejected = (await rejectionOf(pinned)) as unknown as AxiosError<Body>;
    expect(rejected.message).toBe('Request failed with status code 404: backend "a" doesn\'t have the deployment "o3"');
    expect(rejected.response!.data.error.message).toBe('Backend "a" doesn\'t have the deployment "o3".');
  });

  test.each<[string, unknown, Record<string, string>?]>([
    ['JSON', { model: 'o3' }],
    ['text', '{"model":"o3"}'],
    ['bytes', Buffer.from('{"model":"o3"}')],
    ['a Blob of JSON', new Blob(['{"model":"o3"}'], { type: 'application/json' })],
    ['a Blob of JSON by its header', new Blob(['{"model":"o3"}']), { 'Content-Type': 'Application/JSON' }],
  ])('is recognised by its body: %s', async (_kind, data, headers = {}) => {
    const { adapter, tried } = stubPool({ a: none });
    expect((await rejectionOf(axios.post('/openai/v1/responses', data, { adapter, headers }))).status).toBe(404);
    expect(tried).toStrictEqual([]);
  });

  test('is recognised by a body that is a stream', async () => {
    const { adapter, tried } = stubPool({ a: none });
    const body = new Blob(['{"model":"o3"}']).stream();
    expect((await rejectionOf(axios.post('/openai/v1/responses', body, { adapter }))).status).toBe(404);
    expect(tried).toStrictEqual([]);
  });
});

describe('a request for a deployment that some backends have', () => {
  test('tries only those, and the fabricated 429 mentions only those', async () => {
    const { request, replies, tried, pool } = stubPool({
      a: { deployments: { o3: false } },
      b: { priority: 2, deployments: { '*': 'reasoning' } },
      c: { priority: 3, deployments: { '*': false } },
      d: { priority: 3, deployments: { o3: 'o3-west', '*': false } },
    });
    replies.b = throttled(60_000);
    replies.d = throttled(4000);
    pool.cool('a', 1000);
    const response = await request({ url: '/openai/deployments/o3/x', method: 'post' });
    expect(tried).toStrictEqual(['b', 'd']);
    expect(response.attempts).toMatchObject([{ scope: 'reasoning' }, { scope: 'o3-west' }]);
    expect(wordsIn(response)).toBe('2 throttled');
    expect(Number(response.headers['retry-after-ms'])).toBeGreaterThan(3000);
  });

  test('waits only for those', async () => {
    const { request, replies, tried } = stubPool(
      { a: { deployments: { o3: false } }, b: { priority: 2 } },
      { maxWait: 1000 },
    );
    replies.b = () => {
      replies.b = 200;
      return throttled(20);
    };
    expect((await request({ url: '/openai/deployments/o3/x' })).status).toBe(200);
    expect(tried).toStrictEqual(['b', 'b']);
  });

  test('never fails over to the others', async () => {
    const { request, replies, tried } = stubPool({ a: {}, b: { priority: 2, deployments: { o3: false } } });
    replies.a = 503;
    for (let i = 0; i < 3; i++) await request({ url: '/openai/deployments/o3/x' });
    expect(new Set(tried)).toStrictEqual(new Set(['a']));
  });

  test('may use every backend if it names no deployment', async () => {
    const { request, tried } = stubPool({ a: { deployments: { '*': false } } });
    await request({ url: '/openai/models' });
    await request({ url: '/openai/v1/responses', method: 'post', data: '{"input":"hi"}' });
    expect(tried).toStrictEqual(['a', 'a']);
  });

  test('may use a deployment that pool.update added', async () => {
    const { request, tried, pool } = stubPool({ a: { deployments: { o3: false } } });
    pool.update([{ baseURL: 'https://a.example', name: 'a' }]);
    await request({ url: '/openai/deployments/o3/x' });
    expect(tried).toStrictEqual(['a']);
  });
});

test('the model in a spec FormData is replaced in a copy', async () => {
  const [a, b] = await startBackends(2);
  a!.always({ status: 429, headers: { 'retry-after': '1' } });
  const backends = [
    { baseURL: a!.url, deployments: { whisper: 'whisper-east' } },
    { baseURL: b!.url, priority: 2, deployments: { whisper: 'whisper-west' } },
  ];
  for (const adapter of ['http', 'fetch']) {
    const client = axios.create({ adapter: priorityAdapter(backends, { adapter }) });
    const form = new FormData();
    form.append('language', 'en');
    form.append('model', 'whisper');
    form.append('file', new File(['sound'], 'hello.wav', { type: 'audio/wav' }));
    await client.post('/openai/v1/audio/transcriptions', form);
    const body = b!.lastCall.body.toString();
    expect(body).toMatch(/name="language"[^]*name="model"\s+whisper-west\s[^]*filename="hello.wav"[^]*sound/);
    expect(Number(b!.lastCall.headers['content-length'] ?? body.length)).toBe(body.length);
    expect(form.get('model')).toBe('whisper');
  }
});

test('a form of the form-data package is left alone, and a form without a model may use every backend', async () => {
  const { default: PackagedForm } = await import('form-data');
  const backend = await FakeBackend.start(createServer());
  const deployments = { whisper: 'other', '*': false } as const;
  const client = axios.create({ adapter: priorityAdapter([{ baseURL: backend.url, deployments }]) });
  const packaged = new PackagedForm();
  packaged.append('model', 'whisper');
  await client.post('/x', packaged);
  expect(backend.lastCall.body.toString()).toMatch(/name="model"\s+whisper\s/);
  const form = new FormData();
  form.append('model', new Blob(['x']));
  expect((await client.post('/x', form)).status).toBe(200);
});

test('a body is not parsed for its model if every backend has every deployment', async () => {
  const parse = jest.spyOn(JSON, 'parse');
  const { request } = stubPool({ a: {}, b: {} });
  await request({ method: 'post', data: '{"model":"o3"}' });
  expect(parse).not.toHaveBeenCalled();
});

test('a ready BackendPool applies deployments too', async () => {
  const pool = new BackendPool([{ baseURL: 'a.example', deployments: { '*': false } }]);
  const adapter = priorityAdapter(pool, { adapter: () => Promise.reject(new Error('not to be called')) });
  const rejected = await rejectionOf(axios.get('/deployments/x/y', { adapter }));
  expect(rejected.response).toMatchObject({ status: 404 });
});

test('the fabricated 429 specifies the longest of waits in digits', async () => {
  const { request, pool } = stubPool({ a: {} });
  pool.cool('a', 1e300);
  const { headers } = await request();
  expect(headers).toMatchObject({ 'retry-after': '9007199254741', 'retry-after-ms': '9007199254740991' });
});

test('the fabricated 429 specifies a wait when the only backend left has answered, and the one that failed is gone', async () => {
  const stub = stubPool({ a: {}, b: { priority: 2 } });
  const { request, pool, replies } = stub;
  replies.a = { status: 404, data: { error: { code: 'DeploymentNotFound' } } };
  replies.b = () => {
    pool.update([{ baseURL: 'https://a.example', name: 'a' }]);
    return 500;
  };
  const { status, headers } = await request({ url: '/openai/deployments/x/chat/completions' });
  expect(status).toBe(429);
  expect(headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '0' });
});
