import { must } from '../base/check';
import type { RequestConfig } from '../http/messages';
import type { Backend } from './backend';

/**
 * Picks one of the candidates: the available backends of the best priority. It must return one of them; anything else
 * rejects the request with a `TypeError`. It is called for each attempt, so it should be fast.
 *
 * @param candidates at least one; frozen
 * @param config the caller's
 */
export type Selector = (candidates: readonly Backend[], config: RequestConfig) => Backend;

/** Returns a number from 0 (included) to 1 (excluded). */
type Random = () => number;

/** Looked up at each call, so that a test can replace it. */
const mathRandom: Random = () => Math.random();

/** Picks each candidate with a probability in proportion to its `weight`. The default. */
export const weightedRandom: Selector = weightedRandomBy(mathRandom);

/** Picks the candidate with the fewest attempts under way for its `weight`; among equals, a weighted random one. */
export const leastPending: Selector = leastPendingBy(mathRandom);

/**
 * Makes a selector that goes through the candidates in turn. Weights are spread evenly: 2 and 1 give A, B, A, not
 * A, A, B. Make one for each pool.
 */
export function roundRobin(): Selector {
  const credits = new WeakMap<Backend, number>();
  return function roundRobin(candidates) {
    checkCalled(candidates, 'roundRobin()');
    let total = 0;
    let best = at(candidates);
    let most = -Infinity;
    for (const backend of candidates) {
      const credit = (credits.get(backend) ?? 0) + backend.weight;
      credits.set(backend, credit);
      total += backend.weight;
      if (credit > most) {
        most = credit;
        best = backend;
      }
    }
    credits.set(best, most - total);
    return best;
  };
}

/**
 * Makes a selector that sends equal keys to the same backend while it is available, so that its prompt cache is used
 * (session affinity, by weighted rendezvous hashing). Adding or removing one of N backends moves about 1/N of the keys.
 * Backends are told apart by `name`. A request without a key goes to a weighted random candidate.
 *
 * It chooses among the candidates, which all have the same priority.
 *
 * @param key returns the key of a request, such as a user's id. `undefined`, `null` and `''` mean none
 * @throws TypeError if `key` isn't a function
 */
export function affinity(key: (config: RequestConfig) => string | number | null | undefined): Selector {
  must(typeof key === 'function', "affinity's key", 'be a function', key);
  return function affinity(candidates, config) {
    checkCalled(candidates, 'affinity((config) => key)');
    const given = key(config);
    must(!((given as unknown) instanceof Promise), "affinity's key", 'return a string or a number', given);
    if (given === undefined || given === null || given === '') return weightedRandom(candidates, config);
    let best = at(candidates);
    let shortest = Infinity;
    for (const backend of candidates) {
      // Exponentially distributed with the weight as its rate, so each is the shortest in proportion to its weight.
      const span = -Math.log(uniform(`${backend.name}\n${String(given)}`)) / backend.weight;
      if (span < shortest) {
        shortest = span;
        best = backend;
      }
    }
    return best;
  };
}

export function weightedRandomBy(random: Random): Selector {
  return function weightedRandom(candidates) {
    checkCalled(candidates, 'weightedRandom');
    const sums = cumulativeWeights(candidates);
    if (sums === undefined) return at(candidates, Math.floor(random() * candidates.length));
    const drawn = random() * sums.at(-1)!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (sums[middle]! > drawn) high = middle;
      else low = middle + 1;
    }
    return at(candidates, low);
  };
}

export function leastPendingBy(random: Random): Selector {
  const among = weightedRandomBy(random);
  return function leastPending(candidates, config) {
    checkCalled(candidates, 'leastPending');
    const least = Math.min(...candidates.map(load));
    return among(
      candidates.filter((backend) => load(backend) === least),
      config,
    );
  };
}

/** @throws TypeError if a selector is called where it should be passed on */
function checkCalled(candidates: unknown, selector: string): void {
  if (!Array.isArray(candidates)) throw new TypeError(`${selector} is a selector; write selector: ${selector}`);
}

function load(backend: Backend): number {
  return backend.pending / backend.weight;
}

/**
 * The sums for the latest list. A pool hands out the same frozen list until something changes. For 1,000 backends of
 * different weights, summing takes 80 µs.
 */
let latest: { readonly candidates: readonly Backend[]; readonly sums: Float64Array | undefined } | undefined;

/** `undefined` if all weights are equal. */
function cumulativeWeights(candidates: readonly Backend[]): Float64Array | undefined {
  if (latest?.candidates === candidates) return latest.sums;
  const equal = candidates.every((backend) => backend.weight === candidates[0]?.weight);
  let sum = 0;
  const sums = equal ? undefined : Float64Array.from(candidates, (backend) => (sum += backend.weight));
  if (Object.isFrozen(candidates)) latest = { candidates, sums };
  return sums;
}

function at(candidates: readonly Backend[], index = 0): Backend {
  const backend = candidates[index];
  if (backend === undefined) throw new TypeError('a selector needs at least one candidate');
  return backend;
}

/** A hash of the text as a number between 0 and 1, both excluded: FNV-1a with MurmurHash3's finalizer. */
function uniform(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
