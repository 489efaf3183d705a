import { channelTransport, shareCooldowns } from 'axios-priority-adapter/sharing';
import { asking, inProcess, namedBackends } from '../clients.mjs';
import { interleaved, ratio, round } from '../measure.mjs';

const REQUESTS = 500;
const LEAST_PAIRS = 30;

/** What a request costs while cooldowns are shared. */
export async function sharing({ ms, quick }) {
  const off = inProcess.ours(namedBackends(3));
  const on = inProcess.ours(namedBackends(3));
  const channel = new BroadcastChannel('bench');
  const shared = shareCooldowns(on.pool, channelTransport(channel));
  await shared.ready;
  const rounds = { on: round(REQUESTS, asking(on.client)), off: round(REQUESTS, asking(off.client)) };
  const times = await interleaved(rounds, { warmUp: ms(2_000), ms: ms(8_000), least: quick ? 1 : LEAST_PAIRS });
  await shared.stop();
  channel.close();
  return {
    title: 'Sharing',
    note: `A request through axios over an adapter that answers at once, while the pool shares its cooldowns over a channel, and while it doesn't. Pairs of rounds of ${REQUESTS} requests.`,
    figures: [{ name: 'a request with sharing on, against off', ...ratio(times.on, times.off), atMost: 1.02 }],
  };
}
