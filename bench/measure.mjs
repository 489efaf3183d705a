/**
 * Times rounds of several variants in turn, for so many ms. On a shared machine single times wander; what two variants
 * cost within the same turn is compared instead. The order changes with each turn, so that nobody always comes first.
 *
 * @param variants functions that run one round each, by name
 * @param warmUp ms before anything is noted
 * @returns ms of each round, by name; the nth of all belong to the same turn
 */
export async function inTurn(variants, { ms, warmUp }) {
  const rounds = Object.entries(variants);
  const times = Object.fromEntries(rounds.map(([name]) => [name, []]));
  await turns(rounds, warmUp, () => undefined);
  await turns(rounds, ms, (name, time) => times[name].push(time));
  return times;
}

async function turns(rounds, ms, note) {
  const until = performance.now() + ms;
  for (let turn = 0; turn === 0 || performance.now() < until; turn++) {
    for (let i = 0; i < rounds.length; i++) {
      const [name, round] = rounds[(turn + i) % rounds.length];
      const started = performance.now();
      await round();
      note(name, performance.now() - started);
    }
  }
}

/** What one variant costs in proportion to another: turn by turn, of which the median and the quartiles are given. */
export function ratio(times, over) {
  const ratios = times.map((time, turn) => time / over[turn]);
  return {
    value: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    turns: ratios.length,
  };
}

export function median(values) {
  return quantile(values, 0.5);
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

/** Runs one thing after another, `count` times. */
export function sequence(count, run) {
  return async () => {
    for (let i = 0; i < count; i++) await run();
  };
}
