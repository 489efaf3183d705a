import { priorityFetch } from 'axios-priority-adapter/fetch';
import { LoopbackClients } from '../clients.mjs';
import { interleaved, ratio, round } from '../measure.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 20;
/** ms until the first event, less than a model takes. */
const LATENCY = 20;
const SLOW_REQUESTS = 2;
/** Of a long stream. */
const EVENTS = 5_000;

/** What it costs to look at the first events of a stream for a refusal. */
export async function streams({ ms }) {
  const servers = await startServers([{ events: 1 }, { events: 1, latency: LATENCY }, { events: EVENTS }]);
  const clients = new LoopbackClients();
  const overAxios = (baseURL, options) => {
    const { client } = clients.ours([baseURL], options);
    return async () => (await client.post('/', QUESTION, { responseType: 'stream' })).data;
  };
  const overFetch = (baseURL, options) => {
    const fetch = priorityFetch([{ baseURL, apiKey: 'secret' }], options);
    return async () => (await fetch('http://pool.invalid/', { method: 'POST', body: QUESTION })).body;
  };
  const figures = [];
  for (const [name, opening] of [
    ['axios over http', overAxios],
    ['priorityFetch', overFetch],
  ]) {
    const compared = async (what, baseURL, roundOf) => {
      const [on, off] = [true, false].map((inspectStreams) => roundOf(opening(baseURL, { inspectStreams })));
      const times = await interleaved({ on, off }, { warmUp: ms(1_500), ms: ms(8_000), least: 30 });
      figures.push({ name: `${name}: ${what}`, ...ratio(times.on, times.off), atMost: 1.02 });
    };
    const [atOnce, later, long] = servers.urls;
    await compared(`first content after ${LATENCY} ms`, later, (open) =>
      round(SLOW_REQUESTS, () => firstChunk(open())),
    );
    await compared('first content at once', atOnce, (open) => round(REQUESTS, () => firstChunk(open())));
    await compared(`a stream of ${EVENTS} events`, long, (open) => () => read(open()));
  }
  clients.close();
  await servers.stop();
  return {
    title: 'Refusals inside streams',
    note: `With \`inspectStreams\` against without it, over keep-alive connections to a server in another process. First content: rounds of streams of one event, sent ${LATENCY} ms after the head or at once with it. (Models take 100 ms and more.) The long stream has ${EVENTS} events of about 200 bytes.`,
    figures,
  };
}

const QUESTION = JSON.stringify({ model: 'chat', stream: true, messages: [{ role: 'user', content: 'Hello' }] });

async function firstChunk(opening) {
  // The stream is over with it, so its connection can be used again.
  for await (const chunk of await opening) if (chunk.length === 0) throw new Error('an empty chunk');
}

async function read(opening) {
  let size = 0;
  for await (const chunk of await opening) size += chunk.length;
  if (size < EVENTS * 100) throw new Error(`a stream of only ${size} bytes`);
}
