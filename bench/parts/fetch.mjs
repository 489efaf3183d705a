import { priorityFetch } from 'axios-priority-adapter/fetch';
import { Agent, MockAgent, fetch as undiciFetch } from 'undici';
import { interleaved, median, ratio, round } from '../measure.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 50;
const BODY = JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'x'.repeat(1_500) }] });
const PATH = '/openai/v1/chat/completions';

/** The cost of a request through `priorityFetch`, over loopback and without a network. */
export async function fetchCost({ ms }) {
  const servers = await startServers([{}]);
  const [url] = servers.urls;
  const dispatcher = new Agent();
  const overLoopback = await compared({ url, dispatcher, warmUp: ms(12_000), time: ms(24_000) });
  await servers.stop();
  await dispatcher.close();
  const mock = new MockAgent();
  mock.disableNetConnect();
  const answer = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(1_000) } }] });
  mock
    .get('http://mock')
    .intercept({ path: () => true, method: 'POST' })
    .reply(200, answer)
    .persist();
  const without = await compared({ url: 'http://mock', dispatcher: mock, warmUp: ms(4_000), time: ms(8_000) });
  await mock.close();
  return {
    title: 'priorityFetch',
    note: `A prompt of 1.5 kB and an answer of 1 kB, through undici's fetch (the one that Node has inside) and through \`priorityFetch\` around it, over 3 backends that each have a key. For comparison, a wrapper of five lines that only replaces the origin and the key: over keep-alive connections to a server in another process, and over undici's \`MockAgent\`, which answers in process. Rounds of ${REQUESTS} requests, one after the other.`,
    figures: [
      { name: 'over loopback, against native fetch', ...ratio(overLoopback.ours, overLoopback.native), atMost: 1.05 },
      {
        name: 'over loopback: a wrapper of five lines, against native fetch',
        ...ratio(overLoopback.wrapper, overLoopback.native),
      },
      { name: 'over loopback: a request of native fetch', value: perRequest(overLoopback.native), unit: 'µs' },
      { name: 'in process, against native fetch', ...ratio(without.ours, without.native), atMost: 1.25 },
      { name: 'in process: a wrapper of five lines, against native fetch', ...ratio(without.wrapper, without.native) },
      { name: 'in process: a request of native fetch', value: perRequest(without.native), unit: 'µs' },
    ],
  };
}

function compared({ url, dispatcher, warmUp, time }) {
  const backends = ['a', 'b', 'c'].map((name) => ({ baseURL: url, name, apiKey: `key of ${name}` }));
  const ours = priorityFetch(backends, { fetch: undiciFetch });
  const chat = (fetch, origin, key) => async () => {
    const headers = { 'content-type': 'application/json', 'api-key': key };
    const response = await fetch(origin + PATH, { method: 'POST', headers, body: BODY, dispatcher });
    if (!response.ok) throw new Error(`unexpected status ${response.status}`);
    await response.text();
  };
  const variants = {
    native: round(REQUESTS, chat(undiciFetch, url, 'key')),
    ours: round(REQUESTS, chat(ours, 'http://pool.invalid', 'unused')),
    wrapper: round(REQUESTS, chat(wrapperFor(url), 'http://pool.invalid', 'unused')),
  };
  return interleaved(variants, { warmUp, ms: time });
}

/** What any wrapper has to do: send the request to another origin with another key. */
function wrapperFor(origin) {
  return async (input, init) => {
    const { pathname, search } = new URL(input);
    const headers = { ...init.headers, 'api-key': 'key of a' };
    return await undiciFetch(origin + pathname + search, { ...init, headers });
  };
}

function perRequest(times) {
  return (median(times) / REQUESTS) * 1_000;
}
