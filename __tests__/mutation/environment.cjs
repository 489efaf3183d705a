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

module.exports = class MutationEnvironment extends TestEnvironment {
  #failed = false;

  handleTestEvent({ name, test }, { rootDescribeBlock }) {
    if (name === 'run_start') for (const each of testsIn(rootDescribeBlock)) if (isEndurance(each)) each.mode = 'skip';
    if (name === 'test_done' && test.errors.length > 0 && process.env.__STRYKER_ACTIVE_MUTANT__ && !this.#failed) {
      this.#failed = true;
      for (const each of testsIn(rootDescribeBlock)) each.mode = 'skip';
    }
  }
};

function testsIn(block) {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsIn(child)));
}

function isEndurance({ name, parent }) {
  let fullName = name;
  for (let block = parent; block; block = block.parent) fullName = `${block.name} ${fullName}`;
  return ENDURANCE.some((part) => fullName.includes(part));
}
