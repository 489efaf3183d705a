/**
 * A process that shares over Redis (`redis <url>`) or over the IPC of its parent (`ipc`). It tells the parent what it learns,
 * with the ms that remain. Requests run all the time.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { processTransport, redisTransport, shareCooldowns } from 'axios-priority-adapter/sharing';
import { createClient } from 'redis-6';

const [kind, url] = process.argv.slice(2);
const inner = (config) => Promise.resolve({ status: 200, statusText: '', headers: {}, data: '', config });
const backends = ['a', 'b'].map((name, i) => ({ name, baseURL: `https://${name}.example`, priority: i + 1 }));
const adapter = priorityAdapter(backends, { adapter: inner });
const client = createClient({ url });
client.on('error', () => undefined);
if (kind === 'redis') await client.connect();
const transport = kind === 'redis' ? redisTransport(client, { prefix: 'app' }) : processTransport();
const sharing = shareCooldowns(adapter.pool, transport, { onError: () => undefined });
await sharing.ready;

let asked = 0;
const requests = setInterval(async () => {
  await axios.get('/x', { adapter });
  asked++;
}, 10);

adapter.pool.subscribe(({ type, duration, remote }) => {
  if (type === 'cooldown' && remote) process.send({ remaining: duration });
});
process.on('message', async (message) => {
  if (message !== 'stop') return;
  clearInterval(requests);
  await sharing.stop();
  if (kind === 'redis') client.destroy();
  process.send({ asked }, () => process.disconnect());
});
process.send({ ready: true });
