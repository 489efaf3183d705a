/**
 * The tests of the library as one file for jest. It is for mutation testing alone: Stryker would start each file for
 * each mutant, and run all of its tests to the end. That takes most of the time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
// Imported here because its hooks would otherwise belong to the first group below that imports it.
import '../support/stub-pool';

/** It needs axios to be absent, and the others need it. */
const WITHOUT_AXIOS = 'second-client.test.ts';

const FOLDERS = ['base', 'http', 'pool', 'failover', 'axios', 'fetch', 'behaviour'];

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

/** The names of the tests to run, from the environment; all if there are none. */
const { wantedTests } = globalThis as { wantedTests?: string[] };
const hasWanted = (file: string) => !wantedTests || wantedTests.some((name) => name.startsWith(`${file}:`));

const tests = join(__dirname, '..');
const files = FOLDERS.flatMap((name) => readdirSync(join(tests, name)).map((file) => `${name}/${file}`))
  .filter((file) => file.endsWith('.test.ts') && !file.endsWith(WITHOUT_AXIOS))
  .filter(hasWanted)
  .sort((a, b) => distance(a) - distance(b));
for (const file of files) {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must run inside the group
  describe(`${file}:`, () => void require(join(tests, file)));
}
