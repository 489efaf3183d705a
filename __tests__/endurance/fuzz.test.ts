import fc from 'fast-check';
import { World } from './fuzz/world';
import type { Action, BackendSetup, Intrusion, RequestSpec, Setup, Step } from './fuzz/world';
import type { Reply } from './fuzz/wires';

/** `FUZZ_RUNS=20000 FUZZ_SEED=7 npx jest --selectProjects library --testPathPatterns endurance/fuzz` runs it for longer. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 150);
const SEED = Number(process.env.FUZZ_SEED ?? 20261122);

const record = fc.record;
const one = fc.constantFrom;

const backend: fc.Arbitrary<BackendSetup> = record({
  priority: one(1, 1, 2, 3),
  isMapped: fc.boolean(),
  credential: one('none', 'none', 'key', 'provider'),
});

const request: fc.Arbitrary<RequestSpec> = record({
  method: one('post', 'get'),
  deployment: one('x', 'y'),
  namedBy: one('url', 'url', 'body', 'nothing'),
  isStream: one(false, false, false, true),
  timeout: one(0, 0, 700),
  failover: one(undefined, undefined, undefined, false as const, { attemptTimeout: 200 }, { maxWait: 500 }, {}),
  cancelBy: one('nothing', 'signal', 'token'),
});

const actions: readonly fc.Arbitrary<Action>[] = [
  record({ do: one('send'), request }),
  record({ do: one('cancel'), which: fc.nat(20) }),
  record({
    do: one('cool'),
    backend: fc.nat(4),
    ms: one(10, 2000),
    scope: one(undefined, undefined, 'x', 'y', 'x-of-a'),
  }),
  record({ do: one('restore'), backend: fc.nat(4) }),
  record({ do: one('update'), without: fc.subarray([1, 2, 3, 4]) }),
];

const NOT_FOUND = '{"error":{"code":"DeploymentNotFound"}}';

const reply: fc.Arbitrary<Reply> = record({
  status: one(200, 200, 200, 302, 400, 401, 403, 404, 404, 429, 429, 429, 500, 503),
  wait: one(undefined, undefined, undefined, '0', '40', '300', '86400000'),
  body: one('{}', NOT_FOUND),
  ends: one('whole', 'whole', 'whole', 'whole', 'cut', 'reset', 'bug'),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: actions[0]! },
  { weight: 12, arbitrary: record({ do: one('reply'), which: fc.nat(20), reply }) },
  { weight: 4, arbitrary: record({ do: one('pass'), ms: one(1, 39, 150, 250, 1000, 9000) }) },
  {
    weight: 2,
    arbitrary: record({
      do: one('reach'),
      backend: fc.nat(4),
      reachable: one('yes', 'yes', 'refused', 'unknown host', 'silent'),
    }),
  },
  {
    weight: 2,
    arbitrary: record({ do: one('provide'), backend: fc.nat(4), provider: one('token', 'throws', 'hangs') }),
  },
  ...actions.slice(1).map((arbitrary) => ({ weight: 1, arbitrary })),
);

const intrusion: fc.Arbitrary<Intrusion> = record({
  at: one('attempt', 'cooldown', 'recovered', 'waiting', 'exhausted', 'selector', 'condition', 'cooldown option'),
  action: fc.oneof(...actions, record({ do: one('throw') })),
});

const setup: fc.Arbitrary<Setup> = record({
  wire: one('function', 'http'),
  backends: fc.array(backend, { minLength: 1, maxLength: 5 }),
  defaultCooldown: one(1000, 1000, 50, 0),
  maxCooldown: one(8000, 400),
  attemptTimeout: one(0, 300),
  maxWait: one(0, 0, 2000),
  override: one(undefined, undefined, undefined, 0, 250),
  condition: one('default', 'default', 'default', 'everything', 'nothing'),
  intrusions: fc.oneof(fc.constant([]), fc.array(intrusion, { maxLength: 3 })),
});

beforeAll(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] });
  // A listener that throws is reported there.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
});

afterAll(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test(
  'whatever backends, networks and callers do, a request settles once, no POST is sent twice, no healthy backend is out, and nothing leaks',
  async () => {
    const total: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(setup, fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (given, steps) => {
        const world = new World(given);
        try {
          for (const each of steps) {
            await world.step(each);
            if (world.broken.length > 0) break;
          }
          await world.finish();
        } finally {
          jest.clearAllTimers();
        }
        for (const [what, count] of Object.entries(world.counts)) total[what] = (total[what] ?? 0) + count;
        expect(world.broken).toStrictEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // The random sequences have led to all of it.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(RUNS / 50);
  },
  60_000 + RUNS * 200,
);
