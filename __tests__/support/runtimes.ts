/** The runtimes beside browsers, each from a package of npm, and a program that runs in all of them. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Results } from '../runtimes/program';
import { bundled, inRoot, root } from './bundle';
import type { Place } from './checks';

const execute = promisify(execFile);
const bin = (name: string) => inRoot(`node_modules/.bin/${name}`);

/** The versions of Node beside the one that runs the tests. */
export const OTHER_NODES = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/** Runs the program in a runtime. Rejects if the runtime is missing. */
export type Run = (place: Place) => Promise<Results>;

/** The files that Node, Deno and Bun import. */
const BY_FILE = {
  axios: { id: pathToFileURL(inRoot('node_modules/axios/index.js')).href, external: true },
  library: { id: pathToFileURL(inRoot('dist/index.js')).href, external: true },
  fetch: { id: pathToFileURL(inRoot('dist/fetch.js')).href, external: true },
};
/** What a bundler for the edge puts into the bundle. */
const INCLUDED = {
  axios: { id: inRoot('node_modules/axios/dist/esm/axios.js') },
  library: { id: inRoot('dist/index.js') },
  fetch: { id: inRoot('dist/fetch.js') },
};

let folder: string;

/** Bundles the program. To be called before all tests of a file. */
export async function prepareProgram(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'runtimes-'));
  const [module, bundle, script] = await Promise.all([
    bundled('es', BY_FILE),
    bundled('es', INCLUDED),
    bundled('iife', INCLUDED),
  ]);
  const files = {
    'program.mjs': module,
    'main.mjs': MAIN,
    'bundle.mjs': bundle,
    'worker.mjs': WORKER,
    'script.js': script,
    'edge.mjs': EDGE,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}

export function removeProgram(): void {
  rmSync(folder, { recursive: true });
}

const MAIN = `import { run } from './program.mjs';
console.log(JSON.stringify(await run(JSON.parse(process.argv.at(-1)))));
// A connection that a check has left open must not keep the process.
process.exit();`;

const WORKER = `import { run } from './bundle.mjs';
export default { fetch: async (request) => Response.json(await run(await request.json())) };`;

const EDGE = `import { readFileSync } from 'node:fs';
import { EdgeVM } from ${JSON.stringify(pathToFileURL(inRoot('node_modules/@edge-runtime/vm/dist/index.js')))};
const vm = new EdgeVM({ initialCode: readFileSync(new URL('script.js', import.meta.url), 'utf8') });
console.log(JSON.stringify(await vm.evaluate(\`program.run(\${process.argv.at(-1)})\`)));
process.exit();`;

/** Runs a file of the folder, whose last line is the results. */
const runFile =
  (file: string, command: () => Promise<string[]> | string[]): Run =>
  async (place) => {
    const [program = '', ...args] = await command();
    const { stdout } = await execute(program, [...args, join(folder, file), JSON.stringify(place)], {
      cwd: root,
      timeout: 60_000,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Results;
  };

/** npm keeps what it has installed, so that this takes long only once. */
async function otherNode(version: string): Promise<string[]> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${version}`;
  const print = ['--', 'node', '--print', 'process.execPath'];
  const { stdout } = await execute('npm', ['exec', '--yes', `--package=${name}`, ...print], { cwd: tmpdir() });
  return [stdout.trim()];
}

export const inNode: Run = runFile('main.mjs', () => [process.execPath]);
export const inOtherNode = (version: string): Run => runFile('main.mjs', () => otherNode(version));
/** Not as a file of its own: Deno looks for the packages above its first file. */
export const inDeno: Run = runFile('main.mjs', () => [
  bin('deno'),
  'eval',
  `await import(${JSON.stringify(pathToFileURL(join(folder, 'main.mjs')))})`,
]);
export const inBun: Run = runFile('main.mjs', () => [bin('bun'), 'run']);
export const inEdgeRuntime: Run = runFile('edge.mjs', () => [process.execPath]);

/** workerd is a server: it runs the program when it gets a request. */
export const inWorkerd =
  (...flags: string[]): Run =>
  async (place) => {
    const config = join(folder, `config-${flags.join()}.capnp`);
    writeFileSync(config, workerdConfig(flags));
    const server = spawn(bin('workerd'), ['serve', '--control-fd=3', config], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    try {
      const port = await new Promise<number>((resolve, reject) => {
        let errors = '';
        server.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
        server.on('error', reject);
        server.on('exit', () => reject(new Error(`workerd ended: ${errors}`)));
        server.stdio[3]!.on('data', (line: Buffer) => resolve(listeningPort(line.toString())));
      });
      const response = await fetch(`http://127.0.0.1:${String(port)}`, { method: 'POST', body: JSON.stringify(place) });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return JSON.parse(text) as Results;
    } finally {
      server.kill('SIGKILL');
    }
  };

/** In what workerd writes to `--control-fd`. */
function listeningPort(line: string): number {
  return (JSON.parse(line.split('\n')[0]!) as { port: number }).port;
}

/** The date is one at which workerd had no `process`, unless a flag gives it. */
const workerdConfig = (flags: readonly string[]) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [
        (name = "worker.mjs", esModule = embed "worker.mjs"),
        (name = "bundle.mjs", esModule = embed "bundle.mjs"),
      ],
      compatibilityDate = "2025-01-01",
      compatibilityFlags = ${JSON.stringify(flags)},
    )),
    # The backends are on the loopback interface.
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
