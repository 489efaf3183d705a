import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closeBackendsAfterEach, startBackends, throttle } from '../support/fake-backend';
import { redisExamples, run } from '../support/markdown';
import { RedisServer } from '../support/redis';

closeBackendsAfterEach();

test('redis.mjs shares a cooldown with the next process', async () => {
  const redis = await RedisServer.start();
  try {
    const [east, west] = await startBackends(2);
    east!.always(throttle(60_000));
    const env = { ...process.env, REDIS_URL: redis.url, EASTUS_URL: east!.url, WESTUS_URL: west!.url };
    const keys = { EASTUS_KEY: 'secret-east', WESTUS_KEY: 'secret-west' };
    const run = () =>
      promisify(execFile)(process.execPath, [join(__dirname, '../../examples/redis.mjs')], {
        env: { ...env, ...keys },
      });
    expect((await run()).stdout).toBe('asked ptu, then payg\n');
    expect((await run()).stdout).toBe('asked payg\n');
    expect([east!.calls.length, west!.calls.length]).toStrictEqual([1, 2]);
  } finally {
    await redis.close();
  }
});

test.each(redisExamples)('the example in $title shares a cooldown with the next run', async ({ code }) => {
  const redis = await RedisServer.start();
  try {
    const [east, west] = await startBackends(2);
    east!.always(throttle(60_000));
    const runs = async () => (await run(code, [east!.url, west!.url], { REDIS_URL: redis.url })).printed;
    expect(await runs()).toStrictEqual(['ptu → payg']);
    expect(await runs()).toStrictEqual(['payg']);
    expect([east!.calls.length, west!.calls.length]).toStrictEqual([1, 2]);
  } finally {
    await redis.close();
  }
});

test('the demo shares over Redis if a URL is given', async () => {
  const redis = await RedisServer.start();
  try {
    const demo = join(__dirname, '../../examples/demo.mjs');
    const env = { ...process.env, REDIS_URL: redis.url };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo, '--processes', '2'], { env });
    expect(stderr).toBe('');
    expect(stdout).toContain('share over Redis');
    expect(stdout).toMatch(/without sharing\D+\d+\D+\d/);
    expect(await redis.cli('info', 'commandstats')).toContain('cmdstat_publish');
  } finally {
    await redis.close();
  }
}, 60_000);
