import { EventEmitter } from 'node:events';
import { processTransport, shareCooldowns } from '../../src/sharing';
import type { ProcessTransportOptions, Transport } from '../../src/sharing';
import { digestOf } from '../../src/sharing/digest';
import { written } from '../../src/sharing/message';
import { FakeEnd, fakeChannel, inProcess } from '../support/fake-processes';
import { eventLoopTurn, stubPool } from '../support/stub-pool';

const two = { a: {}, b: { priority: 2 } };
const A = digestOf({ name: 'a', baseURL: 'https://a.example' });
const foreign = (id: string): string =>
  written({ id, backend: A, scope: undefined, reason: 'throttled', kind: 'asked', ms: 60_000 })!;

/** The transport as a child makes it. */
const inChild = (parent: FakeEnd): Transport => inProcess(parent, () => processTransport());
const inParent = (...children: FakeEnd[]): Transport => inProcess({}, () => processTransport({ children }));

function share(transport: Transport) {
  const { pool } = stubPool(two);
  const sharing = shareCooldowns(pool, transport);
  return { pool, sharing, isOut: () => pool.snapshot()[0]!.cooldowns.length > 0 };
}

describe('processTransport', () => {
  test('relays from child to child, and to the parent’s own pool', async () => {
    const [one, other] = [fakeChannel(), fakeChannel()];
    const hub = share(inParent(one.child, other.child));
    const first = share(inChild(one.parent));
    const second = share(inChild(other.parent));
    await Promise.all([hub.sharing.ready, first.sharing.ready]);
    first.pool.cool('a', 60_000);
    await eventLoopTurn();
    expect([hub.isOut(), second.isOut()]).toStrictEqual([true, true]);
    hub.sharing.restore('a');
    expect([hub.isOut(), first.isOut(), second.isOut()]).toStrictEqual([false, false, false]);
  });

  test('relays in a parent that shares no pool, and remembers for late starters', async () => {
    const [one, other] = [fakeChannel(), fakeChannel()];
    inParent(one.child, other.child);
    share(inChild(one.parent)).pool.cool('a', 60_000);
    await eventLoopTurn();
    const late = share(inChild(other.parent));
    await late.sharing.ready;
    expect(late.isOut()).toBe(true);
  });

  test('is ready under a parent that shares nothing, such as a process manager', async () => {
    const { sharing, isOut } = share(inChild(fakeChannel().parent));
    await sharing.ready;
    expect(isOut()).toBe(false);
  });

  test('learns from children that started before the parent', async () => {
    const [one, other] = [fakeChannel(), fakeChannel()];
    const early = share(inChild(one.parent));
    const second = share(inChild(other.parent));
    early.pool.cool('a', 60_000);
    await eventLoopTurn();
    const hub = share(inParent(one.child, other.child));
    expect([hub.isOut(), second.isOut()]).toStrictEqual([true, true]);
  });

  test('passes messages on to the parent’s parent', async () => {
    const [upper, lower] = [fakeChannel(), fakeChannel()];
    const root = share(inParent(upper.child));
    inProcess(upper.parent, () => processTransport({ children: [lower.child] }));
    share(inChild(lower.parent)).pool.cool('a', 60_000);
    await eventLoopTurn();
    expect(root.isOut()).toBe(true);
  });

  test('talks to the workers of a cluster only in its primary process', async () => {
    const { child, parent } = fakeChannel();
    const cluster = Object.assign(new EventEmitter(), { isPrimary: true, workers: { 1: { process: child } } });
    child.on('message', (message) => cluster.emit('message', cluster.workers[1], message));
    const primary = { getBuiltinModule: () => cluster };
    const hub = share(inProcess(primary, () => processTransport()));
    const worker = share(inChild(Object.assign(parent, { getBuiltinModule: () => ({ isPrimary: false }) })));
    worker.pool.cool('a', 60_000);
    await eventLoopTurn();
    expect(hub.isOut()).toBe(true);
    hub.sharing.restore('a');
    expect(worker.isOut()).toBe(false);
    await hub.sharing.stop();
    expect(cluster.listenerCount('message')).toBe(0);
  });

  test('keeps no more than 100 messages for a process that doesn’t read, then sends what is in force', async () => {
    const { child, parent } = fakeChannel();
    const hub = inParent(child);
    parent.isStuck = child.isStuck = true;
    child.other = undefined;
    for (let i = 0; i < 5_000; i++) hub.send(foreign(`x${String(i % 50)}.${String(i)}`));
    expect(child.sent).toHaveLength(101);
    child.other = parent;
    const late = share(inChild(parent));
    child.drain();
    expect(child.sent.length).toBeLessThan(105);
    expect(late.isOut()).toBe(true);
    child.drain();
    await eventLoopTurn();
  });

  test('sends nothing to a process that has gone', () => {
    const { child } = fakeChannel();
    const hub = inParent(child);
    child.sent.length = 0;
    child.connected = false;
    hub.send(foreign('x.1'));
    expect(child.sent).toStrictEqual([]);
  });

  test('leaves no listener after stop, and several pools share one transport', async () => {
    const { child, parent } = fakeChannel();
    inParent(child);
    const transport = inChild(parent);
    const [one, other] = [share(transport), share(transport)];
    await one.sharing.stop();
    expect(parent.listenerCount('message')).toBe(1);
    await other.sharing.stop();
    expect(parent.listenerCount('message')).toBe(0);
  });

  test('lets several pools of one process hear each other', async () => {
    const transport = inParent(fakeChannel().child);
    const [one, other] = [share(transport), share(transport)];
    one.pool.cool('a', 60_000);
    await eventLoopTurn();
    expect(other.isOut()).toBe(true);
    other.sharing.restore('a');
    expect(one.isOut()).toBe(false);
  });

  test('leaves the pool as it is if there is neither a parent nor a child', async () => {
    const alone = share(inProcess(undefined, () => processTransport()));
    alone.pool.cool('a', 60_000);
    await alone.sharing.ready;
    expect(alone.isOut()).toBe(true);
    await alone.sharing.stop();
    expect(alone.isOut()).toBe(true);
  });

  test.each([
    [{ children: 5 }, 'options.children must be an array of child processes, got 5'],
    [{ children: [new FakeEnd(), {}] }, 'options.children[1] must be a forked process, got an object'],
    [{ childern: [] }, 'options has an unknown field "childern"; did you mean "children"?'],
  ])('refuses bad input (%#)', (options, message) => {
    expect(() => processTransport(options as unknown as ProcessTransportOptions)).toThrow(message);
  });
});
