import { Agent } from 'node:http';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { AttemptConfig } from '../../src/axios/attempt-config';
import { bytesOfIdle, closeIdle, isInQueue, nameOf, withoutBrackets } from '../../src/axios/agent-sockets';

/** What is used of a socket. */
const socketWith = (bytesRead: number) => ({ bytesRead, destroy: jest.fn() }) as unknown as jest.Mocked<Socket>;

const agentWith = (fields: object): Agent => Object.assign(new Agent(), fields);

test.each<[object, string]>([
  [{ protocol: 'http:', hostname: 'a.example', port: '' }, 'a.example:80:'],
  [{ protocol: 'https:', hostname: 'a.example' }, 'a.example:443:'],
  [{ protocol: 'https:', hostname: '::1', port: '8443' }, '::1:8443:'],
])('the connections to %j begin with %j in the lists of an agent', (server, name) => {
  expect(nameOf(server)).toBe(name);
});

test('only the idle connections that are meant are closed', () => {
  const [a, b] = [socketWith(0), socketWith(0)];
  closeIdle(agentWith({ freeSockets: { 'a:80:': [a], 'b:80:': [b] } }), (name) => name.startsWith('a:'));
  expect([a.destroy.mock.calls.length, b.destroy.mock.calls.length]).toStrictEqual([1, 0]);
  expect(() => closeIdle(agentWith({ freeSockets: undefined }), () => true)).not.toThrow();
});

test('the idle connections of both agents are known with what they have received', () => {
  const [plain, secure] = [socketWith(1), socketWith(2)];
  const attempt = {
    httpAgent: agentWith({ freeSockets: { 'a:80:': [plain] } }),
    httpsAgent: agentWith({ freeSockets: { 'a:443:': [secure] } }),
  } as unknown as AttemptConfig;
  expect([...bytesOfIdle(attempt)]).toStrictEqual([
    [plain, 1],
    [secure, 2],
  ]);
  const without = { httpAgent: agentWith({ freeSockets: undefined }), httpsAgent: attempt.httpsAgent as Agent };
  expect(bytesOfIdle(without as unknown as AttemptConfig).size).toBe(1);
});

test.each<[string, (sent: ClientRequest) => object | undefined, boolean]>([
  ['in a queue of Node’s agent', (sent) => ({ 'a:80:': [{}, sent] }), true],
  ['in no queue of Node’s agent', () => ({ 'a:80:': [{}], 'b:80:': undefined }), false],
  ['in the list of an agent of the `tunnel` package', (request) => [{ request: {} }, { request }], true],
  ['not in the list of an agent of the `tunnel` package', () => [{ request: {} }], false],
  ['of an agent that shows no queue', () => undefined, false],
])('a request %s', (_, requestsOf, expected) => {
  const sent = Object.create(null) as ClientRequest;
  expect(isInQueue(sent, agentWith({ requests: requestsOf(sent) }))).toBe(expected);
  expect(isInQueue(undefined, agentWith({ requests: [{}] }))).toBe(false);
  expect(isInQueue(sent, undefined)).toBe(false);
});

test.each([
  ['[::1]', '::1'],
  ['a.example', 'a.example'],
  [undefined, undefined],
])('the host %j is %j to an agent', (hostname, name) => {
  expect(withoutBrackets(hostname)).toBe(name);
});
