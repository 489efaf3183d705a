import type { BackendReport } from '../monitor';
import type { Column, Span, Timeline } from '../timeline';
import { html, setChildren, setText, svg } from './dom';
import { count, lasting, reasonIn } from './words';

const HEIGHT = 58;
const PADDING = 8;
const AXIS = 22;
/** px that a label of the axis needs */
const LABEL = 120;
/** ms between two labels */
const STEPS = [1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200].map((seconds) => seconds * 1_000);
/** px, about, of a character of a cooldown's words */
const CHARACTER = 6;
/** px between the lines of the hatching */
const HATCH = 7;

/** The part of the timeline that is shown, and how it is laid out. */
interface Scale {
  readonly now: number;
  readonly width: number;
  readonly x: (at: number) => number;
  /** The most attempts in one column. */
  readonly most: number;
}

/** The timeline of a pool: one lane for each backend, with its attempts as columns and its cooldowns as hatched areas. */
export class Chart {
  readonly element = html('figure');
  readonly #lanes = html('div', { 'aria-hidden': 'true' });
  readonly #summary = html('p', { class: 'unseen' });
  readonly #rows = new Map<string, Lane>();
  readonly #axis = svg('svg', { height: AXIS });
  #describedAt = 0;

  constructor() {
    const axis = html('div', { class: 'lane' }, html('span'));
    axis.append(this.#axis);
    this.element.append(legend(), this.#summary, html('div', { 'aria-hidden': 'true' }, this.#lanes, axis));
  }

  draw(backends: readonly BackendReport[], timeline: Timeline, now: number): void {
    const { history, slot } = timeline;
    const columns = new Map(backends.map(({ name }) => [name, timeline.columnsOf(name, now)]));
    const heights = [...columns.values()].flat().map(([, ...counts]) => counts[0] + counts[1] + counts[2]);
    const width = this.#axis.clientWidth;
    const x = (at: number) => Math.min(width, Math.max(0, width * (1 - (now - at) / history)));
    // A lone attempt stays a small column.
    const scale = { now, width, x, most: Math.max(4, ...heights) };
    for (const name of this.#rows.keys()) if (!columns.has(name)) this.#rows.delete(name);
    const lanes = backends.map(({ name, priority }) => {
      const lane = this.#rows.get(name) ?? new Lane();
      this.#rows.set(name, lane);
      lane.draw(name, priority, columns.get(name)!, timeline.spansOf(name, now), scale, slot);
      return lane.element;
    });
    setChildren(this.#lanes, lanes);
    this.#axis.replaceChildren(...ticks(history, width));
    // A text that changed all the time couldn't be read.
    if (Math.abs(now - this.#describedAt) < 10_000) return;
    this.#describedAt = now;
    setText(this.#summary, summary(backends, timeline, now));
  }
}

class Lane {
  readonly element = html('div', { class: 'lane' });
  readonly #name = html('b');
  readonly #priority = html('span', { class: 'faint' });
  readonly #drawing = svg('svg', { height: HEIGHT });

  constructor() {
    this.element.append(html('div', { class: 'who' }, this.#name, this.#priority), this.#drawing);
  }

  draw(
    name: string,
    priority: number,
    columns: readonly Column[],
    spans: readonly Span[],
    scale: Scale,
    slot: number,
  ): void {
    setText(this.#name, name);
    setText(this.#priority, `priority ${String(priority)}`);
    this.#drawing.replaceChildren(
      svg('rect', { class: 'backdrop', width: scale.width, height: HEIGHT, rx: 5 }),
      ...spans.flatMap((span) => spanShapes(span, scale)),
      ...columnShapes(columns, scale, slot),
    );
  }
}

/** One path for each colour: the page may stay open for weeks, and this is drawn each second. */
function columnShapes(columns: readonly Column[], { x, most }: Scale, slot: number): SVGElement[] {
  const unit = (HEIGHT - 2 * PADDING) / most;
  const paths: [string, string, string] = ['', '', ''];
  for (const [at, ...counts] of columns) {
    const left = x(at * slot);
    const width = Math.max(1.5, x((at + 1) * slot) - left - 1);
    let bottom = HEIGHT - PADDING;
    for (const i of [0, 1, 2] as const) {
      const number = counts[i];
      if (number === 0) continue;
      // Few failures among many answers must still be seen.
      const height = Math.max(2.5, number * unit);
      bottom -= height;
      paths[i] +=
        `M${left.toFixed(1)} ${bottom.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}h${(-width).toFixed(1)}z`;
    }
  }
  return ['answered', 'throttled', 'failed'].map((style, i) => svg('path', { class: style, d: paths[i]! }));
}

function spanShapes({ scope, reason, from, to }: Span, { now, x }: Scale): SVGElement[] {
  const left = x(from);
  const area = { x: left, width: Math.max(1, x(Math.min(to, now)) - left) };
  // A cooldown of one deployment leaves the rest of the backend at work.
  const height = scope === undefined ? HEIGHT : HEIGHT / 3;
  const shapes = [
    svg('rect', { class: 'out', y: 0, height, ...area }),
    svg('path', { class: 'stripes', d: hatching(area.x, area.width, height) }),
  ];
  const time = lasting(to - from);
  const why = `${reasonIn(reason)}, ${time}`;
  const words = [scope === undefined ? why : `${scope}: ${why}`, why, time].find((each) => {
    return area.width > each.length * CHARACTER + 8;
  });
  return words === undefined ? shapes : [...shapes, svg('text', { class: 'why', x: left + 5, y: 13 }, words)];
}

/** Diagonal lines over an area, as in the README's picture. */
function hatching(x: number, width: number, height: number): string {
  let path = '';
  for (let at = -height; at < width; at += HATCH) {
    const from = Math.max(0, at);
    const to = Math.min(width, at + height);
    path += `M${(x + from).toFixed(1)} ${(height - (from - at)).toFixed(1)}L${(x + to).toFixed(1)} ${(height - (to - at)).toFixed(1)}`;
  }
  return path;
}

function ticks(history: number, width: number): SVGElement[] {
  const step = STEPS.find((ms) => (width * ms) / history >= LABEL) ?? history;
  const shapes = [svg('line', { class: 'axis', x1: 0, x2: width, y1: 0.5, y2: 0.5 })];
  for (let ago = 0; ago <= history; ago += step) {
    const x = width * (1 - ago / history);
    const anchor = ago === 0 ? 'end' : x < 20 ? 'start' : 'middle';
    const words = ago === 0 ? 'now' : `−${lasting(ago)}`;
    shapes.push(svg('line', { class: 'axis', x1: x, x2: x, y1: 0, y2: 5 }));
    shapes.push(svg('text', { class: 'tick', x, y: 18, 'text-anchor': anchor }, words));
  }
  return shapes;
}

function legend(): HTMLElement {
  const keys = ['answered', 'throttled', 'failed', 'out'].map((style) => {
    const area = svg('rect', { class: style, width: 18, height: 11 });
    const symbol = svg('svg', { viewBox: '0 0 18 11', 'aria-hidden': 'true' }, area);
    if (style === 'out') symbol.append(svg('path', { class: 'stripes', d: hatching(0, 18, 11) }));
    const words = { throttled: 'throttled (429)', out: 'on cooldown' }[style] ?? style;
    const key = html('span', { class: 'key' });
    key.append(symbol, words);
    return key;
  });
  return html('figcaption', {}, ...keys);
}

/** The timeline in words. */
function summary(backends: readonly BackendReport[], timeline: Timeline, now: number): string {
  const lanes = backends.map(({ name }) => {
    const sums = [0, 0, 0];
    for (const [, ...counts] of timeline.columnsOf(name, now)) counts.forEach((number, i) => (sums[i]! += number));
    const out = timeline.timeOut(name, now);
    const [answered, throttled, failed] = sums.map((number) => count(number)) as [string, string, string];
    const rest = out > 0 ? `, on cooldown for ${lasting(out)}` : '';
    return `${name}: ${answered} answered, ${throttled} throttled, ${failed} failed${rest}.`;
  });
  return [`The last ${lasting(timeline.history)}.`, ...lanes].join(' ');
}
