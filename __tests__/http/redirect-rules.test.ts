import {
  FETCH_REDIRECTS,
  HTTP_REDIRECTS,
  isFollowedForFetch,
  isNodesFetch,
  isRedirect,
  nextHop,
} from '../../src/http/redirect-rules';
import type { Hop, RedirectRules } from '../../src/http/redirect-rules';

test.each([
  [299, false, false],
  [300, true, false],
  [301, true, true],
  [302, true, true],
  [303, true, true],
  [304, true, false],
  [306, true, false],
  [307, true, true],
  [308, true, true],
  [399, true, false],
  [400, false, false],
])('a %i with a Location is followed over http: %s, over fetch: %s', (status, overHttp, overFetch) => {
  const rules = [HTTP_REDIRECTS, FETCH_REDIRECTS];
  expect(rules.map((each) => isRedirect(status, '/x', each))).toStrictEqual([overHttp, overFetch]);
  for (const none of ['', undefined, ['/x']]) expect(isRedirect(status, none, HTTP_REDIRECTS)).toBe(false);
});

const from = (own: Partial<Hop> = {}): Hop => ({
  url: new URL('https://a.example/one/two?q=1'),
  method: 'post',
  headers: {},
  ...own,
});
const RULES = { http: HTTP_REDIRECTS, fetch: FETCH_REDIRECTS };

/** Where a redirect leads. */
function to(location: string, rules: RedirectRules = HTTP_REDIRECTS, status = 307): string | undefined {
  return nextHop(from(), { status, location }, rules, [])?.url.href;
}

describe('the next hop', () => {
  test.each<[status: number, method: string, next: string, dropsBody: boolean]>([
    [301, 'post', 'get', true],
    [301, 'put', 'put', false],
    [302, 'POST', 'get', true],
    [302, 'delete', 'delete', false],
    [303, 'put', 'get', true],
    [303, 'head', 'head', false],
    [303, 'get', 'get', false],
    [307, 'post', 'post', false],
    [308, 'POST', 'POST', false],
  ])('after a %i to a %s is a %s', (status, method, next, dropsBody) => {
    const headers = { 'Content-Type': 'text/plain', accept: '*/*' };
    for (const rules of Object.values(RULES)) {
      const hop = nextHop(from({ method, headers }), { status, location: '/x' }, rules, [])!;
      expect(hop).toMatchObject({ method: next, dropsBody });
      expect(Object.keys(hop.headers)).toStrictEqual(dropsBody ? ['accept'] : ['Content-Type', 'accept']);
    }
  });

  test('is relative to the URL of this one', () => {
    expect(to('three')).toBe('https://a.example/one/three');
    expect(to('?q=2')).toBe('https://a.example/one/two?q=2');
    expect(to('//b.example')).toBe('https://b.example/');
  });

  test('gets no userinfo of the Location, or is refused where that is an error', () => {
    expect(to('https://user:secret@b.example/x')).toBe('https://b.example/x');
    const refusing = { ...FETCH_REDIRECTS, refusesUserinfo: true };
    for (const userinfo of ['user:secret', 'user', ':secret'])
      expect(() => to(`https://${userinfo}@b.example/x`, refusing)).toThrow('the Location contains credentials');
  });

  test('is read as UTF-8 by the rules of fetch, as Latin-1 by those of http', () => {
    const bytes = Buffer.from('/ü').toString('latin1');
    expect(to(bytes, FETCH_REDIRECTS)).toBe('https://a.example/%C3%BC');
    expect(to(bytes, HTTP_REDIRECTS)).toBe('https://a.example/%C3%83%C2%BC');
    expect(to('/ü\u2026', FETCH_REDIRECTS)).toBe('https://a.example/%C3%BC%E2%80%A6');
  });

  test.each(['http://[', 'data:text/plain,x', 'ftp://a.example/', 'xhttp://a.example/', 'httpsx://a.example/'])(
    'is none for the Location %s over fetch, and an error over http',
    (location) => {
      expect(to(location, FETCH_REDIRECTS)).toBeUndefined();
      expect(() => to(location, HTTP_REDIRECTS)).toThrow(
        expect.objectContaining({
          name: 'Error [ERR_FR_REDIRECTION_FAILURE]',
          code: 'ERR_FR_REDIRECTION_FAILURE',
          message: expect.stringContaining('Redirected request failed: ') as string,
        }) as Error,
      );
    },
  );

  test('is none after a response that is no redirect', () => {
    expect(to('/x', HTTP_REDIRECTS, 200)).toBeUndefined();
  });

  test('without the body has no headers that describe one: over http all `content-*`, over fetch those of the standard', () => {
    const names = ['Encoding', 'Language', 'Location', 'Type', 'Length', 'Digest'].map((name) => `Content-${name}`);
    const headers = Object.fromEntries([...names, 'X-Content-Type'].map((name) => [name, 'v']));
    const kept = (rules: RedirectRules) =>
      Object.keys(nextHop(from({ headers }), { status: 303, location: '/x' }, rules, [])!.headers);
    expect(kept(HTTP_REDIRECTS)).toStrictEqual(['X-Content-Type']);
    expect(kept(FETCH_REDIRECTS)).toStrictEqual(['Content-Digest', 'X-Content-Type']);
  });
  test.each([
    ['the same origin', '/x', ['API-Key', 'X-Own', 'Cookie', 'Authorization', 'Host', 'kept']],
    ['another host', 'https://b.example/', ['kept']],
    ['another port', 'https://a.example:444/', ['kept']],
    ['another scheme', 'http://a.example/', ['kept']],
  ])('on %s gets only the headers that may go there', (_, location, kept) => {
    const headers = Object.fromEntries(
      ['API-Key', 'X-Own', 'Cookie', 'Authorization', 'Host', 'Proxy-Authorization', 'kept'].map((name) => [name, 'v']),
    );
    const hop = nextHop(from({ headers }), { status: 307, location }, HTTP_REDIRECTS, ['api-key', 'x-own'])!;
    expect(Object.keys(hop.headers)).toStrictEqual(kept);
    expect(Object.keys(headers)).toHaveLength(7);
  });
});

describe('redirects of a fetch', () => {
  const own = () => Promise.reject(new Error('not to be called'));

  test('are always followed by the package over Node’s own fetch', () => {
    expect([isNodesFetch(fetch), isNodesFetch(own)]).toStrictEqual([true, false]);
    expect(isFollowedForFetch(fetch, {}, [])).toBe(true);
  });

  test('are followed by the package over another fetch if a header must not leave the origin', () => {
    const follows = (headers: Record<string, unknown>) => isFollowedForFetch(own, headers, ['api-key']);
    expect([{ 'Api-Key': 'k' }, { 'api-key': '' }, { 'api-key': 0 }].map(follows)).toStrictEqual([true, true, true]);
    expect([{}, { other: 'k' }, { 'api-key': undefined }, { 'api-key': null }].map(follows)).toStrictEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(follows({ 'api-key': false })).toBe(false);
  });
});
