import * as echarts from 'echarts';
import { PLOTS } from './report.mjs';

const THEMES = {
  light: { ground: '#ffffff', text: '#1f2328', faint: '#d1d9e0', first: '#0969da', second: '#8c959f', mark: '#bc4c00' },
  dark: { ground: '#0d1117', text: '#e6edf3', faint: '#30363d', first: '#4493f8', second: '#7d8590', mark: '#f0883e' },
};
const WIDTH = 760;

/** Each plot for light and for dark pages, as SVG by the name of its file. */
export function plots({ parts }) {
  const drawn = {};
  for (const [theme, colours] of Object.entries(THEMES)) {
    const charts = {
      ratios: ratios(parts, colours),
      reserved: overTime(parts.reserved, colours),
      growth: byNumber(parts.growth, colours),
      size: byFile(parts.size, colours),
    };
    for (const [name, { height, ...option }] of Object.entries(charts)) {
      drawn[`${name}-${theme}.svg`] = svg(PLOTS[name], option, height, colours);
    }
  }
  return drawn;
}

function svg(title, option, height, { ground, text }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: ground,
    textStyle: { color: text, fontFamily: 'sans-serif' },
    title: { text: title, left: 12, top: 10, textStyle: { color: text, fontSize: 15 } },
    ...option,
  });
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return `${drawn}\n`;
}

/** What each costs, as a bar, and how much it may cost, as a line across it. */
function ratios({ cost, loopback, failover, growth }, colours) {
  const [ours, retry] = cost.figures;
  const largest = growth.figures.filter(({ atMost }) => atMost !== undefined);
  const bars = [
    ['in process: axios-retry / plain axios', retry],
    ['in process: this package / plain axios', ours],
    ['over loopback HTTP: this package / plain axios', loopback.figures[0]],
    ['a failover / two requests', failover.figures[0]],
    ...largest.map((figure) => [`1,000 backends / 3, ${figure.state}`, figure]),
  ].reverse();
  const data = bars.map(([, { value }], i) => ({
    value: rounded(value),
    itemStyle: { color: i === bars.length - 1 ? colours.second : colours.first },
  }));
  const inBar = { show: true, position: 'insideLeft', formatter: ({ value }) => value.toFixed(2) };
  const targets = bars.flatMap(([name, { atMost }]) => (atMost === undefined ? [] : [[atMost, name]]));
  return {
    height: 300,
    ...sideways(
      bars.map(([name]) => name),
      colours,
    ),
    legend: legend(['target: at most'], colours),
    series: [
      { type: 'bar', data, barWidth: 16, label: { ...inBar, color: colours.ground } },
      {
        type: 'scatter',
        name: 'target: at most',
        data: targets,
        symbol: 'rect',
        symbolSize: [3, 26],
        itemStyle: { color: colours.mark },
      },
    ],
  };
}

function overTime({ overTime: { binMs, ours, rounded: inSeconds } }, colours) {
  const line = (name, shares, color) => ({
    type: 'line',
    name,
    showSymbol: false,
    lineStyle: { color, width: 2 },
    itemStyle: { color },
    data: shares.map((share, i) => [((i + 0.5) * binMs) / 1000, rounded(share * 100)]),
  });
  const names = ['waits of 20 to 66 ms as they are', 'rounded up to whole seconds'];
  return {
    height: 300,
    grid: { left: 60, right: 70, top: 95, bottom: 50 },
    legend: legend(names, colours),
    xAxis: axis('value', colours, { name: 'seconds', max: (ours.length * binMs) / 1000 }),
    yAxis: axis('value', colours, { name: '% of its capacity', max: 100 }),
    series: [
      { ...line(names[0], ours, colours.first), markLine: target(60, 'target: 60 %', colours) },
      line(names[1], inSeconds, colours.second),
    ],
  };
}

function byNumber({ figures }, colours) {
  const states = [...new Set(figures.map(({ state }) => state))];
  const series = states.map((name, i) => {
    const color = [colours.first, colours.second][i];
    const measured = figures.filter(({ state }) => state === name).map(({ size, value }) => [size, rounded(value)]);
    return {
      type: 'line',
      name,
      symbolSize: 8,
      lineStyle: { color },
      itemStyle: { color },
      data: [[3, 1], ...measured],
    };
  });
  series[0].markLine = target(1.2, 'target: 1.2', colours);
  return {
    height: 300,
    grid: { left: 60, right: 75, top: 95, bottom: 50 },
    legend: legend(states, colours),
    xAxis: axis('log', colours, { name: 'backends', min: 1, max: 1000 }),
    yAxis: axis('value', colours, { name: 'cost of a request, that over 3 being 1', max: 1.4 }),
    series,
  };
}

function byFile({ files, figures: [whole] }, colours) {
  const sorted = [...files].sort((a, b) => a.gzipped - b.gzipped);
  const label = { show: true, position: 'right', color: colours.text, fontSize: 11 };
  return {
    height: 90 + 20 * sorted.length,
    ...sideways(
      sorted.map(({ file }) => file),
      colours,
    ),
    title: {
      text: PLOTS.size,
      subtext: `${whole.value.toLocaleString('en')} bytes in all; what several say in the same words is counted for none`,
      left: 12,
      top: 10,
      textStyle: { color: colours.text, fontSize: 15 },
      subtextStyle: { color: colours.text },
    },
    grid: { left: 20, right: 50, top: 65, bottom: 12, containLabel: true },
    series: [
      {
        type: 'bar',
        data: sorted.map(({ gzipped }) => gzipped),
        barWidth: 12,
        label,
        itemStyle: { color: colours.first },
      },
    ],
  };
}

function sideways(names, colours) {
  return {
    grid: { left: 20, right: 40, top: 75, bottom: 20, containLabel: true },
    xAxis: axis('value', colours),
    yAxis: { ...axis('category', colours), data: names, splitLine: { show: false } },
  };
}

function axis(type, { text, faint }, more = {}) {
  const quiet = { lineStyle: { color: faint } };
  return {
    type,
    axisLine: quiet,
    axisTick: { show: false },
    axisLabel: { color: text },
    splitLine: quiet,
    nameTextStyle: { color: text, align: 'left' },
    nameLocation: 'end',
    ...more,
  };
}

function legend(names, { text }) {
  return { data: names, left: 12, top: 36, itemWidth: 16, itemHeight: 10, textStyle: { color: text } };
}

function target(value, formatter, { mark }) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: mark, type: 'dashed' },
    label: { formatter, color: mark, position: 'insideStartTop' },
    data: [{ yAxis: value }],
  };
}

function rounded(value) {
  return Math.round(value * 100) / 100;
}
