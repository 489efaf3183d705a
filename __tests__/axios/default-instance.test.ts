import axios from 'axios';
import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import axios15 from 'axios-1-5';
import { attachPriorityAdapter } from '../../src';
import type { PriorityAdapterOptions } from '../../src';
import { closeBackendsAfterEach, startBackends } from '../support/fake-backend';
import type { FakeBackend } from '../support/fake-backend';

closeBackendsAfterEach();

/** Attaches to a default instance for one request, and returns which of the servers got it. */
async function receiver(
  instance: AxiosInstance,
  configFor: (backend: FakeBackend, other: FakeBackend) => AxiosRequestConfig,
  options: PriorityAdapterOptions = {},
): Promise<string> {
  const [backend, other] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  const { detach } = attachPriorityAdapter(instance, [{ baseURL: `${backend.url}/prefix`, apiKey: 'secret' }], options);
  try {
    await instance.request(configFor(backend, other)).catch(() => undefined);
  } finally {
    detach();
  }
  const [received] = other.calls;
  expect(received?.headers ?? {}).not.toHaveProperty('api-key');
  return `${String(backend.calls.length)} to the backend, ${String(other.calls.length)} to the other`;
}

const TO_BACKEND = '1 to the backend, 0 to the other';
const TO_OTHER = '0 to the backend, 1 to the other';

describe.each<[string, AxiosInstance]>([
  ['axios', axios],
  ['another copy of axios', axios15 as unknown as AxiosInstance],
])('the default instance of %s', (_name, instance) => {
  test.each<[string, string, (backend: FakeBackend, other: FakeBackend) => AxiosRequestConfig]>([
    ['a relative URL', TO_BACKEND, () => ({ url: '/x' })],
    ['no URL at all', TO_BACKEND, () => ({})],
    ["a backend's origin", TO_BACKEND, ({ url }) => ({ url: `${url}/x` })],
    ["a baseURL with a backend's origin", TO_BACKEND, ({ url }) => ({ url: '/x', baseURL: `${url}/y` })],
    ["somebody else's host", TO_OTHER, (_, { url }) => ({ url: `${url}/x`, method: 'post', data: 'secret' })],
    ["a baseURL of somebody else's", TO_OTHER, (_, { url }) => ({ url: '/x', baseURL: url })],
    ["somebody else's URL over a baseURL", TO_OTHER, ({ url }, other) => ({ url: `${other.url}/x`, baseURL: url })],
    ['a relative URL and a baseURL of null', TO_BACKEND, () => ({ url: '/x', baseURL: null as never })],
    [
      "somebody else's URL, a falsy baseURL and allowAbsoluteUrls: false",
      TO_OTHER,
      (_, { url }) => ({ url: `${url}/x`, baseURL: false as never, allowAbsoluteUrls: false }),
    ],
    ['a socket of this machine', '0 to the backend, 0 to the other', () => ({ url: '/x', socketPath: '/nowhere' })],
    ['a URL of another scheme', '0 to the backend, 0 to the other', () => ({ url: 'data:text/plain,x' })],
    ["somebody else's URL after a space", TO_OTHER, (_, { url }) => ({ url: ` ${url}/x` })],
    ['a URL that cannot be parsed', '0 to the backend, 0 to the other', () => ({ url: 'http://[' })],
    ['a URL that names only a host', '0 to the backend, 0 to the other', (_, { host }) => ({ url: `//${host}/x` })],
  ])('with %s sends %s', async (_what, expected, configFor) => {
    expect(await receiver(instance, configFor)).toBe(expected);
  });

  test('balances the requests that shouldBalance selects, if it is given', async () => {
    const toOther = (_: FakeBackend, { url }: FakeBackend) => ({ url: `${url}/x` });
    expect(await receiver(instance, toOther, { shouldBalance: () => true })).toBe(TO_BACKEND);
  });
});

test('an absolute URL counts as a path if allowAbsoluteUrls is false', async () => {
  const config = ({ url }: FakeBackend, other: FakeBackend) => ({
    url: `${other.url}/x`,
    baseURL: url,
    allowAbsoluteUrls: false,
  });
  expect(await receiver(axios, config)).toBe(TO_BACKEND);
});

test('an instance made by axios.create() sends everything to the backends', async () => {
  const toOther = (_: FakeBackend, { url }: FakeBackend) => ({ url: `${url}/x` });
  expect(await receiver(axios.create(), toOther)).toBe(TO_BACKEND);
});

test('follows the backends that pool.update sets', async () => {
  const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  const { pool, detach } = attachPriorityAdapter(axios, [{ baseURL: first.url, name: 'one' }]);
  try {
    pool.update([{ baseURL: second.url, name: 'one' }]);
    await axios.get(`${second.url}/x`);
    expect(pool.backends[0]!.successes).toBe(1);
    await axios.get(`${first.url}/x`);
    expect(pool.backends[0]!.successes).toBe(1);
  } finally {
    detach();
  }
});

describe('in a browser', () => {
  const page = (href: string | undefined): void => {
    Object.defineProperty(globalThis, 'location', { value: href && { href }, configurable: true });
  };
  afterEach(() => Reflect.deleteProperty(globalThis, 'location'));

  test.each([
    ['https://page.example/', false],
    ['https://backend.example/chat/', true],
  ])('a relative URL belongs to the page: %s', async (href, isBalanced) => {
    page(href);
    const adapter = jest.fn().mockResolvedValue({ status: 200, headers: {} });
    const { pool, detach } = attachPriorityAdapter(axios, [{ baseURL: 'https://backend.example' }], { adapter });
    try {
      await axios.get('/x');
      await axios.get('//elsewhere.example/x');
    } finally {
      detach();
    }
    expect(pool.backends[0]!.successes).toBe(Number(isBalanced));
  });
});
