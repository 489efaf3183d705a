import type * as http from 'node:http';
import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import type * as https from 'node:https';
import type { AttemptConfig } from './attempt-config';

/** How Node's agents name the connections to the server that a request is for, at its beginning. */
export function nameOf({ hostname, port, protocol }: Pick<RequestOptions, 'hostname' | 'port' | 'protocol'>): string {
  const defaultPort = protocol === 'https:' ? 443 : 80;
  // axios gives an empty port where the URL has none.
  return `${String(hostname)}:${String(Number(port) > 0 ? port : defaultPort)}:`;
}

/** Closes idle connections of an agent. */
export function closeIdle({ freeSockets }: Agent, isMeant: (name: string) => boolean): void {
  for (const [name, sockets] of Object.entries(freeSockets ?? {})) {
    if (isMeant(name)) for (const socket of sockets!) socket.destroy();
  }
}

/**
 * Closes the idle connections to a backend for an attempt whose transport isn't the package's own. Where a proxy may be
 * between, the agent has them under the proxy's name, so all are closed.
 */
export function closeIdleTo(baseURL: string, attempt: AttemptConfig): void {
  const { socketPath, proxy } = attempt;
  const { protocol, hostname, port } = new URL(baseURL);
  const agent = agentFor(protocol, attempt);
  const server = nameOf({ protocol, hostname: withoutBrackets(hostname), port });
  const isProxied = proxy === undefined ? PROXY_VARIABLES.some((name) => process.env[name]) : Boolean(proxy);
  if (socketPath) closeIdle(agent, (name) => name.includes(socketPath));
  else closeIdle(agent, (name) => isProxied || name.startsWith(server));
}

function agentFor(protocol: string, { httpAgent, httpsAgent }: AttemptConfig): Agent {
  return agentOr(moduleFor(protocol).globalAgent, protocol === 'https:' ? httpsAgent : httpAgent);
}

/**
 * The agent whose sockets a request may get: what was given as one, or else Node's own. (With `false`, Node makes an agent
 * for this request alone. It has no queue and no idle sockets, so the global one does no harm.)
 */
export function agentOr(globalAgent: Agent, given: unknown): Agent {
  return typeof given === 'object' && given !== null ? (given as Agent) : globalAgent;
}

/** What each idle connection that an attempt may get has received so far, in bytes. */
export function bytesOfIdle(attempt: AttemptConfig): ReadonlyMap<object, number> {
  const agents = ['http:', 'https:'].map((protocol) => agentFor(protocol, attempt));
  const idle = agents.flatMap(({ freeSockets }) => Object.values(freeSockets ?? {}).flatMap((sockets) => sockets!));
  return new Map(idle.map((socket) => [socket, socket.bytesRead]));
}

/** Where axios finds a proxy that the config doesn't name. */
const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];

/** Whether a request waits for a free socket of its agent. (The agents of `tunnel` have one list for all.) */
export function isInQueue(sent: ClientRequest | undefined, agent: Agent | undefined): boolean {
  const queues: readonly unknown[] = Object.values(agent?.requests ?? {});
  const holds = (queue: unknown): boolean =>
    Array.isArray(queue) ? queue.includes(sent) : (Object(queue) as { request?: unknown }).request === sent;
  return sent !== undefined && queues.some(holds);
}

/** Looked up once: each time takes about 1 µs. */
let modules: { readonly http: typeof http; readonly https: typeof https } | undefined;

/** Node's module for a protocol, such as `https:`. */
export function moduleFor(protocol: unknown): typeof http | typeof https {
  modules ??= { http: process.getBuiltinModule('node:http'), https: process.getBuiltinModule('node:https') };
  return protocol === 'https:' ? modules.https : modules.http;
}

/** An IPv6 address as Node's agents have it. */
export function withoutBrackets(hostname: string | undefined): string | undefined {
  return hostname?.startsWith('[') === true ? hostname.slice(1, -1) : hostname;
}
