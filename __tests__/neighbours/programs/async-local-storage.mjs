import { AsyncLocalStorage } from 'node:async_hooks';
import axios from 'axios';
import { affinity, defaultFailoverCondition, priorityAdapter } from 'axios-priority-adapter';
import { print } from './pool.mjs';

const [, , first, second] = process.argv;
const storage = new AsyncLocalStorage();

/** For each callback, the stores that it found, and whose request it was for if its arguments tell. */
const seen = {};
function note(callback, config) {
  const user = config && `for ${config.headers['x-user']} `;
  (seen[callback] ??= new Set()).add(`${user ?? ''}in ${storage.getStore()}`);
}

const backends = [
  {
    baseURL: first,
    apiKey: async () => {
      note('apiKey');
      return `key of ${storage.getStore()}`;
    },
  },
  {
    baseURL: second,
    azureADTokenProvider: async () => {
      note('azureADTokenProvider');
      return `token of ${storage.getStore()}`;
    },
  },
];

/** Sends two requests at a time, each with a store of its own. */
async function sendTwo(url, options) {
  const adapter = priorityAdapter(backends, options);
  adapter.pool.subscribe(({ type }) => note(`event ${type}`));
  const client = axios.create({ adapter, validateStatus: null });
  const send = async (user) => {
    const { status, attempts, config } = await client.post(url, {}, { headers: { 'x-user': user } });
    note('caller', config);
    return `${attempts.map(({ status }) => status).join()}: ${status}`;
  };
  return Promise.all(['a', 'b'].map((user) => storage.run(user, send, user)));
}

const waited = await sendTwo('/waited', {
  maxWait: 10_000,
  shouldBalance: (config) => {
    note('shouldBalance', config);
    return true;
  },
  selector: (candidates, config) => {
    note('selector', config);
    return candidates[0];
  },
  failoverCondition: (failure) => {
    note('failoverCondition', failure.config);
    return defaultFailoverCondition(failure);
  },
  cooldown: ({ config }) => note('cooldown', config),
});
const exhausted = await sendTwo('/exhausted', {
  selector: affinity((config) => {
    note('affinity', config);
    return 'same';
  }),
});
const { 'event recovered': recovered, ...stores } = Object.fromEntries(
  Object.entries(seen).map(([callback, found]) => [callback, [...found].sort()]),
);
print({ waited, exhausted, stores, recovered });
