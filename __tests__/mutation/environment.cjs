/**
 * Jest's environment for mutation testing, for what jest takes long to do:
 * - It ends a run at the first failure, which is enough to notice a mutant, or else after some time.
 * - It looks up in a set which tests to run. Stryker names up to 3,000 in one regular expression, which jest tries on
 *   each test.
 * - It tells the tests which of them run, so that the files of the others need not be loaded.
 */
'use strict';
const { TestEnvironment } = require('jest-environment-node');

/** The tests of the mutant's own part come first. A mutant that they and some others don't notice counts as survived. */
const LONGEST_MS = 20_000;

/** They load a module anew. So they would count as the only tests of what happens when it is loaded. */
const LOADS_ANEW = [
  'axios/http-transport.test.ts: to axios ',
  'base/clock.test.ts: in a runtime without ',
  'failover/budget.test.ts: attemptTimeout needs no setImmediate',
  'failover/budget.test.ts: attemptTimeout runs its callback in a microtask',
  'fetch/request.test.ts: a stream needs no duplex if ',
  'http/credentials.test.ts: a credential provider counts as failed',
  'http/body-text.test.ts: where there is neither ',
];

/** The names in `(name)|(name)`, as Stryker writes them. */
const namesIn = (pattern) =>
  pattern.source
    .slice(1, -1)
    .split(')|(')
    .map((name) => name.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character)));

module.exports = class extends TestEnvironment {
  #hasEnded = false;
  /** In the time of `Date`: fake timers also change the `performance` of this file. */
  #endsAt = Infinity;

  handleTestEvent(event, state) {
    if (event.name === 'setup') this.#select(state);
    if (event.name === 'run_start' && this.global.wantedTests) this.#endsAt = Date.now() + LONGEST_MS;
    this.#hasEnded ||= event.name === 'test_fn_failure' || event.name === 'hook_failure';
    this.#hasEnded ||= Date.now() > this.#endsAt;
  }

  #select(state) {
    const { testNamePattern } = state;
    if (testNamePattern) this.global.wantedTests = namesIn(testNamePattern);
    const wanted = new Set(this.global.wantedTests);
    const isWanted = (name) =>
      testNamePattern ? wanted.has(name) : !LOADS_ANEW.some((title) => name.startsWith(title));
    state.testNamePattern = { test: (name) => !this.#hasEnded && isWanted(name) };
  }
};
