/** axios has a copy for ES modules and one for CommonJS. A client may be of another copy than the package uses. */
import { join } from 'node:path';
import axios from 'axios';
import type { AxiosStatic } from 'axios';
import { attachPriorityAdapter, priorityAdapter } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { closeBackendsAfterEach, rejectionOf, startBackends, throttle } from '../support/fake-backend';
import { wires } from '../support/wires';

closeBackendsAfterEach();

/** The browsers' build of the same version: it has classes of its own, and no http adapter. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- by its path
const other = require(
  join(__dirname, '../../node_modules', globalThis.installedAxios ?? 'axios', 'dist/browser/axios.cjs'),
) as AxiosStatic;

async function clientOf(wire: string) {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  const client = other.create({ headers: { 'X-Callers': '1' } });
  const backends = [
    { baseURL: first.url, apiKey: 'key-1' },
    { baseURL: second.url, apiKey: 'key-2', priority: 2 },
  ];
  const { pool } = attachPriorityAdapter(client, backends, { adapter: wire });
  return { first, second, client, pool };
}

test('the two copies have classes of their own', () => {
  expect(other.VERSION).toBe(axios.VERSION);
  expect(new other.AxiosHeaders()).not.toBeInstanceOf(axios.AxiosHeaders);
});

describe.each(wires())('a client of another copy of axios, over %s', (wire) => {
  test('sends its headers and the backend’s', async () => {
    const { first, client } = await clientOf(wire);
    await client.post('/x', { model: 'm' });
    expect(first.lastCall.headers).toMatchObject({
      'api-key': 'key-1',
      'x-callers': '1',
      'content-type': 'application/json',
    });
  });

  test('can read the headers of a response, also of one that it rejects with', async () => {
    const { first, client } = await clientOf(wire);
    first.script({ headers: { 'x-reply': 'R' } }, { status: 400, headers: { 'x-reply': 'R' } });
    const response = await client.get('/x');
    expect(response.headers).toBeInstanceOf(other.AxiosHeaders);
    expect(response.headers['x-reply']).toBe('R');
    const error = await rejectionOf(client.get('/x'));
    expect((error.response as { headers: Record<string, string> }).headers['x-reply']).toBe('R');
  });

  test('can read the headers of the fabricated 429', async () => {
    const { first, second, client } = await clientOf(wire);
    for (const backend of [first, second]) backend.always(throttle(2000));
    const { response } = (await rejectionOf(client.get('/x'))) as unknown as { response: { headers: object } };
    expect(response.headers).toMatchObject({ 'retry-after': '2', 'content-type': 'application/json' });
  });

  test('can be a single request that has the adapter', async () => {
    const [backend] = (await startBackends(1)) as [FakeBackend];
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'key' }], { adapter: wire });
    const { headers } = await other.post('/x', {}, { adapter });
    expect(backend.lastCall.headers).toMatchObject({ 'api-key': 'key' });
    expect(headers).toBeInstanceOf(other.AxiosHeaders);
  });
});
