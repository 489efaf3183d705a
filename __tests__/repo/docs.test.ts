import { pages, read } from '../support/markdown';

const AUGMENTATION = 'src/axios/augmentation.ts';

test('the reference describes each field that is added to the types of axios', () => {
  // typedoc documents exports, and an augmentation is not exported.
  const given = [...read(AUGMENTATION).matchAll(/interface (\w+) \{\n([\s\S]*?)\n {2}\}/g)].flatMap(
    ([, type, body = '']) =>
      [...body.matchAll(/^ {4}(\w+)\?:/gm)].map(([, field]) => `${String(type)}.${String(field)}`),
  );
  const described = [...read('docs/axios-types.md').matchAll(/^- `([\w.]+)`/gm)].map(([, field]) => field);
  expect(given).not.toStrictEqual([]);
  expect(described.sort()).toStrictEqual(given.sort());
});

test('the sidebar of the site leads to every page', () => {
  const links = [...read('docs/.vitepress/config.mjs').matchAll(/page\('[^']+', '(\/[^']*)'\)/g)].map(
    ([, link]) => link,
  );
  const expected = pages
    .filter((page) => page.startsWith('docs/'))
    .map((page) => page.replace(/^docs/, '').replace(/(?:index)?\.md$/, ''));
  expect(expected.filter((link) => !links.includes(link))).toStrictEqual([]);
});

test('the README names the versions that are tested', () => {
  const table = /## What it works with\n([\s\S]*?)\n## /.exec(read('README.md'))?.[1] ?? '';
  const tested = ['package.json', '__tests__/neighbours/neighbours.test.ts', '__tests__/neighbours/clients.test.ts']
    .map(read)
    .join('');
  const versions = [...table.matchAll(/\d+\.\d+\.\d+/g)].map(([version]) => version);
  expect(versions).not.toStrictEqual([]);
  expect(
    versions.filter((version) => !tested.includes(`@${version}'`) && !tested.includes(`${version}"`)),
  ).toStrictEqual([]);
});
