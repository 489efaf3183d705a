/* Runs in the page, transpiled by browser.test.ts, where '../../src' is the built package. */
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse, ResponseType } from 'axios';
import { attachPriorityAdapter, parseRetryAfter, priorityAdapter } from '../../src';
import type { Attempt, BackendOptions, BackendPool, PriorityAdapterOptions } from '../../src';

export type Wire = 'xhr' | 'fetch';
type Checks = Record<string, () => Promise<void>>;

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string> & { readonly 'content-type': string };
  readonly body: string;
  readonly bytes: number;
}

type Stream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The body of a 429. */
interface Refusal {
  readonly error: { readonly code: string; readonly type: string };
}

/** An error of axios, with what the checks read of it. */
interface Failed extends Error {
  readonly code: string;
  readonly response: AxiosResponse<Refusal>;
  readonly attempts: readonly Attempt[];
  readonly toJSON: () => object;
}

/**
 * What must hold in a browser over one of its two adapters, by name. A check that rejects has failed.
 *
 * @param origin where the backends reply by path (`replyByPath`): another origin than that of the page
 * @param refusedOrigin where connections are refused
 */
export function checksOf(over: Wire, origin: string, refusedOrigin: string): Checks {
  const at = (name: string): BackendOptions => ({ baseURL: `${origin}/${name}`, name });
  const refusing: BackendOptions = { baseURL: refusedOrigin, name: 'refused' };
  const ranked = (backends: BackendOptions[]) =>
    backends.map((backend, index) => ({ priority: index + 1, ...backend }));
  /** A client whose backends have the priorities 1, 2, 3 … */
  function clientOf(backends: BackendOptions[], options?: PriorityAdapterOptions, config?: AxiosRequestConfig) {
    const adapter = priorityAdapter(ranked(backends), { adapter: over, ...options });
    return Object.assign(axios.create({ adapter, ...config }), { pool: adapter.pool });
  }
  /** A client that has to send each body twice. */
  const secondOfTwo = () => clientOf([at('throttle-60000'), at('echo')]);
  const fabricated = <T>(responseType: ResponseType) =>
    clientOf([at('throttle-60000')], {}, { responseType, validateStatus: () => true }).get<T>('/x');

  const checks: Checks = {
    async 'a POST fails over on a 429, which puts its backend on cooldown'() {
      const client = clientOf([
        { ...at('throttle-60000'), apiKey: 'first' },
        { ...at('echo'), apiKey: 'second' },
      ]);
      const response = await client.post<Echo>('/x?a=1', { n: 1 }, { headers: { 'api-key': 'callers' } });
      const { data } = response;
      same([data.url, data.body, data.headers['api-key']], ['/echo/x?a=1', '{"n":1}', 'second']);
      same(data.headers['content-type'], 'application/json');
      same(tried(response), ['throttle-60000', 'echo']);
      same(tried(await client.get('/y')), ['echo']);
    },
    async 'a request fails over on a 5xx'() {
      const response = await clientOf([at('status-500'), at('status-503'), at('echo')]).post('/x', {});
      same(statuses(response), [500, 503, 200]);
    },
    async 'another 4xx is returned to the caller'() {
      const error = await rejectionOf(clientOf([at('status-404'), at('echo')]).get('/x'));
      same([error.code, error.response.status, tried(error)], ['ERR_BAD_REQUEST', 404, ['status-404']]);
    },
    async 'attempts on responses and errors have status, duration and cooldown'() {
      const { attempts = [] } = await clientOf([at('throttle-250'), at('echo')]).get('/x');
      same(
        attempts.map((attempt) => [attempt.status, attempt.cooldown, 'cooldown' in attempt]),
        [
          [429, 250, true],
          [200, undefined, false],
        ],
      );
      same(
        attempts.every(({ duration }) => duration > 0),
        true,
      );
      const error = await rejectionOf(clientOf([at('throttle-60000'), at('status-500')]).get('/x'));
      same(statuses(error), [429, 500]);
      same(error.response.fabricated, true);
    },
    async 'a GET fails over on a connection failure'() {
      const client = clientOf([refusing, at('echo')]);
      const response = await client.get('/x');
      same([tried(response), response.attempts?.[0]?.code], [['refused', 'echo'], 'ERR_NETWORK']);
      same(onCooldown(client), ['refused']);
    },
    async 'a POST does not fail over on a connection failure by default, as the browser does not tell whether it was sent'() {
      const client = clientOf([refusing, at('echo')]);
      const error = await rejectionOf(client.post('/x', {}));
      same([error.code, tried(error), onCooldown(client)], ['ERR_NETWORK', ['refused'], ['refused']]);
      const moving = clientOf([refusing, at('echo')], { failoverCondition: () => true });
      same(tried(await moving.post('/x', {})), ['refused', 'echo']);
    },
    async 'a GET fails over on a truncated 200, and a POST fails'() {
      same(tried(await clientOf([at('cut'), at('echo')]).get('/x')), ['cut', 'echo']);
      same(tried(await rejectionOf(clientOf([at('cut'), at('echo')]).post('/x', {}))), ['cut']);
    },
    async 'a fabricated 429 rejects as a real one would'() {
      const error = await rejectionOf(clientOf([at('throttle-60000')]).post('/x', {}));
      same([error instanceof axios.AxiosError, error.code], [true, 'ERR_BAD_REQUEST']);
      same([error.response.status, error.response.fabricated, error.response.data.error.code], [429, true, '429']);
      same(error.response.headers['retry-after'], '60');
      same(parseRetryAfter(error.response), Number(error.response.headers['retry-after-ms']));
    },
    async 'a fabricated 429 has the responseType text or json'() {
      same(codeIn((await fabricated<string>('text')).data), '429');
      same((await fabricated<Refusal>('json')).data.error.type, 'no_backend_available');
    },
    async 'a fabricated 429 has the responseType arraybuffer'() {
      const { data } = await fabricated<ArrayBuffer>('arraybuffer');
      same([data instanceof ArrayBuffer, codeIn(new TextDecoder().decode(data))], [true, '429']);
    },
    async 'a fabricated 429 has the responseType blob'() {
      const { data } = await fabricated<Blob>('blob');
      same([data instanceof Blob, data.type, codeIn(await data.text())], [true, 'application/json', '429']);
    },
    async 'a signal cancels an attempt before and during its body without a cooldown'() {
      for (const behaviour of ['hang', 'trickle']) {
        const client = clientOf([at(behaviour), at('echo')]);
        const error = await rejectionOf(client.get('/x', { signal: abortedIn(100) }));
        same([axios.isCancel(error), error.code, onCooldown(client)], [true, 'ERR_CANCELED', []]);
      }
    },
    async 'a signal cancels a request that waits for a backend'() {
      const client = clientOf([at('throttle-60000')], { maxWait: 120_000 });
      same(axios.isCancel(await rejectionOf(client.get('/x', { signal: abortedIn(100) }))), true);
    },
    async 'timeout ends a hanging attempt and a body that trickles in'() {
      for (const behaviour of ['hang', 'trickle']) {
        const started = performance.now();
        const error = await rejectionOf(clientOf([at(behaviour), at('echo')]).get('/x', { timeout: 200 }));
        same([error.code, error.message], ['ECONNABORTED', 'timeout of 200ms exceeded']);
        const took = performance.now() - started;
        same(took > 190 && took < 1000, true);
      }
    },
    async 'attemptTimeout fails over, POST included'() {
      const client = clientOf([at('hang'), at('echo')], { attemptTimeout: 100 });
      same(tried(await client.post('/x', {})), ['hang', 'echo']);
    },
    async 'a request that waits for a backend gets its response'() {
      const client = clientOf([at('throttle-100')], { maxWait: 1000 });
      // The reply depends on the path, so the pool gets another path under the same name.
      setTimeout(() => client.pool.update([{ ...at('echo'), name: 'throttle-100' }]), 50);
      same(statuses(await client.get('/x')), [429, 200]);
    },
    async 'attachPriorityAdapter attaches to an instance, and detach ends it'() {
      const instance = axios.create({ baseURL: `${origin}/bytes-3`, adapter: over });
      const { pool, detach } = attachPriorityAdapter(instance, ranked([at('throttle-60000'), at('echo')]));
      const response = await instance.get<Echo>('/x');
      same([response.data.url, tried(response)], ['/echo/bytes-3/x', ['throttle-60000', 'echo']]);
      same(pool.backends.length, 2);
      detach();
      same((await instance.get('/x')).data, 'xxx');
    },
    async 'the second backend receives FormData in full'() {
      const form = new FormData();
      form.append('note', 'kept');
      form.append('file', new Blob(['a'.repeat(50_000)]), 'a.txt');
      const { data } = await secondOfTwo().post<Echo>('/x', form);
      const [, boundary = ''] = /^multipart\/form-data; boundary=(.+)$/.exec(data.headers['content-type']) ?? [];
      same([data.body.includes('kept'), data.body.includes('a'.repeat(50_000))], [true, true]);
      same(data.body.endsWith(`--${boundary}--\r\n`), true);
    },
    async 'the second backend receives a Blob in full'() {
      const headers = { 'content-type': 'text/x-b' };
      const { data } = await secondOfTwo().post<Echo>('/x', new Blob(['b'.repeat(50_000)]), { headers });
      same([data.bytes, data.headers['content-type']], [50_000, 'text/x-b']);
    },
    async 'the second backend receives bytes and URLSearchParams in full'() {
      same((await secondOfTwo().post<Echo>('/x', new Uint8Array(1000))).data.bytes, 1000);
      const { data } = await secondOfTwo().post<Echo>('/x', new URLSearchParams({ a: 'b c' }));
      same([data.body, data.headers['content-type'].split(';')[0]], ['a=b+c', 'application/x-www-form-urlencoded']);
    },
    async 'the second backend receives a ReadableStream in full'() {
      const body = new Blob(['c'.repeat(100_000)]).stream();
      const { data } = await secondOfTwo().post<Echo>('/x', body, { headers: { 'content-type': 'text/x-c' } });
      same([data.bytes, data.headers['content-type']], [100_000, 'text/x-c']);
    },
    async 'a backend with its own token does not get the key of the caller'() {
      const own = { ...at('echo'), azureADTokenProvider: () => Promise.resolve('own') };
      const { data } = await clientOf([own]).post<Echo>('/x', {}, { headers: { 'api-key': 'callers' } });
      same(['api-key' in data.headers, data.headers.authorization], [false, 'Bearer own']);
    },
    async 'redirects are followed by the browser'() {
      for (const [status, method] of [
        [302, 'get'],
        [307, 'post'],
      ] as const) {
        const client = clientOf([at(`redirect-${String(status)}`)]);
        const { data } = await client.request<Echo>({ method, url: '/x', params: { to: `${origin}/echo/there` } });
        same([data.url, data.method], ['/echo/there', method.toUpperCase()]);
      }
    },
    async 'keys never appear in errors, configs and status'() {
      const client = clientOf([{ ...at('status-400'), apiKey: 'secret-key' }]);
      const error = await rejectionOf(client.post('/x', {}));
      same(
        JSON.stringify([error.toJSON(), error.response.config, client.pool.snapshot()]).includes('secret-key'),
        false,
      );
    },
    async 'parseRetryAfter reads the headers that the browser exposes'() {
      const { response } = await rejectionOf(axios.get(`${origin}/throttle-1500`, { adapter: over }));
      same(parseRetryAfter(response), 1500);
      same(parseRetryAfter({ status: 503, headers: { 'retry-after': '2' } }), 2000);
      const data = new TextEncoder().encode('{"error":{"message":"Please retry after 6 seconds."}}').buffer;
      same(parseRetryAfter({ status: 429, headers: {}, data }), 6000);
    },
  };

  /** Only for fetch: XMLHttpRequest has no streams. */
  const streams: Checks = {
    async 'a fabricated 429 has the responseType stream'() {
      const { data } = await fabricated<Stream>('stream');
      same([data instanceof ReadableStream, codeIn(await readAll(data))], [true, '429']);
    },
    async 'a stream comes from the second backend, and the discarded one of the first releases its connection'() {
      // More than the six connections that a browser has for one origin.
      const client = clientOf([at('endless'), at('echo')], { cooldown: () => 0 }, { responseType: 'stream' });
      for (let n = 0; n < 12; n += 1) {
        const response = await client.post<Stream>('/x', { n });
        same((JSON.parse(await readAll(response.data)) as Echo).body, `{"n":${String(n)}}`);
        same(tried(response), ['endless', 'echo']);
      }
    },
    async 'a signal ends a stream while it is read'() {
      const config = { responseType: 'stream', signal: abortedIn(150) } as const;
      const { data } = await clientOf([at('trickle'), at('echo')]).get<Stream>('/x', config);
      same(axios.isCancel(await rejectionOf(readAll(data))), true);
    },
  };
  return over === 'fetch' ? { ...checks, ...streams } : checks;
}

function same(actual: unknown, expected: unknown): void {
  const [given, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (given !== wanted) throw new Error(`expected ${wanted}, got ${given}`);
}

async function rejectionOf(promise: Promise<unknown>): Promise<Failed> {
  try {
    await promise;
  } catch (error) {
    return error as Failed;
  }
  throw new Error('the promise did not reject');
}

const codeIn = (json: string) => (JSON.parse(json) as Refusal).error.code;

interface Attempted {
  readonly attempts?: readonly Attempt[];
}

const tried = ({ attempts = [] }: Attempted) => attempts.map(({ backend }) => backend);
const statuses = ({ attempts = [] }: Attempted) => attempts.map(({ status }) => status);

function onCooldown({ pool }: { readonly pool: BackendPool }): string[] {
  return pool.snapshot().flatMap(({ name, cooldowns }) => (cooldowns.length > 0 ? [name] : []));
}

function abortedIn(ms: number): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), ms);
  return abort.signal;
}

/** Reads chunk by chunk, as `Response.text` hides the error of a stream. */
async function readAll(stream: Stream): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}
