import { priorityFetch } from 'axios-priority-adapter/fetch';
import { LoopbackClients } from '../clients.mjs';
import { interleaved, ratio, round } from '../measure.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 20;
/** Of a long stream. */
const EVENTS = 5_000;

/** What it costs to look at the first events of a stream for a refusal. */
export async function streams({ ms }) {
  const servers = await startServers([{ events: 1 }, { events: EVENTS }]);
  const [short, long] = servers.urls;
  const clients = new LoopbackClients();
  const options = [{ inspectStreams: true }, { inspectStreams: false }];
  const overAxios = ({ inspectStreams }) => {
    const { client } = clients.ours([short], { inspectStreams });
    const { client: ofLong } = clients.ours([long], { inspectStreams });
    const open = async (from) => (await from.post('/', QUESTION, { responseType: 'stream' })).data;
    return { first: () => firstChunk(open(client)), whole: () => read(open(ofLong)) };
  };
  const overFetch = ({ inspectStreams }) => {
    const fetchOf = (baseURL) => priorityFetch([{ baseURL, apiKey: 'secret' }], { inspectStreams });
    const [fetch, ofLong] = [fetchOf(short), fetchOf(long)];
    const open = async (from) => (await from('http://pool.invalid/', { method: 'POST', body: QUESTION })).body;
    return { first: () => firstChunk(open(fetch)), whole: () => read(open(ofLong)) };
  };
  const figures = [];
  for (const [name, clientOf] of [
    ['axios over http', overAxios],
    ['priorityFetch', overFetch],
  ]) {
    const [on, off] = options.map(clientOf);
    const first = { on: round(REQUESTS, on.first), off: round(REQUESTS, off.first) };
    const whole = { on: on.whole, off: off.whole };
    const times = await interleaved(first, { warmUp: ms(1_500), ms: ms(8_000) });
    const long = await interleaved(whole, { warmUp: ms(1_500), ms: ms(8_000) });
    figures.push(
      { name: `${name}: until the first content`, ...ratio(times.on, times.off), atMost: 1.02 },
      { name: `${name}: a stream of ${EVENTS} events`, ...ratio(long.on, long.off), atMost: 1.02 },
    );
  }
  clients.close();
  await servers.stop();
  return {
    title: 'Refusals inside streams',
    note: `With \`inspectStreams\` against without it, over keep-alive connections to a server in another process. Until the first content: rounds of ${REQUESTS} streams of one event. The long stream has ${EVENTS} events of about 200 bytes.`,
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
