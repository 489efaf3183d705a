import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { Agent as UndiciAgent, fetch as undiciFetch } from 'undici';
import { priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, startBackends } from '../support/fake-backend';
import { URL_ } from '../support/fetch-pair';

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
    expect([first.calls.length, second.calls.length]).toStrictEqual([100, 100]);
    expect(Object.keys(httpAgent.sockets)).toStrictEqual([]);
    expect(Object.keys(httpAgent.requests)).toStrictEqual([]);
    httpAgent.destroy();
    while (first.sockets.size + second.sockets.size > 0) await new Promise(setImmediate);
  });
});

test('discarded responses of a fetch free their connection: 500 failovers need only one', async () => {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always({ status: 503, body: 'x'.repeat(200_000) });
  const dispatcher = new UndiciAgent({ connections: 1 });
  const backends = [{ baseURL: a.url }, { baseURL: b.url, priority: 2 }];
  const fetch = priorityFetch(backends, { fetch: undiciFetch as never, cooldown: () => 0 });
  for (let i = 0; i < 500; i++) await (await fetch(URL_, { dispatcher } as never)).text();
  expect([a.calls.length, b.calls.length]).toStrictEqual([500, 500]);
  await dispatcher.close();
});
