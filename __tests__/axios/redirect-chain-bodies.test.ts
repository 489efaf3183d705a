/** The body of a redirected request, and what its caller gets, over real sockets. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import NodeFormData from 'form-data';
import {
  ALLOWED,
  HANGS,
  compare,
  failing,
  form,
  here,
  hops,
  observePlain,
  observePooled,
  originOf,
  progressOf,
  there,
  to,
  startServersBeforeAll,
} from '../support/redirects';
import type { Reply, Scenario } from '../support/redirects';

startServersBeforeAll();

describe('the request body', () => {
  const kinds: [string, () => Pick<AxiosRequestConfig, 'data' | 'headers'>][] = [
    ['a string', () => ({ data: 'text ü' })],
    ['JSON', () => ({ data: { a: 'ü' } })],
    ['a Buffer', () => ({ data: Buffer.from([0, 1, 254, 255]) })],
    ['an ArrayBuffer', () => ({ data: new Uint8Array([0, 1, 254, 255]).buffer })],
    ['URLSearchParams', () => ({ data: new URLSearchParams({ a: '1', b: 'ü' }) })],
    ['FormData', () => ({ data: form(new FormData()) })],
    ['a Blob', () => ({ data: new Blob(['blob ü'], { type: 'text/x-own' }) })],
    ['a Blob without a type', () => ({ data: new Blob(['blob']) })],
    ['a stream', () => ({ data: Readable.from([Buffer.from('one '), Buffer.from('two')]) })],
    ['a stream of text', () => ({ data: Readable.from(['öne ', 'twö']), headers: { 'Content-Type': 'text/plain' } })],
    ['a stream of a known length', () => ({ data: Readable.from(['body']), headers: { 'Content-Length': '4' } })],
    ['an empty stream', () => ({ data: Readable.from([]) })],
    ['a form of the form-data package', () => ({ data: form(new NodeFormData()) })],
    ['a large Buffer', () => ({ data: Buffer.alloc(1_000_000, 'x') })],
    ['a large stream', () => ({ data: Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(20_000, 'y'))) })],
  ];

  describe.each([301, 303, 307, 308])('after a %i', (status) => {
    test.each(kinds)('is dropped below 307 and sent again otherwise: %s', async (_, body) => {
      const { hops } = await compare({
        replies: [to('/to', status), to(`${there.url}/on`, status)],
        config: () => ({ method: 'POST', ...body() }),
      });
      const [first, second, third] = hops;
      expect(hops).toHaveLength(3);
      expect(second?.body).toBe(status < 307 ? '' : first?.body);
      expect(third?.body).toBe(second?.body);
    });
  });

  test.each([301, 308])('is sent again after a %i to a PUT, even if it is a stream', async (status) => {
    const { hops } = await compare({
      replies: [to('/to', status)],
      config: () => ({ method: 'PUT', data: Readable.from(['one', 'two']) }),
    });
    expect(hops[1]?.body).toBe('onetwo');
  });

  test('rejects as in plain axios if it is a stream that fails', async () => {
    await compare({ config: () => ({ method: 'POST', data: failing(), maxRedirects: 3 }) });
  });

  test('is reported by onUploadProgress as in plain axios', async () => {
    await compare({
      replies: [to('/to', 307)],
      config: ({ notes }) => ({
        method: 'POST',
        data: Buffer.alloc(100_000, 'z'),
        onUploadProgress: (event) => void (notes.uploaded = progressOf(event)),
      }),
    });
  });

  describe('and maxBodyLength:', () => {
    const small = kinds.filter(([title]) => !title.includes('empty') && !title.includes('large'));
    test.each(small)('%s over the limit rejects before anything is sent', async (_, body) => {
      const { error, hops } = await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', ...body(), maxBodyLength: 3 }),
      });
      expect(error).toMatchObject({ message: 'Request body larger than maxBodyLength limit' });
      expect(hops).toHaveLength(0);
    });

    test.each(small)('%s within the limit is sent after two redirects', async (_, body) => {
      const { hops } = await compare({
        replies: [to('/to', 307), to('/on', 307)],
        config: () => ({ method: 'POST', ...body(), maxBodyLength: 1000 }),
      });
      expect(hops).toHaveLength(3);
    });

    test('a text over the limit is handled as in plain axios if maxRedirects is 0', async () => {
      await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', data: 'text', maxBodyLength: 3, maxRedirects: 0 }),
      });
    });

    test('without a limit, a stream may exceed the 10 MB of follow-redirects', async () => {
      const { hops } = await compare({
        replies: [to('/to', 307)],
        config: () => ({ method: 'POST', data: Readable.from(Array.from({ length: 11 }, () => Buffer.alloc(1e6))) }),
      });
      expect(hops).toHaveLength(2);
    });
  });

  describe('that is still being sent when the redirect comes', () => {
    let early: Server;
    let redirected: Promise<void>;

    beforeEach(async () => {
      early = createServer((request, response) => {
        const { method = '', url = '', headers } = request;
        hops.push({ at: 'early', method, url, headers, body: '' });
        response.writeHead(url === '/as-get' ? 303 : 307, { location: `${here.url}/to` }).end('early');
      });
      await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
    });

    afterEach(() => {
      early.closeAllConnections();
      early.close();
    });

    /** One chunk, and the others when the second request is under way. */
    const halting = (...more: string[]): Readable => {
      redirected = once(early, 'request').then(() => sleep(50));
      return Readable.from(
        (async function* () {
          yield 'one';
          await redirected;
          yield* more;
        })(),
      );
    };

    test.each(['/from', '/as-get'])('is handled as in plain axios if it is a Buffer sent to %s', async (url) => {
      const scenario: Scenario = {
        origin: originOf(early),
        config: () => ({ url, method: 'POST', data: Buffer.alloc(20_000_000, 'e') }),
        patience: 1000,
      };
      const plain = await observePlain(scenario);
      // axios 1.5 to 1.7 waits for ever for the rest of a body that it has thrown away: nobody has to do so too.
      if (plain.error?.message === HANGS) return;
      expect(await observePooled(scenario)).toStrictEqual(plain);
      expect(plain.hops.map(({ at }) => at)).toStrictEqual(['early', 'here']);
    });

    test('is sent again in full if it is a stream', async () => {
      const { hops } = await compare({
        origin: originOf(early),
        config: () => ({ method: 'POST', data: halting('two', 'three') }),
      });
      expect(hops[1]?.body).toBe('onetwothree');
    });

    test('is not sent again if its stream then exceeds maxBodyLength', async () => {
      const { hops } = await compare({
        origin: originOf(early),
        config: () => ({ method: 'POST', data: halting('x'.repeat(100)), maxBodyLength: 50 }),
      });
      expect(hops.map(({ at }) => at)).toStrictEqual(['early']);
    });

    test('rejects with the error of its stream if that then fails', async () => {
      const { error } = await compare({
        origin: originOf(early),
        config: () => {
          const data = halting('two');
          void redirected.then(() => data.destroy(new Error('the source failed')));
          return { method: 'POST', data };
        },
      });
      expect(error).toMatchObject({ message: 'the source failed' });
    });
  });
});

describe('the response', () => {
  const types = ['json', 'text', 'arraybuffer', 'stream', 'blob', 'document', undefined] as const;
  test.each(types)('after a redirect has the data of plain axios: responseType %s', async (responseType) => {
    await compare({
      replies: [
        { status: 302, headers: { location: '/to' }, body: 'not this one' },
        { status: 200, headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] }, body: '{"ü":1}' },
      ],
      config: () => ({ ...(responseType && { responseType }) }),
    });
  });

  test.each(['json', 'stream', 'arraybuffer'] as const)(
    'has the data of plain axios if redirects are not followed: responseType %s',
    async (responseType) => {
      const reply: Reply = { status: 302, headers: { location: '/to' }, body: '{"look":"here"}' };
      await compare({
        replies: [reply],
        config: () => ({ responseType, maxRedirects: 0 }),
        ignoring: responseType === 'stream' ? ALLOWED.refusedStream.paths : [],
      });
      await compare({
        replies: [reply],
        config: () => ({ responseType, maxRedirects: 0, validateStatus: (status) => status < 400 }),
      });
    },
  );

  test.each([true, false])('after a redirect is decompressed as in plain axios: decompress: %s', async (decompress) => {
    const body = gzipSync('{"zipped":true}');
    await compare({
      replies: [
        { status: 302, headers: { location: '/to', 'content-encoding': 'gzip' }, body: 'not gzip' },
        { status: 200, headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' }, body },
      ],
      config: () => ({ decompress, responseType: 'arraybuffer' }),
    });
  });

  test.each(['HEAD', 'GET'])('to a %s may have content-encoding: gzip and no body', async (method) => {
    await compare({
      replies: [to('/to', 303), { status: 204, headers: { 'content-encoding': 'gzip' } }],
      config: () => ({ method }),
    });
  });

  test('does not wait for the body of a redirect that never ends', async () => {
    const { hops } = await compare({
      replies: [
        (_, response) => void response.writeHead(302, { location: '/to', 'content-length': '1000' }).write('never'),
        (_, response) => void response.writeHead(307, { location: '/on' }).write('never'),
      ],
    });
    expect(hops).toHaveLength(3);
  });

  test('is limited by maxContentLength as in plain axios if the body of the redirect exceeds it', async () => {
    const large = { status: 302, headers: { location: '/to' }, body: 'x'.repeat(100_000) };
    await compare({ replies: [large, { body: 'small' }], config: () => ({ maxContentLength: 10 }) });
    for (const responseType of ['text', 'stream'] as const) {
      const { response, error } = await compare({
        replies: [large, { body: 'x'.repeat(100) }],
        config: () => ({ maxContentLength: 10, responseType }),
      });
      expect(response ?? error).toBeDefined();
    }
  });

  test('that is cut off after a redirect rejects as in plain axios', async () => {
    await compare({
      replies: [
        to('/to'),
        (request, response) => {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('half', () => request.socket.destroy());
        },
      ],
    });
  });

  test.each([
    ['connection reset', (request: IncomingMessage) => request.socket.resetAndDestroy()],
    ['connection closed', (request: IncomingMessage) => request.socket.destroy()],
    ['not HTTP', (request: IncomingMessage) => request.socket.end('this is not HTTP\r\n\r\n')],
  ])('that never comes after a redirect rejects as in plain axios: %s', async (_, reply) => {
    const { hops } = await compare({ replies: [to('/to', 307), reply], config: () => ({ method: 'POST', data: 'b' }) });
    expect(hops).toHaveLength(2);
  });

  test('may have invalid headers only with insecureHTTPParser', async () => {
    const reply: Reply = (request) => request.socket.end('HTTP/1.1 302 Found\r\nlocation: /to\r\nx: \x01\r\n\r\n');
    await compare({ replies: [reply] });
    const { hops } = await compare({ replies: [reply, reply], config: () => ({ insecureHTTPParser: true }) });
    expect(hops).toHaveLength(3);
  });

  test('is unaffected by interim 1xx responses', async () => {
    await compare({
      replies: [
        (_, response) => {
          response.writeProcessing();
          response.writeHead(302, { location: '/to' }).end();
        },
        (_, response) => {
          response.writeEarlyHints({ link: '</a>; rel=preload' });
          response.end('done');
        },
      ],
    });
  });

  test('is the only one that onDownloadProgress reports', async () => {
    const { notes } = await compare({
      replies: [{ status: 302, headers: { location: '/to' }, body: 'x'.repeat(5000) }, { body: 'y'.repeat(3000) }],
      config: ({ notes }) => ({ onDownloadProgress: (event) => void (notes.downloaded = progressOf(event)) }),
    });
    expect(notes).toMatchObject({ downloaded: { loaded: 3000 } });
  });

  test('sets no cookies for the next hop', async () => {
    const { hops } = await compare({
      replies: [{ status: 302, headers: { location: '/to', 'set-cookie': 'a=1' } }],
      config: () => ({ withCredentials: true }),
    });
    expect(hops[1]?.headers).not.toHaveProperty('cookie');
  });
});
