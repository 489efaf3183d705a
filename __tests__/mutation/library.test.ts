/**
 * The tests of the library as one file for jest, for mutation testing alone. Stryker starts all files for each mutant,
 * even those with no test to run, and that takes most of the time.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
// Here, since its hooks would otherwise belong to the first group that imports it.
import '../support/stub-pool';

const FOLDERS = ['http', 'pool', 'failover', 'axios', 'behaviour'];

for (const folder of FOLDERS) {
  const path = join(__dirname, '..', folder);
  for (const file of readdirSync(path).filter((name) => name.endsWith('.test.ts'))) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must run inside the group
    describe(`${folder}/${file}:`, () => void require(join(path, file)));
  }
}
