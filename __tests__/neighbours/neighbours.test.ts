/** Libraries that are used together with axios, each with the packed package. Needs the npm registry. */
import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FakeBackend, throttle } from '../support/fake-backend';
import { installProject, pack } from '../support/packed';

const execute = promisify(execFile);

const PROGRAMS = join(__dirname, 'programs');

const PACKAGES = [
  'axios@1.21.1',
  '@nestjs/axios@4.0.1',
  '@nestjs/common@11.2.10',
  '@nestjs/core@11.2.10',
  'reflect-metadata@0.2.2',
  'rxjs@7.8.2',
  'nock@14.0.9',
  'msw@2.9.0',
  '@opentelemetry/api@1.9.0',
  '@opentelemetry/instrumentation-http@0.205.0',
  '@opentelemetry/sdk-trace-node@2.1.0',
  'axios-auth-refresh@3.3.6',
  'retry-axios@3.2.1',
  'axios-rate-limit@1.9.0',
  'axios-cookiejar-support@6.0.5',
  'tough-cookie@5.1.2',
  'openapi-typescript-codegen@0.31.0',
  'typescript@5.9.3',
  'form-data@4.0.6',
];

let temp: string;
let project: string;

beforeAll(async () => {
  const packed = await pack();
  temp = packed.temp;
  project = join(temp, 'project');
  await installProject(project, [packed.tarball, ...PACKAGES]);
  for (const file of readdirSync(PROGRAMS)) copyFileSync(join(PROGRAMS, file), join(project, file));
}, 300_000);

afterAll(() => rmSync(temp, { recursive: true }));

/** Runs a program with the URLs of two backends. Returns what it prints. */
async function run(program: string, first: FakeBackend, second: FakeBackend): Promise<unknown> {
  const { stdout } = await execute(process.execPath, [program, first.url, second.url], { cwd: project });
  return JSON.parse(stdout);
}

/** Two backends: the first one is throttled for a minute. */
async function throttledPair(): Promise<[FakeBackend, FakeBackend]> {
  const [first, second] = await Promise.all([FakeBackend.start(), FakeBackend.start()]);
  first.always(throttle(60_000));
  second.always({ body: '{"from":"second"}', headers: { 'content-type': 'application/json' } });
  return [first, second];
}

describe('through a failover from a throttled backend', () => {
  let first: FakeBackend;
  let second: FakeBackend;

  beforeEach(async () => {
    [first, second] = await throttledPair();
  });

  afterEach(() => Promise.all([first.close(), second.close()]));

  test.each([
    ['the HttpService of NestJS', 'nestjs.cjs'],
    ['axios-rate-limit', 'rate-limit.mjs'],
    ['a client generated from an OpenAPI document', 'generated.mjs'],
  ])('%s gets the answer of the next one', async (_, program) => {
    expect(await run(program, first, second)).toEqual({ data: { from: 'second' }, tried: ['first 429', 'second 200'] });
    expect([first.calls.length, second.calls.length]).toEqual([1, 1]);
  });

  test.each([
    ['nock', 'nock.mjs'],
    ['msw', 'msw.mjs'],
  ])('%s mocks each backend by its own host', async (_, program) => {
    expect(await run(program, first, second)).toEqual({ data: { from: 'mock' }, tried: ['first 429', 'second 200'] });
    expect([first.calls.length, second.calls.length]).toEqual([0, 0]);
  });

  test('OpenTelemetry makes a span for each attempt', async () => {
    expect(await run('opentelemetry.cjs', first, second)).toEqual([
      { port: Number(new URL(first.url).port), status: 429 },
      { port: Number(new URL(second.url).port), status: 200 },
    ]);
  });

  test('AsyncLocalStorage holds the store of the caller in every callback', async () => {
    const callbacks = ['affinity', 'apiKey', 'azureADTokenProvider', 'cooldown', 'failoverCondition', 'listener'];
    const all = [...callbacks, 'selector', 'shouldBalance'];
    expect(await run('async-local-storage.mjs', first, second)).toEqual({
      one: all,
      two: all,
      strangers: [],
      afterWait: ['one', 'two'],
    });
  });

  test('axios-auth-refresh renews the token of the caller, and the request goes through the pool again', async () => {
    second.always(({ headers }, response) => {
      response.writeHead(headers.authorization === 'Bearer new' ? 200 : 401).end('{"from":"second"}');
    });
    expect(await run('auth-refresh.mjs', first, second)).toEqual({ data: { from: 'second' }, refreshed: 1 });
    expect(second.calls.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('axios-cookiejar-support keeps the cookies of each backend', async () => {
    second.always({ headers: { 'set-cookie': 'session=1' } });
    expect(await run('cookies.mjs', first, second)).toEqual({ cookies: ['', 'session=1'] });
    expect(second.calls.map(({ headers }) => headers.cookie)).toEqual([undefined, 'session=1']);
  });
});

test('retry-axios waits for the fabricated 429 and tries again', async () => {
  const [first, second] = await throttledPair();
  first.always(throttle(300));
  second.script(throttle(300));
  expect(await run('retry-axios.mjs', first, second)).toMatchObject({ data: { from: 'second' }, retries: 1 });
  await Promise.all([first.close(), second.close()]);
});
