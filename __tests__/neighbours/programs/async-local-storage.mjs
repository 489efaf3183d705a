import { AsyncLocalStorage } from 'node:async_hooks';
import axios from 'axios';
import { affinity, defaultFailoverCondition, leastPending, priorityAdapter } from 'axios-priority-adapter';
import { backends, print } from './pool.mjs';

const storage = new AsyncLocalStorage();
const seen = { one: new Set(), two: new Set() };
const strangers = [];
const note = (callback) => (seen[storage.getStore()] ?? { add: () => strangers.push(callback) }).add(callback);
const noting =
  (callback, result) =>
  (...args) => {
    note(callback);
    return typeof result === 'function' ? result(...args) : result;
  };
const keyOf = noting('affinity', ({ headers }) => {
  if (headers['x-name'] !== storage.getStore()) strangers.push('affinity');
  return 'key';
});
const own = [
  { ...backends[0], apiKey: noting('apiKey', 'key') },
  { ...backends[1], azureADTokenProvider: noting('azureADTokenProvider', async () => 'token') },
];
const options = {
  failoverCondition: noting('failoverCondition', defaultFailoverCondition),
  cooldown: noting('cooldown', undefined),
  shouldBalance: noting('shouldBalance', true),
};
const adapters = [
  priorityAdapter(own, { ...options, selector: noting('selector', leastPending) }),
  priorityAdapter(own, { ...options, selector: affinity(keyOf) }),
];
for (const adapter of adapters) adapter.pool.subscribe(noting('listener'));
const each = (send) => Promise.all(['one', 'two'].map((name) => storage.run(name, () => send(name))));
for (const adapter of adapters) await each((name) => axios.post('/x', {}, { adapter, headers: { 'x-name': name } }));

// After a wait too, which several requests share.
const afterWait = [];
const [, { pool }] = adapters;
const waiting = priorityAdapter(pool, {
  maxWait: 5000,
  shouldBalance: () => true,
});
storage.run('one', () => own.forEach(({ name }) => pool.cool(name, 100)));
await each(async (name) => {
  await axios.post('/x', {}, { adapter: waiting, headers: { 'x-name': name } });
  if (storage.getStore() === name) afterWait.push(name);
});
const sorted = (set) => [...set].sort();
print({ one: sorted(seen.one), two: sorted(seen.two), strangers, afterWait: afterWait.sort() });
