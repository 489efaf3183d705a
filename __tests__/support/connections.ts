/** Agents, servers and sockets of tests about connections. */
import { once } from 'node:events';
import { Agent, createServer as createHttpServer } from 'node:http';
import type { AgentOptions, ClientRequest, Server as HttpServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxiosInstance } from 'axios';
import { rejectionOf } from './fake-backend';
import type { Reply, FakeBackend } from './fake-backend';

const agents: Agent[] = [];
const servers: Server[] = [];
/** The connections to servers that never answer. */
export const held: Socket[] = [];

export function agentOf(options: AgentOptions = {}): Agent {
  return closedAfterTest(new Agent({ keepAlive: true, ...options }));
}

export function closedAfterTest<T extends Agent>(agent: T): T {
  agents.push(agent);
  return agent;
}

export async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An agent that shows nobody the idle connections that it keeps. */
export class HoardingAgent {
  readonly idle: Socket[] = [];
  readonly defaultPort = 80;
  readonly keepAlive = true;
  readonly protocol = 'http:';

  addRequest(request: ClientRequest, { host, port }: { host: string; port: number }): void {
    const idle = this.idle.pop();
    if (idle === undefined) {
      const socket = connect(port, host);
      socket.on('free', () => this.idle.push(socket));
      held.push(socket);
      request.onSocket(socket);
      return;
    }
    request.reusedSocket = true;
    process.nextTick(() => request.onSocket(idle));
  }
}

/** An agent that can't connect. */
export function agentFailing(fail: (callback: (error: unknown) => void) => void): Agent {
  const createConnection = (_: object, callback: (error: unknown) => void): void => fail(callback);
  return Object.assign(agentOf(), { createConnection });
}

/** Passes on what comes over a Unix socket. */
export async function socketTo(server: HttpServer): Promise<{ socketPath: string }> {
  const socketPath = join(tmpdir(), `connections-${String(process.pid)}.sock`);
  const relay = createHttpServer((request, response) => void server.emit('request', request, response));
  servers.push(relay);
  await new Promise<void>((resolve) => relay.listen(socketPath, resolve));
  return { socketPath };
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Takes the only socket of a client's agent with a request that gets no answer. Returns a function that ends it. */
export async function takeSocket(client: AxiosInstance, backend: FakeBackend): Promise<() => Promise<void>> {
  const cancel = new AbortController();
  const failover = { attemptTimeout: 0 };
  const holder = rejectionOf(client.post('/x', {}, { failover, signal: cancel.signal }));
  while (backend.calls.length === 0) await new Promise(setImmediate);
  return async () => {
    cancel.abort();
    await holder;
  };
}

/** Ends them all after each test of the file. */
export function closeConnectionsAfterEach(): void {
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.destroy();
    for (const server of servers.splice(0)) server.close();
    for (const socket of held.splice(0)) socket.destroy();
  });
}

/** Resets the connection if it carried a request before, as a gateway that has just closed it does. */
export function resetReused(answer: Reply = { body: 'ok' }): Reply {
  const used = new WeakSet<Socket>();
  return (request, response, call) => {
    if (used.has(request.socket)) request.socket.destroy();
    else {
      used.add(request.socket);
      if (typeof answer === 'function') answer(request, response, call);
      else response.end(answer.body);
    }
  };
}
