/* Runs in the page. */
import axios from 'axios';
import { attachPriorityAdapter, parseRetryAfter, priorityAdapter } from 'axios-priority-adapter';
import { rejection, runChecks } from './run-checks.mjs';

/**
 * What must hold in a browser, over either of its adapters.
 *
 * @param {'xhr' | 'fetch'} over
 * @param origin where backends answer as `backends.mjs` says: another origin than the page's
 * @param refused an origin where nobody listens
 */
export function check(over, origin, refused) {
  const at = (behaviour) => ({ baseURL: `${origin}/${behaviour}`, name: behaviour });
  const nobody = { baseURL: refused, name: 'refused' };
  const ranked = (backends) => backends.map((backend, index) => ({ priority: index + 1, ...backend }));
  /** A client over backends of falling priority. */
  function clientOf(backends, options, config) {
    const adapter = priorityAdapter(ranked(backends), { adapter: over, ...options });
    return Object.assign(axios.create({ adapter, ...config }), { pool: adapter.pool });
  }
  /** One that has to send its body twice. */
  const secondOfTwo = () => clientOf([at('throttle-60000'), at('echo')]);
  const fabricated = (responseType) =>
    clientOf([at('throttle-60000')], {}, { responseType, validateStatus: () => true }).get('/x');

  const checks = {
    async 'a 429 moves on, and cools its backend'() {
      const client = clientOf([
        { ...at('throttle-60000'), apiKey: 'first' },
        { ...at('echo'), apiKey: 'second' },
      ]);
      const response = await client.post('/x?a=1', { n: 1 }, { headers: { 'api-key': 'callers' } });
      const { data } = response;
      same([data.url, data.body, data.headers['api-key']], ['/echo/x?a=1', '{"n":1}', 'second']);
      same(data.headers['content-type'], 'application/json');
      same(asked(response), ['throttle-60000', 'echo']);
      same(asked(await client.get('/y')), ['echo']);
    },
    async 'a 5xx moves on'() {
      const response = await clientOf([at('status-500'), at('status-503'), at('echo')]).post('/x', {});
      same(statuses(response), [500, 503, 200]);
    },
    async 'another 4xx is handed back'() {
      const error = await rejection(clientOf([at('status-404'), at('echo')]).get('/x'));
      same([error.code, error.response.status, asked(error)], ['ERR_BAD_REQUEST', 404, ['status-404']]);
    },
    async 'attempts say what happened, on responses and errors'() {
      const { attempts } = await clientOf([at('throttle-250'), at('echo')]).get('/x');
      same(
        [attempts[0].status, attempts[0].cooldown, attempts[1].status, 'cooldown' in attempts[1]],
        [429, 250, 200, false],
      );
      same(
        attempts.every(({ duration }) => duration > 0),
        true,
      );
      const error = await rejection(clientOf([at('throttle-60000'), at('status-500')]).get('/x'));
      same(statuses(error), [429, 500]);
      same(error.response.fabricated, true);
    },
    async 'a connection failure of a GET moves on'() {
      const client = clientOf([nobody, at('echo')]);
      const response = await client.get('/x');
      same([asked(response), response.attempts[0].code], [['refused', 'echo'], 'ERR_NETWORK']);
      same(cooling(client), ['refused']);
    },
    async 'a connection failure of a POST may have been sent: it is handed back'() {
      const client = clientOf([nobody, at('echo')]);
      const error = await rejection(client.post('/x', {}));
      same([error.code, asked(error), cooling(client)], ['ERR_NETWORK', ['refused'], ['refused']]);
      const moving = clientOf([nobody, at('echo')], { failoverCondition: () => true });
      same(asked(await moving.post('/x', {})), ['refused', 'echo']);
    },
    async 'a truncated 200 moves on for a GET, and is an error for a POST'() {
      same(asked(await clientOf([at('cut'), at('echo')]).get('/x')), ['cut', 'echo']);
      same(asked(await rejection(clientOf([at('cut'), at('echo')]).post('/x', {}))), ['cut']);
    },
    async 'a fabricated 429 rejects as a real one would'() {
      const error = await rejection(clientOf([at('throttle-60000')]).post('/x', {}));
      same([error instanceof axios.AxiosError, error.code], [true, 'ERR_BAD_REQUEST']);
      same([error.response.status, error.response.fabricated, error.response.data.error.code], [429, true, '429']);
      same(error.response.headers['retry-after'], '60');
      same(parseRetryAfter(error.response), Number(error.response.headers['retry-after-ms']));
    },
    async 'a fabricated 429 as text and JSON'() {
      same(JSON.parse((await fabricated('text')).data).error.code, '429');
      same((await fabricated('json')).data.error.type, 'no_backend_available');
    },
    async 'a fabricated 429 as an arraybuffer'() {
      const { data } = await fabricated('arraybuffer');
      same([data instanceof ArrayBuffer, JSON.parse(new TextDecoder().decode(data)).error.code], [true, '429']);
    },
    async 'a fabricated 429 as a blob'() {
      const { data } = await fabricated('blob');
      same(
        [data instanceof Blob, data.type, JSON.parse(await data.text()).error.code],
        [true, 'application/json', '429'],
      );
    },
    async 'a signal cancels an attempt, in its head and in its body, and nobody is blamed'() {
      for (const behaviour of ['hang', 'trickle']) {
        const client = clientOf([at(behaviour), at('echo')]);
        const error = await rejection(client.get('/x', { signal: abortedIn(100) }));
        same([axios.isCancel(error), error.code, cooling(client)], [true, 'ERR_CANCELED', []]);
      }
    },
    async 'a signal cancels a wait'() {
      const client = clientOf([at('throttle-60000')], { maxWait: 120_000 });
      same(axios.isCancel(await rejection(client.get('/x', { signal: abortedIn(100) }))), true);
    },
    async '`timeout` ends an attempt and a body that trickles in'() {
      for (const behaviour of ['hang', 'trickle']) {
        const started = performance.now();
        const error = await rejection(clientOf([at(behaviour), at('echo')]).get('/x', { timeout: 200 }));
        same([error.code, error.message], ['ECONNABORTED', 'timeout of 200ms exceeded']);
        const took = performance.now() - started;
        same(took > 190 && took < 1000, true);
      }
    },
    async '`attemptTimeout` moves on, also for a POST'() {
      const client = clientOf([at('hang'), at('echo')], { attemptTimeout: 100 });
      same(asked(await client.post('/x', {})), ['hang', 'echo']);
    },
    async 'a wait for the soonest backend ends in its answer'() {
      const client = clientOf([at('throttle-100')], { maxWait: 1000 });
      // The server cannot change its mind; the pool can hear of another one under that name.
      setTimeout(() => client.pool.update([{ ...at('echo'), name: 'throttle-100' }]), 50);
      same(statuses(await client.get('/x')), [429, 200]);
    },
    async 'attachPriorityAdapter attaches to an instance and detaches'() {
      const instance = axios.create({ baseURL: `${origin}/bytes-3`, adapter: over });
      const { pool, detach } = attachPriorityAdapter(instance, ranked([at('throttle-60000'), at('echo')]));
      const response = await instance.get('/x');
      same([response.data.url, asked(response)], ['/echo/bytes-3/x', ['throttle-60000', 'echo']]);
      same(pool.backends.length, 2);
      detach();
      same((await instance.get('/x')).data, 'xxx');
    },
    async 'FormData is sent whole to the second backend'() {
      const form = new FormData();
      form.append('note', 'kept');
      form.append('file', new Blob(['a'.repeat(50_000)]), 'a.txt');
      const { data } = await secondOfTwo().post('/x', form);
      const [, boundary] = /^multipart\/form-data; boundary=(.+)$/.exec(data.headers['content-type']);
      same([data.body.includes('kept'), data.body.includes('a'.repeat(50_000))], [true, true]);
      same(data.body.endsWith(`--${boundary}--\r\n`), true);
    },
    async 'a Blob is sent whole to the second backend'() {
      const headers = { 'content-type': 'text/x-b' };
      const { data } = await secondOfTwo().post('/x', new Blob(['b'.repeat(50_000)]), { headers });
      same([data.bytes, data.headers['content-type']], [50_000, 'text/x-b']);
    },
    async 'bytes and URLSearchParams are sent whole to the second backend'() {
      same((await secondOfTwo().post('/x', new Uint8Array(1000))).data.bytes, 1000);
      const { data } = await secondOfTwo().post('/x', new URLSearchParams({ a: 'b c' }));
      same([data.body, data.headers['content-type'].split(';')[0]], ['a=b+c', 'application/x-www-form-urlencoded']);
    },
    async 'a ReadableStream is read once and sent whole to the second backend'() {
      const body = new Blob(['c'.repeat(100_000)]).stream();
      const { data } = await secondOfTwo().post('/x', body, { headers: { 'content-type': 'text/x-c' } });
      same([data.bytes, data.headers['content-type']], [100_000, 'text/x-c']);
    },
    async 'the caller’s key does not go where a backend has a token of its own'() {
      const own = { ...at('echo'), azureADTokenProvider: async () => 'own' };
      const { data } = await clientOf([own]).post('/x', {}, { headers: { 'api-key': 'callers' } });
      same(['api-key' in data.headers, data.headers.authorization], [false, 'Bearer own']);
    },
    async 'the browser follows a redirect'() {
      for (const [status, method] of [
        [302, 'get'],
        [307, 'post'],
      ]) {
        const client = clientOf([at(`redirect-${status}`)]);
        const { data } = await client.request({ method, url: '/x', params: { to: `${origin}/echo/there` } });
        same([data.url, data.method], ['/echo/there', method.toUpperCase()]);
      }
    },
    async 'keys stand in no error and in no config that is handed back'() {
      const client = clientOf([{ ...at('status-400'), apiKey: 'secret-key' }]);
      const error = await rejection(client.post('/x', {}));
      same(/secret-key/.test(JSON.stringify([error.toJSON(), error.response.config, client.pool.snapshot()])), false);
    },
    async 'parseRetryAfter reads what the browser lets through'() {
      const { response } = await rejection(axios.get(`${origin}/throttle-1500`, { adapter: over }));
      same(parseRetryAfter(response), 1500);
      same(parseRetryAfter({ status: 503, headers: { 'retry-after': '2' } }), 2000);
      const data = new TextEncoder().encode('{"error":{"message":"Please retry after 6 seconds."}}').buffer;
      same(parseRetryAfter({ status: 429, headers: {}, data }), 6000);
    },
  };

  /** XMLHttpRequest gives no streams. */
  const streams = {
    async 'a fabricated 429 as a stream'() {
      const { data } = await fabricated('stream');
      same([data instanceof ReadableStream, JSON.parse(await readAll(data)).error.code], [true, '429']);
    },
    async 'a stream comes from the second backend, and the first lets go of its own'() {
      // More than the six connections that a browser has for one origin.
      const client = clientOf([at('endless'), at('echo')], { cooldown: () => 0 }, { responseType: 'stream' });
      for (let n = 0; n < 12; n += 1) {
        const response = await client.post('/x', { n });
        same(JSON.parse(await readAll(response.data)).body, `{"n":${n}}`);
        same(asked(response), ['endless', 'echo']);
      }
    },
    async 'a signal breaks a stream off while it is read'() {
      const config = { responseType: 'stream', signal: abortedIn(150) };
      const { data } = await clientOf([at('trickle'), at('echo')]).get('/x', config);
      const error = await readAll(data).catch((reason) => reason);
      same(axios.isCancel(error), true);
    },
  };
  return runChecks(over === 'fetch' ? { ...checks, ...streams } : checks);
}

function same(actual, expected) {
  const [given, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (given !== wanted) throw new Error(`expected ${wanted}, got ${given}`);
}

const asked = ({ attempts }) => attempts.map(({ backend }) => backend);
const statuses = ({ attempts }) => attempts.map(({ status }) => status);

function cooling({ pool }) {
  return pool.snapshot().flatMap(({ name, cooldowns }) => (cooldowns.length > 0 ? [name] : []));
}

function abortedIn(ms) {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), ms);
  return abort.signal;
}

/** By hand: `Response.text` hides what a stream broke off with. */
async function readAll(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}
