/** The text of the events that viewers get. */
import type { PoolEvent } from '../../src';
import { PoolMessages } from '../../src/status-page/pool-messages';

type AttemptEvent = PoolEvent & { readonly type: 'attempt' };

/** The event in a message, with the pool and the time. */
function parsed(text: string): unknown {
  const [, json] = /^event: pool\ndata: (.+)\n\n$/.exec(text)!;
  return JSON.parse(json!);
}

const attempt: AttemptEvent = { type: 'attempt', backend: 'one', scope: 'gpt-4o', status: 200, duration: 5 };

test.each<[name: string, event: PoolEvent]>([
  ['a plain attempt', attempt],
  ['an attempt of another backend', { ...attempt, backend: 'two "2"' }],
  ['an attempt without a deployment', { type: 'attempt', backend: 'one', status: 200, duration: 5 }],
  ['an attempt for another deployment', { ...attempt, scope: 'gpt-4o-mini' }],
  ['an attempt with another status', { ...attempt, status: 404 }],
  ['an attempt with an id', { ...attempt, requestId: 'b4f "1"' }],
  ['an attempt that failed', { ...attempt, status: 500, reason: 'server-error' }],
  ['an attempt with a code', { ...attempt, code: 'ECONNRESET' }],
  ['an attempt that cost a cooldown', { ...attempt, cooldown: 1_000 }],
  ['a cooldown', { type: 'cooldown', backend: 'one', reason: 'throttled', duration: 1_000 }],
  ['a recovery', { type: 'recovered', backend: 'one' }],
  ['a wait', { type: 'waiting', duration: 5 }],
  ['an exhausted pool', { type: 'exhausted', retryAfter: 7 }],
])('%s is told as it is, between attempts of the same backend', (_, event) => {
  const messages = new PoolMessages('chat');
  for (const each of [attempt, event, { ...attempt, duration: 6 }, event]) {
    expect(parsed(messages.of(each, 1_000))).toStrictEqual({ pool: 'chat', at: 1_000, ...each });
  }
});

test('durations are rounded to 0.001 ms', () => {
  const messages = new PoolMessages('chat');
  expect(parsed(messages.of({ ...attempt, duration: 1.23456 }, 0))).toMatchObject({ duration: 1.235 });
  expect(parsed(messages.of({ ...attempt, duration: 2.34567 }, 0))).toMatchObject({ duration: 2.346 });
  expect(parsed(messages.of({ type: 'waiting', duration: 1.23456 }, 0))).toMatchObject({ duration: 1.235 });
});

test('what is remembered of backends has a limit', () => {
  const messages = new PoolMessages('chat');
  for (let i = 0; i < 1_000; i++) messages.of({ ...attempt, backend: `backend-${String(i)}` }, 0);
  expect(messages.remembered).toBeLessThanOrEqual(100);
});
