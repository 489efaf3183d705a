const KINDS = ['attempts', 'answered', 'throttled', 'failed'];

/** Keeps the books of a run: once by the events of the pool, and once more by the `attempts` of what the callers got. */
export class Ledger {
  /** By backend, from events. */
  counts;
  /** By backend, from `attempts`. */
  seen;
  /** How each attempt ended, and when, in ms since the start. */
  moments = [];
  waits = 0;
  /** ms */
  duration = 0;
  #started = performance.now();

  constructor(pool) {
    this.counts = emptyCounts(pool);
    this.seen = emptyCounts(pool);
    pool.subscribe((event) => {
      if (event.type === 'attempt') this.#attempted(event);
      if (event.type === 'waiting') this.waits++;
    });
  }

  /** @param attempts as a response or an error carries them */
  saw(attempts = []) {
    for (const attempt of attempts) count(this.seen, attempt);
  }

  close() {
    this.duration = performance.now() - this.#started;
  }

  total(kind) {
    return [...this.counts.values()].reduce((sum, counts) => sum + counts[kind], 0);
  }

  /**
   * Where the books differ from each other, or from the servers' own. Empty: they agree.
   *
   * @param servers counts by backend, where the servers tell
   */
  disagreements(servers) {
    const found = [];
    for (const [backend, counts] of this.counts) {
      for (const kind of KINDS) {
        const said = {
          events: counts[kind],
          callers: this.seen.get(backend)[kind],
          server: servers?.get(backend)[kind],
        };
        const agree = said.callers === said.events && (servers === undefined || said.server === said.events);
        if (!agree) found.push(`${backend} ${kind}: ${JSON.stringify(said)}`);
      }
    }
    return found;
  }

  #attempted(attempt) {
    this.moments.push({ backend: attempt.backend, at: performance.now() - this.#started, kind: kindOf(attempt) });
    count(this.counts, attempt);
  }
}

function emptyCounts(pool) {
  return new Map(pool.backends.map(({ name }) => [name, Object.fromEntries(KINDS.map((kind) => [kind, 0]))]));
}

function count(counts, attempt) {
  const own = counts.get(attempt.backend);
  own.attempts++;
  own[kindOf(attempt)]++;
}

function kindOf({ status, code }) {
  if (status === 429) return 'throttled';
  // A code beside a good status: the connection broke inside the answer.
  return status < 400 && code === undefined ? 'answered' : 'failed';
}
