import axios from 'axios';
import { priorityAdapter } from '../../src';
import { FakeBackend, closeBackendsAfterEach } from '../support/fake-backend';
import { stubPool } from '../support/stub-pool';

closeBackendsAfterEach();

describe('redirects that the adapter follows', () => {
  test.each<[string, string, string[]]>([
    ['the same origin', 'https://a.example/there', ['Api-Key', 'X-Own', 'AUTHORIZATION', 'kept']],
    ['another origin', 'https://b.example/there', ['kept']],
    ['another port', 'https://a.example:444/there', ['kept']],
    ['an invalid URL', 'there', ['kept']],
  ])(
    'in beforeRedirect, keep or drop credentials for versions of axios without sensitiveHeaders: %s',
    async (_, href, kept) => {
      const { request, configs } = stubPool({ a: { apiKey: 'own', headers: { 'X-Own': '1' } } });
      await request();
      const headers = { 'Api-Key': 'own', 'X-Own': '1', AUTHORIZATION: 'callers', kept: '1' };
      const hook = configs[0]?.beforeRedirect as (options: object, ...others: object[]) => void;
      hook({ href, headers }, { headers: {}, statusCode: 307 }, { url: 'https://a.example/here' });
      expect(Object.keys(headers)).toStrictEqual(kept);
    },
  );

  test('call beforeRedirect of the caller for each hop', async () => {
    const backend = await FakeBackend.start();
    backend.script({ status: 307, headers: { location: '/here' } });
    const hops: unknown[] = [];
    const beforeRedirect = ({ href }: Record<string, unknown>) => void hops.push(href);
    await axios.get('/in', { adapter: priorityAdapter([{ baseURL: backend.url }]), beforeRedirect });
    expect(hops).toStrictEqual([`${backend.url}/here`]);
  });

  test('are compared by origin alone in beforeRedirect, and tolerate missing headers', async () => {
    const { adapter, configs } = stubPool({ a: { apiKey: 'own-key' } });
    await axios.get('/x', { adapter });
    const strip = (options: object) =>
      configs[0]?.beforeRedirect?.(options, {} as never, { url: 'https://a.example/x' } as never);
    const at = (href: unknown) => {
      const options = { href, headers: { 'Api-Key': 'own-key', other: 'kept' } };
      strip(options);
      return options.headers;
    };
    expect(at('https://a.example/there')).toStrictEqual({ 'Api-Key': 'own-key', other: 'kept' });
    for (const href of ['https://b.example/', 'http://a.example/', 'https://a.example.org', 'no URL', undefined]) {
      expect(at(href)).toStrictEqual({ other: 'kept' });
    }
    expect(() => strip({ href: 'https://b.example' })).not.toThrow();
    // axios before 1.18 doesn't tell where a redirect comes from: it counts as coming from the backend.
    const headers = { 'Api-Key': 'own-key' };
    const old = configs[0]?.beforeRedirect as unknown as (options: object, response: object) => void;
    old({ href: 'https://a.example/there', headers }, {});
    expect(headers).toStrictEqual({ 'Api-Key': 'own-key' });
    old({ href: 'https://b.example/there', headers }, {});
    expect(headers).toStrictEqual({});
  });

  test('ignore a beforeRedirect of null', async () => {
    const backend = await FakeBackend.start();
    const adapter = priorityAdapter([{ baseURL: backend.url }]);
    backend.script({ status: 302, headers: { location: '/there' } }, { body: 'ok' });
    expect((await axios.get('/x', { adapter, beforeRedirect: null as never })).data).toBe('ok');
  });

  test('add the headers of the backend to the sensitiveHeaders of the caller', async () => {
    const { adapter, configs } = stubPool({ a: { headers: { 'X-Own': '1' } } });
    await axios.get('/x', { adapter, sensitiveHeaders: ['x-callers'] });
    expect(configs[0]?.sensitiveHeaders).toStrictEqual(
      expect.arrayContaining(['x-callers', 'x-own', 'api-key', 'authorization']),
    );
  });
});
