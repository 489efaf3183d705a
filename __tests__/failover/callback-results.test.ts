import { checkedBoolean, checkedCooldown } from '../../src/failover/callback-results';

test('a predicate must return a boolean: a promise would always count as true', () => {
  expect([checkedBoolean(true, 'shouldBalance'), checkedBoolean(false, 'shouldBalance')]).toStrictEqual([true, false]);
  for (const returned of [Promise.resolve(false), undefined, null, 0, 'false'])
    expect(() => checkedBoolean(returned, 'shouldBalance')).toThrow(/^shouldBalance must return a boolean, got /);
});

test('a cooldown must be a number of ms, or undefined', () => {
  expect([undefined, 0, 1.5, 1e12].map(checkedCooldown)).toStrictEqual([undefined, 0, 1.5, 1e12]);
  for (const returned of [-1, NaN, Infinity, '5', null, Promise.resolve(5)])
    expect(() => checkedCooldown(returned)).toThrow(
      /^cooldown must return a finite number of ms ≥ 0 or undefined, got /,
    );
});
