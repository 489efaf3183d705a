import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import ts from 'typescript';
import * as own from '../../src';
import * as ownFetch from '../../src/fetch';
import * as ownSharing from '../../src/sharing';
import * as ownStatusPage from '../../src/status-page';
import * as azureIdentity from './azure-identity';

export const root = join(__dirname, '../..');

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Written by typedoc, or for it. */
const OF_TYPEDOC = /^docs\/(?:api\/|axios-types\.md$)/;

/** The README and the pages of the documentation, relative to the root. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((file) => join('docs', file))
    .filter((file) => file.endsWith('.md') && !file.includes('.vitepress') && !OF_TYPEDOC.test(file))
    .sort(),
];

/** Examples over axios use `openai` 3, and those over fetch the current one, which the example programs have. */
const CURRENT_OPENAI = 'examples/node_modules/openai';

const withCurrentOpenai = (code: string): string =>
  code.includes('/fetch') ? code.replace("'openai'", `'${CURRENT_OPENAI}'`) : code;

/** A fenced block of code. */
export interface Block {
  /** `page: heading` */
  readonly title: string;
  readonly code: string;
  /** The fenced block after it, such as what the program prints. */
  readonly next: string;
}

/** The blocks whose fence says exactly this, such as `ts` or `js`. */
export function blocks(info: string): Block[] {
  return pages.flatMap((page) => {
    const content = read(page);
    const fences = [...content.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)];
    return fences.flatMap(({ 1: says, 2: code = '', index }, i) => {
      if (says !== info) return [];
      const prose = content.slice(0, index).replace(/^```[\s\S]*?^```$/gm, '');
      const heading = prose.match(/^#+ .*$/gm)?.at(-1) ?? '';
      return [{ title: `${page}: ${heading.replace(/^#+ /, '')}`, code, next: fences[i + 1]?.[2] ?? '' }];
    });
  });
}

/** Programs in TypeScript that are complete but for the names in `AROUND`. */
const inTypeScript = blocks('ts');
const needsRedis = ({ code }: Block) => code.includes("from 'redis'");
export const examples = inTypeScript.filter((block) => !needsRedis(block));
/** They run where there is a Redis. */
export const redisExamples = inTypeScript.filter(needsRedis);

/** What the examples of doc comments leave out. */
const IMPORTS = {
  axios: "import axios from 'axios';",
  OpenAI: "import OpenAI from 'openai';",
  priorityAdapter: "import { priorityAdapter } from 'axios-priority-adapter';",
  attachPriorityAdapter: "import { attachPriorityAdapter } from 'axios-priority-adapter';",
  priorityFetch: "import { priorityFetch } from 'axios-priority-adapter/fetch';",
};

/** The examples of the doc comments in `src`. */
export const docExamples: readonly Block[] = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .flatMap((file) =>
    [...read(join('src', file)).matchAll(/^ *\* @example\n((?: *\*(?!\/| @).*\n)+)/gm)].map(([, comment = '']) => {
      const code = comment.replace(/^ *\* ?/gm, '');
      const imports = Object.entries(IMPORTS).filter(([name]) => new RegExp(`\\b${name}\\b`).test(code));
      return { title: `src/${file}`, code: [...imports.map(([, line]) => line), code].join('\n'), next: '' };
    }),
  );

/** Which fake backend each host of the examples leads to. */
const HOSTS = {
  'https://ptu-eastus.openai.azure.com': 0,
  'https://payg-westus.services.ai.azure.com': 1,
  'https://payg-sweden.services.ai.azure.com': 2,
  'https://api.openai.com': 2,
};

const KEYS = {
  EASTUS_KEY: 'east',
  WESTUS_KEY: 'west',
  SWEDEN_KEY: 'sweden',
  OPENAI_KEY: 'openai',
  SIGNING_KEY: 'sign',
};

/** The types of what an example may use without declaring it. */
const AROUND = {
  body: 'object',
  azureADTokenProvider: '() => Promise<string>',
  backends: "import('axios-priority-adapter').BackendOptions[]",
  adapter: "import('axios-priority-adapter').PriorityAdapter",
  client: "import('axios').AxiosInstance",
  pool: "import('axios-priority-adapter').BackendPool",
};

function withSurroundings(code: string): string {
  const missing = Object.entries(AROUND).filter(
    ([name]) => !new RegExp(`\\b(?:const|let) (?:\\{[^}]*)?\\b${name}\\b[^=]*=`).test(code),
  );
  return `${missing.map(([name, type]) => `declare const ${name}: ${type};`).join(' ')}\n${code}\nexport {};`;
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
export async function run(code: string, urls: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const aimed = Object.entries(HOSTS).reduce(
    (text, [host, i]) => text.replaceAll(host, urls[i] ?? ''),
    withCurrentOpenai(code),
  );
  const { outputText } = ts.transpileModule(aimed, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const printed: string[] = [];
  const servers: http.Server[] = [];
  const print = (...values: unknown[]) =>
    void printed.push(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '));
  const modules: Record<string, unknown> = {
    'axios-priority-adapter': own,
    'axios-priority-adapter/fetch': ownFetch,
    'axios-priority-adapter/sharing': ownSharing,
    'axios-priority-adapter/status-page': ownStatusPage,
    axios,
    '@azure/identity': azureIdentity,
    'node:http': { ...http, createServer: (listener: http.RequestListener) => onAnyPort(listener, servers) },
  };
  const backends = [
    { name: 'ptu', baseURL: urls[0] ?? '', apiKey: 'east' },
    { name: 'payg', baseURL: urls[1] ?? '', apiKey: 'west', priority: 2 },
  ];
  const adapter = own.priorityAdapter(backends);
  const around = {
    exports: {},
    require: (name: string): unknown => modules[name] ?? load(name === CURRENT_OPENAI ? join(root, name) : name),
    console: { log: print, error: print },
    process: { env: { ...KEYS, ...env }, stdout: { write: print } },
    body: { messages: [] },
    azureADTokenProvider: () => Promise.resolve('token'),
    backends,
    adapter,
    client: axios.create({ adapter }),
    pool: adapter.pool,
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the examples are this repository's own
  const main = new Function(...Object.keys(around), `return (async () => {${outputText}})()`) as (
    ...args: unknown[]
  ) => Promise<void>;
  await main(...Object.values(around));
  return { printed, servers };
}

/** Runs a complete program in JavaScript as it stands, with the built package, and returns what it printed. */
export async function runProgram(code: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(code);
  return text(child.stdout);
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

const EXAMPLES = join(root, 'examples');

/** The example programs, by their paths, and the complete programs of the pages as if they were beside them. */
function programs(): Map<string, string> {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.mjs') && !file.includes('node_modules'))
    .map((file) => join(EXAMPLES, file));
  return new Map([
    ...files.map((file) => [file, readFileSync(file, 'utf8')] as const),
    ...blocks('js').map(({ code }, i) => [join(EXAMPLES, `page-${String(i)}.mjs`), code] as const),
  ]);
}

/** In JavaScript, nobody tells the compiler that a server listens on a port and not on a path. */
const PORTS = `import type { AddressInfo } from 'node:net';
declare module 'net' { interface Server { address(): AddressInfo } }`;

/** The errors of the compiler in all examples in TypeScript together. */
export const typeProblems = (): string[] =>
  problemsIn(
    new Map(
      [...inTypeScript, ...docExamples].map(({ code }, i) => [
        join(root, `__tests__/example-${String(i)}.ts`),
        withSurroundings(withCurrentOpenai(code)),
      ]),
    ),
    { noUnusedLocals: false },
  );

/** The errors of the compiler in all programs in JavaScript: names, options and fields that don't exist. */
export const programProblems = (): string[] =>
  problemsIn(programs().set(join(EXAMPLES, 'ports.d.ts'), PORTS), {
    allowJs: true,
    checkJs: true,
    strict: false,
    exactOptionalPropertyTypes: false,
    noUncheckedIndexedAccess: false,
    noImplicitReturns: false,
    noUnusedParameters: false,
    isolatedModules: false,
  });

function problemsIn(files: ReadonlyMap<string, string>, more: ts.CompilerOptions): string[] {
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config,
      ts.sys,
      root,
    ).options,
    paths: {
      'axios-priority-adapter': [join(root, 'src/index.ts')],
      'axios-priority-adapter/fetch': [join(root, 'src/fetch.ts')],
      'axios-priority-adapter/sharing': [join(root, 'src/sharing.ts')],
      'axios-priority-adapter/status-page': [join(root, 'src/status-page.ts')],
      [CURRENT_OPENAI]: [join(root, CURRENT_OPENAI)],
      '@azure/identity': [join(__dirname, 'azure-identity.ts')],
      express: [join(__dirname, 'express.ts')],
    },
    ...more,
  };
  const host = ts.createCompilerHost(options);
  const readReal = host.readFile.bind(host);
  const exists = host.fileExists.bind(host);
  const parse = host.getSourceFile.bind(host);
  host.readFile = (name) => files.get(name) ?? readReal(name);
  host.fileExists = (name) => files.has(name) || exists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = files.get(name);
    return code === undefined ? parse(name, version, ...rest) : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram([...files.keys(), join(root, 'src/index.ts')], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file === undefined || files.has(file.fileName))
    .map(
      ({ file, start = 0, messageText }) =>
        `${ts.flattenDiagnosticMessageText(messageText, '\n')} ${String(file?.fileName)}: ${String(file?.text.slice(start, start + 80))}`,
    );
}
