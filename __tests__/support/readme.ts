import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import axios from 'axios';
import ts from 'typescript';
import * as own from '../../src';
import * as azureIdentity from './azure-identity';

export const root = join(__dirname, '../..');
export const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Each example, with the heading above it. */
export const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(({ 1: code = '', index }) => {
  const heading = readme
    .slice(0, index)
    .match(/^#+ .*$/gm)
    ?.at(-1);
  return { heading: heading?.replace(/^#+ /, '') ?? '', code };
});

export const HOSTS = [
  'https://ptu-eastus.openai.azure.com',
  'https://payg-westus.openai.azure.com',
  'https://payg-sweden.openai.azure.com',
] as const;

/** Declarations for what an example uses but doesn't declare. */
const AROUND = {
  body: 'declare const body: object;',
  azureADTokenProvider: 'declare const azureADTokenProvider: () => Promise<string>;',
};

function withSurroundings(code: string): string {
  const missing = Object.entries(AROUND).filter(([name]) => !code.includes(`const ${name} =`));
  return `${missing.map(([, declaration]) => declaration).join(' ')}\n${code}`;
}

const load = createRequire(__filename);

/** What an example did, apart from sending requests. */
export interface Run {
  /** The text of each call of `console.log` and `stdout.write`. */
  readonly printed: string[];
  /** The servers that it has opened, each on a free port. */
  readonly servers: http.Server[];
}

/** Runs an example with its hosts replaced by these URLs. */
export async function run(code: string, urls: readonly string[]): Promise<Run> {
  const aimed = HOSTS.reduce((text, host, i) => text.replaceAll(host, urls[i] ?? ''), code);
  const { outputText } = ts.transpileModule(aimed, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const printed: string[] = [];
  const servers: http.Server[] = [];
  const print = (...values: unknown[]) =>
    void printed.push(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));
  const modules: Record<string, unknown> = {
    'axios-priority-adapter': own,
    axios,
    '@azure/identity': azureIdentity,
    'node:http': { ...http, createServer: (listener: http.RequestListener) => onAnyPort(listener, servers) },
  };
  const around = {
    exports: {},
    require: (name: string): unknown => modules[name] ?? load(name),
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
  return { printed, servers };
}

const open = new Set<http.Server>();

/** Closes the servers that the examples have opened. */
export function closeServers(): void {
  for (const server of open) {
    server.close();
    server.closeAllConnections();
  }
  open.clear();
}

function onAnyPort(listener: http.RequestListener, servers: http.Server[]): http.Server {
  const server = http.createServer(listener);
  const listen = server.listen.bind(server);
  server.listen = () => listen(0, '127.0.0.1');
  servers.push(server);
  open.add(server);
  return server;
}

/** The errors of the compiler in all examples together. */
export function typeProblems(): string[] {
  const files = new Map(
    examples.map(({ code }, i) => [join(root, `__tests__/example-${String(i)}.ts`), withSurroundings(code)]),
  );
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config,
      ts.sys,
      root,
    ).options,
    paths: {
      'axios-priority-adapter': [join(root, 'src/index.ts')],
      '@azure/identity': [join(__dirname, 'azure-identity.ts')],
    },
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
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      (each) =>
        ts.flattenDiagnosticMessageText(each.messageText, '\n') +
        String(each.file?.text.slice(each.start, (each.start ?? 0) + 80)),
    );
}
