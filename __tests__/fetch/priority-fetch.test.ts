import { priorityFetch } from '../../src/fetch';
import { closeBackendsAfterEach, startBackends, throttle } from '../support/fake-backend';
closeBackendsAfterEach();
test('x', async () => {
  const [a, b] = await startBackends(2);
  a!.always({ status: 429, body: { error: { message: 'Please retry after 6 seconds.', code: 'x' } } });
  const fetch = priorityFetch([
    { baseURL: a!.url, name: 'a', apiKey: 'key-a' },
    { baseURL: b!.url, name: 'b', priority: 2, headers: { authorization: 'Bearer bb' } },
  ]);
  fetch.pool.subscribe((e) => console.log(JSON.stringify(e)));
  const r = await fetch('https://pool.invalid/openai/v1/responses', {
    method: 'POST',
    body: JSON.stringify({ model: 'chat' }),
    headers: { 'api-key': 'callers', 'content-type': 'application/json' },
  });
  console.log(r.status, await r.text(), r.attempts, b!.lastCall, r);
  b!.always(throttle(100));
  const s = await fetch('https://pool.invalid/openai/v1/responses', {
    method: 'POST',
    body: JSON.stringify({ model: 'chat' }),
  });
  console.log(s, await s.text(), s.fabricated);
});
