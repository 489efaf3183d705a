/**
 * The tests of the library as one file for jest, which ends at its first failure. It is for mutation testing alone:
 * Stryker would start each file for each mutant, and run all of its tests to the end. That takes most of the time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
// Imported here because its hooks would otherwise belong to the first group below that imports it.
import '../support/stub-pool';

/** It needs axios to be absent, and the others need it. */
const WITHOUT_AXIOS = 'second-client.test.ts';

const FOLDERS = ['http', 'pool', 'failover', 'axios', 'fetch', 'behaviour'];

type Body = (...args: unknown[]) => unknown;

let hasFailed = false;
/** Still true when the next test starts if jest has given up a test that hangs. */
let isRunning = false;

/** One failed test is enough to notice a mutant, so the tests after it do nothing. */
function untilFailure(body: Body): Body {
  return async (...args) => {
    hasFailed ||= isRunning;
    if (hasFailed) return;
    isRunning = true;
    try {
      await body(...args);
    } catch (error) {
      hasFailed = true;
      throw error;
    } finally {
      isRunning = false;
    }
  };
}

const { test: original } = globalThis as unknown as { test: jest.It };
const each = (table: readonly unknown[]) => (name: string, body: Body, timeout?: number) =>
  original.each(table)(name, untilFailure(body), timeout);
const bailing = (name: string, body: Body, timeout?: number) =>
  original(name, untilFailure(body) as jest.ProvidesCallback, timeout);
Object.assign(globalThis, { test: Object.assign(bailing, original, { each }) });

/** `pool/circuit` for a mutant in `src/pool/circuit.ts`: Stryker gives its number, which is also in the changed file. */
function partOf(mutant: string): string | undefined {
  const source = join(__dirname, '../../src');
  const isMutated = (file: string) => readFileSync(join(source, file), 'utf8').includes(`("${mutant}")`);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.find((file) => file.endsWith('.ts') && isMutated(file))?.replace(/\.ts$/, '');
}

const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
const part = mutant && partOf(mutant);
const folder = part && `${dirname(part)}/`;
/** The tests that are likeliest to notice the mutant come first. */
const distance = (file: string) => (!part || file.startsWith(part) ? 0 : file.startsWith(folder!) ? 1 : 2);

const tests = join(__dirname, '..');
const files = FOLDERS.flatMap((name) => readdirSync(join(tests, name)).map((file) => `${name}/${file}`))
  .filter((file) => file.endsWith('.test.ts') && !file.endsWith(WITHOUT_AXIOS))
  .sort((a, b) => distance(a) - distance(b));
for (const file of files) {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must run inside the group
  describe(`${file}:`, () => void require(join(tests, file)));
}
