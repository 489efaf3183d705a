const KINDS = ['attempts', 'answered', 'throttled', 'failed'];

/** Counts the attempts of a run twice: from the events of the pool, and from the `attempts` that callers received. */
export class Ledger {
  /** From events, by backend. */
  counts;
  /** From `attempts`, by backend. */
  receivedCounts;
  /** How and when each attempt ended, in ms since the start. */
  moments = [];
  waits = 0;
  /** ms */
  duration = 0;
  #started = performance.now();

  constructor(pool) {
    this.counts = emptyCounts(pool);
    this.receivedCounts = emptyCounts(pool);
    pool.subscribe((event) => {
      if (event.type === 'attempt') this.#attempted(event);
      if (event.type === 'waiting') this.waits++;
    });
  }

  /** @param attempts those of a response or an error */
  received(attempts = []) {
    for (const attempt of attempts) count(this.receivedCounts, attempt);
  }

  close() {
    this.duration = performance.now() - this.#started;
  }

  total(kind) {
    return [...this.counts.values()].reduce((sum, counts) => sum + counts[kind], 0);
  }

  /**
   * Lists the differences between the two counts, and from the servers' own counts. Empty if all agree.
   *
   * @param servers the servers' counts by backend, if they keep any
   */
  disagreements(servers) {
    const found = [];
    for (const [backend, counts] of this.counts) {
      for (const kind of KINDS) {
        const said = {
          events: counts[kind],
          callers: this.receivedCounts.get(backend)[kind],
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
  // A code next to a good status means that the connection broke within the response.
  return status < 400 && code === undefined ? 'answered' : 'failed';
}
