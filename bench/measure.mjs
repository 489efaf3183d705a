import { setImmediate } from 'node:timers/promises';

/**
 * Times rounds of several variants in turn. Single times drift on a shared machine, so only rounds of the same turn are
 * compared. The order changes from turn to turn, so that no variant gains by its place.
 *
 * @param variants functions that each run one round, by name
 * @param warmUp ms before the first turn that counts
 * @param ms how long to measure
 * @param least turns to measure, however long they take
 * @param time runs a round and gives its ms. Default: by the time on the wall
 * @returns the ms of each round, by name; the nth of each belong to the same turn
 */
export async function interleaved(variants, { warmUp, ms, least = 1, time = timed }) {
  const names = Object.keys(variants);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  await turns(variants, { ms: warmUp, least: 1, time }, () => undefined);
  await turns(variants, { ms, least, time }, (name, took) => times[name].push(took));
  return times;
}

/** Runs a round. Returns the ms that it took. */
export async function timed(round, clock = () => performance.now()) {
  const started = clock();
  await round();
  // What it leaves to the event loop belongs to the round.
  await setImmediate();
  return clock() - started;
}

/**
 * The time that this process was at work, in ms. It leaves out what other processes take on a busy machine, and counts what
 * the process does on other threads, such as collecting garbage.
 */
export function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function turns(variants, { ms, least, time }, record) {
  const order = Object.keys(variants);
  const until = performance.now() + ms;
  for (let turn = 1; turn <= least || performance.now() < until; turn++) {
    for (const name of order) record(name, await time(variants[name]));
    order.push(order.shift());
    if (turn % order.length === 0) order.reverse();
  }
}

/** A round of `count` requests, one after the other. */
export function round(count, request) {
  return async () => {
    for (let i = 0; i < count; i++) await request();
  };
}

/**
 * What one variant costs in proportion to another: the median of the ratios of all turns, and its 95 % confidence interval.
 */
export function ratio(times, base) {
  const ratios = times.map((time, turn) => time / base[turn]).sort((a, b) => a - b);
  const { length } = ratios;
  // By order statistics: the ranks between which the true median lies, whatever the distribution.
  const low = Math.max(0, Math.floor((length - 1.96 * Math.sqrt(length)) / 2) - 1);
  return { value: median(ratios), low: ratios[low], high: ratios[length - 1 - low], turns: length };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}
