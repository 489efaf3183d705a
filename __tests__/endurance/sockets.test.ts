import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { priorityAdapter } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, startBackends } from '../support/fake-backend';

closeBackendsAfterEach();

describe.each([
  ['small', 20],
  ['large', 500_000],
])('a discarded response with a %s body', (_, size) => {
  test('releases its socket: 100 failovers over maxSockets: 1 neither hang nor leave a socket behind', async () => {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    first.always({ status: 429, headers: { 'retry-after-ms': '0' }, body: 'x'.repeat(size) });
    second.always({ body: 'data: 1' });
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const backends = [{ baseURL: first.url }, { baseURL: second.url, priority: 2 }];
    const adapter = priorityAdapter(backends, { cooldown: () => 0 });
    const client = axios.create({ adapter, httpAgent, responseType: 'stream' });
    for (let i = 0; i < 100; i++) {
      const { data } = await client.post<Readable>('/x', {});
      expect(await text(data)).toBe('data: 1');
    }
    expect([first.calls.length, second.calls.length]).toEqual([100, 100]);
    expect(Object.keys(httpAgent.sockets)).toEqual([]);
    expect(Object.keys(httpAgent.requests)).toEqual([]);
    httpAgent.destroy();
    while (first.sockets.size + second.sockets.size > 0) await new Promise(setImmediate);
  });
});
