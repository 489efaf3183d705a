import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import type { Call } from '../support/fake-backend';
import { openai, refusingInStreams } from '../support/fake-openai';
import { startBackends, FakeBackend, throttle, closeBackendsAfterEach } from '../support/fake-backend';

closeBackendsAfterEach();

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill();
  running.clear();
});

/** Starts an example with three fake backends in its environment. */
async function start(program: string, more: Record<string, string> = {}) {
  const [first, second, third] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  const env = {
    ...process.env,
    EASTUS_URL: first.url,
    WESTUS_URL: second.url,
    SWEDEN_URL: third.url,
    EASTUS_KEY: 'secret-east',
    WESTUS_KEY: 'secret-west',
    SWEDEN_KEY: 'secret-sweden',
    PORT: '0',
    ...more,
  };
  const child = spawn(process.execPath, [join(__dirname, '../../examples', program)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const status = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { first, second, third, child, status };
}

/** The lines that an example printed, once it has ended with status 0. */
async function linesOf({ child, status }: Awaited<ReturnType<typeof start>>): Promise<string[]> {
  const output = await text(child.stdout);
  expect(await status).toBe(0);
  expect(output).not.toContain('secret');
  return output.trimEnd().split('\n');
}

const keyOf = ({ headers }: Call) => headers['api-key'];

const RESPONSES = '/openai/v1/responses';
const COMPLETIONS = '/openai/v1/chat/completions';

test('health.mjs reports which backends are available', async () => {
  const { first, second, child } = await start('health.mjs');
  const [line] = (await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve))).toString().split('\n');
  const base = new URL('/', line).href;
  const get = (path: string) =>
    axios.get<{ backends: { name: string; state: string; available: boolean }[] }>(base + path, {
      validateStatus: null,
    });

  expect(await get('health')).toMatchObject({
    status: 200,
    data: { backends: [{ name: 'ptu', available: true }, { name: 'payg' }] },
  });
  first.always({ status: 503 });
  expect((await get('chat')).status).toBe(200);
  const { data } = await get('health');
  expect(data.backends.map(({ state }) => state)).toStrictEqual(['cooling', 'available']);
  expect(JSON.stringify(data)).not.toContain('secret');
  second.always({ status: 500 });
  await get('chat');
  expect((await get('health')).status).toBe(503);
  expect(first.lastCall.headers['api-key']).toBe('secret-east');
});

test('status-page.mjs shows the backends in Express', async () => {
  const { first, child, status } = await start('status-page.mjs');
  const [line = ''] = (await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)))
    .toString()
    .split('\n');
  const page = await axios.get<string>(line);
  expect(page.data).toContain('<title>Chat backends</title>');
  first.always({ status: 503 });
  expect((await axios.get(new URL('/chat', line).href)).status).toBe(200);
  const { data } = await axios.get<{ pools: { pool: { backends: object[] } } }>(`${line}snapshot.json`);
  expect(data.pools.pool.backends).toMatchObject([
    { name: 'ptu', attempts: 1, failed: 1, share: 0.5 },
    { name: 'payg', state: 'available', attempts: 1, answered: 1, share: 0.5 },
  ]);
  expect(page.data + JSON.stringify(data)).not.toContain('secret');
  // Without the slash, the browser is led to the page.
  expect((await axios.get<string>(line.slice(0, -1))).data).toBe(page.data);
  // An open page doesn't keep the process alive once the server closes.
  const { data: stream } = await axios.get<Readable>(`${line}events`, { responseType: 'stream' });
  stream.on('error', () => undefined);
  const [begin] = (await once(stream, 'data')) as [Buffer];
  expect(begin.toString()).toContain('event: snapshot');
  child.kill('SIGTERM');
  expect(await status).toBe(0);
});

test('metrics.mjs turns events into Prometheus metrics and log lines', async () => {
  const { first, child } = await start('metrics.mjs');
  first.script({ status: 429, headers: { 'retry-after': 60, 'apim-request-id': 'id-1' } });
  const output = await text(child.stdout);
  expect(output).toContain('openai_attempts_total{backend="ptu",deployment="chat",outcome="429",reason="throttled"} 1');
  expect(output).toContain('openai_attempts_total{backend="payg",deployment="chat",outcome="200",reason=""} 5');
  expect(output).toContain('openai_cooldowns_total{backend="ptu",reason="throttled"} 1');
  expect(output).toMatch(/openai_attempt_seconds_count\{backend="payg"\} 5/);
  expect(output).toContain('openai_available{backend="ptu"} 1');
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([
    { level: 40, type: 'cooldown', backend: 'ptu', scope: 'chat', reason: 'throttled', duration: 60_000 },
    { level: 40, type: 'attempt', backend: 'ptu', reason: 'throttled', requestId: 'id-1', msg: 'attempt failed' },
  ]);
  expect(output).not.toContain('secret');
});

test('ptu-in-front.mjs uses the PTU first and sends the overflow to the others', async () => {
  const run = await start('ptu-in-front.mjs');
  run.first.script({}, {}, {}, {}).always(throttle(60_000));
  const lines = await linesOf(run);
  expect(lines).toHaveLength(13);
  expect(lines.filter((line) => line.endsWith('? ptu: 200'))).toHaveLength(4);
  expect(lines.filter((line) => /\? ptu: 429 → payg-(?:westus|sweden): 200$/.test(line))).toHaveLength(6);
  const [ptu, westus, sweden] = [run.first, run.second, run.third].map(({ calls }) => calls.length);
  expect([ptu, westus! + sweden!]).toStrictEqual([10, 6]);
  expect(lines.slice(-3)).toStrictEqual([
    'ptu answered 4',
    `payg-westus answered ${String(westus)}`,
    `payg-sweden answered ${String(sweden)}`,
  ]);
  expect(new Set(run.second.calls.map(keyOf))).toStrictEqual(new Set(westus! > 0 ? ['secret-west'] : []));
  expect(run.first.lastCall).toMatchObject({ url: RESPONSES, headers: { 'api-key': 'secret-east' } });
});

describe('entra-id.mjs', () => {
  async function withTokens(expiresIn: number) {
    const authority = await FakeBackend.start();
    let issued = 0;
    authority.always((_, response) => {
      issued++;
      const body = { token_type: 'Bearer', expires_in: expiresIn, access_token: `secret-token-${String(issued)}` };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const run = await start('entra-id.mjs', {
      AZURE_AUTHORITY_HOST: authority.url,
      AZURE_TENANT_ID: 'contoso',
      AZURE_CLIENT_ID: 'app',
      AZURE_CLIENT_SECRET: 'secret & more',
    });
    return { authority, run };
  }
  const bearer = ({ headers }: Call) => headers.authorization;

  test('sends the same token to every backend', async () => {
    const { authority, run } = await withTokens(3_600);
    run.first.script({}, throttle(60_000));
    expect((await linesOf(run)).sort()).toStrictEqual(['answered by payg', 'answered by payg', 'answered by ptu']);
    expect(authority.calls.map(({ url }) => url)).toStrictEqual(['/contoso/oauth2/v2.0/token']);
    expect(Object.fromEntries(new URLSearchParams(authority.lastCall.body.toString()))).toStrictEqual({
      grant_type: 'client_credentials',
      client_id: 'app',
      client_secret: 'secret & more',
      scope: 'https://cognitiveservices.azure.com/.default',
    });
    const calls = [...run.first.calls, ...run.second.calls];
    expect(calls.map(bearer)).toStrictEqual(Array(4).fill('Bearer secret-token-1'));
    expect(calls.map(keyOf)).toStrictEqual(Array(4).fill(undefined));
  });

  test('renews a token before it expires', async () => {
    const { authority, run } = await withTokens(60);
    await linesOf(run);
    expect(authority.calls).toHaveLength(2);
    expect(run.first.calls.map(bearer)).toStrictEqual([1, 1, 2].map((n) => `Bearer secret-token-${String(n)}`));
  });
});

test('regions.mjs uses the deployment names of each region', async () => {
  const run = await start('regions.mjs');
  run.first.script(throttle(60_000));
  // The path names the deployment that the body named, and that is throttled.
  expect(await linesOf(run)).toStrictEqual(['in the body: eastus → westus', 'in the path: westus']);
  expect(run.first.calls.map(({ url }) => url)).toStrictEqual([COMPLETIONS]);
  expect(run.second.calls.map(({ url }) => url)).toStrictEqual([
    COMPLETIONS,
    '/openai/deployments/chat-west/chat/completions?api-version=2024-10-21',
  ]);
  expect(JSON.parse(run.second.calls[0]!.body.toString())).toMatchObject({ model: 'chat-west' });
});

test('attach.mjs adds failover to an instance and removes it again', async () => {
  const run = await start('attach.mjs');
  run.first.always({ status: 503 });
  const [attached, eastus, westus, detached] = await linesOf(run);
  expect(attached).toBe('attached: eastus 503 → westus 200');
  expect([eastus, westus]).toStrictEqual(['eastus is cooling', 'westus is available']);
  expect(detached).toMatch(/^detached: 503/);
  expect(run.first.calls).toHaveLength(2);
  expect(run.second.calls).toHaveLength(1);
  expect(run.second.lastCall).toMatchObject({
    url: '/openai/v1/models',
    headers: { 'api-key': 'secret-west', 'x-ms-client-request-id': expect.any(String) },
  });
});

test('legacy-client.mjs runs openai 3 over the pool', async () => {
  const run = await start('legacy-client.mjs');
  run.first.script(throttle(60_000));
  run.second.always({ body: { choices: [{ message: { content: 'Rayleigh.' } }] } });
  expect(await linesOf(run)).toStrictEqual(['payg says: Rayleigh.']);
  expect(run.second.lastCall).toMatchObject({ url: COMPLETIONS, headers: { 'api-key': 'secret-west' } });
  expect(run.second.lastCall.headers).not.toHaveProperty('authorization');
});

test('streaming.mjs fails over before the first word, and prints each word as it arrives', async () => {
  const run = await start('streaming.mjs');
  run.first.script(throttle(60_000));
  let printed = '';
  run.child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  const hasPrinted = async (words: string) => {
    while (!printed.endsWith(words)) await new Promise((resolve) => run.child.stdout.once('data', resolve));
  };
  const event = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
  const stream = async (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event('Because'));
    // Each word is sent when the one before it was printed. One arrives in two pieces, cut inside a letter.
    await hasPrinted('Because');
    const bytes = Buffer.from(event(' of Räyleigh'));
    const cut = bytes.indexOf('ä') + 1;
    response.write(bytes.subarray(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 20));
    response.write(bytes.subarray(cut));
    await hasPrinted(' of Räyleigh');
    response.end(event('.') + 'data: [DONE]\n\n');
  };
  run.second.always((_, response) => void stream(response));
  expect(await run.status).toBe(0);
  expect(printed).toBe('payg streams:\nBecause of Räyleigh.\n');
  expect(JSON.parse(run.second.lastCall.body.toString())).toMatchObject({ stream: true });
});

test('stream-refusals.mjs logs a refusal inside a stream, and prints the answer of the next backend', async () => {
  const run = await start('stream-refusals.mjs');
  run.first.always(refusingInStreams);
  run.second.always(openai);
  expect(await linesOf(run)).toStrictEqual(['ptu refused in its stream: rate_limit_exceeded, like a 429', 'Hello']);
  expect([run.first, run.second].map(({ lastCall }) => keyOf(lastCall))).toStrictEqual(['secret-east', 'secret-west']);
});

test('waiting.mjs waits for a backend, and fails at once if it must not wait', async () => {
  const run = await start('waiting.mjs');
  const at: number[] = [];
  run.first.always((_, response) => {
    at.push(performance.now());
    // A 429, a 200, and another 429.
    const status = at.length === 2 ? 200 : 429;
    response.writeHead(status, status === 429 ? { 'retry-after-ms': '300', 'retry-after': '1' } : {}).end();
  });
  const [waiting, answered, refused] = await linesOf(run);
  expect(waiting).toMatch(/^waiting for (?:2\d\d|300) ms$/);
  expect(answered).toBe('answered after 2 attempts');
  expect(refused).toMatch(/^refused at once: 429, retry in (?:2\d\d|300) ms$/);
  expect(at).toHaveLength(3);
  // The wait follows retry-after-ms, not the whole second of retry-after.
  expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(300);
  expect(at[1]! - at[0]!).toBeLessThan(900);
});

test('own-rules.mjs fails over from a missing deployment, once', async () => {
  const run = await start('own-rules.mjs');
  run.third.always({ status: 404, body: { error: { code: 'DeploymentNotFound' } } });
  const lines = await linesOf(run);
  // The first user with affinity to Sweden fails over. After that, Sweden is on cooldown.
  expect(run.third.calls).toHaveLength(1);
  expect(lines.filter((line) => line.includes('sweden 404 → westus 200'))).toHaveLength(1);
  expect(lines.filter((line) => line.endsWith(': westus 200'))).toHaveLength(5);
  expect(run.first.calls).toHaveLength(0);
});

test('own-rules.mjs spreads users over two backends and keeps each user on one', async () => {
  const run = await start('own-rules.mjs');
  const lines = await linesOf(run);
  for (let i = 0; i < lines.length; i += 2) expect(lines[i]).toBe(lines[i + 1]);
  for (const { calls } of [run.second, run.third]) expect(calls.length).toBeGreaterThan(0);
});

test('processes.mjs shares a cooldown between two workers', async () => {
  const run = await start('processes.mjs');
  run.first.always(throttle(60_000));
  expect((await linesOf(run)).sort()).toStrictEqual(['worker 1 asked ptu, then payg', 'worker 2 asked payg']);
  expect([run.first.calls.length, run.second.calls.length]).toStrictEqual([1, 2]);
});

test('workers.mjs shares a cooldown between the threads of a process', async () => {
  const run = await start('workers.mjs');
  run.first.always(throttle(60_000));
  expect(await linesOf(run)).toStrictEqual(['the main thread asked ptu, then payg', 'the worker asked payg']);
  expect([run.first.calls.length, run.second.calls.length]).toStrictEqual([1, 2]);
});

test('one-resource.mjs uses two deployments of one resource', async () => {
  const run = await start('one-resource.mjs');
  run.first.script(throttle(60_000));
  expect(await linesOf(run)).toStrictEqual(['reserved (chat-reserved): 429', 'pay-as-you-go (chat-standard): 200']);
  const models = run.first.calls.map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model);
  expect(models).toStrictEqual(['chat-reserved', 'chat-standard']);
});

test('openai-last.mjs sends OpenAI’s own key and model to OpenAI', async () => {
  const other = await FakeBackend.start();
  const run = await start('openai-last.mjs', { OPENAI_URL: other.url, OPENAI_KEY: 'secret-openai' });
  run.first.always(throttle(60_000));
  expect(await linesOf(run)).toStrictEqual(['azure: 429', 'openai: 200']);
  expect(run.first.lastCall).toMatchObject({
    url: '/openai/v1/responses?api-version=preview',
    headers: { 'api-key': 'secret-east' },
  });
  expect(other.lastCall).toMatchObject({ url: '/v1/responses', headers: { authorization: 'Bearer secret-openai' } });
  expect(other.lastCall.headers).not.toHaveProperty('api-key');
  expect(JSON.parse(other.lastCall.body.toString())).toMatchObject({ model: 'gpt-5-mini' });
});

test('long-prompt.mjs sends a long prompt to the larger context', async () => {
  const run = await start('long-prompt.mjs');
  run.first.always({ status: 400, body: { error: { code: 'context_length_exceeded' } } });
  expect(await linesOf(run)).toStrictEqual(['usual: 400', 'large context: 200', 'no cooldown']);
  expect(JSON.parse(run.second.lastCall.body.toString())).toMatchObject({ model: 'chat-large-context' });
});

test('follow-ups.mjs sends the follow-up to the backend that made the response', async () => {
  const run = await start('follow-ups.mjs');
  for (const backend of [run.first, run.second]) backend.always({ body: { id: 'resp_1' } });
  const [made, followed] = await linesOf(run);
  const name = made!.replace('the response resp_1 lives in ', '');
  expect(followed).toBe(`the follow-up went to ${name}`);
  const { calls } = name === 'east' ? run.first : run.second;
  expect(calls).toHaveLength(2);
  expect(JSON.parse(calls[1]!.body.toString())).toMatchObject({ previous_response_id: 'resp_1' });
});

test('signing.mjs signs each attempt for the host that it goes to', async () => {
  const run = await start('signing.mjs');
  run.first.always({ status: 503 });
  expect(await linesOf(run)).toStrictEqual(['a signed request: 503', 'a signed request: 200']);
  for (const { host, lastCall } of [run.first, run.second]) {
    const text = ['post', host, '/openai/v1/responses', lastCall.body.toString()].join('\n');
    const signature = createHmac('sha256', 'a shared secret').update(text).digest('hex');
    expect(lastCall.headers['x-signature']).toBe(signature);
  }
});

test('cache.mjs answers a repeated request without a backend', async () => {
  const run = await start('cache.mjs');
  run.first.script(throttle(60_000));
  expect(await linesOf(run)).toStrictEqual([
    'Hello: from a backend',
    'Hello: from the cache',
    'Goodbye: from a backend',
    '3 attempts',
  ]);
});

describe('clients that take a fetch:', () => {
  async function throttledFirst(program: string) {
    const run = await start(program);
    run.first.always(throttle(60_000));
    run.second.always(openai);
    return run;
  }

  test('openai-sdk.mjs', async () => {
    const run = await throttledFirst('openai-sdk.mjs');
    expect(await linesOf(run)).toStrictEqual(['payg says: Hello', 'and: Hello', 'AzureOpenAI: Hello']);
    expect(run.first.calls).toHaveLength(1);
    expect(new Set(run.second.calls.map(keyOf))).toStrictEqual(new Set(['secret-west']));
  });

  test.each(['ai-sdk.mjs', 'langchain.mjs'])('%s', async (program) => {
    expect(await linesOf(await throttledFirst(program))).toStrictEqual(['Hello', 'ptu answered 0', 'payg answered 1']);
  });

  test('one-pool.mjs', async () => {
    expect(await linesOf(await throttledFirst('one-pool.mjs'))).toStrictEqual([
      'axios: ptu 429, payg 200',
      'openai: payg 200',
    ]);
  });
});

test('mock-adapter.mjs passes as a test file', async () => {
  const lines = await linesOf(await start('mock-adapter.mjs', { NODE_TEST_CONTEXT: '' }));
  expect(lines.join('\n')).toMatch(/pass 4\n.*fail 0/);
});

test('examples/package.json names what the examples import, and this version of the package', () => {
  const folder = join(__dirname, '../../examples');
  const manifestIn = (place: string) =>
    JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as {
      version: string;
      dependencies: Record<string, string>;
    };
  const imported = (readdirSync(folder, { recursive: true }) as string[])
    .filter((file) => file.endsWith('.mjs') && !file.includes('node_modules'))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/^import .*from '([^.'][^']*)';|\bimport\('([^']+)'\)/gm),
    ])
    .map(([, imported, dynamic = '']) =>
      (imported ?? dynamic).replace(/(?<=adapter)\/(?:fetch|sharing|status-page)$/, ''),
    )
    .filter((name) => !name.startsWith('node:'));
  const { dependencies } = manifestIn(folder);
  // A peer of @langchain/openai.
  const peers = ['@langchain/core'];
  expect(Object.keys(dependencies).sort()).toStrictEqual([...new Set([...imported, ...peers])].sort());
  expect(dependencies['axios-priority-adapter']).toBe(`^${manifestIn(join(folder, '..')).version}`);
});
