import Table from 'cli-table3';
import { format, resolveConfig } from 'prettier';

const HEAD = ['figure', 'measured', 'quartiles', 'target', 'reached'];
const PLAIN = { head: [], border: [] };
const NO_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** What each plot shows, by the name of its files. */
export const PLOTS = {
  ratios: 'What it costs, as a ratio, and the targets',
  reserved: 'Share of a reserved deployment that is used, over time',
  growth: 'Cost of a request by the number of backends',
  size: 'What each source file adds to the minified and gzipped entry',
};

/** For the terminal: all figures, part by part. */
export function tables({ parts }) {
  return Object.values(parts)
    .map(({ title, figures }) => {
      const [, ...rest] = HEAD;
      const table = new Table({ head: [title, ...rest], colWidths: [62], style: PLAIN, chars: NO_RULES });
      table.push(...figures.map(row));
      return table.toString();
    })
    .join('\n');
}

/** For `results.md`: all figures, how they were measured, and the plots. */
export function markdown(results) {
  const sections = Object.values(results.parts).map(({ title, note, figures }) => {
    return `## ${title}\n\n${note}\n\n${markdownTable(HEAD, figures.map(row))}`;
  });
  const files = results.parts.size.files.map((file) => [file.file, count(file.minified), count(file.gzipped)]);
  return [
    '# What `npm run bench` has measured',
    `${sentence(results)} Ratios are of rounds taken in turn in one run: the median of all turns, and its quartiles.`,
    ...sections,
    markdownTable(['source file', 'bytes minified', 'bytes gzipped'], files),
    '## Plots',
    ...Object.keys(PLOTS).map((name) => picture(name, '')),
  ].join('\n\n');
}

/** For the README: the figures that have a target, and the plots. */
export function summary(results) {
  const rows = Object.values(results.parts).flatMap(({ title, figures }) =>
    figures.filter(targetOf).map((figure) => [title, ...row(figure)]),
  );
  return [
    sentence(results),
    markdownTable(['', ...HEAD], rows),
    ...Object.keys(PLOTS).map((name) => picture(name, 'bench/results/')),
  ].join('\n\n');
}

/** As the repository's formatter would have it, where it knows the kind of file. */
export async function formatted(name, text) {
  if (!/\.(?:md|json)$/.test(name)) return text;
  const file = new URL(name, import.meta.url).pathname;
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

/** @returns the target in words, `undefined` where there is none */
function targetOf(figure) {
  const { atMost, atLeast, below } = figure;
  if (atMost !== undefined) return `≤ ${show(atMost, figure.unit)}`;
  if (atLeast !== undefined) return `≥ ${show(atLeast, figure.unit)}`;
  return below === undefined ? undefined : `< ${show(below, figure.unit)}`;
}

function isReached({ value, atMost = Infinity, atLeast = -Infinity, below = Infinity }) {
  return value <= atMost && value >= atLeast && value < below;
}

function row(figure) {
  const { name, value, low, high, unit } = figure;
  const target = targetOf(figure);
  const spread = low === undefined ? '' : `${show(low, unit)} to ${show(high, unit)}`;
  return [name, show(value, unit), spread, target ?? '', target === undefined ? '' : isReached(figure) ? 'yes' : 'no'];
}

function show(value, unit) {
  if (unit === '%') return `${(value * 100).toFixed(1)} %`;
  if (unit === 'bytes') return `${count(value)} bytes`;
  if (unit === 'MB') return `${value.toFixed(1)} MB`;
  return value.toFixed(2);
}

function count(value) {
  return value.toLocaleString('en');
}

function sentence({ date, machine, versions }) {
  const { cpu, cores, memory, load } = machine;
  const { node, axios } = versions;
  const where = `${cores} cores of ${cpu}, ${memory}, load ${load} at the start`;
  return `Measured on ${date.slice(0, 10)} with Node ${node} and axios ${axios} (${where}).`;
}

function markdownTable(head, rows) {
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
