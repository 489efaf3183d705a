import { pathFor } from '../../src/failover/attempt-path';
import { routeOf } from '../../src/http/route';
import type { BackendOptions } from '../../src/pool/backend-options';
import { resolveBackends } from '../../src/pool/backend-options';

/** The path of a request for a backend with these options. */
function path(url: string, options: Partial<BackendOptions> = {}): string {
  const { base, url: rest } = pathFor(routeOf({ url }), resolveBackends([{ baseURL: 'a.example', ...options }])[0]!);
  return base + rest;
}

const CHAT = '/openai/deployments/chat/completions?api-version=1&subscription-key=callers&a=1';

test('the path of the caller is kept where the backend changes nothing', () => {
  expect(path(CHAT)).toBe(CHAT);
  expect(path('/x?a=1#part', { apiKey: 'own' })).toBe('/x?a=1#part');
});

test('a backend gets its own name for the deployment', () => {
  const deployments = { chat: 'gpt 4o/x' };
  expect(path('/openai/deployments/chat/completions', { deployments })).toBe(
    '/openai/deployments/gpt%204o%2Fx/completions',
  );
  expect(path('/openai/deployments/other/completions', { deployments })).toBe('/openai/deployments/other/completions');
  expect(path('/openai/v1/chat', { deployments })).toBe('/openai/v1/chat');
});

test('a backend with a credential of its own does not get one in the query', () => {
  const without = '/openai/deployments/chat/completions?api-version=1&a=1';
  expect(path(CHAT, { apiKey: 'own' })).toBe(without);
  expect(path(CHAT, { headers: { 'x-other': '1' } })).toBe(CHAT);
});

test('a query parameter that a backend has itself is removed', () => {
  expect(path(CHAT, { params: { 'api-version': '2' } })).toBe(
    '/openai/deployments/chat/completions?subscription-key=callers&a=1',
  );
  expect(path(CHAT, { params: { a: null }, apiKey: 'own' })).toBe('/openai/deployments/chat/completions?api-version=1');
});
