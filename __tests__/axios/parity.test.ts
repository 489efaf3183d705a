import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { Agent as TlsAgent, createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import type { AxiosError, AxiosRequestConfig, AxiosResponse } from 'axios';
import { priorityAdapter } from '../../src';
import { certificate } from '../support/certificate';
import { FakeBackend, send, startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { pathOfSocket } from '../support/path-of-socket';
import { kindOf, textOf } from '../support/text-of';
import { ROWS } from './parity-rows';

closeBackendsAfterEach();

interface Difference {
  readonly rows: RegExp;
  readonly over?: string;
  readonly fields: RegExp;
  readonly why: string;
}

/** Everything in which the package differs from plain axios. docs/differences.md names what a user can notice. */
const ALLOWED: readonly Difference[] = [
  {
    rows: /^(?:a Readable|a ReadableStream)$/,
    fields: /^(?:names of headers|transfer-encoding|content-length) at the server$/,
    why: 'A body that can be read only once is kept for another attempt, so its length is known.',
  },
  {
    rows: /^a ReadableStream$/,
    over: 'http',
    fields: /./,
    why: 'axios refuses web streams over http. A body that is kept is bytes.',
  },
  {
    rows: /^(?:a form of the form-data package|an object as a form|a formSerializer)$/,
    over: 'fetch',
    fields: /^(?:names of headers|body|content-length) at the server$/,
    why: 'axios sends the text "[object FormData]" over fetch. A form that is kept is sent as it is.',
  },
  {
    rows: /^(?:maxBodyLength of a Blob|a reset|a 304 with a Location|a timeout.*|clarifyTimeoutError)$/,
    over: 'http',
    fields: /^request$/,
    why: "`request` is Node's own, not the wrapper of follow-redirects, which has neither method nor path.",
  },
  {
    rows: /^(?:a 30\d|beforeRedirect)/,
    over: 'fetch',
    fields: /^request$/,
    why: 'Redirects are followed one by one, so that no key reaches another origin. `request` is the last one.',
  },
  {
    rows: /^a timeout that is no number$/,
    fields: /^(?:error|has a request|request)$/,
    why: 'It is refused before anything is sent, and over fetch too.',
  },
];

/** What a client and its server see of one request, as text. */
type Seen = Record<string, string>;

/** Starts the servers. Returns the one that answers, and what to send. */
type Setup = (reply: Reply) => Promise<{ config: AxiosRequestConfig; backend: FakeBackend }>;

async function seenBy(setup: Setup, reply: Reply): Promise<Seen> {
  let raw: string[] = [];
  const { config, backend } = await setup((request, response, call) => {
    raw = request.rawHeaders;
    if (typeof reply === 'function') reply(request, response, call);
    else send(response, reply);
  });
  const outcome: unknown = await axios.request(config).catch((error: unknown) => error);
  // An error of Node's is from another realm.
  const error = 'stack' in Object(outcome) ? (outcome as AxiosError) : undefined;
  const response = error === undefined ? (outcome as AxiosResponse<unknown>) : error.response;
  const { request } = Object(outcome) as { request?: { method?: string; path?: string; url?: string } };
  const call = backend.calls.at(-1);
  const seen: Record<string, unknown> = {
    status: response?.status,
    'status text': response?.statusText,
    headers: response && Object.entries(response.headers).filter(([name]) => name !== 'date'),
    'class of the headers': response?.headers.constructor.name,
    'kind of data': kindOf(response?.data),
    data: await textOf(response?.data).catch(({ message }: Error) => message),
    error: error && [error.name, error.message, error.code, error.status],
    cause: error?.cause?.message,
    'JSON of the error': error?.isAxiosError && Object.keys(error.toJSON()),
    'has a request': typeof request,
    request: [request?.method, request?.path ?? (request?.url && new URL(request.url).pathname)],
    calls: backend.calls.length,
    'method at the server': call?.method,
    'url at the server': call?.url,
    'names of headers at the server': raw
      .filter((_, i) => i % 2 === 0 && !/^(?:host|connection)$/i.test(raw[i]!))
      .sort(),
    'body at the server': call?.body.toString(),
  };
  for (const [name, value] of Object.entries(call?.headers ?? {}))
    if (name !== 'host') seen[`${name} at the server`] = value;
  return Object.fromEntries(Object.entries(seen).map(([field, value]) => [field, steady(value)]));
}

/** The value as text, without what differs from one run to the next: ports, and the boundaries of forms. */
function steady(value: unknown): string {
  return JSON.stringify([value])
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host')
    .replaceAll(/(?:axios-[\d.]+-|form-data-boundary-|-{4,}(?:formdata-undici-)?)[\w-]+/g, 'boundary');
}

/** The allowed differences that were seen. */
const seen = new Set<Difference>();

describe.each(['http', 'fetch'])('over %s, a request is the same as with plain axios, value by value:', (over) => {
  test.each(Object.entries(ROWS))('%s', async (name, { config, reply = { body: { ok: true } } }) => {
    const configFor = (origin: string) => ({ url: '/x', ...config?.(origin) });
    const plain = await seenBy(async (noting) => {
      const backend = (await FakeBackend.start()).always(noting);
      return { config: { baseURL: backend.url, adapter: over, ...configFor(backend.url) }, backend };
    }, reply);
    for (const when of ['at once', 'after a failed attempt']) {
      const own = await seenBy(async (noting) => {
        const [first, backend] = (await startBackends(2)) as [FakeBackend, FakeBackend];
        first.always({ status: 503 });
        const backends = [first.always({ status: 503 }), backend.always(noting)].map(({ url }, priority) => ({
          baseURL: url,
          priority,
        }));
        const adapter = priorityAdapter(when === 'at once' ? backends.slice(1) : backends, { adapter: over });
        return { config: { ...configFor('https://caller.example'), adapter }, backend };
      }, reply);
      const differing = Object.keys({ ...plain, ...own }).filter((field) => plain[field] !== own[field]);
      const allowed = ALLOWED.filter((each) => each.rows.test(name) && (each.over ?? over) === over);
      const isAllowed = (field: string) => {
        const difference = allowed.find(({ fields }) => fields.test(field));
        if (difference !== undefined) seen.add(difference);
        return difference !== undefined;
      };
      const differences = differing
        .filter((field) => !isAllowed(field))
        .map((field) => [field, plain[field], own[field]]);
      expect([when, differences]).toStrictEqual([when, []]);
    }
  });
});

test('each allowed difference from plain axios is a real one', () => {
  expect(ALLOWED.filter((each) => !seen.has(each))).toStrictEqual([]);
});

describe('settings of one backend', () => {
  test('a socketPath applies to that backend alone', async () => {
    const socketPath = pathOfSocket('parity');
    const server = createServer((request, response) => response.end(request.url));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const adapter = priorityAdapter([
      { baseURL: 'http://a.example', request: { socketPath: pathOfSocket('nobody') } },
      { baseURL: 'http://b.example', priority: 2, request: { socketPath } },
    ]);
    const response = await axios.post('/x?y=1', {}, { adapter });
    expect([response.data, response.attempts?.length]).toStrictEqual(['/x?y=1', 2]);
    await new Promise((resolve) => server.close(resolve));
  });

  test('a proxy may be set by the backend or by the request', async () => {
    const proxy = await FakeBackend.start();
    const [host = '', port = ''] = proxy.host.split(':');
    const own = { protocol: 'http', host, port: Number(port), auth: { username: 'u', password: 'hunter2' } };
    const byBackend = priorityAdapter([{ baseURL: 'http://far.example', request: { proxy: own } }]);
    const response = await axios.get('/x', { adapter: byBackend });
    expect(proxy.lastCall).toMatchObject({
      url: 'http://far.example/x',
      headers: { 'proxy-authorization': `Basic ${Buffer.from('u:hunter2').toString('base64')}` },
    });
    expect(JSON.stringify(response.config)).not.toContain('hunter2');
    await axios.get('/y', { adapter: priorityAdapter([{ baseURL: 'http://far.example' }]), proxy: own });
    expect(proxy.lastCall.url).toBe('http://far.example/y');
  });

  test('an httpsAgent may be set by the backend or by the request', async () => {
    const { key, cert } = await certificate();
    const secure = await FakeBackend.start(createTlsServer({ key, cert }));
    const httpsAgent = new TlsAgent({ rejectUnauthorized: false });
    const baseURL = `https://${secure.host}`;
    expect((await axios.get('/x', { adapter: priorityAdapter([{ baseURL, request: { httpsAgent } }]) })).status).toBe(
      200,
    );
    expect((await axios.get('/x', { adapter: priorityAdapter([{ baseURL }]), httpsAgent })).status).toBe(200);
    httpsAgent.destroy();
  });

  test('httpVersion: 2 applies to that backend alone', async () => {
    const { key, cert } = await certificate();
    const first = await FakeBackend.start();
    first.always({ status: 503 });
    const server = createSecureServer({ key, cert }, (request, response) =>
      response.end(`${request.httpVersion} ${request.headers['api-key'] as string}`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseURL = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const request = { httpVersion: 2 as const, http2Options: { rejectUnauthorized: false, sessionTimeout: 10 } };
    const adapter = priorityAdapter([{ baseURL: first.url }, { baseURL, priority: 2, apiKey: 'own', request }]);
    const response = await axios.get('/x', { adapter });
    expect([response.data, response.attempts?.length]).toStrictEqual(['2.0 own', 2]);
    await new Promise((resolve) => server.close(resolve));
  });
});
