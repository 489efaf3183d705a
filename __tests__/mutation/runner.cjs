// Runs, for one mutant, no more than can tell something of it. Stryker asks jest for tests by name alone and lets every
// file run to its end, which is most of the time that mutation testing takes.
const { readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { default: TestRunner } = require('jest-runner');

/** Which tests are in which file, and how many ms they take: written by the run without a mutant. */
const KNOWN = '.known-tests.json';

module.exports = class MutationRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
    // Stryker names no test for a mutant that acts while a module is loaded: each of them may notice.
    const { rootDir, testNamePattern } = this._globalConfig;
    const file = join(rootDir, KNOWN);
    const known = mutant === undefined ? undefined : read(file);
    const found = {};
    this.on('test-file-success', ([test, { numFailingTests, testResults }]) => {
      found[test.path] = testResults.map(({ fullName, duration }) => [fullName, duration ?? 0]);
      // Jest listens too, and before: it has begun to take this result, and takes no other.
      if (known && numFailingTests > 0) void watcher.setState({ interrupted: true });
    });
    const chosen = known
      ? worthwhile(tests, known, new RegExp(testNamePattern ?? '', 'i'), mutated(rootDir, mutant))
      : tests;
    await super.runTests(chosen, watcher, options);
    if (mutant === undefined) writeFileSync(file, JSON.stringify(found));
  }
};

/** The files that have a test of such a name: first that of the mutated module, then those that are soonest done. */
function worthwhile(tests, known, pattern, module) {
  const took = (test) =>
    (known[test.path] ?? []).reduce((sum, [name, duration]) => (pattern.test(name) ? sum + duration + 1 : sum), 0);
  const rank = (test) => (basename(test.path) === `${module}.test.ts` ? 0 : took(test));
  return tests.filter((test) => took(test) > 0).sort((one, other) => rank(one) - rank(other));
}

/** The name of the module in which the mutant stands. */
function mutated(rootDir, mutant) {
  const mark = new RegExp(`stryMutAct_\\w+\\("${mutant}"\\)`);
  const source = join(rootDir, 'src');
  const file = readdirSync(source).find((name) => mark.test(readFileSync(join(source, name), 'utf8')));
  return file && basename(file, '.ts');
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
