import axios from 'axios';
import { priorityAdapter } from '../../src';
import { closeBackendsAfterEach, rejectionOf, startBackends } from '../support/fake-backend';
import type { Reply, FakeBackend } from '../support/fake-backend';
import { eventLoopTurn } from '../support/stub-pool';

closeBackendsAfterEach();

describe('redirects', () => {
  test('over fetch do not regain credentials on the way back, and release the bodies they skip', async () => {
    const [backend, elsewhere] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    let open = 0;
    const large =
      (location: string): Reply =>
      (_, response) => {
        open++;
        response.on('close', () => open--);
        response.writeHead(302, { location }).end('x'.repeat(20_000_000));
      };
    backend.script(large(`${elsewhere.url}/1`));
    elsewhere.script(large('/2'), large(`${backend.url}/3`));
    const adapter = priorityAdapter([{ baseURL: backend.url, apiKey: 'own-key' }], { adapter: 'fetch' });
    await axios.get('/0', { adapter, responseType: 'stream', auth: { username: 'u', password: 'callers' } });
    expect([...elsewhere.calls, ...backend.calls].map(({ url, headers }) => [url, headers['api-key']])).toStrictEqual([
      ['/1', undefined],
      ['/2', undefined],
      ['/0', 'own-key'],
      ['/3', undefined],
    ]);
    backend.always(large('/loop'));
    const error = await rejectionOf(axios.get('/0', { adapter, responseType: 'stream', maxRedirects: 2 }));
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS' });
    expect(backend.calls).toHaveLength(5);
    while (open > 0) await eventLoopTurn();
  });
});
