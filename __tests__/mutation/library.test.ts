/**
 * The tests of the library as one file for jest, which ends at its first failure. It is for mutation testing alone:
 * Stryker would start each file for each mutant, and run all of its tests to the end. That takes most of the time.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
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

for (const folder of FOLDERS) {
  const path = join(__dirname, '..', folder);
  for (const file of readdirSync(path).filter((name) => name.endsWith('.test.ts') && name !== WITHOUT_AXIOS)) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- it must run inside the group
    describe(`${folder}/${file}:`, () => void require(join(path, file)));
  }
}
