import type { AxiosRequestConfig } from 'axios';
import { parseAddress, routeOf } from '../../src/http/route';
import { closeBackendsAfterEach } from '../support/fake-backend';
import { deployments, sent } from '../support/renamed-deployments';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

describe('a deployment name in the path', () => {
  test.each<[AxiosRequestConfig, string]>([
    [
      { url: '/openai/deployments/gpt-4o/chat/completions?api-version=1' },
      '/openai/deployments/east%20gpt%2F4o/chat/completions?api-version=1',
    ],
    [{ url: 'deployments/embed/embeddings' }, '/deployments/east-embed/embeddings'],
    [{ url: '/openai/deployments/gpt%2D4o/chat' }, '/openai/deployments/east%20gpt%2F4o/chat'],
    [
      { url: 'deployments/embed/embeddings', baseURL: 'https://c.example/openai' },
      '/openai/deployments/east-embed/embeddings',
    ],
    [
      { url: '/chat/completions', baseURL: 'https://c.example/openai/deployments/gpt-4o' },
      '/openai/deployments/east%20gpt%2F4o/chat/completions',
    ],
    [
      { url: 'gpt-4o/chat', baseURL: 'https://c.example/openai/deployments/' },
      '/openai/deployments/east%20gpt%2F4o/chat',
    ],
    [{ url: 'https://c.example/openai/deployments/embed/embeddings' }, '/openai/deployments/east-embed/embeddings'],
    [{ url: '/openai/deployments/other/chat' }, '/openai/deployments/other/chat'],
    [{ url: '/openai/deployments/%E0%A4/chat' }, '/openai/deployments/%E0%A4/chat'],
    [{ url: '/x?next=/deployments/embed/y' }, '/x?next=/deployments/embed/y'],
    [{ url: '/my-deployments/embed/y' }, '/my-deployments/embed/y'],
    [{ url: '/openai/deployments/constructor/chat' }, '/openai/deployments/constructor/chat'],
  ])('is replaced by the name of the backend: %j becomes %s', async (config, expected) => {
    expect((await sent(config)).url).toBe(expected);
  });

  test.each<[string, AxiosRequestConfig, object]>([
    [
      'baseURL',
      { baseURL: 'https://c.example/openai/deployments/embed', url: '/x' },
      { baseURL: 'https://a.example/openai/deployments/east-embed', url: '/x' },
    ],
    [
      'url',
      { baseURL: 'https://c.example/openai', url: '/deployments/embed/x?y=/deployments/embed' },
      { baseURL: 'https://a.example/openai', url: '/deployments/east-embed/x?y=/deployments/embed' },
    ],
  ])('is replaced in %s, and the split between baseURL and url stays', async (_, config, expected) => {
    const { request, configs } = stubPool({ a: { deployments } });
    await request(config as never);
    expect(configs[0]).toMatchObject(expected);
  });

  test('that cannot be decoded still counts as a deployment', async () => {
    const { request, replies, pool } = stubPool({ a: {} });
    replies.a = 429;
    await request({ url: '/openai/deployments/%E0%A4/chat' });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', cooldowns: [{ scope: '%E0%A4' }] });
  });

  test('leaves the body alone', async () => {
    const { body } = await sent({ url: '/openai/deployments/embed/x', data: { model: 'gpt-4o' } });
    expect(body.toString()).toBe('{"model":"gpt-4o"}');
  });
});

test('a route is worked out once for each resource that a path is asked of', () => {
  const [one, other] = ['https://one.example/openai', 'https://other.example/gw'];
  const ofOne = routeOf({ url: '/x', baseURL: one });
  expect(routeOf({ url: '/x', baseURL: other }).path).toStrictEqual({ base: '/gw', url: '/x' });
  expect(routeOf({ url: '/x', baseURL: one })).toBe(ofOne);
  // Not mistaken for the above, though its text is the same.
  expect(routeOf({ url: `${one}\n/x` }).path).toStrictEqual({ base: '', url: '/openai/x' });
});

test.each([undefined, '', false, 0, null])('a baseURL of %p is none, as in axios', (baseURL) => {
  expect(routeOf({ url: '/x', baseURL: baseURL as string }).path).toStrictEqual({ base: '', url: '/x' });
});

test('an absolute URL is parsed whichever one came before it', () => {
  const pathOf = (url: string): string | undefined => parseAddress(url).route?.path.url;
  const [one, other] = ['https://one.example/a', 'https://other.example/b'];
  expect([one, one, other, one].map(pathOf)).toStrictEqual(['/a', '/a', '/b', '/a']);
  expect(parseAddress(`data:,${'x'.repeat(3000)}`)).toStrictEqual({
    isHttp: false,
    hasUserinfo: false,
    route: undefined,
  });
  expect(parseAddress('https://user@one.example/a')).toMatchObject({ isHttp: true, hasUserinfo: true });
  expect(() => parseAddress('no url')).toThrow('Invalid URL');
  expect(pathOf(one)).toBe('/a');
});
