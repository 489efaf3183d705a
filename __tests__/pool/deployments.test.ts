import { checkDeployments, nameAt } from '../../src/pool/deployments';

const at = (given: unknown, deployment: string) =>
  nameAt({ deployments: checkDeployments(given, 'place') }, deployment);

test('a backend has its own name for a deployment, the same name, or does not have it', () => {
  const given = { chat: 'gpt-4o', embed: false };
  expect(['chat', 'embed', 'other'].map((name) => at(given, name))).toStrictEqual(['gpt-4o', false, undefined]);
});

test('the key * stands for every name that is not listed', () => {
  expect(['chat', 'other', 'toString'].map((name) => at({ '*': 'all', chat: 'one' }, name))).toStrictEqual([
    'one',
    'all',
    'all',
  ]);
  expect(at({ '*': false, chat: 'chat' }, 'other')).toBe(false);
});

test('without a list, all names are the same', () => {
  for (const none of [undefined, {}, { chat: undefined }]) {
    expect(checkDeployments(none, 'place')).toBeUndefined();
    expect(at(none, 'chat')).toBeUndefined();
  }
});

test.each([
  [{ chat: '' }, 'place["chat"] must be a non-empty string or false, got ""'],
  [{ a: 'b', chat: true }, 'place["chat"] must be a non-empty string or false, got true'],
  [{ chat: null }, 'place["chat"] must be a non-empty string or false, got null'],
  [['chat'], 'place must be an object, got an array'],
])('%j is refused', (given, message) => {
  expect(() => checkDeployments(given, 'place')).toThrow(new TypeError(message));
});
