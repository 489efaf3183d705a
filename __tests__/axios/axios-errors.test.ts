import axios from 'axios';
import type { InternalAxiosRequestConfig } from 'axios';
import { timeoutError } from '../../src/axios/axios-errors';

test.each<[Partial<InternalAxiosRequestConfig>, 'http' | 'fetch', string, string]>([
  [{}, 'http', 'timeout of 5ms exceeded', 'ECONNABORTED'],
  [{ timeoutErrorMessage: 'too slow' }, 'http', 'too slow', 'ECONNABORTED'],
  [{ transitional: { clarifyTimeoutError: true } }, 'http', 'timeout of 5ms exceeded', 'ETIMEDOUT'],
  [{ transitional: { clarifyTimeoutError: false } }, 'http', 'timeout of 5ms exceeded', 'ECONNABORTED'],
  [{ timeoutErrorMessage: 'too slow' }, 'fetch', 'timeout of 5ms exceeded', 'ETIMEDOUT'],
])('with %j over %s, a timeout says %j with the code %s', (config, kind, message, code) => {
  const given = config as InternalAxiosRequestConfig;
  const error = timeoutError(given, 5, kind);
  expect(error).toBeInstanceOf(axios.AxiosError);
  expect(error).toMatchObject({ message, code, config: given });
});
