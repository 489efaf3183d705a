import { Abort } from '../../src/failover/abort';
import type { HttpClient, HttpRequest } from '../../src/failover/http-client';
import { resolveRules } from '../../src/failover/options';
import { newAttempt, newRun } from '../../src/failover/run';
import { asIs } from '../../src/http/request-body';
import type { HttpResponse } from '../../src/http/messages';
import type { BackendOptions } from '../../src/pool/backend-options';
import { NO_NAMES } from '../../src/pool/candidates';
import { BackendPool } from '../../src/pool/pool';
import { coreOf } from '../../src/pool/pool-core';

const client = {} as HttpClient<HttpRequest, HttpResponse>;

function run({ backend, ...request }: Partial<HttpRequest> & { backend?: Partial<BackendOptions> }) {
  const core = coreOf(new BackendPool([{ name: 'a', baseURL: 'a.example', ...backend }]));
  const usual = { config: {}, body: undefined, deployment: undefined, timeout: 0, streamed: false, obeysCancel: true };
  const whole = newRun(client, { ...usual, ...request }, core, resolveRules({ attemptTimeout: 0 }, {}));
  const wanted = { deployment: undefined, pinned: undefined, final: NO_NAMES };
  const inFlight = core.begin(wanted, NO_NAMES, {}, false)!;
  return { whole, begin: () => newAttempt(whole, inFlight, asIs(undefined)) };
}

describe('an attempt has a signal of its own', () => {
  const cancellable = { config: { signal: new AbortController().signal } };
  const has = (given: Parameters<typeof run>[0]): boolean => run(given).begin().exchange.abort instanceof Abort;

  test('not if nothing but the caller’s signal may end it', () => {
    expect([has({}), has(cancellable)]).toStrictEqual([false, false]);
  });

  test('if a time limit may end it', () => {
    expect([has({ timeout: 1000 }), has({ backend: { attemptTimeout: 1000 } })]).toStrictEqual([true, true]);
  });

  test('if the caller may cancel it while it is more than one exchange', () => {
    const provided = { apiKey: () => 'key' };
    expect(has({ ...cancellable, streamed: true })).toBe(true);
    expect(has({ ...cancellable, needsAbort: true })).toBe(true);
    expect(has({ ...cancellable, backend: provided })).toBe(true);
    // Nobody can cancel these.
    expect([has({ streamed: true }), has({ needsAbort: true }), has({ backend: provided })]).toStrictEqual([
      false,
      false,
      false,
    ]);
  });
});

test('only an attempt before which nothing has used the caller’s time has all of it', async () => {
  const { whole, begin } = run({ timeout: 1000 });
  expect(begin().hasWholeBudget).toBe(true);
  await whole.budget.guard(() => Promise.resolve());
  expect(begin().hasWholeBudget).toBe(false);
});

test('a polluted prototype supplies no field of a run or an attempt', () => {
  const names = ['fallback', 'failure', 'body', 'oneShot', 'held', 'inspection', 'afterGivenUp', 'connection'];
  const prototype = Object.prototype as Record<string, unknown>;
  for (const name of names) Object.defineProperty(prototype, name, { value: 'polluted', configurable: true });
  try {
    const { whole, begin } = run({});
    const { exchange, ...attempt } = begin();
    const fields = { ...whole, ...attempt, ...exchange, body: whole.body } as Record<string, unknown>;
    expect(names.map((name) => fields[name])).toStrictEqual(names.map(() => undefined));
  } finally {
    for (const name of names) Reflect.deleteProperty(prototype, name);
  }
});
