import fc from 'fast-check';
import { priorityAdapter } from '../../src';
import { fakeClock, stubPool, throttled } from '../support/stub-pool';

describe('the order of attempts', () => {
  test('starts with the best available priority', async () => {
    const { request, replies, tried } = stubPool({
      last: { priority: 9 },
      first: { priority: 0 },
      middle: { priority: 3 },
    });
    for (let i = 0; i < 20; i++) await request();
    expect(new Set(tried)).toStrictEqual(new Set(['first']));
    replies.first = 429;
    replies.middle = 500;
    tried.length = 0;
    await request();
    expect(tried).toStrictEqual(['first', 'middle', 'last']);
  });

  test('contains each backend at most once per request, even if it specifies a wait of zero', async () => {
    fakeClock();
    const { request, replies, tried } = stubPool({ a: {}, b: {} });
    replies.a = replies.b = throttled(0);
    const response = await request();
    expect(tried.sort()).toStrictEqual(['a', 'b']);
    expect(response.headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '100' });
  });

  test('is random among backends of the same priority, by weight', async () => {
    const { request, tried } = stubPool({ a: {}, b: {}, c: { weight: 2 } });
    for (let i = 0; i < 4000; i++) await request();
    const share = (name: string) => tried.filter((each) => each === name).length / tried.length;
    expect(share('a')).toBeCloseTo(0.25, 1);
    expect(share('c')).toBeCloseTo(0.5, 1);
  });
});

test('a request that keeps failing tries every backend once, from the best priority to the worst', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }), async (priorities) => {
      const tried: number[] = [];
      const adapter = priorityAdapter(
        priorities.map((priority, i) => ({ baseURL: `https://b${String(i)}.example`, priority })),
        {
          adapter: (config) => {
            tried.push(priorities[Number(/b(\d+)/.exec(config.baseURL ?? '')?.[1])] ?? -1);
            return Promise.resolve({ status: 503, data: '', statusText: '', headers: {}, config });
          },
        },
      );
      const response = await adapter({ url: '/x', method: 'post', headers: {} } as never);
      expect(response.attempts).toHaveLength(priorities.length);
      expect(tried).toStrictEqual([...priorities].sort((a, b) => a - b));
    }),
  );
});
