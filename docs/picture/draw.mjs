import * as echarts from 'echarts';

const WIDTH = 800;
const LEFT = 122;
const RIGHT = 24;
const TOP = 58;
const AXIS = 40;
const BAR = 9;
const LANE = BAR + 3;
/** px above and below the bars of a backend */
const PADDING = 10;
/** px below the bars, for the text of a cooldown */
const WORDS = 16;
/** px between two backends */
const GAP = 8;
/** Without quotes: echarts would copy them into an attribute unescaped. */
const FONT = '-apple-system, BlinkMacSystemFont, Segoe UI, Helvetica, Arial, sans-serif';

const THEMES = {
  light: {
    text: '#1f2328',
    faint: '#59636e',
    line: '#d1d9e0',
    row: '#f6f8fa',
    cooling: '#fff1cc',
    hatch: '#efcf7f',
    words: '#7d4e00',
    200: '#2da44e',
    429: '#bf8700',
    500: '#cf222e',
  },
  dark: {
    text: '#e6edf3',
    faint: '#9198a1',
    line: '#3d444d',
    row: '#151b23',
    cooling: '#2f2611',
    hatch: '#5a4313',
    words: '#e3b341',
    200: '#3fb950',
    429: '#e3b341',
    500: '#f85149',
  },
};

/** Draws the recording as SVG with a transparent background. */
export function draw(recording, theme) {
  const colours = THEMES[theme];
  const rows = layOut(recording);
  const bottom = rows.at(-1).bottom;
  const end = Math.ceil(Math.max(...recording.attempts.map(({ to }) => to)) / 50) * 50;
  const scale = (ms) => LEFT + (Math.min(ms, end) / end) * (WIDTH - LEFT - RIGHT);
  const scene = { ...recording, rows, colours, scale, end };
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: bottom + AXIS });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { left: LEFT, right: RIGHT, top: TOP, height: bottom - TOP },
    xAxis: axis(end, colours),
    yAxis: { type: 'value', show: false, min: 0, max: 1 },
    series: [legend, backends, cooldowns, bars, moves].map((part) => layer(part(scene))),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg.replace('<svg ', `<svg role="img" aria-label="${label(recording)}" `);
}

function label({ backends, requests }) {
  return `Timeline of ${requests} requests over ${backends.map(({ name }) => name).join(', ')}: all are answered`;
}

/** A custom series that draws all its shapes at once. */
function layer(children) {
  return { type: 'custom', silent: true, data: [0], renderItem: () => ({ type: 'group', children }) };
}

function axis(end, { faint, line }) {
  return {
    type: 'value',
    min: 0,
    max: end,
    interval: 100,
    axisLine: { show: true, lineStyle: { color: line } },
    axisTick: { show: true, lineStyle: { color: line } },
    splitLine: { show: false },
    axisLabel: { color: faint, fontSize: 12, formatter: labelOf },
  };
}

/** The last tick has no label unless it is a round number. */
function labelOf(ms) {
  if (ms === 0) return '0 ms';
  return ms % 100 === 0 ? String(ms) : '';
}

/** One row for each backend. Overlapping attempts get separate lanes within the row. */
function layOut({ backends, attempts }) {
  let top = TOP;
  return backends.map(({ name, priority }) => {
    const lanes = [];
    const placed = attempts
      .filter(({ backend }) => backend === name)
      .sort((a, b) => a.from - b.from)
      .map((attempt) => {
        const free = lanes.findIndex((busyUntil) => busyUntil + 3 < attempt.from);
        const lane = free < 0 ? lanes.length : free;
        lanes[lane] = attempt.to;
        return { ...attempt, y: top + PADDING + lane * LANE };
      });
    const bottom = top + PADDING + Math.max(lanes.length, 3) * LANE + WORDS;
    const row = { name, priority, attempts: placed, top, bottom };
    top = bottom + GAP;
    return row;
  });
}

function backends({ rows, colours, scale, end }) {
  return rows.flatMap(({ name, priority, top, bottom }) => [
    rect({ x: LEFT, y: top, width: scale(end) - LEFT, height: bottom - top, r: 4 }, colours.row),
    text(name, LEFT - 12, (top + bottom) / 2 - 8, colours.text, { align: 'right', weight: 600 }),
    text(`priority ${priority}`, LEFT - 12, (top + bottom) / 2 + 9, colours.faint, { align: 'right', size: 12 }),
  ]);
}

function cooldowns({ rows, cooldowns: all, colours, scale }) {
  return all.flatMap(({ backend, from, to, reason }) => {
    const { top, bottom } = rows.find(({ name }) => name === backend);
    const area = { x: scale(from), y: top, width: scale(to) - scale(from), height: bottom - top };
    const strip = { ...area, y: bottom - WORDS, height: WORDS };
    const ms = `${Math.round(to - from)} ms`;
    const words = reason === 'throttled' ? `${ms}, as asked` : `${ms}, a first failure`;
    return [
      ...hatched(area, colours),
      rect(strip, colours.cooling),
      text(words, strip.x + strip.width - 6, strip.y + WORDS / 2, colours.words, { align: 'right', size: 11 }),
    ];
  });
}

function bars({ rows, colours, scale }) {
  return rows.flatMap(({ attempts }) =>
    attempts.map(({ from, to, y, status }) =>
      rect({ x: scale(from), y, width: Math.max(3, scale(to) - scale(from)), height: BAR, r: 2 }, colours[status]),
    ),
  );
}

/** Lines from each failed attempt to the next attempt of the same request. */
function moves({ rows, colours, scale }) {
  const attempts = rows.flatMap((row) => row.attempts);
  return attempts
    .filter(({ order }) => order > 0)
    .flatMap((next) => {
      const failed = attempts.find(({ request, order }) => request === next.request && order === next.order - 1);
      return move(scale(failed.to), failed.y + BAR / 2, scale(next.from), next.y + BAR / 2, colours[failed.status]);
    });
}

function move(x1, y1, x2, y2, colour) {
  const bend = Math.max(10, Math.abs(y2 - y1) / 6);
  return [
    {
      type: 'bezierCurve',
      shape: { x1, y1, x2, y2, cpx1: x1 + bend, cpy1: y1, cpx2: x2 - bend, cpy2: y2 },
      style: { stroke: colour, lineWidth: 1.25, fill: 'none' },
      z2: 5,
    },
    { type: 'circle', shape: { cx: x2, cy: y2, r: 2.5 }, style: { fill: colour }, z2: 6 },
  ];
}

function legend({ colours, requests, attempts }) {
  const y = 38;
  const seconds = Math.max(...attempts.map(({ to }) => to)) / 1_000;
  const title = `${requests} requests in ${seconds.toFixed(1)} s, none lost`;
  const bar = (status) => (x) => [rect({ x, y: y - BAR / 2, width: 18, height: BAR, r: 2 }, colours[status])];
  const entries = [
    ['answered', 90, bar(200)],
    ['throttled (429)', 122, bar(429)],
    ['failed (500)', 104, bar(500)],
    ['on cooldown', 104, (x) => hatched({ x, y: y - 6, width: 18, height: 12 }, colours)],
    ['failover', 0, (x) => move(x + 2, y - 5, x + 17, y + 5, colours[429])],
  ];
  let x = LEFT;
  return entries.reduce(
    (shapes, [words, width, symbol]) => {
      shapes.push(...symbol(x), text(words, x + 25, y, colours.faint, { size: 12 }));
      x += width;
      return shapes;
    },
    [text(title, LEFT, 14, colours.text, { weight: 600, size: 14 })],
  );
}

function rect(shape, fill) {
  return { type: 'rect', shape, style: { fill } };
}

/** A pale area with diagonal lines. */
function hatched(area, { cooling, hatch }) {
  const { x, y, width, height } = area;
  const lines = [];
  for (let at = -height; at < width; at += 7) {
    const from = Math.max(0, at);
    const to = Math.min(width, at + height);
    const points = [
      [x + from, y + height - (from - at)],
      [x + to, y + height - (to - at)],
    ];
    lines.push({ type: 'polyline', shape: { points }, style: { stroke: hatch, lineWidth: 0.75, fill: 'none' } });
  }
  return [rect(area, cooling), ...lines];
}

function text(words, x, y, fill, { align = 'left', size = 13, weight = 400 } = {}) {
  const style = { text: words, x, y, fill, align, verticalAlign: 'middle', font: `${weight} ${size}px ${FONT}` };
  return { type: 'text', style };
}
