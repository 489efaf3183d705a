import { BackendPool } from '../../src';
import type { BackendOptions } from '../../src';
import { Turns } from '../../src/failover/turns';
import type { InFlight } from '../../src/pool/pool-core';
import { coreOf } from '../../src/pool/pool-core';
import type { FailureReason } from '../../src/pool/reasons';
import { fakeClock } from '../support/stub-pool';

/** The turns of one request to backends of these names. */
function turnsOf(
  backends: Record<string, Partial<BackendOptions>>,
  { maxWait = 0, pinned }: { maxWait?: number; pinned?: string } = {},
) {
  const clock = fakeClock();
  const list = Object.entries(backends).map(([name, own]) => ({ name, baseURL: `${name}.example`, ...own }));
  const pool = new BackendPool(list);
  const core = coreOf(pool);
  const newTurns = () => new Turns(core, {}, maxWait, pinned);
  const turns = newTurns();
  const next = (deployment?: string, remaining = Infinity, isUnread = false) =>
    turns.take(deployment, remaining, isUnread);
  const fail = (inFlight: InFlight, reason: FailureReason, retryAfter?: number): void => {
    core.noteFailure(inFlight, { reason, scope: undefined, retryAfter, override: undefined, words: reason });
    turns.noteTried(inFlight, false);
  };
  const attemptNext = (): InFlight => {
    const turn = next();
    if (turn.is !== 'attempt') throw new Error(`unexpected turn: ${turn.is}`);
    return turn.inFlight;
  };
  /** Begins an attempt, which fails. Returns the backend's name. */
  const failNext = (reason: FailureReason, retryAfter?: number): string => {
    const inFlight = attemptNext();
    fail(inFlight, reason, retryAfter);
    return inFlight.backend.info.name;
  };
  /** Begins an attempt, whose answer would be the same after a wait. */
  const refuseNext = (): void => {
    const inFlight = attemptNext();
    core.noteAtWork(inFlight);
    turns.noteTried(inFlight, true);
  };
  /** Waits as long as it says. Returns the ms. */
  const waitNext = (remaining?: number): number => {
    const turn = next(undefined, remaining);
    if (turn.is !== 'wait') throw new Error(`unexpected turn: ${turn.is}`);
    clock.advance(turn.pause);
    turn.endWait();
    return turn.pause;
  };
  return { pool, turns, newTurns, next, attemptNext, failNext, refuseNext, waitNext };
}

const TWO = { a: {}, b: { priority: 2 } };

describe('the turn of a request', () => {
  test('is an attempt at each backend in order, and then the end', () => {
    const { next, failNext } = turnsOf(TWO);
    expect([failNext('throttled', 5000), failNext('throttled', 3000)]).toStrictEqual(['a', 'b']);
    expect(next()).toStrictEqual({
      is: 'exhausted',
      retryAfter: 3000,
      backends: [
        { name: 'a', because: 'throttled' },
        { name: 'b', because: 'throttled' },
      ],
    });
  });

  test('is to read the body only if there is a backend to send it to', () => {
    const { next, pool } = turnsOf({ a: {} });
    expect(next(undefined, Infinity, true)).toStrictEqual({ is: 'read body' });
    pool.cool('a', 1000);
    expect(next(undefined, Infinity, true)).toMatchObject({ is: 'exhausted', retryAfter: 1000 });
  });

  test('is one attempt at a backend whose cooldown is a guess, if no other is left', () => {
    const { newTurns, failNext, next } = turnsOf(TWO);
    failNext('connection');
    failNext('throttled', 60_000);
    expect(next()).toMatchObject({ is: 'exhausted' });
    const other = newTurns();
    const turn = other.take(undefined, Infinity, false);
    expect(turn).toMatchObject({ is: 'attempt', inFlight: { backend: { info: { name: 'a' } } } });
    other.noteTried((turn as { inFlight: InFlight }).inFlight, false);
    expect(other.take(undefined, Infinity, false)).toMatchObject({ is: 'exhausted' });
  });

  test('is a wait, if a backend becomes available within maxWait', () => {
    const { next, failNext, waitNext } = turnsOf({ a: {} }, { maxWait: 2000 });
    failNext('throttled', 1500);
    expect(waitNext()).toBe(1500);
    // In the new round, it may be tried again.
    expect(failNext('throttled', 400)).toBe('a');
    expect(waitNext()).toBe(400);
    failNext('throttled', 200);
    // Of the 2000 ms, 100 are left.
    expect(next()).toMatchObject({ is: 'exhausted', retryAfter: 200 });
  });

  test('is the end, if a wait could not end within the timeout', () => {
    const { next, pool, waitNext } = turnsOf({ a: {} }, { maxWait: 2000 });
    pool.cool('a', 1500);
    expect(next(undefined, 1499)).toMatchObject({ is: 'exhausted' });
    expect(waitNext(1500)).toBe(1500);
  });

  test('is the fabricated 404, if no backend has the deployment', () => {
    const { next, turns } = turnsOf({ a: { deployments: { chat: false } } });
    const none = { is: 'no deployment', pinned: undefined, deployment: 'chat' };
    expect(next('chat')).toStrictEqual(none);
    expect(turns.end('chat')).toStrictEqual(none);
    expect(next('other')).toMatchObject({ is: 'attempt' });
  });

  test('of a pinned request is at its backend alone, whatever is available', () => {
    const { next, failNext } = turnsOf({ a: {}, b: { priority: 2 } }, { pinned: 'b' });
    expect(failNext('throttled', 700)).toBe('b');
    expect(next()).toMatchObject({ is: 'exhausted', retryAfter: 700, backends: [{ name: 'b' }] });
  });

  test('of a pinned request throws if its backend is not in the pool, unless it has tried it', () => {
    const { next, failNext, pool, newTurns } = turnsOf(TWO, { pinned: 'b' });
    failNext('server-error');
    pool.update([{ name: 'a', baseURL: 'a.example' }]);
    expect(next()).toMatchObject({ is: 'no deployment', pinned: 'b' });
    expect(() => newTurns().take(undefined, Infinity, false)).toThrow('unknown backend "b"; expected one of a');
  });
});

describe('a backend whose answer would be the same', () => {
  test('is not waited for, and does not count for the Retry-After unless it is the only one', () => {
    const { next, refuseNext, pool } = turnsOf(TWO, { maxWait: 60_000 });
    refuseNext();
    pool.cool('b', 120_000);
    expect(next()).toMatchObject({ is: 'exhausted', retryAfter: 120_000 });
    pool.update([{ name: 'a', baseURL: 'a.example' }]);
    pool.cool('a', 5000);
    expect(next()).toMatchObject({ is: 'exhausted', retryAfter: 5000 });
  });

  test('is not tried again after a wait for another one', () => {
    const { refuseNext, pool, failNext, waitNext } = turnsOf(TWO, { maxWait: 60_000 });
    refuseNext();
    pool.cool('b', 1000);
    expect(waitNext()).toBe(1000);
    expect(failNext('throttled', 500)).toBe('b');
    expect(waitNext()).toBe(500);
  });
});

test('giving up makes neither an attempt nor a wait', () => {
  const { turns, pool } = turnsOf({ a: {} }, { maxWait: 60_000 });
  expect(turns.end(undefined)).toMatchObject({ is: 'exhausted', retryAfter: 0 });
  pool.cool('a', 1000);
  expect(turns.end(undefined)).toMatchObject({
    is: 'exhausted',
    retryAfter: 1000,
    backends: [{ because: 'taken out by hand' }],
  });
});
