/** Refusals inside a streamed 200, and the bodies of refused streams, over each client and in each form of a body. */
import { createHash, randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createBrotliCompress, createGzip, gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { BackendPool, attemptsOf, defaultFailoverCondition, isContextLengthExceeded, priorityAdapter } from '../../src';
import type { Failure, PoolEvent } from '../../src';
import type { FailoverOptions, RequestFailover } from '../../src/failover/options';
import { priorityFetch } from '../../src/fetch';
import { FakeBackend, closeBackendsAfterEach, neverReply, rejectionOf, startBackends } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { eventLoopTurn } from '../support/stub-pool';
import { textOf } from '../support/text-of';

closeBackendsAfterEach();

interface Answer {
  readonly status: number;
  /** As the client gives it. */
  readonly body: unknown;
  readonly source: object;
}

interface Call {
  readonly failover?: false | RequestFailover;
  readonly signal?: AbortSignal;
  readonly method?: string;
}

interface Client {
  readonly name: string;
  readonly streams: boolean;
  readonly send: (pool: BackendPool, options?: FailoverOptions, call?: Call) => Promise<Answer>;
}

function axiosClient(name: string, config: AxiosRequestConfig): Client {
  return {
    name,
    streams: config.responseType === 'stream',
    async send(pool, options, call) {
      const adapter = priorityAdapter(pool, { ...options, adapter: config.adapter as string });
      const data = call?.method === 'GET' ? undefined : { stream: true };
      const all = { method: 'POST', data, validateStatus: () => true, ...config, ...call, adapter };
      const response = await axios.request<unknown>({ url: '/x', ...all });
      return { status: response.status, body: response.data, source: response };
    },
  };
}

const CLIENTS: Client[] = [
  ...(['http', 'fetch'] as const).flatMap((adapter) =>
    (['stream', 'text', 'arraybuffer', 'blob'] as const).map((responseType) =>
      axiosClient(`axios over ${adapter}, ${responseType}`, { adapter, responseType }),
    ),
  ),
  {
    name: 'priorityFetch',
    streams: true,
    async send(pool, options, { method = 'POST', ...call } = {}) {
      const body = method === 'POST' ? '{"stream":true}' : null;
      const response = await priorityFetch(pool, options)('https://pool.invalid/x', { method, body, ...call });
      return { status: response.status, body: response.body, source: response };
    },
  },
];
const STREAMING = CLIENTS.filter(({ streams }) => streams);

const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const CONTENT = event({ choices: [{ delta: { content: 'Hé😀' } }] });
const DONE = event('[DONE]');
const created = event({ type: 'response.created', response: {} });
const refusal = event({
  type: 'error',
  error: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'm' },
});

/** A streamed 200 of these parts. */
const stream = (parts: readonly (string | Buffer)[], headers: Record<string, string> = {}): Reply => {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    for (const part of parts) response.write(part);
    response.end();
  };
};

async function pools(first: Reply, second: Reply = stream([CONTENT, DONE])) {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always(first);
  b.always(second);
  const pool = new BackendPool([
    { baseURL: a.url, name: 'a' },
    { baseURL: b.url, name: 'b', priority: 2 },
  ]);
  return { a, b, pool };
}

const tried = ({ source }: Pick<Answer, 'source'>) =>
  attemptsOf(source).map(({ backend, status, code }) => [backend, status, code]);
const cooldownOf = (pool: BackendPool, name: string) =>
  pool.snapshot().find((each) => each.name === name)?.cooldowns[0]?.remaining ?? 0;

describe.each(CLIENTS.map((client) => [client.name, client] as const))('%s:', (_name, { send }) => {
  test('a refusal inside a 200 fails over, and the backend stays out for its wait', async () => {
    const { b, pool } = await pools(stream([created, refusal], { 'retry-after-ms': '30000' }));
    const events: PoolEvent[] = [];
    pool.subscribe((each) => events.push(each));
    let failure: Failure | undefined;
    const answer = await send(pool, {
      failoverCondition: (each) => defaultFailoverCondition((failure = each)),
    });
    expect([answer.status, await textOf(answer.body)]).toStrictEqual([200, CONTENT + DONE]);
    expect(tried(answer)).toStrictEqual([
      ['a', 429, 'rate_limit_exceeded'],
      ['b', 200, undefined],
    ]);
    expect(failure).toMatchObject({
      reason: 'throttled',
      status: 429,
      errorCode: 'rate_limit_exceeded',
      streamError: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'm' },
      response: { status: 200 },
      attemptTimedOut: false,
    });
    expect(cooldownOf(pool, 'a')).toBeGreaterThan(29_000);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'attempt', backend: 'a', status: 429, code: 'rate_limit_exceeded' }),
    );
    expect(b.calls).toHaveLength(1);
  });

  test.each([
    { message: 'Rate limit reached. Please retry after 20 seconds.' },
    { type: 'server_error', message: 'The server had an error. Please try again in 20s.' },
  ])('the wait is also read from the message of the event: %j', async (error) => {
    const { pool } = await pools(stream([event({ error })]));
    expect((await send(pool)).status).toBe(200);
    const remaining = cooldownOf(pool, 'a');
    expect(remaining).toBeGreaterThan(18_000);
    expect(remaining).toBeLessThanOrEqual(20_000);
  });

  test('a refusal that stands for a 5xx fails over', async () => {
    const { pool } = await pools(stream([event({ error: { code: 'server_is_overloaded' } })]));
    expect(tried(await send(pool))[0]).toStrictEqual(['a', 503, 'server_is_overloaded']);
  });

  test('the caller gets the fabricated 429 when no backend is left', async () => {
    const { pool } = await pools(stream([refusal]), stream([refusal]));
    const answer = await send(pool);
    expect([answer.status, (answer.source as { fabricated?: boolean }).fabricated]).toStrictEqual([429, true]);
    expect(JSON.parse(await textOf(answer.body))).toMatchObject({ error: { type: 'no_backend_available' } });
  });

  test('a compressed stream is inspected too', async () => {
    const { pool } = await pools(
      stream([gzipSync(created + refusal)], { 'content-encoding': 'gzip' }),
      stream([gzipSync(CONTENT)], { 'content-encoding': 'gzip' }),
    );
    const answer = await send(pool);
    expect(await textOf(answer.body)).toBe(CONTENT);
    expect(tried(answer)).toHaveLength(2);
  });

  test.each<[title: string, body: string]>([
    ['content first', CONTENT + refusal],
    ['a content filter', event({ error: { code: 'content_filter' } })],
    ['no meaningful event', `: comment\n\n${created}`],
    ['nothing', ''],
    ['no events', 'plain text'],
  ])('a stream with %s is returned byte for byte', async (_title, body) => {
    const { pool } = await pools(stream([body]));
    const answer = await send(pool);
    expect(await textOf(answer.body)).toBe(body);
    expect(tried(answer)).toStrictEqual([['a', 200, undefined]]);
  });

  test('failover: false returns the refusal as it came, and the backend goes on cooldown', async () => {
    const { b, pool } = await pools(stream([created, refusal]));
    const answer = await send(pool, {}, { failover: false });
    expect([answer.status, await textOf(answer.body)]).toStrictEqual([200, created + refusal]);
    expect(cooldownOf(pool, 'a')).toBeGreaterThan(0);
    expect(b.calls).toHaveLength(0);
  });

  test('a condition that returns false gets the refusal as it came', async () => {
    const { pool } = await pools(stream([created, refusal]));
    const answer = await send(pool, { failoverCondition: () => false });
    expect(await textOf(answer.body)).toBe(created + refusal);
  });

  test.each<[FailoverOptions, Call]>([
    [{ inspectStreams: false }, {}],
    [{}, { failover: { inspectStreams: false } }],
  ])('with %j and %j streams are not inspected', async (options, call) => {
    const { pool } = await pools(stream([created, refusal]));
    const answer = await send(pool, options, call);
    expect(await textOf(answer.body)).toBe(created + refusal);
    expect([tried(answer), cooldownOf(pool, 'a')]).toStrictEqual([[['a', 200, undefined]], 0]);
  });

  test('failover.inspectStreams of a request turns the inspection on', async () => {
    const { pool } = await pools(stream([refusal]));
    const answer = await send(pool, { inspectStreams: false }, { failover: { inspectStreams: true } });
    expect(tried(answer)).toHaveLength(2);
  });
});

/** Writes the head and the parts of a stream, and gives the response to write more. */
async function opened(...parts: string[]) {
  let resolve!: (response: ServerResponse) => void;
  const response = new Promise<ServerResponse>((r) => (resolve = r));
  const reply: Reply = (_request, opened) => {
    opened.writeHead(200, { 'content-type': 'text/event-stream' });
    opened.flushHeaders();
    for (const part of parts) opened.write(part);
    resolve(opened);
  };
  return { ...(await pools(reply)), response };
}

describe.each(STREAMING.map((client) => [client.name, client] as const))('%s, streamed:', (_name, { send }) => {
  test('a stream is held until its first content, and then passed on', async () => {
    const { pool, response } = await opened(created);
    let isHeld = true;
    const sent = send(pool).finally(() => (isHeld = false));
    const server = await response;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isHeld).toBe(true);
    server.write(CONTENT);
    const { body } = await sent;
    // Later parts are not waited for.
    server.end(DONE);
    expect(await textOf(body)).toBe(created + CONTENT + DONE);
  });

  test('a stream is released after 64 KiB', async () => {
    const comment = `:${'x'.repeat(65_536)}\n`;
    const { pool, response } = await opened(comment);
    const { body } = await send(pool);
    (await response).end(refusal);
    expect(await textOf(body)).toBe(comment + refusal);
  });

  test('a long stream arrives whole, in chunks of any size', async () => {
    const chunks = Array.from({ length: 200 }, (_, i) => randomBytes(1 + ((i * 997) % 40_000)));
    const { pool } = await pools(stream([CONTENT, ...chunks]));
    const { body } = await send(pool);
    const got = createHash('sha256');
    const expected = createHash('sha256').update(CONTENT);
    for (const chunk of chunks) expected.update(chunk);
    for await (const chunk of body as AsyncIterable<Uint8Array>) got.update(chunk);
    expect(got.digest('hex')).toBe(expected.digest('hex'));
  });

  test('attemptTimeout covers the hold: the request fails over, and the connection is freed', async () => {
    const { a, pool } = await opened(created);
    const answer = await send(pool, { attemptTimeout: 100 });
    expect(await textOf(answer.body)).toBe(CONTENT + DONE);
    expect(attemptsOf(answer.source)[0]).toMatchObject({ backend: 'a', reason: 'timeout' });
    await a.connectionsClosed();
  });

  test('attemptTimeout ends with the first content', async () => {
    const { pool, response } = await opened(CONTENT);
    const { body } = await send(pool, { attemptTimeout: 100 });
    setTimeout(() => void response.then((server) => server.end(DONE)), 200);
    expect(await textOf(body)).toBe(CONTENT + DONE);
  });

  test('a cancel ends the hold, puts no backend on cooldown and frees the connection', async () => {
    const { a, b, pool, response } = await opened(created);
    const controller = new AbortController();
    const sent = rejectionOf(send(pool, {}, { signal: controller.signal }));
    await response;
    controller.abort(new Error('enough'));
    const error = await sent;
    expect(axios.isCancel(error) || error === controller.signal.reason).toBe(true);
    await a.connectionsClosed();
    expect([cooldownOf(pool, 'a'), b.calls.length]).toStrictEqual([0, 0]);
  });

  test('a cancel after the hold ends the stream', async () => {
    const { a, pool } = await opened(CONTENT);
    const controller = new AbortController();
    const { body } = await send(pool, {}, { signal: controller.signal });
    const read = rejectionOf(textOf(body));
    controller.abort();
    expect((await read).name).toMatch(/^(?:AbortError|CanceledError)$/);
    await a.connectionsClosed();
  });

  test.each([
    ['POST', 0],
    ['GET', 1],
  ])('a %s whose connection is cut during the hold has %i more attempts', async (method, more) => {
    const { b, pool } = await pools((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(created, () => request.socket.destroy());
    });
    const source = await send(pool, {}, { method }).then(
      (answer) => answer.source,
      (error: unknown) => error,
    );
    const attempts = attemptsOf(source);
    expect(attempts[0]).toMatchObject({ backend: 'a', status: 200, reason: 'ambiguous' });
    expect(attempts).toHaveLength(1 + more);
    expect(b.calls).toHaveLength(more);
  });

  test.each([createGzip, createBrotliCompress])(
    'the first content of a compressed stream is passed on at once',
    async (zip) => {
      const name = zip === createGzip ? 'gzip' : 'br';
      const { pool } = await pools((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': name });
        const zipped = zip();
        zipped.pipe(response);
        zipped.write(CONTENT);
        zipped.flush();
      });
      const { body } = await send(pool);
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        expect(Buffer.from(chunk).toString()).toBe(CONTENT);
        break;
      }
    },
  );

  test('refusals in streams that never end hold no connections', async () => {
    const { a, pool } = await pools((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(refusal);
    });
    const { signal } = new AbortController();
    for (let n = 0; n < 10; n += 1) await textOf((await send(pool, { cooldown: () => 0 }, { signal })).body);
    await a.connectionsClosed();
  });

  describe('a refused stream', () => {
    const TOO_LONG = { error: { code: 'context_length_exceeded', message: 'too long' } };
    const inWords = { error: { code: '429', message: 'Please retry after 20 seconds.' } };

    test('may specify its wait in the error message', async () => {
      const { pool } = await pools({ status: 429, body: inWords });
      expect((await send(pool)).status).toBe(200);
      expect(cooldownOf(pool, 'a')).toBeGreaterThan(18_000);
    });

    test('has an errorCode', async () => {
      const { pool } = await pools({ status: 400, body: TOO_LONG });
      expect((await send(pool, { failoverCondition: isContextLengthExceeded })).status).toBe(200);
    });

    test.each([
      ['short', JSON.stringify(TOO_LONG)],
      ['empty', ''],
      ['of 300 kB', 'x'.repeat(300_000)],
    ])('that is %s is returned byte for byte', async (_title, text) => {
      const { pool } = await pools({ status: 400, headers: { 'content-type': 'application/json' }, body: text });
      const { status, body } = await send(pool);
      expect([status, await textOf(body)]).toStrictEqual([400, text]);
    });

    test('whose body never arrives is waited for at most a second', async () => {
      const { a, pool } = await pools((_request, response) => {
        response.writeHead(429, { 'retry-after-ms': '30000' });
        response.flushHeaders();
      });
      const began = performance.now();
      expect((await send(pool)).status).toBe(200);
      expect(performance.now() - began).toBeGreaterThan(990);
      expect(performance.now() - began).toBeLessThan(1500);
      expect(cooldownOf(pool, 'a')).toBeGreaterThan(20_000);
      await a.connectionsClosed();
    });

    test('whose body breaks off is classified by what was read', async () => {
      const { pool } = await pools((request, response) => {
        response.writeHead(429, { 'content-length': '10000' });
        response.write(JSON.stringify(inWords), () => request.socket.destroy());
      });
      expect((await send(pool)).status).toBe(200);
      expect(attemptsOf((await send(pool)).source)).toHaveLength(1);
    });

    test('whose body breaks off is returned to the caller, where it breaks off too', async () => {
      const { pool } = await pools((request, response) => {
        response.writeHead(400, { 'content-length': '10000' });
        response.write('half', () => request.socket.destroy());
      });
      const { body } = await send(pool);
      let got = '';
      const read = async () => {
        for await (const chunk of body as AsyncIterable<Uint8Array>) got += Buffer.from(chunk).toString();
      };
      expect(await rejectionOf(read())).toHaveProperty('message');
      expect(got).toBe('half');
    });

    test('is still a stream of the same kind', async () => {
      const { pool } = await pools({ status: 400, body: TOO_LONG });
      const { body } = await send(pool);
      const plain = await send(pool, { inspectStreams: false }, { failover: false });
      expect(Object.getPrototypeOf(body)).toBe(Object.getPrototypeOf(plain.body));
      expect(await textOf(body)).toBe(await textOf(plain.body));
    });
  });
});

test('over http, an inspected stream is the native one', async () => {
  const { pool } = await pools(stream([created, CONTENT]));
  const streams: unknown[] = [];
  const adapter = priorityAdapter(pool, {
    adapter: async (config) => {
      const response = await axios.getAdapter('http')(config);
      streams.push(response.data);
      return response;
    },
  });
  const { data } = await axios.post<Readable>('/x', {}, { adapter, responseType: 'stream' });
  expect(data).toBe(streams[0]);
  expect(await textOf(data)).toBe(created + CONTENT);
});

test('over fetch, an inspected response and its clones look like native ones', async () => {
  const { a, pool } = await pools(stream([created, CONTENT]));
  let native: Response | undefined;
  const fetch = priorityFetch(pool, { fetch: async (...args) => (native = await globalThis.fetch(...args)) });
  const response = await fetch('https://pool.invalid/x', { method: 'POST' });
  expect(Object.getPrototypeOf(response)).toBe(Object.getPrototypeOf(native));
  const clone = response.clone();
  for (const each of [response, clone, clone.clone()]) {
    expect(each).toMatchObject({ url: `${a.url}/x`, redirected: false, type: 'basic', ok: true, bodyUsed: false });
    expect([...each.headers]).toStrictEqual([...native!.headers]);
    expect(await each.text()).toBe(created + CONTENT);
  }
});

describe.each<[string, Reply]>([
  [
    'an inspected event stream',
    (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(CONTENT),
  ],
  ['a 4xx whose body was read in part', (_, response) => void response.writeHead(400).write('x'.repeat(100_000))],
])('over fetch, an abort after the head of %s', (_what, reply) => {
  test.each([
    [
      'priorityFetch',
      (pool: BackendPool, signal: AbortSignal) => priorityFetch(pool)('http://pool.invalid/x', { signal }),
    ],
    [
      'axios',
      async (pool: BackendPool, signal: AbortSignal) => {
        const adapter = priorityAdapter(pool, { adapter: 'fetch' });
        const config = { adapter, signal, responseType: 'stream', validateStatus: null } as const;
        const { data } = await axios.get<ReadableStream>('/x', config);
        return new Response(data);
      },
    ],
  ])('leaves no unhandled rejection: %s', async (_client, send) => {
    const backend = (await FakeBackend.start()).always(reply);
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const caller = new AbortController();
      const response = await send(new BackendPool([{ baseURL: backend.url }]), caller.signal);
      caller.abort(new Error('mine'));
      await backend.connectionsClosed();
      await eventLoopTurn();
      expect((await rejectionOf(response.text())).name).toMatch(/^(?:Error|CanceledError)$/);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});

test('over http, a stream that stays compressed is passed on unread', async () => {
  const zipped = gzipSync(refusal);
  const { pool } = await pools(stream([zipped], { 'content-encoding': 'gzip' }));
  const adapter = priorityAdapter(pool);
  const { data } = await axios.post<Readable>('/x', {}, { adapter, responseType: 'stream', decompress: false });
  expect(Buffer.concat((await data.toArray()) as Buffer[])).toStrictEqual(zipped);
});

test('the timeout of the caller covers the hold', async () => {
  const { a, pool } = await opened(created);
  const adapter = priorityAdapter(pool);
  const error = await rejectionOf(axios.post('/x', {}, { adapter, responseType: 'stream', timeout: 100 }));
  expect(error.code).toBe('ECONNABORTED');
  await a.connectionsClosed();
});

test('maxContentLength applies during the hold', async () => {
  const { b, pool } = await pools(stream([`:${'x'.repeat(2000)}\n`]));
  const adapter = priorityAdapter(pool);
  const config = { adapter, responseType: 'stream', maxContentLength: 100 } as const;
  const error = await rejectionOf(axios.post('/x', {}, config));
  expect(error.message).toContain('maxContentLength size of 100 exceeded');
  expect(b.calls).toHaveLength(0);
});

test('a mock may answer with a stream of texts, or of objects', async () => {
  const { pool } = await pools(neverReply);
  const objects = [{ no: 'bytes' }, { more: 1 }];
  const answers = [Readable.from([created, refusal]), Readable.from([CONTENT, DONE]), Readable.from(objects)];
  const adapter = priorityAdapter(pool, {
    adapter: (config) =>
      Promise.resolve({
        status: 200,
        statusText: 'OK',
        headers: { 'content-type': 'text/event-stream' },
        data: answers.shift(),
        config,
      }),
  });
  const ask = async () => (await axios.post<Readable>('/x', {}, { adapter, responseType: 'stream' })).data.toArray();
  expect(await ask()).toStrictEqual([CONTENT, DONE]);
  expect(await ask()).toStrictEqual(objects);
});

test('a Blob that has no stream, as in jsdom, is passed on unread', async () => {
  const { pool } = await pools(neverReply);
  const data = Object.defineProperty(new Blob([refusal]), 'stream', { value: undefined });
  const headers = { 'content-type': 'text/event-stream' };
  const adapter = priorityAdapter(pool, {
    adapter: (config) => Promise.resolve({ status: 200, statusText: 'OK', headers, data, config }),
  });
  expect((await axios.post('/x', {}, { adapter, responseType: 'blob' })).data).toBe(data);
});

test.each([1, 'yes', null])('inspectStreams: %j is refused', async (value) => {
  const options = { inspectStreams: value as never };
  expect(() => priorityAdapter([{ baseURL: 'https://a.example' }], options)).toThrow(
    `options.inspectStreams must be true or false, got ${JSON.stringify(value)}`,
  );
  const { pool } = await pools(stream([CONTENT]));
  const error = await rejectionOf(axios.post('/x', {}, { adapter: priorityAdapter(pool), failover: options }));
  expect(error.message).toContain('config.failover.inspectStreams must be true or false');
});

test.each([
  ['onDownloadProgress', { onDownloadProgress: () => undefined }],
  ['maxRate', { maxRate: 1e9 }],
])('over http, a first event of 300 kB arrives whole with %s', async (_option, config) => {
  const event = `data: ${'x'.repeat(300_000)}\n\n`;
  for (const reply of [stream([event]), { status: 400, body: event }]) {
    const { pool } = await pools(reply);
    const all = {
      adapter: priorityAdapter(pool),
      responseType: 'stream',
      validateStatus: () => true,
      ...config,
    } as const;
    expect(await textOf((await axios.post<Readable>('/x', {}, all)).data)).toBe(event);
  }
});

test.each([
  ['a 400', { status: 400 }],
  ['an event stream', stream([])],
])('over http, %s without a body still ends for its reader, and leaves no listener', async (_title, reply) => {
  const { pool } = await pools(reply);
  const { signal } = new AbortController();
  const remove = jest.spyOn(signal, 'removeEventListener');
  const config = {
    adapter: priorityAdapter(pool),
    responseType: 'stream',
    validateStatus: () => true,
    signal,
  } as const;
  const { data } = await axios.post<Readable>('/x', {}, config);
  await new Promise((resolve) => data.on('data', () => undefined).on('end', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(remove).toHaveBeenCalled();
});

test('over http, connections are reused after refusals that arrived whole', async () => {
  for (const reply of [stream([refusal]), { status: 429, body: { error: {} } }]) {
    const { a, pool } = await pools(reply);
    const httpAgent = new Agent({ keepAlive: true });
    const adapter = priorityAdapter(pool, { cooldown: () => 0 });
    for (let n = 0; n < 20; n += 1)
      await textOf((await axios.post<Readable>('/x', {}, { adapter, httpAgent, responseType: 'stream' })).data);
    expect(a.connections).toBe(1);
    httpAgent.destroy();
  }
});

test('a refusal that arrives as the timeout passes puts its backend on cooldown, and its connection is freed', async () => {
  const { a, pool } = await pools((_request, response) => {
    response.writeHead(429, { 'retry-after': '30' });
    // Node's event loop runs the timer before it reads what has arrived.
    response.write('half', () => {
      for (const until = performance.now() + 250; performance.now() < until;);
    });
  });
  const config = { adapter: priorityAdapter(pool), responseType: 'stream', timeout: 200 } as const;
  const error = await rejectionOf(axios.post('/x', {}, config));
  expect(error.code).toBe('ECONNABORTED');
  expect(attemptsOf(error)[0]).toMatchObject({ status: 429, cooldown: 30_000 });
  await a.connectionsClosed();
});

test('a 429 whose body comes too slowly is classified by its head, and time is left for the next backend', async () => {
  const { pool } = await pools((_request, response) => {
    response.writeHead(429, { 'retry-after': '30' });
    response.flushHeaders();
  });
  const config = { adapter: priorityAdapter(pool), responseType: 'stream', timeout: 1000 } as const;
  const response = await axios.post<Readable>('/x', {}, config);
  expect(attemptsOf(response)[0]).toMatchObject({ status: 429, reason: 'throttled', cooldown: 30_000 });
});

test.each(['identity', 'utf-8', 'none', ''])(
  'over http, a stream with content-encoding: %j is inspected',
  async (name) => {
    const { pool } = await pools(stream([refusal], { 'content-encoding': name }));
    const response = await axios.post<Readable>('/x', {}, { adapter: priorityAdapter(pool), responseType: 'stream' });
    expect(attemptsOf(response)).toHaveLength(2);
  },
);

test('over HTTP/2, a session that closes during the hold counts as a truncated response', async () => {
  const server = createServer();
  server.on('stream', (opened) => {
    opened.respond({ ':status': 200, 'content-type': 'text/event-stream' });
    opened.write(created, () => opened.session?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const adapter = priorityAdapter([{ baseURL: `http://127.0.0.1:${String(port)}` }]);
  const config = { adapter, responseType: 'stream', httpVersion: 2 };
  const error = await rejectionOf(axios.post('/x', {}, config as AxiosRequestConfig));
  expect(attemptsOf(error)[0]).toMatchObject({ status: 200, reason: 'ambiguous' });
  server.close();
});

test('download progress continues for a refusal that is returned to the caller', async () => {
  const { pool } = await pools(stream([refusal, 'x'.repeat(10_000)]));
  let loaded = 0;
  const config = { adapter: priorityAdapter(pool), responseType: 'stream', failover: false } as const;
  const onDownloadProgress = (event: { loaded: number }) => (loaded = event.loaded);
  const { data } = await axios.post<Readable>('/x', {}, { ...config, onDownloadProgress });
  const { length } = await textOf(data);
  expect(loaded).toBe(length);
});
