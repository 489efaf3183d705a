import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { codeOf } from '../../src/base/errors';
import { AbortReason } from '../../src/failover/abort';
import { failover } from '../../src/failover/failover';
import type { Exchange, HttpClient, HttpRequest, Target } from '../../src/failover/http-client';
import { resolveRules } from '../../src/failover/options';
import type { FailoverOptions } from '../../src/failover/options';
import type { HttpResponse, RequestConfig } from '../../src/http/messages';
import { BackendPool } from '../../src/pool/pool';
import { coreOf } from '../../src/pool/pool-core';
import type { BackendOptions } from '../../src/pool/backend-options';
import type { Attempt } from '../../src/pool/events';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, neverReply, startBackends, throttle } from '../support/fake-backend';

jest.mock('axios', () => {
  throw new Error('nothing up to the failover may need axios');
});

closeBackendsAfterEach();

interface TinyResponse extends HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly data: string;
  readonly attempts?: readonly Attempt[];
}

/** A client over Node's `http` alone: enough to send a path and a text. */
const tiny: HttpClient<HttpRequest, TinyResponse> = {
  send: ({ config }, { backend, credentials, body }: Target, { abort }: Exchange) =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(
        backend.baseURL + String(config.url),
        { method: config.method ?? 'GET', headers: Object.fromEntries(credentials) as Record<string, string> },
        (response) => {
          let data = '';
          response.on('data', (chunk: Buffer) => (data += chunk.toString()));
          response.on('error', reject);
          response.on('end', () => {
            const { statusCode: status = 0, statusMessage: statusText = '', headers } = response;
            resolve({ status, statusText, headers, data, config });
          });
        },
      );
      sent.on('error', reject);
      abort?.addEventListener('abort', () => sent.destroy());
      sent.end(body.data);
    }),
  discard: () => undefined,
  fabricate: ({ config }, { text, ...head }) => ({ ...head, data: text, config }),
  settle: (_, response, attempts) => ({ ...response, attempts }),
  translate: (_, error) => (error instanceof AbortReason ? new Error(`tiny: ${error.why}`) : error),
  abortReason: (_, { why }) => why,
  errorFor: (request, error, attempts) => Object.assign(tiny.translate(request, error) as object, { attempts }),
};

function send(
  pool: BackendPool,
  config: RequestConfig,
  options: FailoverOptions = {},
  own: Partial<HttpRequest> = {},
): Promise<TinyResponse> {
  const rules = resolveRules(options, {});
  const body = config.data as unknown;
  const request = { config, body, deployment: undefined, timeout: 0, streamed: false, obeysCancel: false, ...own };
  return failover(tiny, request, coreOf(pool), rules);
}

async function pair(own: Partial<BackendOptions> = {}): Promise<[FakeBackend, FakeBackend, BackendPool]> {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  const pool = new BackendPool([
    { baseURL: first.url, name: 'first', apiKey: 'key-1', ...own },
    { baseURL: second.url, name: 'second', priority: 2 },
  ]);
  return [first, second, pool];
}

const statuses = ({ attempts = [] }: { attempts?: readonly Attempt[] }) =>
  attempts.map(({ backend, status, code }) => [backend, status ?? code]);

describe('a client that is not axios', () => {
  test('fails over from a 429, and its backend is on cooldown in the pool', async () => {
    const [first, second, pool] = await pair();
    first.always(throttle(60_000));
    const response = await send(pool, { url: '/x', method: 'POST', data: 'prompt' });
    expect(response.status).toBe(200);
    expect(statuses(response)).toStrictEqual([
      ['first', 429],
      ['second', 200],
    ]);
    expect(first.lastCall.headers['api-key']).toBe('key-1');
    expect(second.lastCall).toMatchObject({ method: 'POST', url: '/x' });
    expect(second.lastCall.headers).not.toHaveProperty('api-key');
    expect(second.lastCall.body.toString()).toBe('prompt');
    expect(statuses(await send(pool, { url: '/x' }))).toStrictEqual([['second', 200]]);
  });

  test('fails over from a refused connection, and gets its own 429 when no backend is left', async () => {
    const [first, second, pool] = await pair();
    await Promise.all([first.close(), second.close()]);
    const response = await send(pool, { url: '/x', method: 'POST' });
    expect(response).toMatchObject({
      status: 429,
      data: expect.stringContaining('No backend is available: 2 ECONNREFUSED. Retry after') as string,
    });
    expect(statuses(response)).toStrictEqual([
      ['first', 'ECONNREFUSED'],
      ['second', 'ECONNREFUSED'],
    ]);
  });

  test('waits, and calls a provider again for the next attempt', async () => {
    let asked = 0;
    const [first, second, pool] = await pair({ apiKey: () => `key-${String(++asked)}` });
    first.script(throttle(30));
    second.always(throttle(60_000));
    const response = await send(pool, { url: '/x' }, { maxWait: 1000 });
    expect(statuses(response)).toStrictEqual([
      ['first', 429],
      ['second', 429],
      ['first', 200],
    ]);
    expect(first.calls.map(({ headers }) => headers['api-key'])).toStrictEqual(['key-1', 'key-2']);
  });

  test('ends an attempt on a timeout or a cancel with an error of its own', async () => {
    const [first, second, pool] = await pair();
    first.always(neverReply);
    expect(statuses(await send(pool, { url: '/x' }, { attemptTimeout: 30 }))).toStrictEqual([
      ['first', undefined],
      ['second', 200],
    ]);
    second.always(neverReply);
    await expect(send(pool, { url: '/x' }, {}, { timeout: 30 })).rejects.toThrow('tiny: timeout');
    const caller = new AbortController();
    second.always(() => caller.abort());
    pool.restore('second');
    await expect(send(pool, { url: '/x', signal: caller.signal })).rejects.toThrow('tiny: cancelled');
    expect(pool.backends.map(({ pending }) => pending)).toStrictEqual([0, 0]);
  });

  test('gets the error of a POST that may have arrived', async () => {
    const [first, , pool] = await pair();
    first.always((request) => void request.socket.destroy());
    const error: unknown = await send(pool, { url: '/x', method: 'POST' }).catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe('ECONNRESET');
    expect(statuses(error as { attempts: readonly Attempt[] })).toStrictEqual([['first', 'ECONNRESET']]);
  });
});
