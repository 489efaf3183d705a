import { Abort } from '../../src/failover/abort';
import { Budget } from '../../src/failover/budget';
import { readErrorBody } from '../../src/failover/read-error-body';
import type { CurrentAttempt, Run } from '../../src/failover/run';
import { MAX_ERROR_BODY } from '../../src/http/error-body';
import type { ReadLimits, Take } from '../../src/http/read-beginning';
import { eventLoopTurn, fakeClock } from '../support/stub-pool';

const response = { status: 503, headers: {}, data: 'stream' } as never;

/** Reads a body that gives these chunks and then `end`. */
function reading({
  chunks = [] as string[],
  end = Promise.resolve(true),
  timeout = 0,
  attemptTimeout = 0,
  age = 0,
} = {}) {
  const clock = fakeClock();
  const caller = new AbortController();
  const budget = new Budget({ signal: caller.signal }, timeout);
  const exchange = { abort: new Abort(), started: performance.now() };
  const seen: { limits?: ReadLimits; stopped: boolean[]; discarded: unknown[] } = { stopped: [], discarded: [] };
  const client = {
    readBeginning: (_request: unknown, given: unknown, take: Take, limits: ReadLimits) => {
      seen.limits = limits;
      seen.stopped = chunks.map((chunk) => take(Buffer.from(chunk)));
      return { response: given, isOver: end };
    },
    abortReason: () => 'why',
    discard: (given: unknown) => void seen.discarded.push(given),
  };
  clock.advance(age);
  const run = { client, budget, request: {} } as unknown as Run<never, never>;
  const read = () => readErrorBody(run, { attemptTimeout, exchange } as unknown as CurrentAttempt, response);
  return { ...seen, seen, caller, clock, client, exchange, read };
}

test.each([
  [{}, 1000],
  [{ timeout: 10_000 }, 1000],
  [{ timeout: 1000 }, 500],
  [{ timeout: 1000, age: 400 }, 300],
  [{ attemptTimeout: 5000 }, 1000],
  [{ attemptTimeout: 500 }, 500],
  [{ attemptTimeout: 500, age: 200 }, 300],
  [{ attemptTimeout: 500, age: 600 }, 0],
])('with %j, the body of an error may take %i ms', (settings, ms) => {
  const { read, seen, exchange } = reading(settings);
  read();
  expect(seen.limits).toStrictEqual({ ms, abort: exchange.abort });
});

test('nothing is read once the time of the caller is over', () => {
  const { read, seen } = reading({ timeout: 100, age: 100 });
  expect(read()).toBeUndefined();
  expect(seen.limits).toBeUndefined();
});

test('nothing is read by a client that reads no bodies, or not this one', () => {
  const { read, client } = reading();
  client.readBeginning = () => undefined as never;
  expect(read()).toBeUndefined();
  Reflect.deleteProperty(client, 'readBeginning');
  expect(read()).toBeUndefined();
});

test('reading stops at the limit, and what was read is the data', async () => {
  const half = 'x'.repeat(MAX_ERROR_BODY / 2);
  const { read, seen } = reading({ chunks: [half.slice(1), 'y', half] });
  expect(Buffer.from((await read()!.data) as Uint8Array).toString()).toBe(`${half.slice(1)}y${half}`);
  expect(seen.stopped).toStrictEqual([false, false, true]);
});

test('of a body that breaks off, what was read is the data', async () => {
  const { read } = reading({ chunks: ['half'], end: Promise.reject(new Error('cut')) });
  expect(Buffer.from((await read()!.data) as Uint8Array).toString()).toBe('half');
});

test('a cancel by the caller ends the reading, aborts the attempt and discards the response', async () => {
  const { read, seen, caller, exchange } = reading({ end: new Promise(() => undefined) });
  const { data } = read()!;
  caller.abort();
  await expect(data).rejects.toMatchObject({ why: 'cancelled' });
  await eventLoopTurn();
  expect([exchange.abort.reason, seen.discarded]).toStrictEqual(['why', [response]]);
});
