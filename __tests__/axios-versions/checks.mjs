import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import FormData from 'form-data';
import { rejection } from './run-checks.mjs';

/**
 * What must hold whatever the version of axios.
 *
 * @param axios the version's own
 * @param lib the built package, which imports that same axios
 * @param origin where backends answer as `backends.mjs` says
 * @param other another such origin
 * @param refused an origin where nobody listens
 */
export function checksOf({ axios, lib, origin, other, refused }) {
  const { priorityAdapter, attachPriorityAdapter } = lib;
  const at = (behaviour) => ({ baseURL: `${origin}/${behaviour}`, name: behaviour });
  const nobody = { baseURL: refused, name: 'refused' };
  /** A client over backends of falling priority. */
  function clientOf(backends, options, config) {
    const ranked = backends.map((backend, index) => ({ priority: index + 1, ...backend }));
    const adapter = priorityAdapter(ranked, options);
    return Object.assign(axios.create({ adapter, ...config }), { pool: adapter.pool });
  }
  const asked = ({ attempts }) => attempts.map(({ backend }) => backend);
  const coolingIn = (pool) => pool.snapshot().filter(({ cooldowns }) => cooldowns.length > 0).length;

  const checks = {
    async 'a 429 moves on, and cools its backend'() {
      const client = clientOf([at('throttle-60000'), at('echo')]);
      const response = await client.post('/x?a=1', { n: 1 });
      assert.deepEqual([response.status, response.data.url, response.data.body], [200, '/echo/x?a=1', '{"n":1}']);
      assert.deepEqual(asked(response), ['throttle-60000', 'echo']);
      assert.equal(response.attempts[0].cooldown, 60_000);
      assert.deepEqual(asked(await client.get('/y')), ['echo']);
    },
    async 'a 5xx moves on'() {
      const response = await clientOf([at('status-500'), at('status-503'), at('echo')]).post('/x', {});
      assert.deepEqual([response.status, response.attempts.map(({ status }) => status)], [200, [500, 503, 200]]);
    },
    async 'another 4xx is handed back'() {
      const error = await rejection(clientOf([at('status-404'), at('echo')]).get('/x'));
      assert.deepEqual([error.code, error.response.status, error.attempts.length], ['ERR_BAD_REQUEST', 404, 1]);
    },
    async 'a refused connection moves on, also for a POST'() {
      const response = await clientOf([nobody, at('echo')]).post('/x', { n: 1 });
      assert.deepEqual([response.data.body, response.attempts[0].code], ['{"n":1}', 'ECONNREFUSED']);
    },
    async 'a truncated 200 moves on for a GET'() {
      assert.deepEqual(asked(await clientOf([at('cut'), at('echo')]).get('/x')), ['cut', 'echo']);
    },
    async 'a truncated 200 is no success for a POST, is not sent twice, and cools its backend'() {
      const client = clientOf([at('cut'), at('echo')]);
      const error = await rejection(client.post('/x', {}));
      assert.ok(axios.isAxiosError(error), String(error));
      assert.deepEqual([asked(error), coolingIn(client.pool)], [['cut'], 1]);
    },
    async 'a longer body than maxContentLength is nobody’s failure'() {
      const client = clientOf([at('bytes-5000'), at('echo')]);
      const error = await rejection(client.get('/x', { maxContentLength: 1000 }));
      assert.deepEqual([error.message, asked(error)], ['maxContentLength size of 1000 exceeded', ['bytes-5000']]);
      assert.equal(coolingIn(client.pool), 0);
    },
    async 'a redirect to another origin does not carry the credentials'() {
      await redirected(clientOf);
    },
    async 'credentials of one backend do not reach another, nor whoever reads the outcome'() {
      const first = { ...at('throttle-60000'), apiKey: 'first-secret' };
      const second = { ...at('status-400'), azureADTokenProvider: async () => 'second-secret' };
      const headers = { 'api-key': 'callers-secret' };
      const error = await rejection(clientOf([first, second]).post('/x', {}, { headers }));
      assert.doesNotMatch(JSON.stringify([error.toJSON(), error.response.config]), /first-secret|second-secret/);
      const own = { ...at('echo'), azureADTokenProvider: async () => 'own' };
      const { data } = await clientOf([first, own]).post('/x', {}, { headers });
      assert.deepEqual([data.headers['api-key'], data.headers.authorization], [undefined, 'Bearer own']);
    },
    async '`timeout` ends a body that trickles in'() {
      const started = performance.now();
      const error = await rejection(clientOf([at('trickle'), at('echo')]).get('/x', { timeout: 200 }));
      const took = performance.now() - started;
      assert.deepEqual([error.code, error.message], ['ECONNABORTED', 'timeout of 200ms exceeded']);
      assert.ok(took > 190 && took < 1000, `took ${took} ms`);
    },
    async '`timeout` is one budget for all attempts'() {
      const started = performance.now();
      const client = clientOf([at('hang'), { ...at('hang'), name: 'b' }, { ...at('hang'), name: 'c' }]);
      const error = await rejection(client.get('/x', { timeout: 300, failover: { attemptTimeout: 120 } }));
      const took = performance.now() - started;
      assert.deepEqual([error.code, asked(error)], ['ECONNABORTED', ['hang', 'b', 'c']]);
      assert.ok(took > 290 && took < 1000, `took ${took} ms`);
    },
    async '`attemptTimeout` moves on, also for a POST'() {
      const client = clientOf([at('hang'), at('echo')], { attemptTimeout: 100 });
      assert.deepEqual(asked(await client.post('/x', {})), ['hang', 'echo']);
    },
    async 'a signal cancels at once, and nobody is blamed'() {
      for (const behaviour of ['hang', 'trickle']) {
        const client = clientOf([at(behaviour), at('echo')]);
        const abort = new AbortController();
        setTimeout(() => abort.abort(), 100);
        const error = await rejection(client.get('/x', { signal: abort.signal }));
        assert.ok(axios.isCancel(error), String(error));
        assert.equal(coolingIn(client.pool), 0);
      }
    },
    async 'a cancelToken cancels while the request waits for a backend'() {
      const client = clientOf([at('throttle-60000')], { maxWait: 120_000 });
      const source = axios.CancelToken.source();
      setTimeout(() => source.cancel('enough'), 100);
      const error = await rejection(client.get('/x', { cancelToken: source.token }));
      assert.ok(axios.isCancel(error), String(error));
      assert.equal(error.message, 'enough');
    },
    async 'a form of the form-data package is sent whole to the second backend'() {
      const form = new FormData();
      form.append('note', 'kept');
      form.append('file', Readable.from(['a'.repeat(100_000)]), { filename: 'a.txt', knownLength: 100_000 });
      const { data } = await clientOf([at('throttle-60000'), at('echo')]).post('/x', form);
      assert.equal(data.headers['content-type'], `multipart/form-data; boundary=${form.getBoundary()}`);
      assert.ok(data.body.includes('kept') && data.body.includes('a'.repeat(100_000)));
      assert.ok(data.body.endsWith(`--${form.getBoundary()}--\r\n`));
    },
    async 'a Readable is sent whole to the second backend'() {
      const client = clientOf([at('throttle-60000'), nobody, at('echo')]);
      const { data } = await client.post('/x', Readable.from(['b'.repeat(70_000), 'c'.repeat(70_000)]));
      assert.equal(data.bytes, 140_000);
    },
    async 'fifty failovers with streams hold no socket'() {
      // One origin and one socket: a discarded 429 that is still held leaves none for the next attempt.
      const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
      const client = clientOf(
        [at('endless'), at('echo')],
        { cooldown: () => 0 },
        { httpAgent, responseType: 'stream' },
      );
      for (let n = 0; n < 50; n += 1) {
        const response = await client.post('/x', { n });
        assert.equal(JSON.parse(await text(response.data)).body, `{"n":${n}}`);
        assert.deepEqual(asked(response), ['endless', 'echo']);
      }
      httpAgent.destroy();
    },
    async 'a signal breaks a stream off while it is read'() {
      const client = clientOf([at('trickle'), at('echo')]);
      const abort = new AbortController();
      const { data } = await client.get('/x', { responseType: 'stream', signal: abort.signal });
      setTimeout(() => abort.abort(), 50);
      assert.ok(axios.isCancel(await text(data).catch((error) => error)));
    },
    async 'a fabricated 429 rejects as a real one would'() {
      const config = { data: {}, method: 'post', url: '/x', timeout: 5000 };
      const error = await rejection(clientOf([at('throttle-60000')]).request(config));
      assert.ok(error instanceof axios.AxiosError);
      const { code, response } = error;
      assert.deepEqual([code, response.status, response.fabricated], ['ERR_BAD_REQUEST', 429, true]);
      assert.deepEqual([response.headers['retry-after'], response.data.error.code], ['60', '429']);
      assert.equal(lib.parseRetryAfter(response), Number(response.headers['retry-after-ms']));
    },
    async 'a fabricated 429 is settled by validateStatus, in the form asked for'() {
      const client = clientOf([at('throttle-60000')], {}, { validateStatus: () => true });
      const of = async (responseType) => (await client.get('/x', { responseType })).data;
      assert.equal((await of('json')).error.type, 'no_backend_available');
      assert.equal(JSON.parse(await of('arraybuffer')).error.code, '429');
      assert.equal(JSON.parse(await text(await of('stream'))).error.code, '429');
    },
    async 'the caller’s config can be sent again'() {
      const client = clientOf([{ ...at('status-400'), apiKey: 'k' }], {}, { baseURL: 'https://callers.example/base' });
      const error = await rejection(client.post('/x', { n: 1 }));
      assert.deepEqual([error.config.baseURL, error.config.url], ['https://callers.example/base', '/x']);
      client.pool.update([at('echo')]);
      const { data } = await client.request(error.config);
      assert.deepEqual([data.url, data.body, data.headers['api-key']], ['/echo/base/x', '{"n":1}', undefined]);
    },
    async 'attachPriorityAdapter attaches to an instance and detaches'() {
      const instance = axios.create({ baseURL: `${origin}/bytes-3` });
      const { detach } = attachPriorityAdapter(instance, [at('throttle-60000'), { ...at('echo'), priority: 2 }]);
      const response = await instance.get('/x');
      assert.deepEqual([response.data.url, asked(response)], ['/echo/bytes-3/x', ['throttle-60000', 'echo']]);
      detach();
      assert.equal((await instance.get('/x')).data, 'xxx');
    },
  };

  const withFetch = {
    async 'fetch: a 429 and a refused connection move on, also for a POST'() {
      const response = await fetching([at('throttle-60000'), nobody, at('echo')]).post('/x', { n: 1 });
      assert.deepEqual([response.data.body, asked(response)], ['{"n":1}', ['throttle-60000', 'refused', 'echo']]);
    },
    async 'fetch: a truncated 200 moves on for a GET and is an error for a POST'() {
      assert.deepEqual(asked(await fetching([at('cut'), at('echo')]).get('/x')), ['cut', 'echo']);
      const error = await rejection(fetching([at('cut'), at('echo')]).post('/x', {}));
      assert.deepEqual(asked(error), ['cut']);
    },
    async 'fetch: a redirect to another origin does not carry the credentials'() {
      await redirected(fetching);
    },
    async 'fetch: a signal and `timeout` end a body that trickles in'() {
      const client = fetching([at('trickle'), at('echo')]);
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 100);
      assert.ok(axios.isCancel(await rejection(client.get('/x', { signal: abort.signal }))));
      assert.equal((await rejection(client.get('/x', { timeout: 150 }))).code, 'ECONNABORTED');
    },
    async 'fetch: streams, real and fabricated, are web streams'() {
      const config = { responseType: 'stream', validateStatus: () => true };
      const real = await fetching([at('throttle-60000'), at('echo')]).get('/x', config);
      assert.equal(JSON.parse(await text(real.data)).url, '/echo/x');
      const fabricated = await fetching([at('throttle-60000')]).get('/x', config);
      assert.ok(fabricated.data instanceof ReadableStream);
      assert.equal(JSON.parse(await text(fabricated.data)).error.code, '429');
    },
    async 'fetch: a ReadableStream is sent whole to the second backend'() {
      const body = new Blob(['d'.repeat(100_000)]).stream();
      const { data } = await fetching([at('throttle-60000'), at('echo')]).post('/x', body);
      assert.equal(data.bytes, 100_000);
    },
  };
  function fetching(backends) {
    return clientOf(backends, { adapter: 'fetch' });
  }
  async function redirected(makeClient) {
    for (const [status, method] of [
      [302, 'get'],
      [307, 'post'],
    ]) {
      const client = makeClient([
        { ...at(`redirect-${status}`), apiKey: 'secret-key', headers: { 'x-team': 'secret-team' } },
      ]);
      const data = method === 'post' ? { n: 1 } : undefined;
      const send = async (to) => (await client.request({ method, url: '/x', params: { to }, data })).data;
      const elsewhere = await send(`${other}/echo`);
      assert.deepEqual([elsewhere.method, elsewhere.body], [method.toUpperCase(), data ? '{"n":1}' : '']);
      assert.doesNotMatch(JSON.stringify(elsewhere), /secret/);
      assert.equal((await send(`${origin}/echo`)).headers['api-key'], 'secret-key');
    }
  }
  return hasFetch(axios) ? { ...checks, ...withFetch } : checks;
}

/** axios has a fetch adapter since 1.7. */
function hasFetch(axios) {
  const [, minor] = axios.VERSION.split('.').map(Number);
  return minor >= 7;
}
