import fc from 'fast-check';
import { shareCooldowns } from '../../src/sharing';
import { digestOf } from '../../src/sharing/digest';
import { PeerProtocol } from '../../src/sharing/peer-protocol';
import { MemoryBroker } from '../support/memory-transport';
import { fakeClock, stubPool } from '../support/stub-pool';

const MESSAGES = 50_000;
const SEED = Number(process.env.FUZZ_SEED ?? 20261125);
const MAX_DURATION = 5_000;

const digest = digestOf({ name: 'a', baseURL: 'https://a.example' });
const one = fc.constantFrom;

/** Nearly a message: each field is right, or wrong in any way. */
const nearly = fc
  .record(
    {
      v: fc.oneof({ weight: 9, arbitrary: one<unknown>(1) }, fc.anything()),
      i: fc.oneof({ weight: 9, arbitrary: fc.string({ maxLength: 20 }) }, fc.anything()),
      b: fc.oneof({ weight: 9, arbitrary: one<unknown>(digest) }, fc.string(), fc.anything()),
      s: fc.oneof(one(undefined, 'chat', '__proto__'), fc.string(), fc.anything()),
      r: fc.oneof(one('throttled', 'oversized', 'manual', 'restore', 'timeout', 'constructor'), fc.anything()),
      k: fc.oneof(one('asked', 'guessed', 'oversized'), fc.anything()),
      ms: fc.oneof(fc.integer(), fc.double(), one(1e308, '5', -1, 0, null), fc.anything()),
    },
    { requiredKeys: [] },
  )
  .map((fields) => {
    try {
      return JSON.stringify(fields);
    } catch {
      return '{';
    }
  });

const text = fc.oneof({ weight: 6, arbitrary: nearly }, fc.json(), fc.string(), fc.anything());
const age = fc.oneof(one(undefined, 0, 10), fc.double(), fc.anything());

afterEach(() => jest.restoreAllMocks());

test(`${String(MESSAGES)} hostile messages neither throw nor take a backend out for longer than maxDuration`, () => {
  const clock = fakeClock();
  const report = jest.spyOn(console, 'error');
  const { pool } = stubPool({ a: {}, b: {} });
  const broker = new MemoryBroker();
  shareCooldowns(pool, broker.transport(), { maxDuration: MAX_DURATION });
  let learned = 0;
  pool.subscribe((event) => event.type === 'cooldown' && learned++);
  for (const [message, old] of fc.sample(fc.tuple(text, age), { numRuns: MESSAGES, seed: SEED })) {
    broker.deliver(message, old);
    clock.advance(0.1);
  }
  expect(learned).toBeGreaterThan(20);
  for (const { cooldowns } of pool.snapshot())
    expect(cooldowns.filter(({ remaining }) => !(remaining <= MAX_DURATION))).toStrictEqual([]);
  expect(pool.snapshot()[1]?.cooldowns).toStrictEqual([]);
  expect(broker.sent).toStrictEqual([]);
  expect(report).not.toHaveBeenCalled();
});

test('hostile envelopes neither throw nor pile up', () => {
  fakeClock();
  const protocol = new PeerProtocol();
  const says = fc.record(
    { what: fc.oneof(one('ask', 'tell', 'answer'), fc.anything()), text, all: fc.anything(), at: fc.anything() },
    { requiredKeys: [] },
  );
  const answers = fc.array(fc.tuple(text, age)).map((all) => ({ what: 'answer', all }));
  const envelope = fc.oneof(
    fc.oneof(says, answers).map((axiosPriorityAdapter) => ({ axiosPriorityAdapter })),
    fc.anything(),
  );
  for (const each of fc.sample(envelope, { numRuns: 5_000, seed: SEED })) protocol.hear(each);
  expect(protocol.list().length).toBeLessThanOrEqual(1_000);
});
