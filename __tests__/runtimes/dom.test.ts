/** The built package in the environments that Jest simulates a browser with. They have `process` and XMLHttpRequest. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundled, inRoot, root } from '../support/bundle';
import { refusedOrigin, replyByPath, startBackends } from '../support/fake-backend';
import type { FakeBackend } from '../support/fake-backend';
import type { Place } from '../support/checks';
import { npmInstall } from '../support/npm';
import { allChecks } from './program';

const execute = promisify(execFile);

const JSDOM = 'jest-environment-jsdom';
/** It has no streams, and its XMLHttpRequest never ends if a body breaks off. */
const NOT_IN_JSDOM = 'truncated 200|ReadableStream';
/**
 * Under Jest, its XMLHttpRequest sends bytes as "[object ArrayBuffer]", and gives a Buffer where browsers give an
 * ArrayBuffer. A request without an end keeps its process.
 */
const NOT_IN_HAPPY_DOM =
  'receives a Blob|receives bytes|responseType arraybuffer|a signal|timeout|the request that plain';

/** For each, what has to be installed, the name of the environment, and the checks that it can't pass. */
const ENVIRONMENTS: [string, string[], string, string][] = [
  ['jsdom of Jest 29', ['jest@29.7.0', 'jest-environment-jsdom@29.7.0'], JSDOM, NOT_IN_JSDOM],
  ['jsdom of Jest 30', [], JSDOM, NOT_IN_JSDOM],
  ['happy-dom', [], '@happy-dom/jest-environment', NOT_IN_HAPPY_DOM],
];

const facts = { over: 'xhr', showsRedirects: false } as const;

/** A test file that lets jest run the checks. */
const SUITE = `const { allChecks } = require('./program.cjs');
const { place, impossible } = JSON.parse(process.env.INPUT);
for (const [name, check] of Object.entries(allChecks(place))) if (!new RegExp(impossible).test(name)) test(name, check);`;

const nowhere = { origin: '', elsewhere: '', refused: '' };

let servers: FakeBackend[];
let origins: Pick<Place, 'origin' | 'elsewhere' | 'refused'>;
let program: string;

beforeAll(async () => {
  servers = await startBackends(2);
  const [origin = '', elsewhere = ''] = servers.map((server) => server.always(replyByPath).url);
  origins = { origin, elsewhere, refused: await refusedOrigin() };
  const external = (id: string) => ({ id, external: true });
  program = await bundled('cjs', {
    axios: external('axios'),
    library: external('axios-priority-adapter'),
    fetch: external('axios-priority-adapter/fetch'),
  });
}, 60_000);

afterAll(() => Promise.all(servers.map((server) => server.close())));

interface Report {
  readonly testResults: {
    readonly message: string;
    readonly assertionResults: {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: string[];
    }[];
  }[];
}

describe.each(ENVIRONMENTS)('in %s,', (_, packages, environment, impossible) => {
  let folder: string;
  let results: Report['testResults'][number];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dom-'));
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    if (packages.length > 0) await npmInstall(folder, packages);
    symlinkSync(inRoot('node_modules/axios'), join(modules, 'axios'));
    symlinkSync(root, join(modules, 'axios-priority-adapter'));
    writeFileSync(join(folder, 'program.cjs'), program);
    writeFileSync(join(folder, 'suite.test.js'), SUITE);
    const installed = packages.length > 0 ? modules : inRoot('node_modules');
    results = await report(folder, join(installed, environment), impossible);
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  test('the package loads', () => {
    expect(results.message).not.toMatch(/Test suite failed to run/);
  });

  const names = Object.keys(allChecks({ ...nowhere, ...facts }));
  test.each(names.filter((name) => !new RegExp(impossible).test(name)))('%s', (name) => {
    const result = results.assertionResults.find(({ title }) => title === name);
    expect(result).toMatchObject({ status: 'passed', failureMessages: [] });
  });
});

/** Runs Jest in the folder. */
async function report(folder: string, environment: string, impossible: string): Promise<Report['testResults'][number]> {
  const config = JSON.stringify({ rootDir: folder, testEnvironment: environment, transform: {} });
  const output = join(folder, 'report.json');
  const jest = join(environment.replace(/(node_modules).*/, '$1'), 'jest/bin/jest.js');
  // Without --forceExit, connections that happy-dom leaves open keep the process.
  const args = [jest, '--config', config, '--json', `--outputFile=${output}`, '--silent', '--forceExit'];
  const input = JSON.stringify({ place: { ...facts, ...origins }, impossible });
  const env = { ...process.env, INPUT: input, JEST_WORKER_ID: undefined, NODE_OPTIONS: undefined };
  // It ends with 1 if a test fails.
  const { stderr = '' } = await execute(process.execPath, args, { cwd: folder, env, timeout: 120_000 }).catch(
    (error: { stderr?: string }) => error,
  );
  try {
    return (JSON.parse(readFileSync(output, 'utf8')) as Report).testResults[0]!;
  } catch {
    throw new Error(stderr);
  }
}
