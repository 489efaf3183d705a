import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const AUGMENTATION = 'src/axios/augmentation.ts';
const read = (path: string): string => readFileSync(join(__dirname, '../..', path), 'utf8');

test('the reference describes each field that is added to the types of axios', () => {
  // typedoc documents exports, and an augmentation is not exported.
  const given = [...read(AUGMENTATION).matchAll(/interface (\w+) \{\n([\s\S]*?)\n {2}\}/g)].flatMap(
    ([, type, body = '']) =>
      [...body.matchAll(/^ {4}(\w+)\?:/gm)].map(([, field]) => `${String(type)}.${String(field)}`),
  );
  const described = [...read('docs/axios-types.md').matchAll(/^- `([\w.]+)`/gm)].map(([, field]) => field);
  expect(given).not.toEqual([]);
  expect(described.sort()).toEqual(given.sort());
});
