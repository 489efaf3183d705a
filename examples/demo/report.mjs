import { styleText } from 'node:util';
import Table from 'cli-table3';

const BLOCKS = [' ', ...'▁▂▃▄▅▆▇█'];
const LABEL = 22;

/** Draws the results of a run, to the width of the terminal. */
export class Report {
  #columns;
  #colours;

  constructor(stream) {
    this.#columns = Math.min(Math.max(stream.columns ?? 80, 60), 120);
    // Takes NO_COLOR, FORCE_COLOR and dumb terminals into account.
    this.#colours = Boolean(stream.isTTY && stream.hasColors());
  }

  paint(style, text) {
    return this.#colours ? styleText(style, text) : text;
  }

  /** A row for each backend: attempts, answered, throttled, share of the answers. */
  table(pool, ledger) {
    const answered = ledger.total('answered');
    const failed = ledger.total('failed');
    const kinds = ['attempts', 'answered', 'throttled', ...(failed > 0 ? ['failed'] : [])];
    /** @type {import('cli-table3').HorizontalAlignment[]} */
    const colAligns = ['left', 'right', ...kinds.map(() => /** @type {const} */ ('right')), 'left'];
    const table = new Table({
      head: ['backend', 'priority', ...kinds, 'share of answers'],
      colAligns,
      style: { head: [], border: [], compact: true },
    });
    for (const { name, priority } of pool.backends) {
      const counts = ledger.counts.get(name);
      table.push([fit(name), priority, ...kinds.map((kind) => counts[kind]), share(counts.answered, answered)]);
    }
    table.push(['total', '', ...kinds.map((kind) => ledger.total(kind)), share(answered, answered)]);
    return table.toString();
  }

  /** A lane for each backend: how much it answered when, and below it when it refused. */
  timeline(pool, ledger) {
    const width = this.#columns - LABEL - 4;
    const lanes = pool.backends.map(({ name }) => ({ name, ...lane(name, ledger, width) }));
    const highest = Math.max(1, ...lanes.flatMap(({ answered }) => answered));
    const bar = (count) => BLOCKS[Math.ceil((count / highest) * (BLOCKS.length - 1))];
    const lines = lanes.flatMap(({ name, answered, refused }) => [
      `  ${fit(name).padEnd(LABEL)}${this.paint('green', answered.map(bar).join(''))}`,
      `  ${''.padEnd(LABEL)}${this.paint('yellow', refused.map((count) => (count > 0 ? '×' : ' ')).join(''))}`,
    ]);
    return [...lines.map((line) => line.trimEnd()), ...axis(ledger.duration, width)].join('\n');
  }
}

function lane(name, { moments, duration }, width) {
  const answered = new Array(width).fill(0);
  const refused = new Array(width).fill(0);
  for (const { backend, at, kind } of moments) {
    if (backend !== name) continue;
    const column = Math.min(Math.floor((at / duration) * width), width - 1);
    (kind === 'answered' ? answered : refused)[column]++;
  }
  return { answered, refused };
}

function axis(duration, width) {
  const seconds = duration / 1_000;
  // The smallest step that leaves room for the labels.
  const step =
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((each) => seconds / each <= width / 10) ?? seconds;
  const line = new Array(width).fill('─');
  let labels = '';
  for (let tick = 0; tick * step <= seconds; tick++) {
    const column = Math.min(Math.floor(((tick * step) / seconds) * width), width - 1);
    line[column] = tick === 0 ? '└' : '┴';
    const label = `${Number((tick * step).toFixed(1))} s`;
    if (column + label.length <= width) labels = labels.padEnd(column) + label;
  }
  return [line.join(''), labels].map((text) => `  ${''.padEnd(LABEL)}${text}`);
}

function share(part, whole) {
  const ratio = whole === 0 ? 0 : part / whole;
  return `${String(Math.round(ratio * 100)).padStart(3)} % ${'█'.repeat(Math.round(ratio * 10))}`;
}

function fit(name) {
  return name.length < LABEL ? name : `${name.slice(0, LABEL - 2)}…`;
}
