import { eventLoopTurn, stubPool } from '../support/stub-pool';

test('10,000 requests queue up and go within seconds', async () => {
  const { request, pool, tried } = stubPool({ a: {} }, { maxWait: 600_000 });
  pool.cool('a', 600_000);
  const responses = Array.from({ length: 10_000 }, () => request());
  await eventLoopTurn();
  pool.restore('a');
  await Promise.all(responses);
  expect(tried).toHaveLength(10_000);
}, 15_000);
