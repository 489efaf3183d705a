// Runs, for one mutant, no more than can tell something of it. Stryker asks jest for tests by name alone and lets every
// file run to its end, which is most of the time that mutation testing takes.
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { default: TestRunner } = require('jest-runner');

/** Which tests are in which file, and how many ms they take: written by the run without a mutant. */
const KNOWN = '.known-tests.json';

module.exports = class MutationRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    const { rootDir, testNamePattern } = this._globalConfig;
    const file = join(rootDir, KNOWN);
    const known = testNamePattern ? read(file) : undefined;
    const found = {};
    this.on('test-file-success', ([test, { numFailingTests, testResults }]) => {
      found[test.path] = testResults.map(({ fullName, duration }) => [fullName, duration ?? 0]);
      // After jest has taken the result.
      if (known && numFailingTests > 0) setImmediate(() => void watcher.setState({ interrupted: true }));
    });
    await super.runTests(known ? worthwhile(tests, known, new RegExp(testNamePattern, 'i')) : tests, watcher, options);
    if (!testNamePattern) writeFileSync(file, JSON.stringify(found));
  }
};

/** The files that have a test of such a name, those first that are soonest done. */
function worthwhile(tests, known, pattern) {
  const took = (test) =>
    (known[test.path] ?? []).reduce((sum, [name, duration]) => (pattern.test(name) ? sum + duration + 1 : sum), 0);
  return tests
    .map((test) => [test, took(test)])
    .filter(([, ms]) => ms > 0)
    .sort(([, one], [, other]) => one - other)
    .map(([test]) => test);
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
