/** The rounds that are compared, each of one client. */
import { priorityFetch } from 'axios-priority-adapter/fetch';
import { Agent, MockAgent, fetch as undiciFetch } from 'undici';
import { asking, chatting, inProcess as make, LoopbackClients, namedBackends, SETTINGS } from './clients.mjs';
import { round } from './measure.mjs';

/** A chat over HTTP, `requests` times for each of `callers` at once. */
export function loopback({ client: name, url, setting, requests, callers = 1 }) {
  const connections = new LoopbackClients();
  const clients = {
    plain: () => connections.plain(url),
    retry: () => connections.retry(url),
    // One server behind three addresses, so that all clients talk to the same one.
    ours: () => connections.ours([`${url}/a`, `${url}/b`, `${url}/c`]).client,
  };
  const ofOne = round(requests, chatting(clients[name](), SETTINGS[setting]));
  return callers === 1 ? ofOne : () => Promise.all(Array.from({ length: callers }, ofOne));
}

/** A question over an adapter that answers at once. */
export function inProcess({ client: name, setting, requests }) {
  const clients = { plain: make.plain, retry: make.retry, ours: () => make.ours(namedBackends(3)).client };
  return round(requests, asking(clients[name](), SETTINGS[setting]));
}

const BODY = JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'x'.repeat(1_500) }] });
const PATH = '/openai/v1/chat/completions';

/** A chat through a fetch. `url`: of a server; without it, undici's `MockAgent` answers. */
export function fetching({ client: name, url, requests }) {
  const dispatcher = url === undefined ? answeringAgent() : new Agent();
  const origin = url ?? MOCKED;
  const backends = ['a', 'b', 'c'].map((each) => ({ baseURL: origin, name: each, apiKey: `key of ${each}` }));
  const fetches = {
    native: () => undiciFetch,
    wrapper: () => wrapperFor(origin),
    ours: () => priorityFetch(backends, { fetch: undiciFetch }),
  };
  const fetch = fetches[name]();
  const target = name === 'native' ? origin : 'http://pool.invalid';
  return round(requests, async () => {
    const headers = { 'content-type': 'application/json', 'api-key': 'key' };
    const response = await fetch(target + PATH, { method: 'POST', headers, body: BODY, dispatcher });
    if (!response.ok) throw new Error(`unexpected status ${response.status}`);
    await response.text();
  });
}

/** What any wrapper has to do: send the request to another origin with another key. */
function wrapperFor(origin) {
  return async (input, init) => {
    const { pathname, search } = new URL(input);
    const headers = { ...init.headers, 'api-key': 'key of a' };
    return await undiciFetch(origin + pathname + search, { ...init, headers });
  };
}

const MOCKED = 'http://mock';

function answeringAgent() {
  const mock = new MockAgent();
  mock.disableNetConnect();
  const answer = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(1_000) } }] });
  mock
    .get(MOCKED)
    .intercept({ path: () => true, method: 'POST' })
    .reply(200, answer)
    .persist();
  return mock;
}
