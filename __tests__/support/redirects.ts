/**
 * Redirects, over real sockets: what an instance with a priority adapter does is what a plain axios instance does, value
 * by value. Nothing here says what axios does, apart from the number of hops: plain axios is asked, so the comparison
 * holds for every version of axios.
 */
import { createHash } from 'node:crypto';
import { Agent, createServer, globalAgent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer, globalAgent as tlsGlobalAgent, request as tlsRequest } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import type { AxiosInstance, AxiosProgressEvent, AxiosRequestConfig, AxiosResponse } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { certificate as selfSigned } from './certificate';
import { FakeBackend } from './fake-backend';

/** A canned answer, or a function that does with the socket what it likes. */
export type Reply =
  | { readonly status?: number; readonly headers?: Record<string, string | string[]>; readonly body?: string | Buffer }
  | ((request: IncomingMessage, response: ServerResponse) => void);

/** One request, as a server saw it. */
interface Hop {
  readonly at: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What `beforeRedirect` may change. */
export type HookOptions = Record<string, unknown> & { headers: Record<string, unknown> };

export interface Scenario {
  /** What the servers answer, in order. Behind the last, everything is a 200. Set anew for each instance. */
  readonly replies?: Reply[];
  /** The same for the second server. */
  readonly repliesThere?: Reply[];
  /** Made anew for each instance. */
  readonly config?: (run: Run) => AxiosRequestConfig;
  /** Where the first request goes. Default: `here` */
  readonly origin?: string;
  /** What the backend is given beside its origin. */
  readonly backend?: Partial<BackendOptions>;
  /** What plain axios is given in place of that. */
  readonly plainly?: AxiosRequestConfig;
  /** Paths of values that may differ, of `ALLOWED`. */
  readonly ignoring?: readonly string[];
  /** ms until a request counts as hanging. Default: 4000 */
  readonly patience?: number;
}

/** One request of one instance. */
export interface Run {
  /** What is compared besides. */
  readonly notes: Record<string, unknown>;
  /** For what is to be closed behind it. */
  readonly cleanups: (() => void)[];
}

interface Observed {
  readonly hops: readonly Hop[];
  readonly response?: SeenResponse;
  readonly error?: SeenError;
  readonly notes: Record<string, unknown>;
}

type SeenResponse = Record<'status' | 'statusText' | 'headers' | 'data' | 'request', unknown>;
type SeenError = Record<
  'name' | 'message' | 'code' | 'system' | 'cause' | 'isAxiosError' | 'hasRequest' | 'response',
  unknown
>;

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export const STATUSES = [300, 301, 302, 303, 304, 305, 307, 308] as const;

/** Older versions of axios break rules that the newest has, and the package with every version. */
const isOlderAxios = 'installedAxios' in globalThis;
export const testOnNewest = isOlderAxios ? test.skip : test;

/** What is said of a request that has not ended in time. */
export const HANGS = 'it hangs';

export let here: FakeBackend;
export let there: FakeBackend;
export let secure: FakeBackend;
export let proxy: FakeBackend;
export let certificate: { key: string; cert: string };
/** An origin where nobody listens. */
export let refused: string;
export let hops: Hop[] = [];

/** Starts the servers before the tests of a file, and closes them after. */
export function startServersBeforeAll(): void {
  beforeAll(async () => {
    certificate = await selfSigned();
    [here, there, secure, proxy] = await Promise.all([
      FakeBackend.start(),
      FakeBackend.start(),
      FakeBackend.start(createTlsServer(certificate)),
      FakeBackend.start(tunnels(createServer())),
    ]);
    const gone = await FakeBackend.start();
    refused = gone.url;
    await gone.close();
  });

  afterAll(() => Promise.all([here, there, secure, proxy].map((server) => server.close())));
}

/** Where today's package differs from plain axios on purpose. Paths into what is observed. */
export const ALLOWED = {
  authorization: {
    reason:
      'A redirect to another origin carries no credential headers. Older axios carries Authorization to a subdomain, and from http to https.',
    paths: ['hops.1.headers.authorization', 'hops.2.headers.authorization', 'hops.3.headers.authorization'],
  },
  apiKeys: {
    reason: 'The same for the headers of Azure, OpenAI and API Management, which axios does not know of.',
    paths: ['hops.1.headers.api-key', 'hops.1.headers.x-api-key', 'hops.1.headers.ocp-apim-subscription-key'],
  },
  sensitiveHeaders: {
    reason: 'Which headers those are is said by axios’s own option. Paths into the options of `beforeRedirect`.',
    paths: ['sensitiveHeaders', 'beforeRedirects.sensitiveHeaders'],
  },
  host: {
    reason: 'The caller’s Host names another server than the backend.',
    paths: ['hops.0.headers.host'],
  },
  settled: {
    reason: 'A 3xx that the caller does not take for valid has the code of today’s axios; older axios gives it none.',
    paths: ['error.code'],
  },
  refusedStream: {
    reason: 'Whoever catches the error may read its stream; axios 1.13 destroys it before.',
    paths: ['error.response.data'],
  },
  responseUrl: {
    reason: 'follow-redirects repeats the credentials of `auth` in `responseUrl`. No response shows credentials here.',
    paths: ['response.request.responseUrl', 'error.response.request.responseUrl'],
  },
  protocol: {
    reason: 'Node names the protocol that it does not speak; follow-redirects only fails an assertion.',
    paths: ['error.code', 'error.message', 'error.name', 'error.cause'],
  },
  olderAxios: {
    reason:
      'With every version, redirects follow the rules of the newest axios: `auth` is kept for its origin, Proxy-Authorization is not repeated, cookies go to one origin alone, and `sensitiveHeaders` are removed.',
    paths: [1, 2, 3].flatMap((hop) =>
      ['authorization', 'proxy-authorization', 'cookie', 'x-own', 'x-list'].map(
        (name) => `hops.${String(hop)}.headers.${name}`,
      ),
    ),
  },
  interrupted: {
    reason: 'A budget for the whole request is kept by the package, whose error has no request of one attempt.',
    paths: ['error.hasRequest'],
  },
} as const;

export async function compare(scenario: Scenario): Promise<Observed> {
  const { plain, pooled } = await observeBoth(scenario);
  const { error } = plain;
  const unsettled = error?.response !== undefined && error.code === undefined;
  const isUnsupported = isOlderAxios && String(error?.message).includes('Unsupported protocol');
  const older = isOlderAxios ? [...ALLOWED.olderAxios.paths, ...(isUnsupported ? ALLOWED.protocol.paths : [])] : [];
  for (const path of [...(scenario.ignoring ?? []), ...older, ...(unsettled ? ALLOWED.settled.paths : [])])
    for (const observed of [plain, pooled]) remove(observed, path.split('.'));
  expect(pooled).toStrictEqual(plain);
  return pooled;
}

/** The same request by plain axios and by a pool, one after the other, to the same servers. */
async function observeBoth(scenario: Scenario): Promise<{ plain: Observed; pooled: Observed }> {
  return { plain: await observePlain(scenario), pooled: await observePooled(scenario) };
}

export function observePlain(scenario: Scenario): Promise<Observed> {
  return observe(axios.create({ ...scenario.plainly, baseURL: scenario.origin ?? here.url }), scenario);
}

export function observePooled(scenario: Scenario): Promise<Observed> {
  const backend = { ...scenario.backend, baseURL: scenario.origin ?? here.url };
  // What a failure leads to, the 429 where nobody is left, is another matter.
  return observe(axios.create({ adapter: priorityAdapter([backend], { failoverCondition: () => false }) }), scenario);
}

async function observe(client: AxiosInstance, scenario: Scenario): Promise<Observed> {
  hops = [];
  for (const { calls, sockets } of [here, there, secure, proxy]) {
    calls.length = 0;
    for (const socket of sockets) socket.destroy();
  }
  script(here, 'here', scenario.replies ?? []);
  script(there, 'there', scenario.repliesThere ?? []);
  script(secure, 'secure', []);
  script(proxy, 'proxy', []);
  const run: Run = { notes: {}, cleanups: [] };
  const config = { url: '/from', ...scenario.config?.(run) };
  const outcome = await outcomeOf(client.request(config), scenario.patience ?? 4000);
  const { agent } = run.notes;
  if (agent instanceof Agent) run.notes.agent = await socketsOf(agent);
  for (const cleanup of run.cleanups) cleanup();
  globalAgent.destroy();
  tlsGlobalAgent.destroy();
  return { hops, ...outcome, notes: run.notes };
}

async function outcomeOf(
  request: Promise<AxiosResponse>,
  patience: number,
): Promise<Pick<Observed, 'response' | 'error'>> {
  const enough = new AbortController();
  const hangs = sleep(patience, undefined, { signal: enough.signal }).then(() => {
    throw new Error(HANGS);
  });
  try {
    return { response: await seenResponse(await Promise.race([request, hangs])) };
  } catch (error) {
    return { error: await seenError(error) };
  } finally {
    enough.abort();
    hangs.catch(() => undefined);
  }
}

async function seenResponse({ status, statusText, headers, data, request }: AxiosResponse): Promise<SeenResponse> {
  const { path, method, protocol, host, res, constructor } = request as Record<string, unknown> & {
    readonly res?: Record<string, unknown>;
  };
  const { responseUrl, redirects, httpVersion } = res ?? {};
  return {
    status,
    statusText,
    headers: withoutDate({ ...headers }),
    data: await seenData(data),
    request: { path, method, protocol, host, responseUrl, redirects, httpVersion, kind: constructor.name },
  };
}

async function seenError(error: unknown): Promise<SeenError> {
  const { name, message, code, cause, isAxiosError, request, response, ...more } = Object(error) as SystemError & {
    readonly isAxiosError?: unknown;
    readonly request?: unknown;
    readonly response?: AxiosResponse;
  };
  return {
    name,
    message,
    code,
    system: systemOf(more),
    cause: cause instanceof Error ? seenCause(cause) : cause,
    isAxiosError,
    hasRequest: request !== undefined && request !== null,
    response: response && (await seenResponse(response)),
  };
}

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

function seenCause(cause: SystemError): object {
  const { name, message, code } = cause;
  return { name, message, code, ...systemOf(cause) };
}

/** What an operating system says about a failure. */
function systemOf({ errno, syscall, address, port }: Partial<SystemError>): object {
  return { errno, syscall, address, port };
}

async function seenData(data: unknown): Promise<unknown> {
  if (Buffer.isBuffer(data)) return { base64: data.toString('base64') };
  if (!(data instanceof Readable)) return data;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of data) chunks.push(chunk as Buffer);
    return { streamed: Buffer.concat(chunks).toString() };
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    return { streamed: Buffer.concat(chunks).toString(), error: { name, message, code } };
  }
}

/** Answers with what stands in the script, behind that with a 200; a proxy forwards. */
export function script(server: FakeBackend, at: string, replies: readonly Reply[]): void {
  const left = [...replies];
  server.always((request, response, { method, url, headers, body }) => {
    hops.push(seenHop(at, { method, url, headers, body }));
    const reply = left.shift() ?? (at === 'proxy' ? forwarding(body) : { body: `${method} at ${at}` });
    if (typeof reply === 'function') reply(request, response);
    else response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
  });
}

/** Without what no two requests have in common: a form's boundary. Of large bodies a digest. */
function seenHop(
  at: string,
  { method, url, headers, body }: Pick<FakeBackend['lastCall'], 'method' | 'url' | 'headers' | 'body'>,
): Hop {
  const seen = { at, method, url, headers };
  if (body.length > 10_000) {
    return { ...seen, body: `${String(body.length)} bytes, ${createHash('md5').update(body).digest('hex')}` };
  }
  const { 'content-type': type = '' } = headers;
  const boundary = /boundary=(\S+)/.exec(type)?.[1];
  const text = body.toString('latin1');
  if (boundary === undefined) return { ...seen, body: text };
  return {
    ...seen,
    headers: { ...headers, 'content-type': type.replace(boundary, 'BOUNDARY') },
    body: text.replaceAll(boundary, 'BOUNDARY'),
  };
}

function forwarding(body: Buffer): Reply {
  return (request, response) => {
    if (!URL.canParse(request.url!)) {
      response.writeHead(400).end('this is a proxy');
      return;
    }
    const { protocol, hostname, port, pathname, search } = new URL(request.url!);
    const invented = hostname.endsWith('.test');
    const server = protocol === 'https:' ? secure : here;
    const send = protocol === 'https:' ? tlsRequest : httpRequest;
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const forwarded = send(
      {
        host: '127.0.0.1',
        port: invented ? server.host.split(':')[1] : port,
        method: request.method,
        path: pathname + search,
        headers,
        agent: false,
        rejectUnauthorized: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  };
}

/** Answers CONNECT with a tunnel. */
function tunnels(server: Server): Server {
  return server.on('connect', ({ url = '', headers }: IncomingMessage, socket) => {
    hops.push({ at: 'proxy', method: 'CONNECT', url, headers, body: '' });
    const [host, port] = url.split(':') as [string, string];
    const to = connect(Number(host.endsWith('.test') ? secure.host.split(':')[1] : port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      to.pipe(socket).pipe(to);
    });
    to.on('error', () => socket.destroy());
    socket.on('error', () => to.destroy());
    socket.on('close', () => to.destroy());
  });
}

export function to(location: string | string[], status = 302): Reply {
  return { status, headers: { location } };
}

export function at(location: string): string {
  return location.startsWith(there.url) ? 'there' : 'here';
}

export function bodyFor(method: string): AxiosRequestConfig {
  return method === 'GET' || method === 'HEAD' ? {} : { data: { a: 'ü' } };
}

export function credentials(): AxiosRequestConfig {
  return {
    headers: { Authorization: 'Bearer token', Cookie: 'c=1', 'Proxy-Authorization': 'Basic own', 'X-Own': '1' },
  };
}

export function form<T extends { append(name: string, value: string): void }>(data: T): T {
  data.append('name', 'välue');
  data.append('more', 'x');
  return data;
}

export function failing(): Readable {
  return Readable.from(
    (function* () {
      yield 'one';
      throw new Error('the source failed');
    })(),
  );
}

export function progressOf({ loaded, total, progress, bytes }: AxiosProgressEvent): object {
  return { loaded, total, progress, ...(loaded === bytes && { bytes }) };
}

/** Every name is this machine's. */
export const loopback = ((
  _: string,
  { all }: { all?: boolean },
  found: (error: null, address: unknown, family?: number) => void,
): void => {
  if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
}) as unknown as NonNullable<AxiosRequestConfig['lookup']>;

export function agentOf<T extends Agent>(run: Run, agent: T): T {
  run.cleanups.push(() => agent.destroy());
  return agent;
}

/** How many sockets an agent has, once it has taken back the one of the answer. */
async function socketsOf(agent: Agent): Promise<object> {
  const count = (lists: NodeJS.ReadOnlyDict<unknown[]>): number => Object.values(lists).flat().length;
  for (let i = 0; i < 100 && count(agent.sockets) > 0; i++) await sleep(2);
  return { busy: count(agent.sockets), free: count(agent.freeSockets), waiting: count(agent.requests) };
}

/** Gives up after a second. */
export async function closedSockets({ sockets }: FakeBackend): Promise<void> {
  for (let i = 0; i < 500 && sockets.size > 0; i++) await sleep(2);
  expect(sockets.size).toBe(0);
}

/** Data alone, of what may hold functions, agents and sockets. */
export function structuredCloneable(value: unknown, depth = 0): unknown {
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Agent) return 'agent';
  if (depth > 4) return 'deep';
  if (Array.isArray(value)) return value.map((each) => structuredCloneable(each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, structuredCloneable(each, depth + 1)]));
}

export function withoutDate(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'date')
      .map(([key, each]: [string, unknown]) => [key, key === 'headers' ? withoutDate(each) : each]),
  );
}

export function remove(value: unknown, [key, ...rest]: readonly string[]): void {
  if (key === undefined || typeof value !== 'object' || value === null) return;
  if (rest.length === 0) Reflect.deleteProperty(value, key);
  else remove(Reflect.get(value, key), rest);
}

export function originOf(server: { address(): unknown }): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
