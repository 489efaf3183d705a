import { apart } from '../apart.mjs';
import { interleaved, median, ratio } from '../measure.mjs';
import * as rounds from '../rounds.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 50;

/** The cost of a request through `priorityFetch`, over loopback and without a network. */
export async function fetchCost({ ms }) {
  const servers = await startServers([{}]);
  const [url] = servers.urls;
  const clients = ['native', 'ours', 'wrapper'];
  const over = (options, times) => apart(clients, 'fetching', { ...options, requests: REQUESTS }, times);
  const overLoopback = await over({ url }, { warmUp: ms(6_000), ms: ms(24_000), least: 30 });
  const without = await over({}, { warmUp: ms(2_000), ms: ms(8_000), least: 30 });
  const of = (client) => rounds.fetching({ client, url, requests: REQUESTS });
  const variants = { native: of('native'), ours: of('ours') };
  const inOne = await interleaved(variants, { warmUp: ms(5_000), ms: ms(10_000), least: 30 });
  await servers.stop();
  return {
    title: 'priorityFetch',
    note: `A prompt of 1.5 kB and an answer of 1 kB, through undici's fetch (the one that Node has inside) and through \`priorityFetch\` around it, over 3 backends that each have a key. For comparison, a wrapper of five lines that only replaces the origin and the key: over keep-alive connections to a server in another process, and over undici's \`MockAgent\`, which answers in process. Each has a process of its own, as in an application, started three times; for comparison, also both in one process, where V8 optimises undici's code for both. Rounds of ${REQUESTS} requests, one after the other.`,
    figures: [
      { name: 'over loopback, against native fetch', ...ratio(overLoopback.ours, overLoopback.native), atMost: 1.05 },
      {
        name: 'over loopback: a wrapper of five lines, against native fetch',
        ...ratio(overLoopback.wrapper, overLoopback.native),
      },
      { name: 'over loopback, in one process with native fetch', ...ratio(inOne.ours, inOne.native) },
      { name: 'over loopback: a request of native fetch', value: perRequest(overLoopback.native), unit: 'µs' },
      { name: 'in process, against native fetch', ...ratio(without.ours, without.native), atMost: 1.25 },
      { name: 'in process: a wrapper of five lines, against native fetch', ...ratio(without.wrapper, without.native) },
      { name: 'in process: a request of native fetch', value: perRequest(without.native), unit: 'µs' },
    ],
  };
}

function perRequest(times) {
  return (median(times) / REQUESTS) * 1_000;
}
