import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { HttpTransport } from '../../src/axios/http-transport';
import { FakeBackend, closeBackendsAfterEach } from '../support/fake-backend';

let backend: FakeBackend;
let port: number;

closeBackendsAfterEach();

beforeEach(async () => {
  backend = await FakeBackend.start();
  port = Number(new URL(backend.url).port);
});

function request(maxBodyLength: number, protocol = 'http:'): [sent: ClientRequest, response: Promise<IncomingMessage>] {
  let sent!: ClientRequest;
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    const options = { protocol, hostname: '127.0.0.1', port, path: '/x', method: 'POST', maxBodyLength };
    sent = new HttpTransport(true, { fresh: false, connectTimeout: 0 }).request(options, resolve);
    sent.on('error', reject);
  });
  return [sent, response];
}

describe('the transport for axios’s http adapter', () => {
  test('ends a request whose streamed body exceeds maxBodyLength, which axios up to 1.13 leaves to follow-redirects', async () => {
    const [sent, response] = request(5);
    sent.write('1234');
    expect(sent.write(Buffer.from('56'))).toBe(false);
    await expect(response).rejects.toMatchObject({
      code: 'ERR_FR_MAX_BODY_LENGTH_EXCEEDED',
      message: 'Request body larger than maxBodyLength limit',
    });
  });

  test('sends a body of exactly maxBodyLength', async () => {
    const [sent, response] = request(5);
    sent.write('123');
    sent.end('45');
    expect((await response).statusCode).toBe(200);
  });

  test('sets responseUrl, as follow-redirects does', async () => {
    const [sent, response] = request(Infinity);
    sent.end();
    expect(await response).toMatchObject({ responseUrl: `${backend.url}/x`, redirects: [] });
  });

  test('speaks TLS to an https URL', async () => {
    const [sent, response] = request(Infinity, 'https:');
    sent.end();
    await expect(response).rejects.toMatchObject({ code: 'EPROTO' });
  });

  test('works with an agent that keeps no lists of its sockets', async () => {
    const agent = {
      defaultPort: 80,
      protocol: 'http:',
      addRequest: (sent: { onSocket(socket: Socket): void }) => sent.onSocket(connect(port, '127.0.0.1')),
    } as unknown as Agent;
    const transport = new HttpTransport(true, { fresh: true, connectTimeout: 0 });
    expect(transport.isQueued).toBe(false);
    expect(transport.head).toBeUndefined();
    const options = { protocol: 'http:', hostname: '127.0.0.1', port: '', path: '/x', agent, maxBodyLength: Infinity };
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      transport.request(options, resolve).on('error', reject).end();
    });
    expect((await response).statusCode).toBe(200);
    expect(transport).toMatchObject({ isQueued: false, isUnsent: false, isStale: false, head: { status: 200 } });
  });
});

describe.each([
  ['1.5.0', false],
  ['1.15.2', false],
  ['1.16.0', true],
  ['2.0.0', true],
])('to axios %s, a request whose response broke off', (version, isDestroyed) => {
  test(`is ${isDestroyed ? '' : 'not '}destroyed`, async () => {
    let Transport!: typeof HttpTransport;
    await jest.isolateModulesAsync(async () => {
      const { default: axios } = await import('axios');
      Object.assign(axios, { VERSION: version });
      ({ HttpTransport: Transport } = await import('../../src/axios/http-transport'));
    });
    const options = { protocol: 'http:', hostname: '127.0.0.1', port, path: '/x', maxBodyLength: Infinity };
    const transport = new Transport(true, { fresh: false, connectTimeout: 0 });
    let sent!: ClientRequest;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent = transport.request(options, resolve);
      sent.on('error', reject).end();
    });
    const closed = new Promise((resolve) => sent.on('close', resolve));
    response.on('error', () => undefined).destroy(new Error('broke off'));
    await closed;
    expect([sent.destroyed, sent.getHeader('host')]).toStrictEqual([isDestroyed, `127.0.0.1:${String(port)}`]);
    const unanswered = transport.request(options, () => undefined);
    unanswered.on('error', () => undefined).destroy();
    expect(unanswered.destroyed).toBe(true);
  });
});
