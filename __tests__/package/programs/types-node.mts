/** What only a Node consumer writes. */
import { Agent } from 'node:https';
import type { Readable } from 'node:stream';
import { BroadcastChannel as WorkerChannel } from 'node:worker_threads';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { priorityFetch } from 'axios-priority-adapter/fetch';
import type { BackendPool as CommonPool } from 'axios-priority-adapter/fetch' with { 'resolution-mode': 'require' };
import { channelTransport } from 'axios-priority-adapter/sharing';

const httpsAgent = new Agent({ keepAlive: true });
const adapter = priorityAdapter([
  { baseURL: 'a.example', apiKey: process.env['KEY'], request: { httpsAgent, proxy: false, socketPath: null } },
]);

export const transports = [new WorkerChannel('x'), new BroadcastChannel('x')].map((each) => channelTransport(each));

export async function print(): Promise<void> {
  const { data, attempts } = await axios.get<Readable>('/x', { adapter, responseType: 'stream' });
  for await (const chunk of data) process.stdout.write(String(chunk));
  process.stdout.write(JSON.stringify(attempts));
}

/** A pool that a CommonJS file of the same program has made. */
export const shared = (pool: CommonPool) => priorityFetch(pool);
