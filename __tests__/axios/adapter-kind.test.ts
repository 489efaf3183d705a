import axios from 'axios';
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { findKind, watchedAdapter } from '../../src/axios/adapter-kind';
import { watchedBy } from '../../src/axios/watched-fetch';
import { FetchConnection } from '../../src/failover/connection';
import { closeBackendsAfterEach, startBackends } from '../support/fake-backend';

closeBackendsAfterEach();

/** axios 1.5 and 1.6 have no fetch adapter. */
const hasFetch = (() => {
  try {
    return axios.getAdapter('fetch') !== undefined;
  } catch {
    return false;
  }
})();
/** axios 1.7 has one fetch adapter for all, whatever `env`. */
const hasEnv = hasFetch && ownAdapter({ fetch }) !== axios.getAdapter('fetch');

function ownAdapter(env: object): AxiosAdapter {
  return axios.getAdapter('fetch', { env } as InternalAxiosRequestConfig);
}

const kindOf = (adapter: AxiosAdapter, config: object = {}) => findKind(adapter, config as InternalAxiosRequestConfig);

describe('the kind of an adapter', () => {
  test('is that of the adapter of axios’s own', () => {
    expect(kindOf(axios.getAdapter('http'))).toBe('http');
    if (hasFetch) expect(kindOf(axios.getAdapter('fetch'))).toBe('fetch');
  });

  test('is foreign for any other, also for one that calls axios’s own', () => {
    const wrapper: AxiosAdapter = (config) => axios.getAdapter('http')(config);
    expect(kindOf(wrapper)).toBe('foreign');
  });

  test('is that of the fetch adapter for the `env` of the request, or of `axios.defaults`', () => {
    if (!hasEnv) return;
    const env = { fetch: () => Promise.reject(new Error('unused')) };
    expect(kindOf(ownAdapter(env))).toBe('foreign');
    expect(kindOf(ownAdapter(env), { env })).toBe('fetch');
    const before = axios.defaults.env;
    axios.defaults.env = env;
    try {
      expect(kindOf(ownAdapter(env))).toBe('fetch');
    } finally {
      axios.defaults.env = before!;
    }
  });
});

describe('a watched fetch adapter', () => {
  async function sendOver(adapter: AxiosAdapter, config: object) {
    const [backend] = await startBackends(1);
    backend!.always({ status: 418, headers: { 'x-from': 'backend' } });
    const connection = new FetchConnection();
    const validateStatus = null;
    const fetchOptions = watchedBy({ headers: { 'x-mine': 'no' } }, connection);
    const headers = new axios.AxiosHeaders({ 'x-mine': 'yes' });
    const request = { ...config, url: backend!.url, method: 'get', headers, fetchOptions, validateStatus };
    await watchedAdapter(adapter, config)(request as InternalAxiosRequestConfig);
    return { connection, backend: backend! };
  }

  test('reports the head of the response, and the native request', async () => {
    if (!hasEnv) return;
    const { connection, backend } = await sendOver(axios.getAdapter('fetch'), {});
    expect(connection.head).toMatchObject({
      status: 418,
      statusText: "I'm a Teapot",
      headers: { 'x-from': 'backend' },
    });
    expect(connection.native).toBeInstanceOf(Request);
    // axios 1.13 would send the headers of `fetchOptions` in place of the request's.
    expect(backend.lastCall.headers).toMatchObject({ 'x-mine': 'yes' });
  });

  test('sends through the fetch of the caller’s `env`', async () => {
    if (!hasEnv) return;
    const given = jest.fn(fetch);
    const env = { fetch: given };
    const { connection } = await sendOver(ownAdapter(env), { env });
    expect(given).toHaveBeenCalledTimes(1);
    expect(connection.head?.status).toBe(418);
  });
});
