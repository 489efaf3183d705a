import { BackendPool } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { redisTransport, shareCooldowns } from '../../src/sharing';
import { ok } from '../support/refused-backends';

describe('a URL in the wrong place is shown without its userinfo and its query:', () => {
  const url = 'redis://user:hunter2@host/path?sig=hunter2';
  const pool = new BackendPool([ok]);
  test.each<[string, () => unknown]>([
    ['transport', () => shareCooldowns(pool, url as never)],
    ['client', () => redisTransport(url as never, { prefix: 'x' })],
    ['options.fetch', () => priorityFetch([ok], { fetch: url as never })],
    ['listener', () => pool.subscribe(url as never)],
    ['unknown backend', () => pool.restore(url)],
    ['backends[1].name', () => new BackendPool([ok, ok].map((each) => ({ ...each, name: url })))],
    ['options has an unknown field', () => new BackendPool([ok], { [url]: 1 } as never)],
    ['backends[0].deployments', () => new BackendPool([{ ...ok, deployments: { [url]: '' } }])],
    ['backends[0].headers', () => new BackendPool([{ ...ok, headers: { [url]: 'x' } }])],
  ])('%s', (place, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(place);
    expect(make).toThrow('redis://***@host/path?***');
    expect(make).not.toThrow('hunter2');
  });
});

test('an error message truncates long values and names arrays as such', () => {
  expect(() => new BackendPool([{ ...ok, priority: 'x'.repeat(101) as never }])).toThrow(
    `backends[0].priority must be an integer ≥ 0, got "${'x'.repeat(100)}…"`,
  );
  expect(() => new BackendPool([{ ...ok, name: 'x'.repeat(100).split('') as never }])).toThrow('got an array');
});
