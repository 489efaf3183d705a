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

test('the map of the source has each file in one place', () => {
  const table = (read('CONTRIBUTING.md').split('## Where things live')[1] ?? '').split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| (`.*?) +\|/gm)].map(([, files = '']) => files);
  const mapped = rows.flatMap((files) => [...files.matchAll(/`([\w-]+\.ts)`/g)].map(([, file]) => file));
  expect(mapped.sort()).toEqual(readdirSync(join(__dirname, '../../src')).sort());
});
