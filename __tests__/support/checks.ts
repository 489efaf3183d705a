/* Runs in every runtime, transpiled, where '../../src' is the built package. Nothing here needs a global that axios doesn't. */
import axios from 'axios';
import type { AxiosRequestConfig, AxiosResponse, ResponseType } from 'axios';
import { attachPriorityAdapter, parseRetryAfter, priorityAdapter } from '../../src';
import type { Attempt, BackendOptions, BackendPool, PriorityAdapterOptions } from '../../src';

export type Wire = 'http' | 'xhr' | 'fetch';
export type Checks = Record<string, () => Promise<void>>;

/** Where the checks run, and over what. */
export interface Place {
  readonly over: Wire;
  /** Where the backends reply by path (`replyByPath`). In a browser, another origin than that of the page. */
  readonly origin: string;
  /** Another origin where they do. */
  readonly elsewhere: string;
  /** An origin where connections are refused. */
  readonly refused: string;
  /** The code of a refused connection, where the runtime tells one from other failures. */
  readonly refusedCode?: string;
  /** Whether the runtime shows the head of a redirect. If not, only the runtime can follow it. */
  readonly showsRedirects: boolean;
}

export interface Echo {
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
  readonly request?: unknown;
  readonly response: AxiosResponse<Refusal>;
  readonly attempts: readonly Attempt[];
  readonly toJSON: () => object;
}

/** What the backend `words` replies with. */
export const WORDS = 'data: {"choices":[]}\n\ndata: {"choices":[{"delta":{"content":"Hello"}}]}\n\n';

/** What must hold in every runtime over each adapter that axios has there, by name. A check that rejects has failed. */
export function checksOf({ over, origin, refused, refusedCode }: Place): Checks {
  const at = (name: string): BackendOptions => ({ baseURL: `${origin}/${name}`, name });
  const refusing: BackendOptions = { baseURL: refused, name: 'refused' };
  /** A client whose backends have the priorities 1, 2, 3 … */
  function clientOf(backends: BackendOptions[], options?: PriorityAdapterOptions, config?: AxiosRequestConfig) {
    const adapter = priorityAdapter(ranked(backends), { adapter: over, ...options });
    return Object.assign(axios.create({ adapter, ...config }), { pool: adapter.pool });
  }
  /** A client that has to send each body twice. */
  const secondOfTwo = () => clientOf([at('throttle-60000'), at('echo')]);
  const fabricated = <T>(responseType: ResponseType) =>
    clientOf([at('throttle-60000')], {}, { responseType, validateStatus: () => true }).get<T>('/x');
  /** The same, and what plain axios gives for a real 429. */
  const fabricatedAndPlain = async (responseType: ResponseType) => {
    const config = { adapter: over, responseType, validateStatus: () => true };
    const plain = await axios.get<unknown>(`${origin}/status-429`, config);
    return [(await fabricated<unknown>(responseType)).data, plain.data] as const;
  };

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
      same(tried(response), ['refused', 'echo']);
      same([refusedCode, 'ERR_NETWORK'].includes(response.attempts?.[0]?.code), true);
      same(reasons(response), [refusedCode === undefined ? 'ambiguous' : 'connection', null]);
      same(onCooldown(client), ['refused']);
    },
    async 'a POST fails over on a connection failure by default only if the runtime tells that nothing was sent'() {
      const client = clientOf([refusing, at('echo')]);
      const sent = client.post('/x', {});
      const result = refusedCode === undefined ? await rejectionOf(sent) : await sent;
      same(tried(result), refusedCode === undefined ? ['refused'] : ['refused', 'echo']);
      same(onCooldown(client), ['refused']);
      const moving = clientOf([refusing, at('echo')], { failoverCondition: () => true });
      same(tried(await moving.post('/x', {})), ['refused', 'echo']);
    },
    async 'a GET fails over on a truncated 200, and a POST fails'() {
      const response = await clientOf([at('cut'), at('echo')]).get('/x');
      same([tried(response), reasons(response)[0]], [['cut', 'echo'], 'ambiguous']);
      const client = clientOf([at('cut'), at('echo')]);
      const error = await rejectionOf(client.post('/x', {}));
      same([tried(error), reasons(error), onCooldown(client)], [['cut'], ['ambiguous'], ['cut']]);
    },
    async 'the second backend receives a ReadableStream in full'() {
      const body = new Blob(['c'.repeat(100_000)]).stream();
      const { data } = await secondOfTwo().post<Echo>('/x', body, { headers: { 'content-type': 'text/x-c' } });
      same([data.bytes, data.headers['content-type']], [100_000, 'text/x-c']);
    },
    async 'a 200 whose body can not be decoded is a truncated one'() {
      const response = await clientOf([at('undecodable'), at('echo')]).get('/x');
      same([tried(response), reasons(response)[0]], [['undecodable', 'echo'], 'ambiguous']);
      const client = clientOf([at('undecodable'), at('echo')]);
      const error = await rejectionOf(client.post('/x', {}));
      same([tried(error), reasons(error), onCooldown(client)], [['undecodable'], ['ambiguous'], ['undecodable']]);
    },
    async 'a reset before the response is ambiguous'() {
      // Over Node's connections, one that was kept alive may be tried again first.
      same(tried(await clientOf([at('reset'), at('echo')]).get('/x')).slice(-2), ['reset', 'echo']);
      const error = await rejectionOf(clientOf([at('reset'), at('echo')]).post('/x', {}));
      same([tried(error).at(-1), reasons(error).at(-1)], ['reset', 'ambiguous']);
    },
    async 'an error has the request that plain axios gives it'() {
      for (const [behaviour, config] of [
        ['status-404', {}],
        ['undecodable', {}],
        ['hang', { timeout: 100 }],
      ] as const) {
        const plain = await rejectionOf(axios.post(`${origin}/${behaviour}`, {}, { ...config, adapter: over }));
        const error = await rejectionOf(clientOf([at(behaviour)]).post('/x', {}, config));
        same([behaviour, typeof error.request], [behaviour, typeof plain.request]);
      }
    },
    async 'the request of an error is not enumerable, so that a log shows no key of it'() {
      const error = await rejectionOf(clientOf([at('status-404')]).post('/x', {}));
      same([Object.keys(error).includes('request'), Object.keys(error.response).includes('request')], [false, false]);
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
    async 'a fabricated 429 has the form that plain axios gives for the responseType arraybuffer'() {
      const [data, plain] = await fabricatedAndPlain('arraybuffer');
      same(formOf(data), formOf(plain));
      const bytes = new Uint8Array(data as ArrayBuffer);
      same(codeIn(String.fromCharCode(...bytes)), '429');
    },
    async 'a fabricated 429 has the form that plain axios gives for the responseType blob'() {
      const [data, plain] = await fabricatedAndPlain('blob');
      same(formOf(data), formOf(plain));
      if (typeof data === 'string') same(codeIn(data), '429');
      else same([(data as Blob).type.split(';')[0], (data as Blob).size > 20], ['application/json', true]);
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
        const code = over === 'fetch' ? 'ETIMEDOUT' : 'ECONNABORTED';
        same([error.code, error.message], [code, 'timeout of 200ms exceeded']);
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
      const plain = await axios.post<Echo>(`${origin}/echo`, form, { adapter: over });
      same([data.body.includes('kept'), data.body.includes('a'.repeat(50_000))], [true, true]);
      // Over fetch outside browsers, axios 1.21 forgets that it is multipart/form-data.
      const [type, boundary] = data.headers['content-type'].split('; boundary=');
      same(type, plain.data.headers['content-type'].split('; boundary=')[0]);
      same(boundary === undefined || data.body.trimEnd().endsWith(`--${boundary}--`), true);
    },
    async 'the second backend receives a Blob in full'() {
      const body = new Blob(['b'.repeat(50_000)]);
      const headers = { 'content-type': 'text/x-b' };
      const { data } = await secondOfTwo().post<Echo>('/x', body, { headers });
      const plain = await axios.post<Echo>(`${origin}/echo`, body, { headers, adapter: over });
      same([data.bytes, data.headers['content-type']], [50_000, plain.data.headers['content-type']]);
    },
    async 'the second backend receives bytes and URLSearchParams in full'() {
      same((await secondOfTwo().post<Echo>('/x', new Uint8Array(1000))).data.bytes, 1000);
      const { data } = await secondOfTwo().post<Echo>('/x', new URLSearchParams({ a: 'b c' }));
      same([data.body, data.headers['content-type'].split(';')[0]], ['a=b+c', 'application/x-www-form-urlencoded']);
    },
    async 'a backend with its own token does not get the key of the caller'() {
      const own = { ...at('echo'), azureADTokenProvider: () => Promise.resolve('own') };
      const { data } = await clientOf([own]).post<Echo>('/x', {}, { headers: { 'api-key': 'callers' } });
      same(['api-key' in data.headers, data.headers.authorization], [false, 'Bearer own']);
    },
    async 'keys never appear in errors, configs and status'() {
      const client = clientOf([{ ...at('status-400'), apiKey: 'secret-key' }]);
      const error = await rejectionOf(client.post('/x', {}));
      same(
        JSON.stringify([error.toJSON(), error.response.config, client.pool.snapshot()]).includes('secret-key'),
        false,
      );
    },
    async 'parseRetryAfter reads the headers that the runtime exposes, and words in bytes'() {
      const { response } = await rejectionOf(axios.get(`${origin}/throttle-1500`, { adapter: over }));
      same(parseRetryAfter(response), 1500);
      same(parseRetryAfter({ status: 503, headers: { 'retry-after': '2' } }), 2000);
      const text = '{"error":{"message":"Please retry after 6 seconds."}}';
      const data = Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
      same(parseRetryAfter({ status: 429, headers: {}, data }), 6000);
    },
  };

  checks['a refusal inside a streamed 200 that was read whole fails over'] = async () => {
    for (const responseType of ['text', 'arraybuffer'] as const) {
      const response = await clientOf([at('refusal'), at('words')]).post<unknown>('/x', {}, { responseType });
      same(
        [tried(response), statuses(response)],
        [
          ['refusal', 'words'],
          [429, 200],
        ],
      );
    }
  };

  /** XMLHttpRequest has no streams. */
  const streams: Checks = {
    async 'a fabricated 429 has the responseType stream'() {
      const [data, plain] = await fabricatedAndPlain('stream');
      same(formOf(data), formOf(plain));
      same(codeIn(await readAll(data as Stream)), '429');
    },
    async 'a stream comes from the second backend, and the discarded one of the first releases its connection'() {
      // More than the six connections that a browser has for one origin.
      const endless = { ...at('endless'), attemptTimeout: 200 };
      const client = clientOf([endless, at('echo')], { cooldown: () => 0 }, { responseType: 'stream' });
      for (let n = 0; n < 12; n += 1) {
        const response = await client.post<Stream>('/x', { n });
        same((JSON.parse(await readAll(response.data)) as Echo).body, `{"n":${String(n)}}`);
        same(tried(response), ['endless', 'echo']);
      }
    },
    async 'a refusal inside a streamed 200 fails over'() {
      const client = clientOf([at('refusal'), at('words')], {}, { responseType: 'stream' });
      const response = await client.post<Stream>('/x', {});
      same(await readAll(response.data), WORDS);
      same(
        [tried(response), statuses(response)],
        [
          ['refusal', 'words'],
          [429, 200],
        ],
      );
    },
    async 'a refused stream is read, and returned as it came'() {
      const config = { responseType: 'stream', validateStatus: () => true } as const;
      const { data } = await clientOf([at('status-400')], {}, config).get<Stream>('/x');
      same(await readAll(data), '{"error":{"message":"status 400"}}');
    },
    async 'a signal ends a stream while it is read'() {
      const { data } = await clientOf([at('trickle'), at('echo')]).get<Stream>('/x', {
        responseType: 'stream',
        signal: abortedIn(150),
      });
      // The runtime may choose the error: workerd's is one of its own.
      await rejectionOf(readAll(data));
    },
  };
  return over === 'xhr' ? checks : { ...checks, ...streams };
}

/** The backends with the priorities 1, 2, 3 … */
export function ranked(backends: readonly BackendOptions[]): BackendOptions[] {
  return backends.map((backend, index) => ({ priority: index + 1, ...backend }));
}

export function same(actual: unknown, expected: unknown): void {
  const [given, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (given !== wanted) throw new Error(`expected ${wanted}, got ${given}`);
}

export async function rejectionOf(promise: Promise<unknown>): Promise<Failed> {
  try {
    await promise;
  } catch (error) {
    return error as Failed;
  }
  throw new Error('the promise did not reject');
}

const codeIn = (json: string) => (JSON.parse(json) as Refusal).error.code;

/** What a body is, whatever realm its class is from. */
function formOf(data: unknown): string {
  if ('pipe' in Object(data)) return 'a stream of Node';
  return Object.prototype.toString.call(data);
}

interface Attempted {
  readonly attempts?: readonly Attempt[];
}

export const tried = ({ attempts = [] }: Attempted) => attempts.map(({ backend }) => backend);
const statuses = ({ attempts = [] }: Attempted) => attempts.map(({ status }) => status);
const reasons = ({ attempts = [] }: Attempted) => attempts.map(({ reason }) => reason ?? null);

export function onCooldown({ pool }: { readonly pool: BackendPool }): string[] {
  return pool.snapshot().flatMap(({ name, cooldowns }) => (cooldowns.length > 0 ? [name] : []));
}

function abortedIn(ms: number): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), ms);
  return abort.signal;
}

/** Reads chunk by chunk, as `Response.text` hides the error of a stream. (Safari's streams have no async iterator.) */
async function readAll(stream: Stream | AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  if ('getReader' in stream) {
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
  }
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text;
}
