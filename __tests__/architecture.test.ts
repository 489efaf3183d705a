import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

const src = join(__dirname, '../src');

/** The parts of the source, from the bottom up. A part imports those below it. Parts on one line are side by side. */
const LAYERS = [['base'], ['http'], ['pool'], ['failover', 'sharing', 'status-page'], ['axios', 'fetch']];
const layerOf = (file: string) => LAYERS.findIndex((parts) => parts.includes(partOf(file)));
const partOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

const files = (readdirSync(src, { recursive: true }) as string[])
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));
const read = (file: string) => readFileSync(join(src, file), 'utf8');

interface Import {
  readonly from: string;
  /** A file of the source, or a package. */
  readonly to: string;
  readonly typesOnly: boolean;
}

const imports = files.flatMap((from) => {
  const { statements } = ts.createSourceFile(from, read(from), ts.ScriptTarget.ES2022);
  return statements.flatMap((statement): Import[] => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    if (statement.moduleSpecifier === undefined) return [];
    const { text: name } = statement.moduleSpecifier as ts.StringLiteral;
    const typesOnly = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : statement.isTypeOnly;
    const path = posix.join(dirname(from), name);
    const to = !name.startsWith('.') ? name : files.includes(`${path}.ts`) ? `${path}.ts` : `${path}/index.ts`;
    return [{ from, to, typesOnly }];
  });
});
const between = imports.filter(({ to }) => files.includes(to));

test('every import of the source leads to a file or to axios', () => {
  expect(files.length).toBeGreaterThan(20);
  const others = imports.filter(({ to }) => !files.includes(to)).map(({ to }) => to);
  expect(others.filter((name) => name !== 'axios' && !name.startsWith('node:'))).toStrictEqual([]);
});

test('nothing of Node but types is imported', () => {
  expect(imports.filter(({ to, typesOnly }) => to.startsWith('node:') && !typesOnly)).toStrictEqual([]);
});

test('imports form no cycle, types included', () => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    else if (!done.has(file)) {
      for (const { from, to } of between) if (from === file) visit(to, [...path, file]);
      done.add(file);
    }
  };
  for (const file of files) visit(file, []);
  expect(cycles).toStrictEqual([]);
});

describe('in the parts of the source,', () => {
  test('each file belongs to a known part or is an entry point', () => {
    expect(files.filter((file) => partOf(file) !== '' && layerOf(file) < 0)).toStrictEqual([]);
  });

  test('a part imports only parts below it', () => {
    const wrong = between
      .filter(({ from }) => partOf(from) !== '')
      .filter(({ from, to }) => partOf(from) !== partOf(to) && layerOf(to) >= layerOf(from))
      .map(({ from, to }) => `${from} → ${to}`);
    expect(wrong).toStrictEqual([]);
  });

  test('only the axios part and the entry points import axios, types included', () => {
    const users = imports.filter(({ to }) => to === 'axios').map(({ from }) => from);
    expect(users.filter((file) => partOf(file) !== '' && partOf(file) !== 'axios')).toStrictEqual([]);
  });
});

test('the source has no any, except for the open fields of requests and responses, and no suppressed type error', () => {
  for (const file of files) {
    const open = file === 'http/messages.ts' ? /readonly (?:\[field: string\]|headers|data|config): any;/g : /(?!)/g;
    const rest = read(file).replace(open, '');
    expect(rest).not.toMatch(/\bas any\b|: any\b|<any\b|@ts-(?:ignore|expect-error|nocheck)/);
  }
});
