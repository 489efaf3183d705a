import axios from 'axios';
import { Readable } from 'node:stream';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import type { PriorityFetchOptions } from '../../src/fetch';
import type { Fetch } from '../../src/fetch/request';
import { closeBackendsAfterEach, throttle } from '../support/fake-backend';
import { URL_, pair, post } from '../support/fetch-pair';

closeBackendsAfterEach();

describe('the model of a Blob', () => {
  const deployments = { chat: 'gpt-b' };
  const blob = (text: string, type = 'application/json') => new Blob([text], { type });
  const sent = async (body: Blob, init: RequestInit = {}, options: PriorityFetchOptions = {}) => {
    const { fetch, b } = await pair(throttle(60_000), options, { deployments });
    await fetch(URL_, { method: 'POST', body, ...init });
    return [b.lastCall.body.toString(), b.lastCall.headers['content-type']];
  };

  test.each<[string, Parameters<typeof sent>, string[]]>([
    ['is renamed', [blob('{"model":"chat"}')], ['{"model":"gpt-b"}', 'application/json']],
    [
      'is renamed if a header says that it is JSON',
      [blob('{"model":"chat"}', 'text/x'), { headers: { 'Content-Type': 'application/json; charset=utf-8' } }],
      ['{"model":"gpt-b"}', 'application/json; charset=utf-8'],
    ],
    ['is not looked for in other types', [blob('{"model":"chat"}', 'text/x')], ['{"model":"chat"}', 'text/x']],
    ['may be missing', [blob('{}')], ['{}', 'application/json']],
    [
      'is not looked for in a Blob over maxReplaySize',
      [blob('{"model":"chat"}'), {}, { maxReplaySize: 5 }],
      ['{"model":"chat"}', 'application/json'],
    ],
  ])('%s', async (_what, call, expected) => {
    expect(await sent(...call)).toStrictEqual(expected);
  });

  test('is left alone if its file has changed', async () => {
    const broken = Object.assign(blob('{}'), { arrayBuffer: () => Promise.reject(new Error('changed')) });
    expect(await sent(broken)).toStrictEqual(['{}', 'application/json']);
  });
});

describe('the request of each attempt', () => {
  test('has the path, the parameters and the model of its backend', async () => {
    const params = { 'api-version': '2', gone: null, list: ['1', '2'], at: new Date(0) };
    const own = { params, deployments: { chat: 'gpt-b' } };
    const { fetch, a, b } = await pair(throttle(60_000), {}, { ...own });
    b.always({});
    const init = { ...post({ model: 'chat', n: 1 }), headers: { 'content-length': '22' } };
    await fetch(new URL('http://pool.invalid/openai/v1/responses?api-version=1&gone=1&kept=%20#part'), init);
    expect(a.lastCall.url).toBe('/openai/v1/responses?api-version=1&gone=1&kept=%20');
    expect(b.lastCall.url).toBe(
      '/openai/v1/responses?kept=%20&api-version=2&list[]=1&list[]=2&at=1970-01-01T00%3A00%3A00.000Z',
    );
    expect(b.lastCall.body.toString()).toBe('{"model":"gpt-b","n":1}');
    for (const body of [{ model: 'other' }, {}]) {
      await fetch(URL_, post(body));
      expect(JSON.parse(b.lastCall.body.toString())).toStrictEqual(body);
    }
    await fetch('http://pool.invalid/openai/deployments/chat/chat/completions', post());
    expect(b.lastCall.url).toContain('/openai/deployments/gpt-b/chat/completions?api-version=2&list');
  });

  test('has the same parameters of its backend as over axios, objects included', async () => {
    const params = {
      o: { x: 1, 'y z': { deep: ['1', 2] }, none: null },
      list: [{ a: 1 }, { b: true }],
      gone: undefined,
    };
    const { fetch, b } = await pair(throttle(60_000), {}, { params });
    await fetch(URL_);
    await axios.get(URL_, { adapter: priorityAdapter(fetch.pool) });
    const [byFetch, byAxios] = b.calls.map(({ url }) => [...new URL(url, b.url).searchParams]);
    expect(byFetch).toStrictEqual(byAxios);
    expect(byFetch).toContainEqual(['o[y z][deep][1]', '2']);
  });

  test('keeps the rest of a URL from which the backend removes a parameter', async () => {
    const { fetch, b } = await pair(throttle(60_000), {}, { params: { 'api-version': null } });
    await fetch(`${URL_}?api-version=1`, post());
    expect(b.lastCall.url).toBe('/openai/v1/responses');
  });

  test('has the fetchOptions of its backend and the caller’s init, without options of the package', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const request = { fetchOptions: { dispatcher: 'of the backend' }, proxy: false as const };
    const fetch = priorityFetch([{ baseURL: 'http://a.example', request }], { fetch: given });
    await fetch(URL_, { dispatcher: 'mine', cache: 'no-store', failover: { maxWait: 5 } } as never);
    const [url, init] = given.mock.calls[0]!;
    expect(url).toBe('http://a.example/openai/v1/responses');
    expect(init).toMatchObject({ dispatcher: 'of the backend', cache: 'no-store', method: 'GET' });
    for (const name of ['failover', 'proxy']) expect(init).not.toHaveProperty(name);
  });

  test('has the fields of a Request', async () => {
    const given = jest.fn<Promise<Response>, Parameters<Fetch>>(() => Promise.resolve(new Response('x')));
    const fetch = priorityFetch([{ baseURL: 'http://a.example' }], { fetch: given });
    await fetch(new Request(URL_, { cache: 'no-cache', keepalive: true, redirect: 'manual', headers: { 'x-a': '1' } }));
    expect(given.mock.calls[0]![1]).toMatchObject({
      cache: 'no-cache',
      keepalive: true,
      redirect: 'manual',
      headers: { 'x-a': '1' },
    });
  });

  test('has the body of a Request even if the runtime does not expose it', async () => {
    const { fetch, b } = await pair(throttle(60_000));
    const request = new Request(URL_, { method: 'POST', body: 'kept' });
    Object.defineProperty(request, 'body', { value: undefined });
    await fetch(request);
    expect(b.lastCall.body.toString()).toBe('kept');
  });

  test('needs duplex for a stream if the wrapped fetch requires it', async () => {
    const { fetch, b } = await pair(throttle(60_000));
    const stream = () => new Blob(['x']).stream();
    await expect(fetch(URL_, { method: 'POST', body: stream() })).rejects.toThrow('duplex option is required');
    await fetch(URL_, { method: 'POST', body: stream(), duplex: 'half' } as never);
    expect(b.lastCall.body.toString()).toBe('x');
  });
});

test('the headers of a form are sent, but not its credential', async () => {
  const { fetch, b } = await pair({ status: 503 });
  const form = Object.assign(Readable.from(['x']), {
    getHeaders: () => ({ 'Api-Key': 'secret of the form', Authorization: 'Bearer form', 'X-Form': '1' }),
  });
  await fetch(URL_, { method: 'POST', body: form as never, duplex: 'half' } as RequestInit);
  expect(b.lastCall.headers).toMatchObject({ 'api-key': 'secret-b', 'x-form': '1' });
  expect(b.lastCall.headers).not.toHaveProperty('authorization');
});

test('none of the caller’s credentials is sent if its Headers keep the case of names, as those of happy-dom do', async () => {
  const { a, fetch } = await pair({ body: 'ok' }, {}, {});
  const given = { Authorization: 'Bearer caller', 'Api-Key': 'caller', Host: 'evil.example', 'X-Kept': '1' };
  const headers = Object.assign(new Headers(), { [Symbol.iterator]: () => Object.entries(given)[Symbol.iterator]() });
  await fetch(URL_, { headers });
  expect(a.lastCall.headers).toMatchObject({ 'api-key': 'secret-a', 'x-kept': '1', host: a.host });
  expect(a.lastCall.headers).not.toHaveProperty('authorization');
});

test('an own field named __proto__ in fetchOptions sets no prototype', async () => {
  const inits: object[] = [];
  const fetchOptions = JSON.parse('{"__proto__":{"cache":"reload"}}') as object;
  const fetch = priorityFetch([{ baseURL: 'http://a.example', request: { fetchOptions } }], {
    fetch: (_, init) => Promise.resolve(new Response(String(inits.push(init!)))),
  });
  await fetch(URL_);
  expect(Object.getPrototypeOf(inits[0])).toBe(Object.prototype);
});
