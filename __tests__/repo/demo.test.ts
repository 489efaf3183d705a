import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { closeBackendsAfterEach, send, startBackends, throttle } from '../support/fake-backend';
import type { FakeBackend, Reply } from '../support/fake-backend';
import { events } from '../support/fake-openai';

const DEMO = join(__dirname, '../../examples/demo.mjs');

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo with the built package. */
async function demo(args: string[] = [], env: Record<string, string> = {}, act?: (child: ChildProcess) => unknown) {
  const child = spawn(process.execPath, [DEMO, ...args], { env: { ...process.env, ...env }, timeout: 30_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  act?.(child);
  return new Promise<Result>((resolve, reject) => {
    child.on('error', reject).on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function fileWith(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Answers requests with this key and no other credential. */
function completionFor(key: string): Reply {
  return (request, response) => {
    const { headers } = request;
    const welcome = headers['api-key'] === key && headers.authorization === undefined;
    if (welcome) return events(response, [{ choices: [{ delta: { content: 'Because.' } }] }, '[DONE]']);
    const error = { code: '401', message: 'Access denied due to\ninvalid \u001b[31msubscription key.' };
    send(response, { status: 401, body: { error } });
  };
}

/** A backends file for fake backends, and the environment variables that it names. */
async function backendsFile(servers: readonly FakeBackend[]): Promise<{ file: string; env: Record<string, string> }> {
  const list = servers.map(({ url }, i) => ({
    name: `backend-${String(i)}`,
    baseURL: url,
    priority: i + 1,
    apiKeyEnv: `DEMO_KEY_${String(i)}`,
    request: { proxy: false },
  }));
  const env = Object.fromEntries(servers.map((_, i) => [`DEMO_KEY_${String(i)}`, `secret-${String(i)}`]));
  return { file: await fileWith('backends.json', list), env };
}

const PROMPTS = ['Why?', ['Who?', 'And when?'], { messages: [{ role: 'system', content: 'Be brief.' }] }];
const TURNS = 4;

closeBackendsAfterEach();

describe('the demo with simulated backends', () => {
  test('answers every conversation and shows which backend did', async () => {
    const started = performance.now();
    const { status, stdout, stderr } = await demo();
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(stdout).toMatch(/(\d+) of \1 turns answered, 0 lost, in/);
    expect(stdout).toContain('The simulated backends counted the same.');
    expect(stdout).toMatch(/backend .* attempts .* answered .* throttled .* share/);
    expect(stdout).toMatch(/Who answered when/);
    for (const name of ['ptu-eastus', 'payg-westus', 'payg-sweden']) {
      // A row in the table, and one in the timeline.
      expect(stdout).toMatch(new RegExp(`${name} .* [1-9]\\d* .* [1-9]\\d* .* %`));
      expect(stdout).toMatch(new RegExp(`${name} .*[▁▂▃▄▅▆▇█]`));
    }
  }, 40_000);

  test('has at least 120 conversations and 20 callers', async () => {
    const { stdout } = await demo();
    const [, conversations, callers] = /of (\d+) conversations, (\d+) callers at once/.exec(stdout) ?? [];
    expect(Number(conversations)).toBeGreaterThanOrEqual(120);
    expect(Number(callers)).toBe(20);
  }, 40_000);

  test('prints no progress bar or colours to a file, and fits into 80 columns', async () => {
    const { stdout } = await demo();
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\r\u001b]/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  }, 40_000);
});

test('the demo compares processes that share their cooldowns with some that do not', async () => {
  const { status, stdout, stderr } = await demo(['--processes', '4'], { REDIS_URL: '' });
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
  const rows = [...stdout.matchAll(/(with|without) sharing\D+(\d+)\D+(\d+)\D+([\d.]+)/g)].map((match) =>
    match.slice(1),
  );
  expect(rows.map(([way]) => way)).toStrictEqual(['without', 'with']);
  for (const [, answered, refused, ratio] of rows) expect((Number(refused) / Number(answered)).toFixed(3)).toBe(ratio);
  const [without, shared] = rows.map(([, , refused]) => Number(refused));
  expect(shared).toBeGreaterThan(0);
  expect(shared).toBeLessThan(without!);
}, 60_000);

describe('the demo with the backends of a file', () => {
  test('uses their keys, continues conversations and fails over', async () => {
    const servers = await startBackends(2);
    servers.forEach((server, i) => server.always(completionFor(`secret-${String(i)}`)));
    servers[0]?.script(throttle(20));
    const { file, env } = await backendsFile(servers);
    const prompts = await fileWith('prompts.json', PROMPTS);
    const args = ['--backends', file, '--prompts', prompts, '--deployment', 'my model', '--api-version', '2025-01-01'];
    const { status, stdout, stderr } = await demo(args, env);
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('4 of 4 turns answered, 0 lost');
    expect(stdout).toContain('keep no counts');
    expect(stdout).not.toContain('secret-');

    const calls = servers.flatMap((server) => server.calls);
    expect(calls).toHaveLength(TURNS + 1);
    const urls = new Set(calls.map(({ url }) => url));
    expect([...urls]).toStrictEqual(['/openai/deployments/my%20model/chat/completions?api-version=2025-01-01']);
    const asked = calls.map(({ body }) => (JSON.parse(body.toString()) as { messages: unknown }).messages);
    expect(asked).toContainEqual([
      { role: 'user', content: 'Who?' },
      { role: 'assistant', content: 'Because.' },
      { role: 'user', content: 'And when?' },
    ]);
    expect(asked).toContainEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  test('reports the turns lost to a wrong key', async () => {
    const servers = await startBackends(1);
    servers[0]?.always(completionFor('another'));
    const { file, env } = await backendsFile(servers);
    const { status, stdout, stderr } = await demo(
      ['--backends', file, '--prompts', await fileWith('prompts.json', PROMPTS)],
      env,
    );
    expect(status).toBe(1);
    expect(stdout).toContain('0 of 4 turns answered, 4 lost');
    expect(stdout).toContain('3 lost: 401 from backend-0: Access denied due to invalid [31msubscription key.');
    expect(stdout).toContain('1 lost: not asked, because an earlier turn was lost');
    expect(stderr).toBe('demo: 4 of 4 turns were lost\n');
    expect(stdout + stderr).not.toContain('secret-');
  });

  test('reports the turns lost while every backend is throttled', async () => {
    const servers = await startBackends(1);
    servers[0]?.always(throttle(5_000));
    const { file, env } = await backendsFile(servers);
    const prompts = await fileWith('prompts.json', ['Why?']);
    const { status, stdout } = await demo(['--backends', file, '--prompts', prompts, '--max-wait', '0.1'], env);
    expect(status).toBe(1);
    expect(stdout).toContain('1 lost: 429 from the pool:');
  });

  test('stops on SIGINT and shows the results so far', async () => {
    const servers = await startBackends(1);
    const { file, env } = await backendsFile(servers);
    const prompts = await fileWith('prompts.json', PROMPTS);
    const { status, stdout, stderr } = await demo(['--backends', file, '--prompts', prompts], env, (child) => {
      servers[0]?.always(() => void child.kill('SIGINT'));
    });
    expect({ status, stderr }).toStrictEqual({ status: 130, stderr: '' });
    expect(stdout).toContain('0 of 4 turns answered, 0 lost');
    expect(stdout).toContain('Interrupted');
  });
});

describe('the demo with --watch', () => {
  interface Snapshot {
    readonly pools: { readonly pool: { readonly backends: readonly { name: string; answered: number }[] } };
  }

  test('keeps a load running and shows it on a page, until SIGINT ends it with status 0', async () => {
    let backends: Snapshot['pools']['pool']['backends'] = [];
    let streamed = '';
    const look = async (child: ChildProcess) => {
      let address: string | undefined;
      let printed = '';
      while (address === undefined) {
        printed += String((await once(child.stdout!, 'data'))[0]);
        [address] = /http:\S+/.exec(printed) ?? [];
      }
      const stream = await axios.get<Readable>(`${address}events`, { responseType: 'stream' });
      const ended = text(stream.data);
      // More than one round of the conversations.
      while (backends.reduce((sum, { answered }) => sum + answered, 0) < 500) {
        backends = (await axios.get<Snapshot>(`${address}snapshot.json`)).data.pools.pool.backends;
      }
      child.kill('SIGINT');
      streamed = await ended;
    };
    let looking: Promise<void> | undefined;
    const { status, stdout, stderr } = await demo(['--watch'], {}, (child) => (looking = look(child)));
    await looking;
    expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' });
    expect(backends.map(({ name, answered }) => [name, answered > 0])).toStrictEqual([
      ['ptu-eastus', true],
      ['payg-westus', true],
      ['payg-sweden', true],
    ]);
    expect(streamed).toContain('event: pool\n');
    expect(stdout).toMatch(/\d{3,} turns answered, 0 lost\.\n$/);
  }, 40_000);

  test('is for the simulated backends only', async () => {
    const { status, stderr } = await demo(['--watch', '--backends', 'backends.json']);
    expect(status).toBe(2);
    expect(stderr).toContain('--backends');
  });
});

describe('the demo rejects wrong input with one line and status 2:', () => {
  const good = { baseURL: 'https://eastus.openai.azure.com', apiKeyEnv: 'DEMO_KEY' };
  const cases: readonly (readonly [name: string, option: string, content: unknown, says: string])[] = [
    ['no JSON', '--backends', '[\n{"baseURL":\n', 'cannot parse the JSON'],
    ['no list', '--backends', good, 'must contain a JSON list of backends'],
    ['no backends', '--backends', [], 'the list of backends is empty'],
    ['no object', '--backends', [null], 'backends[0] must be an object'],
    ['no baseURL', '--backends', [{ apiKeyEnv: 'DEMO_KEY' }], 'backends[0].baseURL'],
    ['a wrong weight', '--backends', [good, { ...good, name: 'b', weight: -1 }], 'backends[1].weight'],
    ['an unknown field', '--backends', [{ ...good, prioritty: 1 }], 'prioritty'],
    ['a key', '--backends', [{ ...good, apiKey: 'secret-key' }], 'use apiKeyEnv'],
    ['a number for a name', '--backends', [{ ...good, apiKeyEnv: 1 }], 'apiKeyEnv must be the name of'],
    ['a missing variable', '--backends', [{ ...good, apiKeyEnv: 'DEMO_NO_KEY' }], 'DEMO_NO_KEY is not set'],
    ['no JSON', '--prompts', 'Why?\nWho?', 'cannot parse the JSON'],
    ['no list', '--prompts', { prompts: [] }, 'must contain a JSON list of prompts'],
    ['no prompts', '--prompts', [], 'the list of prompts is empty'],
    ['an empty prompt', '--prompts', ['Why?', ' '], 'prompts[1] must be a question'],
    ['an empty conversation', '--prompts', [[]], 'prompts[0] must be a question'],
    ['a wrong message', '--prompts', [{ messages: [{ role: 'user' }] }], 'prompts[0] must be a question'],
  ];

  test.each(cases)('%s (%s)', async (_name, option, content, says) => {
    const result = await demo([option, await fileWith('wrong.json', content)], { DEMO_KEY: 'secret' });
    expectOneLine(result, says);
    expect(result.stderr).not.toContain('secret');
  });

  test.each([
    ['a missing file', ['--backends', '/no/such/file.json'], 'no such file'],
    ['a folder', ['--prompts', tmpdir()], 'is a directory'],
    ['an unknown option', ['--backend', 'x.json'], 'unknown option'],
    ['a file without its option', ['x.json'], 'too many arguments'],
    ['an option without its file', ['--prompts'], 'argument missing'],
    ['no callers', ['--callers', '0'], 'a whole number of at least 1'],
    ['no processes', ['--processes', '0'], 'a whole number of at least 1'],
    ['an option that processes do not use', ['--processes', '2', '--callers', '3'], 'cannot be used with'],
    ['a wrong time', ['--timeout', 'soon'], 'a number of at least 0'],
    ['no deployment', ['--deployment', ''], 'must not be empty'],
  ])('%s', async (_name, args, says) => {
    expectOneLine(await demo(args), says);
  });

  function expectOneLine({ status, stdout, stderr }: Result, says: string): void {
    expect({ status, stdout }).toStrictEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(says);
  }
});

test('the demo explains its files with --help', async () => {
  const { status, stdout } = await demo(['--help']);
  expect(status).toBe(0);
  for (const word of ['apiKeyEnv', 'azureADTokenEnv', '--backends', '--prompts', 'Exit status']) {
    expect(stdout).toContain(word);
  }
});
