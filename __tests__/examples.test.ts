import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import type { TestBackend } from './support/backend';
import { startBackends, throttle, useBackends } from './support/backend';

useBackends();

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill();
  running.clear();
});

async function start(program: string) {
  const [first, second] = (await startBackends(2)) as [TestBackend, TestBackend];
  const env = {
    ...process.env,
    EASTUS_URL: first.url,
    WESTUS_URL: second.url,
    EASTUS_KEY: 'secret-east',
    WESTUS_KEY: 'secret-west',
    PORT: '0',
  };
  const child = spawn(process.execPath, [join(__dirname, '../examples', program)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  return { first, second, child };
}

test('health.mjs says which backends may be used', async () => {
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
  expect(data.backends.map(({ state }) => state)).toEqual(['cooling', 'available']);
  expect(JSON.stringify(data)).not.toContain('secret');
  second.always({ status: 500 });
  await get('chat');
  expect((await get('health')).status).toBe(503);
  expect(first.lastCall.headers['api-key']).toBe('secret-east');
});

test('metrics.mjs turns events into Prometheus metrics and log lines', async () => {
  const { first, child } = await start('metrics.mjs');
  first.script(throttle(60_000));
  const output = await text(child.stdout);
  expect(output).toContain('openai_attempts_total{backend="ptu",outcome="429"} 1');
  expect(output).toContain('openai_attempts_total{backend="payg",outcome="200"} 5');
  expect(output).toContain('openai_cooldowns_total{backend="ptu",reason="throttled"} 1');
  expect(output).toMatch(/openai_attempt_seconds_count\{backend="payg"\} 5/);
  expect(output).toContain('openai_available{backend="ptu"} 1');
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([
    { level: 40, type: 'cooldown', backend: 'ptu', scope: 'gpt-4o', reason: 'throttled', duration: 60_000 },
  ]);
  expect(output).not.toContain('secret');
});
