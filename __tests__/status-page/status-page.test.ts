/** The status page's server, over real HTTP. The page itself is tested in `browser`. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { BackendPool } from '../../src';
import { statusPage } from '../../src/status-page';
import express from '../support/express';
import { ask, serve, snapshotOf, Stream, toClose, until } from './support';

const newPool = (...names: string[]) =>
  new BackendPool(names.map((name) => ({ name, baseURL: `https://${name}.example`, apiKey: `secret-${name}` })));

const open = async (pools: Parameters<typeof statusPage>[0], options?: Parameters<typeof statusPage>[1]) =>
  serve(toClose(statusPage(pools, options)));

describe('the page', () => {
  test('is HTML with its own script and style, which the policy allows by their hashes', async () => {
    const { url } = await open(newPool('one'));
    const { status, headers, body } = await ask(`${url}/`);
    expect([status, headers['content-type']]).toStrictEqual([200, 'text/html; charset=utf-8']);
    const policy = String(headers['content-security-policy']);
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const [, text = ''] = new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`).exec(body)!;
      expect(text.length).toBeGreaterThan(1_000);
      expect(policy).toContain(`${directive} 'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    }
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).not.toContain('unsafe');
  });

  test('refers to nothing outside its own server', async () => {
    const { url } = await open(newPool('one'));
    const { body } = await ask(`${url}/`);
    const addresses = body.match(/https?:\/\/[^"'\s)]+/g);
    // The names of SVG aren't fetched.
    expect(new Set(addresses)).toStrictEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  test('has the title that the options give, escaped', async () => {
    const { url } = await open(newPool('one'), { title: `<b>"Q" & 'A' $&` });
    const { body } = await ask(`${url}/`);
    expect(body).toContain('<title>&lt;b&gt;&quot;Q&quot; &amp; &#39;A&#39; $&amp;</title>');
    expect(body).toContain('<h1>&lt;b&gt;');
    expect(body).not.toContain('<b>');
  });

  test('has a title by default', async () => {
    const { url } = await open(newPool('one'));
    expect((await ask(`${url}/`)).body).toContain('<title>Backends</title>');
  });
});

describe('every response', () => {
  test.each([
    ['GET', '/', 200],
    ['GET', '/snapshot.json', 200],
    ['GET', '/elsewhere', 404],
    ['POST', '/', 405],
    ['DELETE', '/snapshot.json', 405],
    ['HEAD', '/events', 200],
  ] as const)('to %s %s has status and safe headers', async (method, path, expected) => {
    const { url } = await open(newPool('one'));
    const { status, headers } = await ask(url + path, method);
    expect(status).toBe(expected);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    if (expected === 405) expect(headers.allow).toBe('GET, HEAD');
  });

  test.each(['/', '/snapshot.json', '/events'])('to HEAD %s is that to GET, without a body', async (path) => {
    const { url } = await open(newPool('one'));
    const head = await ask(url + path, 'HEAD');
    const stream = path === '/events' ? await Stream.open(url + path) : await ask(url + path);
    expect(head.body).toBe('');
    expect([head.status, head.headers['content-type']]).toStrictEqual([200, stream.headers['content-type']]);
  });

  test('has no secrets', async () => {
    const { url } = await open(newPool('one'));
    for (const path of ['/', '/snapshot.json']) expect((await ask(url + path)).body).not.toContain('secret');
  });
});

describe('where it is mounted', () => {
  const pages = async (base: string) => [
    (await ask(`${base}/`)).status,
    (await ask(`${base}/snapshot.json`)).status,
    (await ask(`${base}/other`)).status,
  ];

  test('below a path of node:http, it answers only there', async () => {
    const { url } = await open(newPool('one'), { path: '/internal/status/' });
    expect(await pages(`${url}/internal/status`)).toStrictEqual([200, 200, 404]);
    expect(await pages(url)).toStrictEqual([404, 404, 404]);
    expect((await ask(`${url}/internal/statuses/`)).status).toBe(404);
  });

  test.each(['/état', '/a b', '/%C3%A9tat/', '/a%20b'])('the path may be %s', async (path) => {
    const { url } = await open(newPool('one'), { path });
    const base = new URL(path.replace(/\/$/, ''), url).href;
    expect(await pages(base)).toStrictEqual([200, 200, 404]);
    expect((await ask(`${base}?a=1`)).headers.location).toBe(`./${base.slice(base.lastIndexOf('/') + 1)}/?a=1`);
  });

  test('a path that begins with two slashes is a path', async () => {
    const { url } = await open(newPool('one'), { path: '//x' });
    expect(await pages(`${url}//x`)).toStrictEqual([200, 200, 404]);
    expect((await ask(`${url}/`)).status).toBe(404);
  });

  test('a request may name the whole URL, as one to a proxy does', async () => {
    for (const path of ['', '/status']) {
      const { url } = await open(newPool('one'), { path: path === '' ? '/' : path });
      const statusOf = async (target: string): Promise<unknown> => {
        const outgoing = request(url, { path: target, agent: false }).end();
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
        incoming.resume();
        return incoming.headers.location ?? incoming.statusCode;
      };
      const whole = `http://status.example${path}`;
      expect(await statusOf(`${whole}/`)).toBe(200);
      expect(await statusOf(`${whole}/snapshot.json?a=1`)).toBe(200);
      expect(await statusOf(`${whole}/other`)).toBe(404);
      expect(await statusOf(`${whole}?a=1`)).toBe(path === '' ? 200 : './status/?a=1');
    }
  });

  test('below a path of Express, it works in a nested router too', async () => {
    const app = express();
    const inner = express();
    inner.use('/status', toClose(statusPage(newPool('one'))));
    app.use('/internal', inner);
    const { url } = await serve(app);
    expect(await pages(`${url}/internal/status`)).toStrictEqual([200, 200, 404]);
    expect(await ask(`${url}/internal/status?a=1`)).toMatchObject({
      status: 308,
      headers: { location: './status/?a=1' },
    });
  });

  test.each([
    ['/status', './status/'],
    ['/status?a=b?c', './status/?a=b?c'],
  ])('%s is redirected to the path with a slash, relative to where the browser is', async (path, location) => {
    const { url } = await open(newPool('one'), { path: '/status' });
    const { status, headers } = await ask(url + path);
    expect([status, headers.location]).toStrictEqual([308, location]);
    expect((await ask(url + path, 'HEAD')).status).toBe(308);
  });

  test('no path redirects to another origin', async () => {
    const app = express();
    app.use('//evil.example', toClose(statusPage(newPool('one'))));
    const { url } = await serve(app);
    expect((await ask(`${url}//evil.example`)).headers.location).toBe('./evil.example/');
  });
});

describe('snapshot.json', () => {
  test('holds the state of a single pool under the name pool', async () => {
    const pool = newPool('one', 'two');
    const { url } = await open(pool);
    pool.cool('two', 60_000, 'gpt-4o');
    pool.cool('two', 30_000);
    const before = Date.now();
    const { at, pools } = await snapshotOf(url);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(Object.keys(pools)).toStrictEqual(['pool']);
    const [one, two] = pools.pool!.backends;
    const counts = {
      pending: 0,
      successes: 0,
      failures: 0,
      attempts: 0,
      answered: 0,
      throttled: 0,
      failed: 0,
      share: 0,
    };
    const baseURL = 'https://one.example';
    const state = { state: 'available', available: true, cooldowns: [] };
    expect(one).toStrictEqual({ name: 'one', baseURL, priority: 1, weight: 1, ...counts, ...state });
    expect(two).toMatchObject({ name: 'two', state: 'cooling', available: false });
    expect(two!.cooldowns).toStrictEqual([
      { reason: 'manual', remaining: expect.any(Number) },
      { scope: 'gpt-4o', reason: 'manual', remaining: expect.any(Number) },
    ]);
  });

  test('holds several pools under their names, unusual ones included', async () => {
    const pools = Object.fromEntries(['chat', '__proto__', '<b>'].map((name) => [name, newPool('one')]));
    const { url } = await open(pools);
    expect(Object.keys((await snapshotOf(url)).pools)).toStrictEqual(['chat', '__proto__', '<b>']);
  });

  test('follows an update of the pool', async () => {
    const pool = newPool('one');
    const { url } = await open(pool);
    pool.update([{ name: 'three', baseURL: 'https://three.example' }]);
    expect((await snapshotOf(url)).pools.pool!.backends.map(({ name }) => name)).toStrictEqual(['three']);
  });
});

describe('bad input is refused:', () => {
  const pool = newPool('one');
  const unknown = statusPage as (pools: unknown, options?: unknown) => unknown;

  test.each([
    ['no pool', undefined, {}, 'pools must be an object, got undefined'],
    ['an empty object', {}, {}, 'pools must have at least one pool, got none'],
    ['another object', { chat: {} }, {}, 'pools.chat must be a BackendPool, got an object'],
    [
      'an unknown option',
      pool,
      { maxClient: 1 },
      'options has an unknown field "maxClient"; did you mean "maxClients"?',
    ],
    ['a title that is no text', pool, { title: 1 }, 'options.title must be a string, got 1'],
    ['a relative path', pool, { path: 'status' }, 'options.path must begin with "/" and have no query, got "status"'],
    ['a path with a query', pool, { path: '/a?b' }, 'options.path must begin with "/" and have no query, got "/a?b"'],
    ['a negative history', pool, { history: -1 }, 'options.history must be a finite number of ms ≥ 0, got -1'],
    ['half a client', pool, { maxClients: 0.5 }, 'options.maxClients must be an integer ≥ 0, got 0.5'],
  ])('%s', (_, pools, options, message) => {
    expect(() => unknown(pools, options)).toThrow(new TypeError(message));
  });

  test('except undefined, which means the default', async () => {
    const options = { title: undefined, path: undefined, history: undefined, maxClients: undefined };
    const { url } = await open(pool, options);
    expect((await ask(`${url}/`)).body).toContain('<title>Backends</title>');
  });
});

test('close() ends the subscription and the viewers’ connections; the page still answers', async () => {
  const pool = newPool('one');
  const page = statusPage(pool);
  const { url } = await serve(page);
  const stream = await Stream.open(`${url}/events`);
  await until(() => stream.messages.length === 2);
  page.close();
  page.close();
  await until(() => stream.ended);
  pool.cool('one', 1_000);
  expect((await snapshotOf(url)).pools.pool!.backends[0]!.state).toBe('cooling');
  expect((await ask(`${url}/events`)).status).toBe(503);
});
