import { priorityAdapter } from '../../src';
import type { PriorityAdapter, PriorityAdapterOptions } from '../../src';
import { startBackends } from './fake-backend';
import type { FakeBackend, Reply } from './fake-backend';

/** Two backends, a before b, and an adapter over them. The first one always replies so. */
export async function pair(
  first: Reply,
  options: PriorityAdapterOptions = {},
): Promise<{ a: FakeBackend; b: FakeBackend; adapter: PriorityAdapter }> {
  const [a, b] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  a.always(first);
  const adapter = priorityAdapter(
    [
      { baseURL: a.url, name: 'a' },
      { baseURL: b.url, name: 'b', priority: 2 },
    ],
    options,
  );
  return { a, b, adapter };
}
