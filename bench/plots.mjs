import * as echarts from 'echarts';
import { PLOTS } from './report.mjs';

const THEMES = {
  light: { ground: '#ffffff', text: '#1f2328', faint: '#d1d9e0', first: '#0969da', second: '#8c959f', mark: '#bc4c00' },
  dark: { ground: '#0d1117', text: '#e6edf3', faint: '#30363d', first: '#4493f8', second: '#7d8590', mark: '#f0883e' },
};
const WIDTH = 760;

/** Each plot for light and for dark pages, as SVG, by file name. */
export function plots({ parts }) {
  return Object.fromEntries(
    Object.entries(THEMES).flatMap(([theme, colours]) => [
      [`ratios-${theme}.svg`, svg(PLOTS.ratios, ratios(parts, colours), colours)],
      [`reserved-${theme}.svg`, svg(PLOTS.reserved, useOf(parts.reserved, colours), colours)],
    ]),
  );
}

function svg(title, { height, ...option }, { ground, text }) {
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

/** A bar for each ratio that has a target, and a mark for the target. */
function ratios(parts, colours) {
  const bars = Object.values(parts)
    .flatMap(({ title, figures }) => figures.map((figure) => ({ ...figure, label: `${title}: ${figure.name}` })))
    .filter(({ low, atMost }) => low !== undefined && atMost !== undefined)
    .map((figure) => ({ ...figure, label: figure.label.replaceAll('`', '') }))
    .reverse();
  const value = { show: true, position: 'insideLeft', color: colours.ground, formatter: (bar) => bar.value.toFixed(2) };
  return {
    height: 105 + 28 * bars.length,
    grid: { left: 300, right: 40, top: 70, bottom: 40 },
    legend: legend(['target: at most'], colours),
    xAxis: axis('value', colours),
    yAxis: axis('category', colours, { data: bars.map(({ label }) => label), splitLine: { show: false } }),
    series: [
      {
        type: 'bar',
        data: bars.map((bar) => hundredths(bar.value)),
        barWidth: 16,
        itemStyle: { color: colours.first },
        label: value,
      },
      {
        type: 'scatter',
        name: 'target: at most',
        data: bars.map(({ label, atMost }) => [atMost, label]),
        symbol: 'rect',
        symbolSize: [3, 26],
        itemStyle: { color: colours.mark },
      },
    ],
  };
}

/** The share of a reserved deployment that is used at twice the demand, for each kind of wait and each size of burst. */
function useOf({ cells }, colours) {
  const atTwice = cells.filter(({ demand }) => demand === 2);
  const kinds = [...new Set(atTwice.map(({ waits }) => waits))];
  const bursts = [...new Set(atTwice.map(({ burst }) => burst))];
  const nameOf = (waits) => `waits ${waits}`;
  const palette = [colours.first, colours.second, colours.mark];
  return {
    height: 300,
    grid: { left: 60, right: 40, top: 105, bottom: 40 },
    legend: legend(kinds.map(nameOf), colours),
    xAxis: axis('category', colours, {
      data: bursts.map((ms) => `bursts of ${ms / 1_000} s`),
      splitLine: { show: false },
    }),
    yAxis: axis('value', colours, { name: '% of its capacity', max: 100 }),
    series: kinds.map((kind, i) => ({
      type: 'bar',
      name: nameOf(kind),
      // A use just over 100 % keeps its label.
      clip: false,
      data: atTwice.filter(({ waits }) => waits === kind).map(({ used }) => hundredths(used * 100)),
      itemStyle: { color: palette[i] },
      label: { show: true, position: 'top', color: colours.text, formatter: ({ value }) => `${Math.round(value)} %` },
    })),
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
  return { data: names, left: 12, top: 36, itemWidth: 16, itemHeight: 10, itemGap: 24, textStyle: { color: text } };
}

function hundredths(value) {
  return Math.round(value * 100) / 100;
}
