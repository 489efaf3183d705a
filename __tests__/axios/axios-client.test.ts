import axios from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { AxiosClient } from '../../src/axios/axios-client';

describe('a request of axios', () => {
  const http = axios.getAdapter('http');
  const open = (config: object, adapter = http) =>
    new AxiosClient().open({ url: '/x', ...config } as InternalAxiosRequestConfig, adapter);

  test.each<[unknown, number]>([
    [undefined, 0],
    [0, 0],
    [null, 0],
    ['', 0],
    [1500, 1500],
    ['1500', 1500],
    ['1500ms', 1500],
    [0.5, 0],
    [1.9, 1],
  ])('with `timeout: %j` has %i ms', (timeout, ms) => {
    expect(open({ timeout }).timeout).toBe(ms);
  });

  test('with a timeout that is no number is refused in the words of axios', () => {
    const message = 'error trying to parse `config.timeout` to int';
    const refused = { message, code: 'ERR_BAD_OPTION_VALUE' };
    expect(() => open({ timeout: 'soon' })).toThrow(expect.objectContaining(refused) as Error);
  });

  test('with a negative timeout has a timeout at once', () => {
    const timedOut = { message: 'timeout of -5ms exceeded', code: 'ECONNABORTED' };
    expect(() => open({ timeout: -5 })).toThrow(expect.objectContaining(timedOut) as Error);
  });

  test.each([
    ['http', http, {}, { obeysCancel: true, needsAbort: false }],
    ['fetch', axios.getAdapter('fetch'), {}, { obeysCancel: false, needsAbort: true }],
    ['foreign', () => Promise.reject(new Error('unused')), {}, { obeysCancel: false, needsAbort: false }],
    [
      'foreign',
      () => Promise.reject(new Error('unused')),
      { cancelToken: axios.CancelToken.source().token },
      { obeysCancel: false, needsAbort: true },
    ],
  ])('over an adapter of the kind %s says how it can be cancelled', (kind, adapter, config, expected) => {
    expect(open(config, adapter)).toMatchObject({ kind, ...expected });
  });

  test('says whether its response is streamed, and which deployment its path names', () => {
    expect(open({ responseType: 'stream' })).toMatchObject({ streamed: true, deployment: undefined });
    expect(open({ url: '/openai/deployments/chat/completions' })).toMatchObject({
      streamed: false,
      deployment: 'chat',
    });
  });
});
