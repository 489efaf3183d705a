/** The packed package together with what users combine it with, in one fresh project. Needs the npm registry. */
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closeBackendsAfterEach, neverReply, startBackends, throttle } from '../support/fake-backend';
import type { Call, FakeBackend } from '../support/fake-backend';
import { PackedPackage } from '../support/packed';

const execute = promisify(execFile);
const root = join(__dirname, '../..');

/** Versions that run on Node 20 and fit together. */
const NEIGHBOURS = [
  'axios@1.21.1',
  ...['@nestjs/axios@4.0.1', '@nestjs/common@11.2.10', '@nestjs/core@11.2.10', 'reflect-metadata@0.2.2', 'rxjs@7.8.2'],
  ...['nock-13@npm:nock@13.5.6', 'nock-14@npm:nock@14.0.17', 'msw@2.15.0'],
  ...['@opentelemetry/api@1.9.1', '@opentelemetry/sdk-trace-node@2.12.0'],
  ...['@opentelemetry/instrumentation@0.223.0', '@opentelemetry/instrumentation-http@0.223.0'],
  ...['axios-auth-refresh@5.0.2', 'retry-axios@4.0.3', 'axios-rate-limit@1.9.0'],
  ...['axios-cookiejar-support@6.0.5', 'tough-cookie@6.1.0', 'http-cookie-agent@7.0.4'],
  ...['aws4-axios@3.4.0', 'aws4@1.13.2', 'openapi-typescript-codegen@0.31.0'],
];

const FAILOVER = ['first 429', 'second 200'];

let packed: PackedPackage;
let project: string;
let first: FakeBackend;
let second: FakeBackend;

beforeAll(async () => {
  packed = await PackedPackage.pack();
  project = await packed.install('neighbours', ...NEIGHBOURS);
  cpSync(join(__dirname, 'programs'), project, { recursive: true });
}, 300_000);

afterAll(() => packed.remove());

beforeEach(async () => {
  [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always(throttle(60_000));
});

closeBackendsAfterEach();

test('NestJS: an HttpService fails over, from HttpModule.register({ adapter }) and around an instance', async () => {
  second.script({}, {}, neverReply);
  const { injected, own, cancelled } = await run('nestjs.mjs');
  expect([injected, own]).toStrictEqual([FAILOVER, FAILOVER]);
  expect(bodiesOf(second).slice(0, 2)).toStrictEqual(['{"n":1}', '{"n":1}']);
  expect(cancelled).toBe('ERR_CANCELED');
});

test.each(['nock-13', 'nock-14'])('%s intercepts the attempt at each backend', async (version) => {
  const { tried, data, used } = await run('nock.mjs', 'http://first.example', 'http://second.example', version);
  expect([tried, data, used]).toStrictEqual([FAILOVER, { by: 'nock' }, [true, true]]);
});

test('msw intercepts the attempt at each backend', async () => {
  const { tried, data } = await run('msw.mjs', 'http://first.example', 'http://second.example');
  expect([tried, data]).toStrictEqual([FAILOVER, { by: 'msw', got: { n: 1 } }]);
});

test("OpenTelemetry's instrumentation of http records one span for each attempt", async () => {
  const { spans } = await run('opentelemetry.cjs');
  expect(spans).toStrictEqual([
    { method: 'POST', url: `${first.url}/x`, status: 429, isChild: true },
    { method: 'POST', url: `${second.url}/x`, status: 200, isChild: true },
  ]);
});

test("every callback runs in the AsyncLocalStorage of its request's caller", async () => {
  for (const backend of [first, second]) {
    const refuse = refuseTogether(2);
    backend.script(refuse, refuse);
    backend.always((request, response, call) => {
      if (call.url === '/exhausted') refuse(request, response);
      else response.end();
    });
  }
  const { waited, exhausted, stores, recovered } = await run('async-local-storage.mjs');
  expect(waited).toStrictEqual(['429,429,200: 200', '429,429,200: 200']);
  expect(exhausted).toStrictEqual(['429,429: 429', '429,429: 429']);
  const told = ['for a in a', 'for b in b'];
  const untold = ['in a', 'in b'];
  expect(stores).toStrictEqual({
    shouldBalance: told,
    selector: told,
    failoverCondition: told,
    cooldown: told,
    affinity: told,
    caller: told,
    apiKey: untold,
    azureADTokenProvider: untold,
    'event attempt': untold,
    'event cooldown': untold,
    'event waiting': untold,
    'event exhausted': untold,
  });
  // Whichever request notices it first.
  expect(untold).toStrictEqual(expect.arrayContaining(recovered as string[]));
  const userOf = ({ headers }: Call) => String(headers['x-user']);
  for (const call of first.calls) expect(call.headers['api-key']).toBe(`key of ${userOf(call)}`);
  for (const call of second.calls) expect(call.headers.authorization).toBe(`Bearer token of ${userOf(call)}`);
});

test('axios-auth-refresh: after a 401 to the token of the caller, the request goes through the pool again', async () => {
  second.script({ status: 401 });
  const { refused, tried } = await run('auth-refresh.mjs');
  expect([refused, tried]).toStrictEqual([[['first 429', 'second 401']], ['second 200']]);
  expect(second.calls.map(({ headers }) => headers.authorization)).toStrictEqual(['Bearer old', 'Bearer new']);
  expect(bodiesOf(second)).toStrictEqual(['{"n":1}', '{"n":1}']);
});

test('retry-axios waits as long as the fabricated 429 says and then sends the request through the pool', async () => {
  first.always({}).script(throttle(900));
  second.script(throttle(60_000));
  const { retried, tried } = await run('retry-axios.mjs');
  expect(retried).toStrictEqual([{ tried: ['first 429', 'second 429'], fabricated: true }]);
  expect(tried).toStrictEqual(['first 200']);
  expect(bodiesOf(first)).toStrictEqual(['{"n":1}', '{"n":1}']);
});

test('axios-rate-limit counts a request once, however many attempts it makes', async () => {
  const { tried, ms } = await run('rate-limit.mjs');
  expect(tried).toStrictEqual([FAILOVER, ['second 200']]);
  const [one, two] = ms as [number, number];
  expect(one).toBeLessThan(1000);
  expect(two).toBeGreaterThan(990);
});

test('axios-cookiejar-support stores the cookies of each backend and sends them to that one alone', async () => {
  first.always({ ...throttle(60_000), headers: { 'set-cookie': 'of=first' } });
  second.always({ headers: { 'set-cookie': 'of=second' } });
  // A jar knows hosts, not ports.
  const { begun, again, jar } = await run('cookiejar.mjs', first.url, second.url.replace('127.0.0.1', 'localhost'));
  expect([begun, again, jar]).toStrictEqual([FAILOVER, FAILOVER, ['of=first', 'of=second']]);
  for (const [backend, cookie] of [[first, 'of=first'] as const, [second, 'of=second'] as const]) {
    expect(backend.calls.map(({ headers }) => headers.cookie)).toStrictEqual([undefined, cookie]);
  }
});

test('aws4-axios signs each attempt for its own backend, on an instance below the failover', async () => {
  second.always((_, response, { body, ...call }) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...call, body: body.toString() }));
  });
  expect(await run('aws4.mjs')).toStrictEqual({ tried: FAILOVER, host: second.host, isRight: true });
});

test('a client from openapi-typescript-codegen fails over, with the plugin attached to axios', async () => {
  await execute(process.execPath, ['generate.mjs'], { cwd: project });
  const generated = join(project, 'generated');
  writeFileSync(join(generated, 'package.json'), '{"type":"commonjs"}');
  const compilerOptions = { module: 'nodenext', target: 'es2022', noCheck: true, types: [] };
  writeFileSync(join(generated, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', generated]);

  const { tried, data, refused } = await run('generated-client.cjs');
  expect([tried, data]).toStrictEqual([FAILOVER, { ok: true }]);
  expect(refused).toStrictEqual([true, 429, 'no_backend_available']);
  expect(second.lastCall).toMatchObject({ method: 'POST', url: '/things/7', headers: { 'api-key': 'key-2' } });
  expect(bodiesOf(second)).toStrictEqual(['{"n":1}']);
});

/** Runs a program over the two backends. Returns what it printed. */
async function run(
  program: string,
  a = first.url,
  b = second.url,
  ...rest: string[]
): Promise<Record<string, unknown>> {
  const { stdout } = await execute(process.execPath, [program, a, b, ...rest], { cwd: project });
  return JSON.parse(stdout) as Record<string, unknown>;
}

function bodiesOf({ calls }: FakeBackend): string[] {
  return calls.map(({ body }) => body.toString());
}

/** Holds requests until there are so many, and then answers all of them with a 429. */
function refuseTogether(count: number): (request: IncomingMessage, response: ServerResponse) => void {
  const held: ServerResponse[] = [];
  return (_, response) => {
    held.push(response);
    if (held.length < count) return;
    for (const each of held.splice(0)) each.writeHead(429, { 'retry-after-ms': '50' }).end();
  };
}
