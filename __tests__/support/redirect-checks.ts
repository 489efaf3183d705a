/* Runs in every runtime, as checks.ts does. */
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions } from '../../src';
import { onCooldown, ranked, rejectionOf, same, tried } from './checks';
import type { Checks, Echo, Place } from './checks';

const HOPS = [
  [302, 'get'],
  [302, 'post'],
  [307, 'post'],
] as const;

/** What must hold for redirects, in every runtime over each adapter that axios has there. */
export function redirectChecksOf({ over, origin, elsewhere, showsRedirects }: Place): Checks {
  const to = `${elsewhere}/echo/there`;
  const at = (status: number, own: Partial<BackendOptions> = {}) => ({
    baseURL: `${origin}/redirect-${String(status)}`,
    name: 'redirecting',
    ...own,
  });
  /** A request that is redirected to another origin, and a backend that it could fail over to. */
  function redirected(first: BackendOptions, config: AxiosRequestConfig) {
    const backends = ranked([first, { baseURL: `${origin}/echo`, name: 'echo' }]);
    const adapter = priorityAdapter(backends, { adapter: over });
    const client = axios.create({ adapter, ...config });
    return { pool: adapter.pool, sent: client.request<Echo>({ url: '/x', params: { to } }) };
  }
  /** The headers that the other origin got. */
  async function carried(first: BackendOptions, config: AxiosRequestConfig): Promise<Echo['headers']> {
    const response = await redirected(first, config).sent;
    same([response.data.url, tried(response)], ['/echo/there', ['redirecting']]);
    return response.data.headers;
  }
  async function assertRefused(first: BackendOptions, config: AxiosRequestConfig): Promise<void> {
    const { pool, sent } = redirected(first, config);
    const error = await rejectionOf(sent);
    same([error.message, /redirect/i.test(error.message)], [error.message, true]);
    same([tried(error), onCooldown({ pool }), pool.backends[0]?.failures], [['redirecting'], [], 0]);
  }

  const checks: Checks = {
    async 'a redirect is followed, if the request has no credentials'() {
      for (const [status, method] of HOPS) {
        const { data } = await redirected(at(status), { method }).sent;
        same([data.url, data.method], ['/echo/there', status === 302 ? 'GET' : 'POST']);
      }
    },
  };
  const withCredentials: Record<string, [Partial<BackendOptions>, AxiosRequestConfig]> = {
    'the apiKey of its backend': [{ apiKey: 'secret' }, {}],
    'the token of its backend': [{ azureADTokenProvider: () => Promise.resolve('secret') }, {}],
    'a header of its backend': [{ headers: { 'x-tenant': 'secret' } }, {}],
    'an api-key of the caller': [{}, { headers: { 'api-key': 'secret' } }],
    'an Authorization of the caller': [{}, { headers: { authorization: 'Bearer secret' } }],
  };
  if (over !== 'xhr') {
    for (const [what, [own, config]] of Object.entries(withCredentials)) {
      if (showsRedirects) {
        checks[`a redirect to another origin does not carry ${what}`] = async () => {
          for (const [status, method] of HOPS) {
            const headers = await carried(at(status, own), { ...config, method });
            same(JSON.stringify(headers).includes('secret'), false);
          }
        };
      } else {
        checks[`a redirect of a request with ${what} is an error that says so, and no backend is blamed`] =
          async () => {
            for (const [status, method] of HOPS) await assertRefused(at(status, own), { ...config, method });
          };
      }
    }
  }
  /** As `net.fetch` of Electron: a redirect can only be followed. */
  const electronFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    if (
      request.redirect === 'manual' &&
      (response.type === 'opaqueredirect' || Math.trunc(response.status / 100) === 3)
    )
      throw new Error('Redirect was cancelled');
    return response;
  };
  if (over === 'fetch') {
    checks['over a fetch that rejects a manual redirect, a request with credentials gets an error that says so'] = () =>
      assertRefused(at(307, { apiKey: 'secret' }), { method: 'post', env: { fetch: electronFetch } });
    checks['over a fetch that rejects a manual redirect, a request without credentials follows it'] = async () => {
      const headers = await carried(at(307), { method: 'post', env: { fetch: electronFetch } });
      same(typeof headers, 'object');
    };
  }
  return checks;
}
