import type { PoolEvent } from '../../src';
import { stubPool, fakeClock, throttled } from '../support/stub-pool';

afterEach(() => jest.restoreAllMocks());

describe('pool events', () => {
  test('report attempts, cooldowns, recovery and exhaustion in order', async () => {
    const clock = fakeClock();
    const { request, replies, pool } = stubPool({ a: {}, b: { priority: 2 } });
    const events: PoolEvent[] = [];
    const unsubscribe = pool.subscribe((event) => events.push(event));
    replies.a = throttled(500);
    await request({ url: '/openai/deployments/gpt%204/chat' });
    expect(events.splice(0)).toStrictEqual([
      { type: 'cooldown', backend: 'a', scope: 'gpt 4', reason: 'throttled', duration: 500 },
      { type: 'attempt', backend: 'a', scope: 'gpt 4', status: 429, reason: 'throttled', duration: 0, cooldown: 500 },
      { type: 'attempt', backend: 'b', scope: 'gpt 4', status: 200, duration: 0 },
    ]);
    replies.b = 503;
    await request({ url: '/openai/deployments/gpt%204/chat' });
    expect(events.splice(0)).toStrictEqual([
      { type: 'cooldown', backend: 'b', reason: 'server-error', duration: 100 },
      {
        type: 'attempt',
        backend: 'b',
        scope: 'gpt 4',
        status: 503,
        reason: 'server-error',
        duration: 0,
        cooldown: 100,
      },
      { type: 'exhausted', retryAfter: 100 },
    ]);
    clock.advance(500);
    expect(events).toStrictEqual([]);
    replies.a = 200;
    await request();
    expect(events.splice(0)).toStrictEqual([
      { type: 'recovered', backend: 'a', scope: 'gpt 4' },
      { type: 'recovered', backend: 'b' },
      { type: 'attempt', backend: 'a', status: 200, duration: 0 },
    ]);
    unsubscribe();
    await request();
    expect(events).toStrictEqual([]);
  });

  test('reach each subscription once, even if another listener throws or rejects', async () => {
    const report = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { request, pool } = stubPool({ a: {} });
    const heard: string[] = [];
    const listener = (event: PoolEvent): void => void heard.push(event.type);
    const first = pool.subscribe(listener);
    pool.subscribe(listener);
    pool.subscribe(() => {
      throw new Error('thrown');
    });
    const rejecting: unknown = () => Promise.reject(new Error('rejected'));
    pool.subscribe(rejecting as () => void);
    expect((await request()).status).toBe(200);
    first();
    first();
    await request();
    expect(heard).toStrictEqual(['attempt', 'attempt', 'attempt']);
    expect(report.mock.calls.map(([, error]) => (error as Error).message).sort()).toStrictEqual([
      'rejected',
      'rejected',
      'thrown',
      'thrown',
    ]);
    expect(() => pool.subscribe(undefined as never)).toThrow('listener must be a function, got undefined');
  });

  test('reach a listener added during an event from the next event on, and a removed one no longer', async () => {
    const { request, pool } = stubPool({ a: {} });
    const heard: string[] = [];
    const once = (name: string): void => {
      const end = pool.subscribe(() => {
        heard.push(name);
        end();
        leave();
        if (heard.length < 10) once('again');
      });
    };
    once('first');
    const leave = pool.subscribe(() => void heard.push('left'));
    await request();
    expect(heard).toStrictEqual(['first']);
    await request();
    expect(heard).toStrictEqual(['first', 'again']);
  });
});
