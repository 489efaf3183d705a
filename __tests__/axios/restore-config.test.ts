import axios from 'axios';
import type { Failure } from '../../src';
import { rejectionOf } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

describe('the config of the caller', () => {
  test('comes back unchanged in responses and errors, so that a plugin can send it again', async () => {
    const { adapter, replies, configs } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } });
    replies.a = 429;
    const response = await axios.get('/x', { adapter, baseURL: 'https://caller.example/base', headers: { own: '1' } });
    expect(response.config).toMatchObject({ baseURL: 'https://caller.example/base', url: '/x', adapter });
    expect(response.config.headers.toJSON()).toMatchObject({ own: '1' });
    expect(response.config.validateStatus).toBe(axios.defaults.validateStatus);
    expect(response.config.headers.toJSON()).not.toHaveProperty('api-key');
    expect(configs).toHaveLength(2);

    replies.b = 400;
    const error = await rejectionOf(axios.get('/x', { adapter, baseURL: 'https://caller.example/base' }));
    expect(error).toMatchObject({ config: { baseURL: 'https://caller.example/base', url: '/x' } });
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });

  test('is what a failover condition sees, not the config of the attempt', async () => {
    const seen: unknown[] = [];
    const failoverCondition = (failure: Failure) => {
      seen.push(failure.config, failure.response?.config);
      return true;
    };
    const { request, replies } = stubPool({ a: { apiKey: 'secret-a' }, b: { priority: 2 } }, { failoverCondition });
    replies.a = 503;
    const { config } = await request();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(config);
    expect(seen[1]).toBe(config);
  });

  test('replaces that of the attempt in an error that holds a response', async () => {
    const { adapter, replies } = stubPool({ a: { apiKey: 'secret-a' } });
    replies.a = (config) => {
      const response = { status: 200, statusText: '', headers: {}, data: 'half', config };
      return new axios.AxiosError('aborted', 'ECONNRESET', config, undefined, response);
    };
    const error = await rejectionOf(axios.post('/x', 'body', { adapter }));
    expect(JSON.stringify(error.config)).not.toContain('secret-a');
    expect((error.response as { config: unknown }).config).toBe(error.config);
  });
});
