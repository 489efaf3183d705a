// Leaves out what takes seconds and guards endurance, and ends a file at its first failure: for mutation testing alone.
const { TestEnvironment } = require('jest-environment-node');

/** Each of these would run for most mutants, and for each one that survives. */
const ENDURANCE = [
  'no listener stays on a long-lived signal',
  '100,000 distinct names',
  '500 failovers with maxSockets',
  'while a stream is read over fetch ends it',
  'gives one attempt up over fetch',
  'strip once for all hops',
];

/** Real time passes in these. */
const TIMED = /(?:time|stream)\.test\.ts$/;

module.exports = class MutationEnvironment extends TestEnvironment {
  #endsAtFailure;

  constructor(config, context) {
    super(config, context);
    this.#endsAtFailure = isMutantActive() && !TIMED.test(context.testPath);
    // On a busy machine a test of some milliseconds may fail without the help of a mutant.
    if (!this.#endsAtFailure) this.global[Symbol.for('RETRY_TIMES')] = 2;
  }

  handleTestEvent({ name, test }, { rootDescribeBlock }) {
    if (name === 'run_start') for (const each of testsIn(rootDescribeBlock)) if (isEndurance(each)) each.mode = 'skip';
    if (name === 'test_done' && test.errors.length > 0 && this.#endsAtFailure) {
      this.#endsAtFailure = false;
      for (const each of testsIn(rootDescribeBlock)) each.mode = 'skip';
    }
  }
};

function isMutantActive() {
  return process.env.__STRYKER_ACTIVE_MUTANT__ !== undefined;
}

function testsIn(block) {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsIn(child)));
}

function isEndurance({ name, parent }) {
  let fullName = name;
  for (let block = parent; block; block = block.parent) fullName = `${block.name} ${fullName}`;
  return ENDURANCE.some((part) => fullName.includes(part));
}
