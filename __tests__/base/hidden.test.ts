import { bare, hide, setHidden, withHidden } from '../../src/base/hidden';

test('a bare descriptor inherits nothing, so a polluted prototype adds nothing to it', () => {
  const descriptor = bare({ value: 1 });
  expect(Object.getPrototypeOf(descriptor)).toBeNull();
  expect(descriptor.value).toBe(1);
});

test('a hidden field keeps its value and is not enumerated', () => {
  const owner = { shown: 1, secret: 2 };
  expect(hide(owner, 'secret')).toBe(true);
  expect([Object.keys(owner), owner.secret]).toStrictEqual([['shown'], 2]);
});

test('a field that is set hidden can be read, written, deleted and set again', () => {
  const owner: { field?: number } = {};
  expect(setHidden(owner, 'field', 1)).toBe(true);
  expect(Object.getOwnPropertyDescriptor(owner, 'field')).toStrictEqual({
    value: 1,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  expect(setHidden(owner, 'field', 2)).toBe(true);
  expect(owner.field).toBe(2);
});

test('what is frozen stays as it is', () => {
  const frozen = Object.freeze({ field: 1 });
  expect(hide(frozen, 'field')).toBe(false);
  expect(setHidden(frozen, 'other', 1)).toBe(false);
  expect(withHidden(frozen, { other: 1 })).toBe(frozen);
  expect(Object.getOwnPropertyNames(frozen)).toStrictEqual(['field']);
});

test('withHidden adds each field to an object, and returns anything else as it is', () => {
  const owner = withHidden({ shown: 1 }, { one: 1, two: 2 });
  expect([Object.keys(owner), owner]).toStrictEqual([['shown'], expect.objectContaining({ shown: 1 })]);
  expect(owner).toHaveProperty('one', 1);
  expect(owner).toHaveProperty('two', 2);
  expect(withHidden('text', { one: 1 })).toBe('text');
});
