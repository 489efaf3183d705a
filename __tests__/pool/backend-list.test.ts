import { BackendList } from '../../src/pool/backend-list';

const at = (name: string, own: object = {}) => ({ name, baseURL: `https://${name}.example/path`, ...own });

function listOf(...backends: ReturnType<typeof at>[]): BackendList {
  const list = new BackendList();
  list.update(backends);
  return list;
}

test('backends are sorted by priority, and those of the same one stay in the order given', () => {
  const list = listOf(at('c', { priority: 2 }), at('a'), at('d', { priority: 2 }), at('b'));
  expect(list.byPriority.map(({ info }) => info.name)).toStrictEqual(['a', 'b', 'c', 'd']);
  expect(list.infos.map(({ name }) => name)).toStrictEqual(['c', 'a', 'd', 'b']);
  expect([...list.origins]).toContain('https://a.example');
});

test('an update keeps the backends whose name stays, with their new settings, and forgets the others', () => {
  const list = listOf(at('a'), at('b'));
  const [a, b] = list.byPriority;
  list.update([at('a', { priority: 3 }), at('c')]);
  expect(list.named('a')).toBe(a);
  expect(a!.info.priority).toBe(3);
  expect(list.find(b!.info)).toBeUndefined();
  expect(list.find(a!.info)).toBe(a);
  expect([...list.origins]).toStrictEqual(['https://a.example', 'https://c.example']);
});

test('an update that is refused changes nothing', () => {
  const list = listOf(at('a'));
  const [a] = list.byPriority;
  expect(() => list.update([at('b'), at('b')])).toThrow('backends[1]');
  expect(list.byPriority).toStrictEqual([a]);
});

test('it knows whether one of them lacks a deployment', () => {
  expect(listOf(at('a'), at('b', { deployments: { chat: 'own' } })).lacksDeployments).toBe(false);
  expect(listOf(at('a'), at('b', { deployments: { chat: false } })).lacksDeployments).toBe(true);
});

test('an unknown name is an error that lists the known ones', () => {
  const list = listOf(at('b'), at('a'));
  expect(() => list.named('c')).toThrow(new TypeError('unknown backend "c"; expected one of b, a'));
  expect(() => list.named(7, 'pool.cool: ')).toThrow(
    new TypeError('pool.cool: unknown backend 7; expected one of b, a'),
  );
});
