import axios from 'axios';
import { eventLoopTurn, stubPool } from '../support/stub-pool';

test('no request leaves a listener on a long-lived signal, whatever its result', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listening = 0;
  const types = new Set<string>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listening++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listening--;
    types.add(args[0]);
    remove(...args);
  };
  const warned = jest.fn();
  process.on('warning', warned);
  const { adapter, replies } = stubPool({ a: {}, b: { priority: 2 } }, { defaultCooldown: 0 });
  let i = 0;
  replies.a = () => [200, 429, 500, 404, new Error('reset')][i++ % 5] as number;
  await Promise.all(
    Array.from({ length: 1000 }, (_, n) =>
      axios
        .get('/x', { adapter, signal, timeout: n % 2 ? 10_000 : 0, failover: n % 3 ? { attemptTimeout: 5000 } : {} })
        .catch(() => undefined),
    ),
  );
  expect(listening).toBe(0);
  expect([...types]).toEqual(['abort']);
  await eventLoopTurn();
  expect(warned).not.toHaveBeenCalled();
  process.off('warning', warned);
});
