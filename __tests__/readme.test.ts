import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import axios from 'axios';
import ts from 'typescript';
import * as own from '../src';
import type { TestBackend } from './support/backend';
import { startBackends, useBackends } from './support/backend';

useBackends();

const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Each example, with the heading above it. */
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(({ 1: code = '', index }) => {
  const heading = readme
    .slice(0, index)
    .match(/^#+ .*$/gm)
    ?.at(-1);
  return [heading?.replace(/^#+ /, '') ?? '', code] as const;
});

const HOSTS = [
  'https://ptu-eastus.openai.azure.com',
  'https://payg-westus.openai.azure.com',
  'https://payg-sweden.openai.azure.com',
];

/** What the examples take from around them. */
const AROUND = 'declare const body: object; declare const azureADTokenProvider: () => Promise<string>;\n';

async function run(code: string, hosts: readonly string[]): Promise<string[]> {
  const aimed = HOSTS.reduce((text, host, i) => text.replaceAll(host, hosts[i] ?? ''), code);
  const { outputText } = ts.transpileModule(aimed, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const printed: string[] = [];
  const print = (...values: unknown[]) =>
    void printed.push(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));
  const load = createRequire(__filename);
  const around = {
    exports: {},
    require: (name: string): unknown =>
      name === 'axios-priority-adapter' ? own : name === 'axios' ? axios : load(name),
    console: { log: print },
    process: { env: { EASTUS_KEY: 'east', WESTUS_KEY: 'west', SWEDEN_KEY: 'sweden' }, stdout: { write: print } },
    body: { messages: [] },
    azureADTokenProvider: () => Promise.resolve('token'),
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the examples are this repository's own
  const main = new Function(...Object.keys(around), `return (async () => {${outputText}})()`) as (
    ...args: unknown[]
  ) => Promise<void>;
  await main(...Object.values(around));
  return printed;
}

test.each(examples)('%s', async (heading, code) => {
  const backends = (await startBackends(3)) as [TestBackend, TestBackend, TestBackend];
  for (const backend of backends) backend.always({ body: { choices: [{ message: { content: 'Hello to you' } }] } });
  // Whatever the example is about, its first backend refuses once where there is another.
  if (code.includes(HOSTS[0]!) && code.includes(HOSTS[1]!)) backends[0].script({ status: 429 });
  const printed = await run(
    code,
    backends.map(({ url }) => url),
  );
  const asked = backends.map(({ calls }) => calls.length);
  if (heading === 'Use') expect(asked[0]).toBe(1);
  if (heading === 'A legacy OpenAI client') expect(printed).toEqual(['Hello to you']);
  if (heading === 'Tests of your own') expect(printed).toEqual(['["east.example: 429","west.example: 200"]']);
  else expect(asked.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});

test('there are examples, and each has its types right', () => {
  expect(examples.length).toBeGreaterThan(8);
  const files = new Map(
    examples.map(([, code], i) => [join(root, `__tests__/example-${String(i)}.ts`), AROUND + code]),
  );
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config,
      ts.sys,
      root,
    ).options,
    paths: { 'axios-priority-adapter': [join(root, 'src/index.ts')] },
    noUnusedLocals: false,
  };
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  const exists = host.fileExists.bind(host);
  const parse = host.getSourceFile.bind(host);
  host.readFile = (name) => files.get(name) ?? read(name);
  host.fileExists = (name) => files.has(name) || exists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    return text === undefined ? parse(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...files.keys(), join(root, 'src/index.ts')], options, host);
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(
      (each) =>
        ts.flattenDiagnosticMessageText(each.messageText, '\n') +
        String(each.file?.text.slice(each.start, (each.start ?? 0) + 80)),
    );
  expect(problems).toEqual([]);
}, 60_000);

test('the commands are those that continuous integration runs', () => {
  const ci = readFileSync(join(root, '.ci/run'), 'utf8');
  const commands = [...readme.matchAll(/```sh\n(npm ci && .*)\n```/g)].map(([, command]) => command);
  expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  for (const command of ['npm ci', 'npm run demo', 'npm test']) expect(ci).toContain(command);
});

test('the options are those that the code takes', () => {
  const names = (heading: string) =>
    [...(readme.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` +\|/gm)].map(
      ([, name]) => name,
    );
  const refusal = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  for (const name of names('Options'))
    expect(refusal(() => own.priorityAdapter([{ baseURL: 'a' }], { [name!]: null }))).not.toContain('unknown');
  for (const name of names('Backends'))
    expect(refusal(() => new own.BackendPool([{ baseURL: 'a', [name!]: null }]))).not.toContain('unknown');
  expect(names('Options')).toHaveLength(10);
  expect(names('Backends')).toHaveLength(10);
});
