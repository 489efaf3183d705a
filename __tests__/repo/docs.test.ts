import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path: string): string => readFileSync(join(__dirname, '../..', path), 'utf8');

test('the reference describes each field that axios’s types are given', () => {
  // The reference is made from exports, and an augmentation is none.
  const given = [...read('src/axios/augmentation.ts').matchAll(/interface (\w+) \{\n([\s\S]*?)\n {2}\}/g)].flatMap(
    ([, type, body = '']) =>
      [...body.matchAll(/^ {4}(\w+)\?:/gm)].map(([, field]) => `${String(type)}.${String(field)}`),
  );
  const described = [...read('docs/axios-types.md').matchAll(/^- `([\w.]+)`/gm)].map(([, field]) => field);
  expect(given).toHaveLength(4);
  expect(described.sort()).toEqual(given.sort());
});

test('CONTRIBUTING says what each folder of the source is for', () => {
  const mapped = [...read('.github/CONTRIBUTING.md').matchAll(/^\| `src\/([\w-]+)\/`/gm)].map(([, folder]) => folder);
  const folders = readdirSync(join(__dirname, '../../src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(mapped.sort()).toEqual(folders.map(({ name }) => name).sort());
});
