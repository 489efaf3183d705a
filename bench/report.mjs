import Table from 'cli-table3';
import { format, resolveConfig } from 'prettier';

const HEAD = ['figure', 'measured', '95 % interval', 'target', 'reached'];
const PLAIN = { head: [], border: [] };
const NO_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** What each plot shows, by the name of its files. */
export const PLOTS = {
  ratios: 'Cost as a ratio, with its targets',
  reserved: 'Use of a reserved deployment at twice the demand that it can serve',
};

/** All figures, for the terminal. */
export function tables({ parts }) {
  return Object.values(parts)
    .flatMap(({ title, figures, cells }) => {
      const [, ...rest] = HEAD;
      const table = terminalTable([title, ...rest], figures.map(row), [62]);
      return cells === undefined ? [table] : [table, terminalTable(...grid(cells), [])];
    })
    .join('\n');
}

function terminalTable(head, rows, colWidths) {
  const table = new Table({ head, colWidths, style: PLAIN, chars: NO_RULES });
  table.push(...rows);
  return table.toString();
}

/** All figures, how they were measured, and the plots: the content of `results.md`. */
export function markdown(results) {
  const sections = Object.values(results.parts).flatMap(({ title, note, figures, cells }) => [
    `## ${title}`,
    note,
    markdownTable(HEAD, figures.map(row)),
    ...(cells === undefined ? [] : ['Capacity used, and refused calls per answer:', markdownTable(...grid(cells))]),
  ]);
  const parts = results.parts.size.parts.map(([part, bytes]) => [part, count(bytes)]);
  return [
    '# Results of `npm run bench`',
    `${sentence(results)} A ratio compares rounds of the same turn, where the variants take turns within one run. The figure is the median of all turns. A target counts as reached unless the whole 95 % interval misses it.`,
    ...sections,
    markdownTable(['part of the main entry', 'bytes minified'], parts),
    '## Plots',
    ...Object.keys(PLOTS).map((name) => picture(name, '')),
  ].join('\n\n');
}

/** The figures that have a target, and the plots: what the page about the measurements shows. */
export function summary(results) {
  const rows = Object.values(results.parts).flatMap(({ title, figures }) =>
    figures.filter(targetOf).map((figure) => [title, ...row(figure)]),
  );
  return [
    sentence(results),
    markdownTable(['', ...HEAD], rows),
    ...Object.keys(PLOTS).map((name) => picture(name, '../bench/results/')),
  ].join('\n\n');
}

/** All figures as one table: what the page about sharing shows. */
export function everything(results) {
  const rows = Object.values(results.parts).flatMap(({ figures }) => figures.map(row));
  const notes = Object.values(results.parts).map(({ note }) => note);
  return [sentence(results), markdownTable(HEAD, rows), ...notes].join('\n\n');
}

/** What a request costs, in the words of the README. */
export function line({ date, parts }) {
  const find = (part, name) => parts[part].figures.find((figure) => figure.name === name);
  const inProcess = find('inProcess', 'default options, against plain axios');
  const plain = find('inProcess', 'default options: a request of plain axios');
  const loopback = find('loopback', 'default options, against plain axios');
  const more = plain.value * (inProcess.value - 1);
  const interval = `95 % interval ${show(loopback.low)} to ${show(loopback.high)}`;
  return `A request costs about ${more.toFixed(more < 10 ? 1 : 0)} µs more than with plain axios in process; over loopback it takes ${show(loopback.value)} times as long (${interval}; measured on ${date.slice(0, 10)}).`;
}

/** Formats Markdown and JSON as `npm run format` does. */
export async function formatted(name, text) {
  if (!/\.(?:md|json)$/.test(name)) return text;
  const file = new URL(name, import.meta.url).pathname;
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

function targetOf({ atMost, atLeast, unit }) {
  if (atMost !== undefined) return `≤ ${show(atMost, unit)}`;
  return atLeast === undefined ? undefined : `≥ ${show(atLeast, unit)}`;
}

/** A target is missed only if the whole interval misses it. */
function isReached({ value, low = value, high = value, atMost = Infinity, atLeast = -Infinity }) {
  return low <= atMost && high >= atLeast;
}

function row(figure) {
  const { name, value, low, high, unit } = figure;
  const target = targetOf(figure);
  const interval = low === undefined ? '' : `${show(low, unit)} to ${show(high, unit)}`;
  const reached = target === undefined ? '' : isReached(figure) ? 'yes' : 'no';
  return [name, show(value, unit), interval, target ?? '', reached];
}

/** The head and the rows of a table of how a reserved deployment was used. Each size of burst has a column. */
function grid(cells) {
  const bursts = [...new Set(cells.map(({ burst }) => burst))];
  const rows = {};
  for (const { demand, waits, used, refused } of cells)
    (rows[`${demand}, ${waits}`] ??= [`${demand}x`, waits]).push(`${show(used, '%')}, ${show(refused)}`);
  return [['demand', 'waits', ...bursts.map((ms) => `bursts of ${ms / 1_000} s`)], Object.values(rows)];
}

function show(value, unit) {
  if (unit === '%') return `${(value * 100).toFixed(1)} %`;
  if (unit === 'bytes') return `${count(value)} bytes`;
  if (unit === 'ms') return `${value.toFixed(1)} ms`;
  if (unit === '3') return value.toFixed(3);
  if (unit === 'MB') return `${value.toFixed(1)} MB`;
  if (unit === 'µs') return `${count(Math.round(value))} µs`;
  if (unit === 'count') return count(value);
  return value.toFixed(2);
}

function count(value) {
  return value.toLocaleString('en');
}

function sentence({ date, machine, versions }) {
  const { cpu, cores, memory, load, pinned } = machine;
  const where = `${cores} cores of ${cpu}, ${memory}, load ${load} at the start`;
  const pinning = pinned ? 'client and server pinned to a core each' : 'client and server not pinned to cores';
  return `Measured on ${date.slice(0, 10)} with Node ${versions.node} and axios ${versions.axios} (${where}; ${pinning}).`;
}

export function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function picture(name, folder) {
  return [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="${folder}${name}-dark.svg">`,
    `  <img alt="${PLOTS[name]}" src="${folder}${name}-light.svg">`,
    '</picture>',
  ].join('\n');
}
