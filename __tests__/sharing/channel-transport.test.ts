import { shareCooldowns, channelTransport } from '../../src/sharing';
import type { MessageChannelLike } from '../../src/sharing';
import { fakeClock, stubPool } from '../support/stub-pool';

const two = { a: {}, b: { priority: 2 } };
let count = 0;
let opened: BroadcastChannel[] = [];
const channel = (name: string): BroadcastChannel => {
  const made = new BroadcastChannel(name);
  opened.push(made);
  return made;
};

function start(name: string) {
  const { pool } = stubPool(two);
  const errors: unknown[] = [];
  const own = channel(name);
  const sharing = shareCooldowns(pool, channelTransport(own), { onError: (error) => errors.push(error) });
  const heard = (type: 'cooldown' | 'recovered'): Promise<void> =>
    new Promise((resolve) => {
      const end = pool.subscribe((event) => {
        if (event.type !== type) return;
        end();
        resolve();
      });
    });
  return { pool, sharing, errors, heard, channel: own };
}

let name: string;
beforeEach(() => (name = `cooldowns-${String(count++)}`));
afterEach(() => {
  for (const each of opened) each.close();
  opened = [];
  jest.restoreAllMocks();
});

test('pools share over a channel, restores included', async () => {
  const [one, other] = [start(name), start(name)];
  const cooled = other.heard('cooldown');
  one.pool.cool('a', 60_000);
  await cooled;
  const recovered = one.heard('recovered');
  other.sharing.restore('a');
  await recovered;
  expect(one.pool.snapshot()[0]?.available).toBe(true);
});

test('a late starter becomes ready once it has learned what is in force', async () => {
  const one = start(name);
  one.pool.cool('a', 60_000);
  await one.sharing.ready;
  const late = start(name);
  await late.sharing.ready;
  const [cooldown] = late.pool.snapshot()[0]!.cooldowns;
  expect(cooldown).toMatchObject({ reason: 'manual' });
  expect(cooldown!.remaining).toBeLessThan(60_000);
});

test('a transport that is used again teaches its new pool what it has heard before', async () => {
  const one = start(name);
  const { pool } = stubPool(two);
  const transport = channelTransport(channel(name));
  const first = shareCooldowns(pool, transport);
  const cooled = new Promise((resolve) => pool.subscribe(resolve));
  one.pool.cool('a', 60_000);
  await cooled;
  await first.stop();
  one.channel.close();
  const { pool: later } = stubPool(two);
  const second = shareCooldowns(later, transport);
  await second.ready;
  expect(later.snapshot()[0]).toMatchObject({ state: 'cooling' });
  await second.stop();
});

test('what was restored by hand stays so when its sharing begins again', async () => {
  // On the real clock, both could happen in the same instant.
  const clock = fakeClock();
  const { pool } = stubPool(two);
  const transport = channelTransport(channel(name));
  const first = shareCooldowns(pool, transport);
  pool.cool('a', 60_000);
  await first.stop();
  clock.advance(1);
  pool.restore('a');
  const second = shareCooldowns(pool, transport);
  await second.ready;
  expect(pool.snapshot()[0]).toMatchObject({ state: 'available' });
  await second.stop();
});

test('ready resolves after a moment if there are no others, and at once when stopped', async () => {
  await start(name).sharing.ready;
  const other = start(`${name}-other`);
  await other.sharing.stop();
  await other.sharing.ready;
});

test('two pools of one thread share one transport: they hear each other, and the later one learns what is in force', async () => {
  const transport = channelTransport(channel(name));
  const [{ pool: one }, { pool: other }, { pool: far }] = [stubPool(two), stubPool(two), stubPool(two)];
  const sharings = [shareCooldowns(one, transport), shareCooldowns(far, channelTransport(channel(name)))];
  const heard = new Promise((resolve) => one.subscribe(resolve));
  far.cool('a', 60_000);
  await heard;
  sharings.push(shareCooldowns(other, transport));
  expect(other.snapshot()[0]?.cooldowns).toHaveLength(1);
  const told = new Promise((resolve) => one.subscribe(resolve));
  other.cool('b', 60_000);
  expect(await told).toMatchObject({ type: 'cooldown', backend: 'b', remote: true });
  await Promise.all(sharings.map((sharing) => sharing.stop()));
});

test('stop ends the listener, and the channel stays open', async () => {
  const one = start(name);
  await one.sharing.stop();
  const other = start(name);
  other.pool.cool('a', 60_000);
  await other.sharing.ready;
  expect(one.pool.snapshot()[0]?.cooldowns).toStrictEqual([]);
  const third = channel(name);
  const got = new Promise((resolve) => (third.onmessage = resolve));
  one.channel.postMessage('still open');
  await got;
});

test('other messages on the channel and a closed channel do no harm', async () => {
  const one = start(name);
  const other = channel(name);
  for (const message of [
    undefined,
    5,
    'x',
    {},
    { axiosPriorityAdapter: 5 },
    { axiosPriorityAdapter: { what: 'tell' } },
  ])
    other.postMessage(message);
  await one.sharing.ready;
  one.channel.close();
  const closed = start(name);
  closed.channel.close();
  shareCooldowns(stubPool(two).pool, channelTransport(closed.channel), {
    onError: (error) => closed.errors.push(error),
  });
  expect(closed.errors).toStrictEqual([expect.objectContaining({ name: 'InvalidStateError' })]);
});

test('what isn’t a channel is refused', () => {
  expect(() => channelTransport({ postMessage: () => undefined } as unknown as MessageChannelLike)).toThrow(
    'channel must be a BroadcastChannel, got an object',
  );
});
