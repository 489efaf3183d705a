import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import axios from 'axios';
import type { AxiosAdapter, AxiosError, AxiosResponse } from 'axios';
import { BackendPool, priorityAdapter } from '../../src';
import type { Failure } from '../../src';
import { show } from '../../src/base/check';
import { closeBackendsAfterEach, neverReply, rejectionOf, startBackends } from '../support/fake-backend';
import { eventLoopTurn, stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

describe('the config of the caller', () => {
  test('comes back unchanged in responses and errors, so that a plugin can send it again', async () => {
    const { adapter, replies, configs } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } });
    replies.a = 429;
    const response = await axios.get('/x', { adapter, baseURL: 'https://caller.example/base', headers: { own: '1' } });
    expect(response.config).toMatchObject({ baseURL: 'https://caller.example/base', url: '/x', adapter });
    expect(response.config.headers.toJSON()).toMatchObject({ own: '1' });
    expect(response.config.validateStatus).toBe(axios.defaults.validateStatus);
    expect(response.config.headers.toJSON()).not.toHaveProperty('api-key');
    expect(configs).toHaveLength(2);

    replies.b = 400;
    const error = await rejectionOf(axios.get('/x', { adapter, baseURL: 'https://caller.example/base' }));
    expect(error).toMatchObject({ config: { baseURL: 'https://caller.example/base', url: '/x' } });
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is what a failover condition sees, not the config of the attempt', async () => {
    const seen: unknown[] = [];
    const failoverCondition = (failure: Failure) => {
      seen.push(failure.config, failure.response?.config);
      return true;
    };
    const { request, replies } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } }, { failoverCondition });
    replies.a = 503;
    const { config } = await request();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(config);
    expect(seen[1]).toBe(config);
  });

  test('replaces that of the attempt in an error that holds a response', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = (config) => {
      const response = { status: 200, statusText: '', headers: {}, data: 'half', config };
      return new axios.AxiosError('aborted', 'ECONNRESET', config, undefined, response);
    };
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(JSON.stringify(error.config)).not.toContain('secret-a');
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });
});

describe('a response of the wrapped adapter', () => {
  class Reply {
    readonly headers = { 'retry-after-ms': '50' };
    readonly data = '{"n":1}';
    readonly #status: number;
    constructor(status: number) {
      this.#status = status;
    }
    get status(): number {
      return this.#status;
    }
  }

  class WithConfig extends Reply {
    // eslint-disable-next-line @typescript-eslint/class-literal-property-style -- not a field
    get config(): unknown {
      return 'its own';
    }
  }

  test.each<[string, (status: number) => object]>([
    ['an object of a class with getters', (status) => new Reply(status)],
    ['a frozen object of a class', (status) => Object.freeze(new Reply(status))],
    ['an object whose config is a getter', (status) => new WithConfig(status)],
  ])('may be %s', async (_, reply) => {
    const { pool } = stubPool({ a: {}, b: { priority: 2 } });
    const statuses = [429, 200];
    const wrapped: AxiosAdapter = () => Promise.resolve(reply(statuses.shift()!) as AxiosResponse);
    const response = await axios.get<{ n: number }>('/x', { adapter: priorityAdapter(pool, { adapter: wrapped }) });
    expect(response).toMatchObject({ status: 200, data: { n: 1 }, config: { url: '/x' } });
    expect(response.attempts?.map(({ status }) => status)).toStrictEqual([429, 200]);
  });
});

test('a response keeps its class', async () => {
  class Reply {
    readonly status = 200;
    readonly data = 'text';
    readonly headers = {};
    isCached(): boolean {
      return this.status === 200;
    }
  }
  const { pool } = stubPool({ a: {} });
  const wrapped: AxiosAdapter = () => Promise.resolve(new Reply() as unknown as AxiosResponse);
  const response = await axios.get('/x', { adapter: priorityAdapter(pool, { adapter: wrapped }) });
  expect(response).toBeInstanceOf(Reply);
  expect((response as unknown as Reply).isCached()).toBe(true);
});

test.each([undefined, null, 'text'])(
  '%s from the wrapped adapter is an error that says so, and blames no backend',
  async (given) => {
    const { pool } = stubPool({ a: {} });
    const wrapped: AxiosAdapter = () => Promise.resolve(given as unknown as AxiosResponse);
    const error = await rejectionOf(axios.get('/x', { adapter: priorityAdapter(pool, { adapter: wrapped }) }));
    expect(error.message).toBe(`the wrapped adapter must resolve to a response, got ${show(given)}`);
    expect(pool.backends).toMatchObject([{ failures: 0, pending: 0 }]);
  },
);

test('a refusal in an error whose response is frozen fails over', async () => {
  const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } });
  replies.a = (config) => {
    const refusal = { status: 429, statusText: '', headers: { 'retry-after': '7' }, data: 'later', config };
    return new axios.AxiosError('429', 'ERR_BAD_REQUEST', config, undefined, Object.freeze(refusal));
  };
  const { attempts } = await axios.get('/x', { adapter });
  expect(attempts).toMatchObject([{ status: 429, reason: 'throttled', cooldown: 7_000 }, { status: 200 }]);
  adapter.pool.restore('a');
  const error = await rejectionOf(axios.get('/x', { adapter, failover: false }));
  expect(error.response).toMatchObject({ status: 429, data: 'later', config: { url: '/x' } });
  expect(JSON.stringify(error.response)).not.toContain('secret-a');
});

test('an error without a response may say so with null', async () => {
  const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } });
  replies.a = (config) =>
    Object.assign(new axios.AxiosError('connect ECONNREFUSED', 'ECONNREFUSED', config), { response: null });
  const { attempts } = await axios.get('/x', { adapter });
  expect(attempts).toMatchObject([{ code: 'ECONNREFUSED', reason: 'connection' }, { status: 200 }]);
});

test('a response is a copy, with what the wrapped adapter has added to it', async () => {
  const mark = Symbol('mark');
  const added = { elapsed: 7, [mark]: 'mark', ['__proto__']: 'own' };
  const request = { method: 'GET', path: '/x', headers: { 'api-key': 'secret-a' } };
  const given = Object.defineProperty(
    { status: 200, statusText: 'OK', headers: {}, data: 'text', config: {}, request, ...added },
    'hidden',
    { value: 'hidden' },
  );
  const wrapped: AxiosAdapter = () => Promise.resolve(Object.freeze(given) as unknown as AxiosResponse);
  const { pool } = stubPool({ a: {} });
  const response = await priorityAdapter(pool, { adapter: wrapped })({
    url: '/x',
    headers: new axios.AxiosHeaders(),
  } as never);
  expect(response).not.toBe(given);
  expect(Object.getPrototypeOf(response)).toBe(Object.prototype);
  expect(Object.keys(response)).toStrictEqual([
    'status',
    'statusText',
    'headers',
    'config',
    'data',
    'elapsed',
    '__proto__',
    'attempts',
  ]);
  expect(response).toMatchObject({ elapsed: 7, [mark]: 'mark', hidden: 'hidden', request });
  expect(JSON.stringify(response)).not.toContain('secret-a');
});

describe('an error that belongs to another request keeps its own config', () => {
  const otherError = (code = 'ERR_BAD_RESPONSE') => {
    const config = { url: '/first', headers: new axios.AxiosHeaders() };
    return new axios.AxiosError('the first failed', code, config);
  };

  test('if it is the reason of the signal with which this one is cancelled', async () => {
    const controller = new AbortController();
    const wrapped: AxiosAdapter = ({ signal }) =>
      new Promise((_, reject) => {
        signal!.addEventListener!('abort', () => reject(controller.signal.reason as Error));
      });
    const { adapter } = stubPool({ a: { apiKey: 'secret-a' } });
    const client = axios.create({ adapter: priorityAdapter(adapter.pool, { adapter: wrapped }) });
    const cancelled = rejectionOf(client.get('/sibling', { signal: controller.signal }));
    await eventLoopTurn();
    const first = otherError();
    controller.abort(first);
    expect(await cancelled).toMatchObject({ code: 'ERR_CANCELED', config: { url: '/sibling' } });
    await eventLoopTurn();
    expect(first).toMatchObject({ message: 'the first failed', config: { url: '/first' } });
    expect(first).not.toHaveProperty('attempts');
  });

  test('if it is the reason of a signal that the wrapped adapter has already seen', async () => {
    const first = otherError();
    const controller = new AbortController();
    const { adapter } = stubPool({ a: {} });
    const wrapped: AxiosAdapter = () => {
      controller.abort(first);
      return Promise.reject(first);
    };
    const client = axios.create({ adapter: priorityAdapter(adapter.pool, { adapter: wrapped }) });
    const error = await rejectionOf(client.get('/sibling', { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ERR_CANCELED', config: { url: '/sibling' } });
    expect(first.config).toMatchObject({ url: '/first' });
  });

  test('if it is the error of the body, or the cause of an error of this one', async () => {
    const [backend] = await startBackends(1);
    backend!.always(neverReply);
    const broke = otherError('ECONNRESET');
    const body = new PassThrough();
    body.write('the beginning');
    const pool = new BackendPool([{ baseURL: backend!.url, apiKey: 'secret-a' }]);
    const sending = rejectionOf(axios.post('/upload', body, { adapter: priorityAdapter(pool) }));
    await once(body, 'resume');
    body.destroy(broke);
    expect(JSON.stringify(await sending)).not.toContain('secret-a');
    expect(broke.config).toMatchObject({ url: '/first' });

    const lookup = otherError('ENOTFOUND');
    const wrapped: AxiosAdapter = (config) =>
      Promise.reject(Object.assign(new axios.AxiosError('no address', 'ENOTFOUND', config), { cause: lookup }));
    const error = await rejectionOf(
      axios.get('/x', { adapter: priorityAdapter(pool, { adapter: wrapped }), failover: false }),
    );
    expect(error).toMatchObject({ config: { url: '/x' } });
    expect(lookup.config).toMatchObject({ url: '/first' });
  });

  test('but the config of an attempt is replaced wherever an error holds it', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = (config) => {
      const cause = new axios.AxiosError('inner', 'ECONNRESET', { ...config });
      return Object.assign(new axios.AxiosError('outer', 'ECONNRESET', config), { cause });
    };
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(error).toMatchObject({ config: { url: '/x' } });
    expect(inspect(error, { depth: 9 })).not.toContain('secret-a');
    expect(error.cause).toMatchObject({ config: { url: '/x' } });
  });

  test.each<[string, (inner: AxiosAdapter) => AxiosAdapter]>([
    [
      'a response in an error without a config',
      (inner) => async (config) => {
        const response = await inner(config);
        throw new Error('outer', { cause: Object.assign(new Error('inner'), { response }) });
      },
    ],
    [
      'an error of a client of its own',
      (inner) => async (config) => {
        try {
          return await axios.create().request({ ...config, adapter: inner, validateStatus: (status) => status < 300 });
        } catch (error) {
          throw new Error('wrapped', { cause: error });
        }
      },
    ],
  ])('also where a wrapped adapter has %s', async (_, wrap) => {
    for (const apiKey of ['secret-a', undefined]) {
      const [backend] = await startBackends(1);
      backend!.always({ status: 400 });
      const inner = axios.getAdapter('http');
      const adapter = priorityAdapter([{ baseURL: backend!.url, ...(apiKey !== undefined && { apiKey }) }], {
        adapter: wrap(inner),
      });
      const error = await rejectionOf(axios.get('/x', { adapter, baseURL: 'https://caller.example' }));
      const { config, response } = error.cause as AxiosError;
      expect(response?.config).toMatchObject({ url: '/x', baseURL: 'https://caller.example' });
      if (config !== undefined) expect(config).toBe(response?.config);
      expect(inspect(error, { depth: 9, showHidden: false })).not.toContain('secret-a');
    }
  });

  test('and one that holds a key is removed', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = (config) => {
      const cause = new axios.AxiosError('inner', 'ECONNRESET', {
        ...config,
        validateStatus: null,
        baseURL: '/',
        url: '/',
      });
      return Object.assign(new axios.AxiosError('outer', 'ECONNRESET', config), { cause });
    };
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(inspect(error, { depth: 9 })).not.toContain('secret-a');
    expect((error.cause as AxiosError).config).toBeUndefined();
  });
});

test('an error whose class has a getter named attempts goes to the caller as it is', async () => {
  class RetryError extends Error {
    // eslint-disable-next-line @typescript-eslint/class-literal-property-style -- not a field
    get attempts(): number {
      return 3;
    }
  }
  const { adapter, replies } = stubPool({ a: {} });
  replies.a = new RetryError('what went wrong');
  const error = await rejectionOf(axios.get('/x', { adapter }));
  expect(error).toMatchObject({ message: 'what went wrong', attempts: [{ backend: 'a' }] });
});
