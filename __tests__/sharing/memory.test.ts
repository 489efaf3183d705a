import { machineTime, ageOf } from '../../src/sharing/machine-clock';
import { Memory, remembered } from '../../src/sharing/memory';
import type { Message } from '../../src/sharing/message';
import { written } from '../../src/sharing/message';
import { fakeClock } from '../support/stub-pool';

const cooldown = (id: string, ms = 1000, backend = 'A'): string =>
  written({ id, backend, scope: 'chat', reason: 'throttled', kind: 'asked', ms } satisfies Message)!;
const restore = (id: string): string => written({ id, backend: 'A', reason: 'restore', ms: 1000 })!;

describe('the memory of a transport', () => {
  test('keeps the latest message of each sender about each subject, until it is over', () => {
    const clock = fakeClock();
    const memory = new Memory();
    expect([memory.add(cooldown('x.1')), memory.add(cooldown('x.1')), memory.add('{')]).toStrictEqual([
      true,
      false,
      false,
    ]);
    clock.advance(100);
    memory.add(cooldown('y.1'));
    memory.add(cooldown('x.2', 2000));
    expect(memory.add(cooldown('x.3', 2000), 50)).toBe(false);
    clock.advance(200);
    expect(memory.list()).toStrictEqual([
      [cooldown('y.1'), 200],
      [cooldown('x.2', 2000), 200],
    ]);
    clock.advance(800);
    expect(memory.list()).toStrictEqual([[cooldown('x.2', 2000), 1000]]);
  });

  test('forgets what was sent before a restore, and lists the oldest first', () => {
    const clock = fakeClock();
    const memory = new Memory();
    memory.add(cooldown('x.1'));
    memory.add(cooldown('x.2', 1000, 'B'));
    memory.add(restore('x.3'));
    clock.advance(10);
    memory.add(cooldown('x.4'));
    memory.add(restore('y.1'), 5);
    memory.add(cooldown('z.1'), 8);
    expect(memory.list().map(([text]) => text)).toStrictEqual([
      cooldown('x.2', 1000, 'B'),
      restore('x.3'),
      cooldown('z.1'),
      restore('y.1'),
      cooldown('x.4'),
    ]);
  });

  test('is not displaced by a flood of others', () => {
    fakeClock();
    const memory = new Memory();
    memory.addOwn(cooldown('own.1'));
    for (let i = 0; i < 3000; i++) memory.add(cooldown(`x${String(i)}.1`, 1000, `B${String(i)}`));
    const list = memory.list();
    expect(list.map(([text]) => text)).toContain(cooldown('own.1'));
    expect(remembered(list)).toStrictEqual(list);
    expect(memory.add(cooldown('own.1'))).toBe(false);
  });

  test('is read from others without their invalid entries', () => {
    expect(remembered('x')).toStrictEqual([]);
    expect(remembered(['x', [], [5, 5], ['x', '5'], ['x', -1], ['x', NaN], ['x', 5]])).toStrictEqual([['x', 5]]);
  });
});

describe("the machine's clock", () => {
  const elsewhere = (process: object | undefined): (number | undefined)[] => {
    const { process: own } = globalThis;
    Object.assign(globalThis, { process });
    try {
      return [machineTime(), ageOf(0)];
    } finally {
      globalThis.process = own;
    }
  };

  test('gives the age of a stored message', () => {
    expect(ageOf(machineTime()! - 5000)).toBeCloseTo(5000, -2);
  });

  test.each([machineTime()! + 5000, 'x', undefined, NaN])('gives an age of 0 for %p', (stamp) => {
    expect(ageOf(stamp)).toBe(0);
  });

  test.each([
    undefined,
    {},
    { versions: {} },
    { versions: { node: '20', deno: '2' } },
    { versions: { node: '20', bun: '1' } },
  ])('is used only in Node (%j)', (process) => {
    expect(elsewhere(process)).toStrictEqual([undefined, 0]);
  });
});
