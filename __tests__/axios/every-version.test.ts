/** What must hold with every supported version of axios. The other files that do are listed in jest.config.ts. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse, ResponseType } from 'axios';
import FormData from 'form-data';
import { attachPriorityAdapter, parseRetryAfter, priorityAdapter } from '../../src';
import type { Attempt, BackendOptions, BackendPool, PriorityAdapterOptions } from '../../src';
import {
  FakeBackend,
  closeBackendsAfterEach,
  refusedOrigin,
  rejectionOf,
  replyByPath,
  truncateBody,
} from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { wires } from '../support/wires';

closeBackendsAfterEach();

let origin: string;
let otherOrigin: string;

beforeEach(async () => {
  [origin, otherOrigin] = (await Promise.all(
    ['', ''].map(async () => (await FakeBackend.start()).always(replyByPath).url),
  )) as [string, string];
});

/** A backend that replies as its name says. */
const at = (name: string): BackendOptions => ({ baseURL: `${origin}/${name}`, name });
const refused = async (): Promise<BackendOptions> => ({ baseURL: await refusedOrigin(), name: 'refused' });

/** A client whose backends have the priorities 1, 2, 3 … */
function clientOf(backends: BackendOptions[], options?: PriorityAdapterOptions, config?: AxiosRequestConfig) {
  const adapter = priorityAdapter(
    backends.map((backend, index) => ({ priority: index + 1, ...backend })),
    options,
  );
  return Object.assign(axios.create({ adapter, ...config }), { pool: adapter.pool });
}

const tried = (value: object): string[] =>
  ((value as { attempts?: readonly Attempt[] }).attempts ?? []).map(({ backend }) => backend);
const onCooldown = (pool: BackendPool): string[] =>
  pool.snapshot().flatMap(({ name, cooldowns }) => (cooldowns.length > 0 ? [name] : []));

const gzip = gzipSync(randomBytes(5000));

const cutGzip =
  (status: number): Reply =>
  (request, response) => {
    response.writeHead(status, { 'content-encoding': 'gzip', 'content-length': gzip.length });
    response.write(gzip.subarray(0, 1000), () => request.socket.destroy());
  };

const brokenGzip = (status: number): Reply => ({ status, headers: { 'content-encoding': 'gzip' }, body: 'no gzip' });

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly bytes: number;
}

declare global {
  /** The name of an older axios in `devDependencies`, which the jest project sets. */
  var installedAxios: string | undefined;
}

test('the tests and the library use the version of axios that the project names', async () => {
  const path = join(__dirname, '../../node_modules', globalThis.installedAxios ?? 'axios', 'package.json');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  expect(axios.VERSION).toBe(version);
  expect(await rejectionOf(clientOf([at('status-500')]).get('/x'))).toBeInstanceOf(axios.AxiosError);
});

describe.each(wires())('over %s,', (adapter) => {
  /** axios's fetch adapter has one of its own. */
  const timeoutCode = adapter === 'fetch' ? 'ETIMEDOUT' : 'ECONNABORTED';

  test('a POST fails over on a 429, which puts its backend on cooldown', async () => {
    const client = clientOf([at('throttle-60000'), at('echo')], { adapter });
    const response = await client.post<Echo>('/x?a=1', { n: 1 });
    expect(response).toMatchObject({ status: 200, data: { url: '/echo/x?a=1', body: '{"n":1}' } });
    expect(tried(response)).toStrictEqual(['throttle-60000', 'echo']);
    expect(response.attempts?.[0]?.cooldown).toBe(60_000);
    expect(tried(await client.get('/y'))).toStrictEqual(['echo']);
  });

  test('a request fails over on a 5xx', async () => {
    const { attempts } = await clientOf([at('status-500'), at('status-503'), at('echo')], { adapter }).post('/x', {});
    expect(attempts?.map(({ status }) => status)).toStrictEqual([500, 503, 200]);
  });

  test('another 4xx is returned to the caller', async () => {
    const error = await rejectionOf(clientOf([at('status-404'), at('echo')], { adapter }).get('/x'));
    expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', response: { status: 404 } });
    expect(tried(error)).toStrictEqual(['status-404']);
  });

  test('a POST fails over on a refused connection', async () => {
    const response = await clientOf([await refused(), at('echo')], { adapter }).post<Echo>('/x', { n: 1 });
    expect(response.data.body).toBe('{"n":1}');
    expect(tried(response)).toStrictEqual(['refused', 'echo']);
    if (adapter === 'http') expect(response.attempts?.[0]?.code).toBe('ECONNREFUSED');
  });

  test('a GET fails over on a truncated 200', async () => {
    expect(tried(await clientOf([at('cut'), at('echo')], { adapter }).get('/x'))).toStrictEqual(['cut', 'echo']);
  });

  test.each<[string, number, Reply, AxiosRequestConfig]>([
    ['a compressed 200 that is cut off', 200, cutGzip(200), {}],
    ['a compressed 503 that is cut off', 503, cutGzip(503), {}],
    ['a 200 that can’t be decompressed', 200, brokenGzip(200), {}],
    ['a 503 that can’t be decompressed', 503, brokenGzip(503), {}],
    [
      'a 200 that is cut off while its progress is reported',
      200,
      truncateBody,
      { onDownloadProgress: () => undefined },
    ],
  ])('a GET fails over on %s', async (_, status, reply, config) => {
    const backend = (await FakeBackend.start()).always(reply);
    const { attempts } = await clientOf([{ baseURL: backend.url }, at('echo')], { adapter }).get('/x', config);
    expect(attempts).toMatchObject([{ backend: backend.host }, { backend: 'echo', status: 200 }]);
    // The fetch adapter of axios 1.7 doesn't let anybody see the head.
    if (adapter === 'http')
      expect(attempts?.[0]).toMatchObject({ status, reason: status === 503 ? 'server-error' : 'ambiguous' });
  });

  test('a POST whose response is truncated fails and is not sent again, and its backend goes on cooldown', async () => {
    const client = clientOf([at('cut'), at('echo')], { adapter });
    const error = await rejectionOf(client.post('/x', {}));
    expect(axios.isAxiosError(error)).toBe(true);
    expect([tried(error), onCooldown(client.pool)]).toStrictEqual([['cut'], ['cut']]);
  });

  test.each([
    [302, 'GET', ''],
    [307, 'POST', '{"n":1}'],
  ])('a %i to another origin does not carry credentials', async (status, method, body) => {
    const backend = { ...at(`redirect-${String(status)}`), apiKey: 'secret-key', headers: { 'x-team': 'secret-team' } };
    const client = clientOf([backend], { adapter });
    const send = async (to: string): Promise<Echo> => {
      const config = { method, url: '/x', params: { to }, ...(method === 'POST' && { data: { n: 1 } }) };
      return (await client.request<Echo>(config)).data;
    };
    const elsewhere = await send(`${otherOrigin}/echo`);
    expect(elsewhere).toMatchObject({ method, body });
    expect(JSON.stringify(elsewhere)).not.toContain('secret');
    expect((await send(`${origin}/echo`)).headers['api-key']).toBe('secret-key');
  });

  test('a redirect to another origin does not carry the caller’s sensitiveHeaders', async () => {
    // follow-redirects follows where the backend sets a Host.
    const backend = { ...at('redirect-307'), headers: { Host: new URL(origin).host, 'x-own': 'own' } };
    const { data } = await clientOf([backend], { adapter }).get<Echo>('/x', {
      params: { to: `${otherOrigin}/echo` },
      headers: { 'X-Mine': 'secret', 'X-Kept': 'kept' },
      sensitiveHeaders: ['x-MINE'],
    });
    expect(data.headers['x-kept']).toBe('kept');
    expect(JSON.stringify(data.headers)).not.toMatch(/secret|own/);
  });

  test('headers in fetchOptions do not replace those of the backend', async () => {
    const client = clientOf([{ ...at('echo'), apiKey: 'own-key' }], { adapter });
    const { data } = await client.get<Echo>('/x', { fetchOptions: { headers: { 'api-key': 'secret' } } });
    expect(data.headers['api-key']).toBe('own-key');
  });

  test('the credentials of one backend reach neither another backend nor the result', async () => {
    const first = { ...at('throttle-60000'), apiKey: 'first-secret' };
    const failing = { ...at('status-400'), azureADTokenProvider: () => Promise.resolve('second-secret') };
    const headers = { 'api-key': 'secret of the caller' };
    const error = await rejectionOf(clientOf([first, failing], { adapter }).post('/x', {}, { headers }));
    const { toJSON, response } = error as unknown as { toJSON: () => object; response: { config: object } };
    expect(JSON.stringify([toJSON.call(error), response.config])).not.toMatch(/first-secret|second-secret/);
    const working = { ...at('echo'), azureADTokenProvider: () => Promise.resolve('own') };
    const { data } = await clientOf([first, working], { adapter }).post<Echo>('/x', {}, { headers });
    expect(data.headers).toMatchObject({ authorization: 'Bearer own' });
    expect(data.headers).not.toHaveProperty('api-key');
  });

  test('the auth that a config inherits stays at the first origin, and away from backends with a credential', async () => {
    const inheriting = (options: BackendOptions): Promise<AxiosResponse<Echo>> => {
      const client = clientOf([options], { adapter });
      client.interceptors.request.use((config) =>
        Object.assign(Object.create({ auth: { username: 'me', password: 'secret' } }) as typeof config, config),
      );
      return client.get<Echo>('/x', { params: { to: `${otherOrigin}/echo` } });
    };
    expect((await inheriting({ ...at('echo'), apiKey: 'own' })).data.headers).not.toHaveProperty('authorization');
    expect((await inheriting(at('redirect-307'))).data.headers).not.toHaveProperty('authorization');
  });

  test('timeout ends a body that trickles in', async () => {
    const client = clientOf([at('trickle'), at('echo')], { adapter });
    const error = await rejectionOf(client.get('/x', { timeout: 100 }));
    expect(error).toMatchObject({ code: timeoutCode, message: 'timeout of 100ms exceeded' });
  });

  test('timeout is one budget for all attempts', async () => {
    const started = performance.now();
    const client = clientOf([at('hang'), { ...at('hang'), name: 'b' }, { ...at('hang'), name: 'c' }], { adapter });
    const error = await rejectionOf(client.get('/x', { timeout: 600, failover: { attemptTimeout: 220 } }));
    const took = performance.now() - started;
    expect(error.code).toBe(timeoutCode);
    expect(tried(error)).toStrictEqual(['hang', 'b', 'c']);
    expect(took).toBeGreaterThan(590);
    expect(took).toBeLessThan(1500);
  });

  test('attemptTimeout fails over, POST included', async () => {
    const client = clientOf([at('hang'), at('echo')], { adapter, attemptTimeout: 250 });
    expect(tried(await client.post('/x', {}))).toStrictEqual(['hang', 'echo']);
  });

  test.each(['hang', 'trickle'])('a signal cancels a request to /%s without a cooldown', async (name) => {
    const client = clientOf([at(name), at('echo')], { adapter });
    const error = await rejectionOf(client.get('/x', { signal: AbortSignal.timeout(50) }));
    expect(axios.isCancel(error)).toBe(true);
    expect(onCooldown(client.pool)).toStrictEqual([]);
  });

  test('a cancelToken cancels a request that waits for a backend', async () => {
    const client = clientOf([at('throttle-60000')], { adapter, maxWait: 120_000 });
    const source = axios.CancelToken.source();
    client.pool.subscribe(({ type }) => void (type === 'waiting' && source.cancel('enough')));
    const error = await rejectionOf(client.get('/x', { cancelToken: source.token }));
    expect(axios.isCancel(error)).toBe(true);
    expect(error.message).toBe('enough');
  });

  test('a signal ends a stream while it is read', async () => {
    const abort = new AbortController();
    const client = clientOf([at('trickle'), at('echo')], { adapter });
    const { data } = await client.get<Readable>('/x', { responseType: 'stream', signal: abort.signal });
    const error = rejectionOf(text(data));
    abort.abort();
    expect(axios.isCancel(await error)).toBe(true);
  });

  test('a stream is real after a failed attempt, and of the same kind in the fabricated 429', async () => {
    const config = { responseType: 'stream', validateStatus: () => true } as const;
    const real = await clientOf([at('throttle-60000'), at('echo')], { adapter }).get<Readable>('/x', config);
    expect(JSON.parse(await text(real.data))).toMatchObject({ url: '/echo/x' });
    const { data } = await clientOf([at('throttle-60000')], { adapter }).get<Readable>('/x', config);
    expect(data instanceof (adapter === 'fetch' ? ReadableStream : Readable)).toBe(true);
    expect(JSON.parse(await text(data))).toMatchObject({ error: { code: '429' } });
  });

  test('a fabricated 429 rejects as a real one would', async () => {
    const config = { data: {}, method: 'post', url: '/x', timeout: 5000 };
    const error = await rejectionOf(clientOf([at('throttle-60000')], { adapter }).request(config));
    expect(error).toBeInstanceOf(axios.AxiosError);
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      response: { status: 429, fabricated: true, headers: { 'retry-after': '60' }, data: { error: { code: '429' } } },
    });
    const response = error.response as AxiosResponse;
    expect(parseRetryAfter(response)).toBe(Number(response.headers['retry-after-ms']));
  });

  test('a fabricated 429 is settled by validateStatus, with the requested responseType', async () => {
    const client = clientOf([at('throttle-60000')], { adapter }, { validateStatus: () => true });
    const dataAs = async (responseType: ResponseType) => (await client.get<unknown>('/x', { responseType })).data;
    expect(await dataAs('json')).toMatchObject({ error: { type: 'no_backend_available' } });
    const buffer = (await dataAs('arraybuffer')) as Buffer;
    expect(JSON.parse(Buffer.from(buffer).toString())).toMatchObject({ error: { code: '429' } });
  });

  test('the config of an error can be sent again', async () => {
    const base = { baseURL: 'https://callers.example/base' };
    const client = clientOf([{ ...at('status-400'), apiKey: 'k' }], { adapter }, base);
    const { config } = (await rejectionOf(client.post('/x', { n: 1 }))) as unknown as { config: AxiosRequestConfig };
    expect(config).toMatchObject({ ...base, url: '/x' });
    client.pool.update([at('echo')]);
    const { data } = await client.request<Echo>(config);
    expect(data).toMatchObject({ url: '/echo/base/x', body: '{"n":1}' });
    expect(data.headers).not.toHaveProperty('api-key');
  });

  test('attachPriorityAdapter attaches to an instance, and detach ends it', async () => {
    const instance = axios.create({ baseURL: `${origin}/bytes-3`, adapter });
    const { detach } = attachPriorityAdapter(instance, [at('throttle-60000'), { ...at('echo'), priority: 2 }]);
    const response = await instance.get<Echo>('/x');
    expect(response.data.url).toBe('/echo/bytes-3/x');
    expect(tried(response)).toStrictEqual(['throttle-60000', 'echo']);
    detach();
    expect((await instance.get('/x')).data).toBe('xxx');
  });
});

test('a body longer than maxContentLength is a mistake of the caller', async () => {
  const client = clientOf([at('bytes-5000'), at('echo')]);
  const error = await rejectionOf(client.get('/x', { maxContentLength: 1000 }));
  expect(error.message).toBe('maxContentLength size of 1000 exceeded');
  expect([tried(error), onCooldown(client.pool)]).toStrictEqual([['bytes-5000'], []]);
});

test('the second backend receives a form of the form-data package in full', async () => {
  const form = new FormData();
  form.append('note', 'kept');
  form.append('file', Readable.from(['a'.repeat(100_000)]), { filename: 'a.txt', knownLength: 100_000 });
  const { data } = await clientOf([at('throttle-60000'), at('echo')]).post<Echo>('/x', form);
  expect(data.headers['content-type']).toBe(`multipart/form-data; boundary=${form.getBoundary()}`);
  expect(data.body).toContain('kept');
  expect(data.body).toContain('a'.repeat(100_000));
  expect(data.body.endsWith(`--${form.getBoundary()}--\r\n`)).toBe(true);
});

test('the third backend receives a Readable in full', async () => {
  const client = clientOf([at('throttle-60000'), await refused(), at('echo')]);
  const { data } = await client.post<Echo>('/x', Readable.from(['b'.repeat(70_000), 'c'.repeat(70_000)]));
  expect(data.bytes).toBe(140_000);
});

test('fifty failovers of streams over a single socket leave no socket behind', async () => {
  // If a discarded 429 held its socket, the next attempt would get none.
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const endless = { ...at('endless'), attemptTimeout: 20 };
  const client = clientOf([endless, at('echo')], { cooldown: () => 0 }, { httpAgent, responseType: 'stream' });
  for (let n = 0; n < 50; n += 1) {
    const response = await client.post<Readable>('/x', { n });
    expect(JSON.parse(await text(response.data))).toMatchObject({ body: `{"n":${String(n)}}` });
    expect(tried(response)).toStrictEqual(['endless', 'echo']);
  }
  httpAgent.destroy();
});

(wires().includes('fetch') ? test : test.skip)(
  'over fetch, the second backend receives a web stream in full',
  async () => {
    const body = new Blob(['d'.repeat(100_000)]).stream();
    const { data } = await clientOf([at('throttle-60000'), at('echo')], { adapter: 'fetch' }).post<Echo>('/x', body);
    expect(data.bytes).toBe(100_000);
  },
);
