/** Clients that take a `fetch`, unmodified, over the packed package, in a project without axios. Needs the npm registry. */
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closeBackendsAfterEach, startBackends, throttle } from '../support/fake-backend';
import type { FakeBackend } from '../support/fake-backend';
import { openai, refusingInStreams } from '../support/fake-openai';
import { PackedPackage } from '../support/packed';

const execute = promisify(execFile);

const OPENAI = [
  'openai-4@npm:openai@4.104.0',
  'openai-5@npm:openai@5.23.2',
  'openai-6@npm:openai@6.49.0',
  'openai-7@npm:openai@7.57.0',
];
const CLIENTS = [...OPENAI, 'ai@7.0.173', '@ai-sdk/azure@4.0.85', '@langchain/openai@1.5.8', '@langchain/core@1.4.0'];

let packed: PackedPackage;
let project: string;
let first: FakeBackend;
let second: FakeBackend;

beforeAll(async () => {
  packed = await PackedPackage.pack();
  project = await packed.install('clients', ...CLIENTS);
  cpSync(join(__dirname, 'programs/clients'), project, { recursive: true });
}, 300_000);

afterAll(() => packed.remove());

beforeEach(async () => {
  [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  first.always(throttle(60_000));
  second.always(openai);
});

closeBackendsAfterEach();

async function run(program: string, ...more: string[]): Promise<unknown> {
  const { stdout } = await execute(process.execPath, [join(project, program), first.url, second.url, ...more], {
    timeout: 60_000,
  });
  return JSON.parse(stdout) as unknown;
}

/** The first backend throttled, and the second one answered. */
const FAILOVER = ['first 429', 'second 200'];

/** Both refuse a streamed request: one by its status, the other inside a 200. */
const REFUSALS = [
  ['with a 429', throttle(60_000)],
  ['inside a streamed 200', refusingInStreams],
] as const;

describe.each(['openai-4', 'openai-5', 'openai-6', 'openai-7'])('%s', (version) => {
  test.each(REFUSALS)('fails over in every kind of call, from a refusal %s', async (_how, refusal) => {
    first.always(refusal);
    const of = (kind: string) => ({
      [`${kind}: chat`]: [FAILOVER, ['Hello', 2]],
      [`${kind}: streamed chat`]: [FAILOVER, 'Hello'],
      [`${kind}: responses`]: [FAILOVER, 'Hello'],
      [`${kind}: streamed responses`]: [FAILOVER, 'Hello'],
      [`${kind}: embeddings`]: [FAILOVER, [0.5, 0.25]],
      [`${kind}: transcription`]: [FAILOVER, 'heard hello.wav (sound)'],
      [`${kind}: files`]: [FAILOVER, 'hello.wav (sound)'],
      [`${kind}: abort`]: [['first 429', expect.stringContaining('second')], 'APIUserAbortError'],
      [`${kind}: timeout`]: [['first 429', expect.stringContaining('second')], 'APIConnectionTimeoutError'],
      // openai 4 has no `fetchOptions`.
      [`${kind}: failover: false`]: version === 'openai-4' ? [FAILOVER, 'answered'] : [['first 429'], 'RateLimitError'],
    });
    expect(await run('openai.mjs', version)).toStrictEqual({ ...of('openai'), ...of('azure') });
    for (const [backend, key] of [
      [first, 'key-1'],
      [second, 'key-2'],
    ] as const) {
      expect(new Set(backend.calls.map(({ headers }) => headers['api-key']))).toStrictEqual(new Set([key]));
      expect(backend.calls.filter(({ headers }) => headers.authorization !== undefined)).toStrictEqual([]);
    }
  });
});

test.each(REFUSALS)('the AI SDK generates, streams and embeds, after a refusal %s', async (_how, refusal) => {
  first.always(refusal);
  expect(await run('ai-sdk.mjs')).toStrictEqual({
    generate: [FAILOVER, 'Hello'],
    'generate chat': [FAILOVER, 'Hello'],
    stream: [FAILOVER, 'Hello'],
    embed: [FAILOVER, [0.5, 0.25]],
    abort: [['first 429', expect.stringContaining('second')], 'TimeoutError'],
  });
});

test.each(REFUSALS)('LangChain invokes, streams and embeds, after a refusal %s', async (_how, refusal) => {
  first.always(refusal);
  expect(await run('langchain.mjs')).toStrictEqual({
    invoke: [FAILOVER, 'Hello'],
    stream: [FAILOVER, 'Hello'],
    embeddings: [FAILOVER, [0.5, 0.25]],
    azure: [FAILOVER, 'Hello'],
  });
});

test('CommonJS works too, and the package needs no axios', async () => {
  expect(await run('common.cjs')).toStrictEqual({ text: 'Hello', hasAxios: false, answered: 1 });
});

describe('50 callers while every backend refuses', () => {
  beforeEach(() => {
    first.always(throttle(300));
    second.always(throttle(300));
  });

  // The tries of each caller by itself.
  test.each([
    ['openai', 3],
    ['openai-4', 3],
    ['the AI SDK', 3],
    ['LangChain', 3],
  ])("don't multiply the client's own retries: %s", async (client, tries) => {
    expect(new Set((await run('storm.mjs', client, 'retries')) as string[])).toStrictEqual(new Set(['refused']));
    // Each try calls each backend at most once.
    expect(first.calls.length + second.calls.length).toBeLessThanOrEqual(50 * tries * 2);
  });

  test.each(['openai', 'openai-4', 'the AI SDK', 'LangChain'])(
    "don't multiply the client's own retries with maxWait: %s",
    async (client) => {
      expect(new Set((await run('storm.mjs', client, 'maxWait')) as string[])).toStrictEqual(new Set(['refused']));
      expect(first.calls.length + second.calls.length).toBeLessThanOrEqual(50 * 3 * 2);
    },
  );
});
