import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import { FakeBackend } from './fake-backend';
import type { Call } from './fake-backend';

/** The names that a backend has for the caller's deployments. */
export const deployments = { 'gpt-4o': 'east gpt/4o', embed: 'east-embed' };

/** What a backend with those names receives of a request. */
export async function sent(config: AxiosRequestConfig): Promise<Call> {
  const backend = await FakeBackend.start();
  await axios.request({ method: 'post', ...config, adapter: priorityAdapter([{ baseURL: backend.url, deployments }]) });
  return backend.lastCall;
}
