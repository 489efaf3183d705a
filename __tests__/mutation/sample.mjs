/**
 * Lets mutation testing break a random part of the functions alone: `SAMPLE=5 npm run test:mutation` takes one of five.
 * Without `SAMPLE`, it takes all of them, which takes hours.
 */
import { createHash } from 'node:crypto';

const one = Number(process.env.SAMPLE ?? 1);

/** A function of a module or a method, with all that is in it. So each mutant has the same chance. */
const isWhole = (path) =>
  path.isFunctionDeclaration() || path.isClassMethod() || path.isClassPrivateMethod() || path.isClassProperty();

const isInside = (path) => path.findParent(isWhole) !== null;

/** The same in each run, as long as the function doesn't change. */
const isTaken = (path) => createHash('sha256').update(path.toString()).digest().readUInt32BE() % one === 0;

const sample = {
  shouldIgnore(path) {
    if (isWhole(path) && !isInside(path) && !isTaken(path)) return 'not in the sample';
    return undefined;
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'sample', value: sample }];
