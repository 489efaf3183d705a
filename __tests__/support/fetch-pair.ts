import { priorityFetch } from '../../src/fetch';
import type { BackendOptions, PriorityFetch, PriorityFetchOptions } from '../../src/fetch';
import { startBackends } from './fake-backend';
import type { FakeBackend, Reply } from './fake-backend';

/** Two backends, a before b, and a fetch over them. The first one always replies so. */
export async function pair(
  first: Reply,
  options: PriorityFetchOptions = {},
  own: Partial<BackendOptions> = {},
): Promise<{ a: FakeBackend; b: FakeBackend; fetch: PriorityFetch }> {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always(first);
  const backends = [
    { baseURL: a.url, name: 'a', apiKey: 'secret-a' },
    { baseURL: b.url, name: 'b', priority: 2, apiKey: 'secret-b', ...own },
  ];
  return { a, b, fetch: priorityFetch(backends, options) };
}

export const URL_ = 'http://pool.invalid/openai/v1/responses';

export const post = (body: unknown = { model: 'chat' }): { method: string; body: string } => ({
  method: 'POST',
  body: JSON.stringify(body),
});
