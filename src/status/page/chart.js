// SPDX-License-Identifier: MIT
// Counts by the minute, stacked, as SVG. Who does not see it has a slider over the minutes, and a table.

import { make, makeRow, makeSvg, setText } from './dom.js';
import { hour, minute, number, word } from './language.js';

const margin = { top: 8, right: 4, bottom: 22, left: 44 };
const hourMs = 3600000;
const nTableRows = 24;
const narrow = 500; // there is room for half the times

/** Steps of a time axis, by what it spans. */
const timeSteps = [[1, hourMs / 4], [6, hourMs], [24, 4 * hourMs]];

/** 1, 2 or 5 times a power of ten, so that at most four steps reach `max`. */
export function niceStep(max) {
  const raw = Math.max(max, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
  return Math.max(step, 1);
}

/** How much is shown: an hour, six or a day, so that the first minutes are more than a line at the edge. */
export function spanHours(nMinutes) {
  return [1, 6].find((hours) => nMinutes <= hours * 60) ?? 24;
}

const shortNumber = (value, locale) => new Intl.NumberFormat(locale, { notation: 'compact' }).format(value);

export class Chart {
  #plot;
  #readout;
  #table;
  #data = null;
  #cursor = null; // an index, or null: none is looked at

  constructor({ plot, readout, table }) {
    this.#plot = plot;
    this.#readout = readout;
    this.#table = table;
    new ResizeObserver(() => this.#draw()).observe(plot);
    plot.addEventListener('pointermove', (event) => this.#point(event));
    plot.addEventListener('pointerleave', () => this.#look(null));
    plot.addEventListener('focus', () => this.#look(this.#cursor ?? this.#last()));
    plot.addEventListener('blur', () => this.#look(null));
    plot.addEventListener('keydown', (event) => this.#press(event));
  }

  /**
   * `series`: [{name, color, values}], where values has a number or null for each minute from `startMs` on;
   * `color` is the number of a colour of page.css.
   */
  show({ startMs, intervalMs, series }) {
    const n = Math.max(0, ...series.map(({ values }) => values.length));
    const nShown = spanHours(n) * 60;
    const skipped = Math.max(0, n - nShown);
    const shown = series.map((one) => ({ ...one, values: one.values.slice(skipped) }));
    const nValues = n - skipped;
    const totals = Array.from({ length: nValues }, (_, i) => {
      const known = shown.map(({ values }) => values[i]).filter((value) => value !== null && value !== undefined);
      return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
    });
    this.#data = {
      intervalMs,
      nShown,
      nEmpty: nShown - nValues, // before the first
      series: shown,
      totals,
      firstMs: startMs + skipped * intervalMs,
    };
    if (this.#cursor !== null) {
      this.#cursor = Math.min(this.#cursor, this.#last());
    }
    this.#draw();
    this.#fillTable();
  }

  #last() {
    return Math.max(0, (this.#data?.totals.length ?? 0) - 1);
  }

  #timeOf(index) {
    return this.#data.firstMs + index * this.#data.intervalMs;
  }

  /* ---- drawing ---- */

  #scales() {
    const { nShown, nEmpty, totals } = this.#data;
    const width = Math.max(this.#plot.clientWidth, 200);
    const height = Math.max(this.#plot.clientHeight, 120);
    const max = Math.max(1, ...totals.map((total) => total ?? 0));
    const step = niceStep(max);
    const top = Math.ceil(max / step) * step;
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    return {
      width,
      height,
      step,
      top,
      x: (index) => margin.left + ((index + nEmpty) / nShown) * inner.width,
      y: (value) => margin.top + inner.height - (value / top) * inner.height,
      indexAt: (x) => Math.floor(((x - margin.left) / inner.width) * nShown) - nEmpty,
    };
  }

  #draw() {
    if (this.#data === null || this.#plot.clientWidth === 0) {
      return;
    }
    const scales = this.#scales();
    const svg = makeSvg('svg', {
      width: scales.width,
      height: scales.height,
      viewBox: `0 0 ${scales.width} ${scales.height}`,
      'aria-hidden': 'true',
    }, ...this.#grid(scales), ...this.#areas(scales), ...this.#times(scales), this.#mark(scales));
    this.#plot.replaceChildren(svg);
    this.#say();
  }

  #grid({ width, step, top, y }) {
    const lines = [];
    for (let value = 0; value <= top; value += step) {
      lines.push(
        makeSvg('line', { class: 'grid-line', x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
        makeSvg('text', { class: 'axis', x: margin.left - 6, y: y(value) + 4, 'text-anchor': 'end' },
          shortNumber(value, document.documentElement.lang)),
      );
    }
    return lines;
  }

  #times({ height, x, width }) {
    const { nShown, nEmpty, intervalMs, firstMs } = this.#data;
    const [, usualMs] = timeSteps.find(([hours]) => nShown <= hours * 60);
    const stepMs = width < narrow ? 2 * usualMs : usualMs;
    const label = stepMs < hourMs ? minute : hour;
    const beginMs = firstMs - nEmpty * intervalMs;
    const zoneMs = new Date(beginMs).getTimezoneOffset() * 60000;
    const labels = [];
    for (let at = Math.ceil((beginMs - zoneMs) / stepMs) * stepMs + zoneMs; at < beginMs + nShown * intervalMs;
      at += stepMs) {
      const left = x((at - firstMs) / intervalMs);
      if (left > margin.left + 20 && left < width - 24) {
        labels.push(makeSvg('text', { class: 'axis', x: left, y: height - 6, 'text-anchor': 'middle' }, label(at)));
      }
    }
    return labels;
  }

  /** One on top of the other; a minute that nothing is known of is a gap. */
  #areas({ x, y }) {
    const { series, totals } = this.#data;
    const base = totals.map(() => 0);
    return series.map(({ values, color }) => {
      let path = '';
      for (let begin = 0; begin < totals.length; begin += 1) {
        let end = begin;
        while (end < totals.length && totals[end] !== null) {
          end += 1;
        }
        if (end > begin) {
          path += this.#area(x, y, base, values, begin, end);
          begin = end;
        }
      }
      values.forEach((value, i) => {
        base[i] += value ?? 0;
      });
      return makeSvg('path', { class: `area series-${color}`, d: path });
    });
  }

  #area(x, y, base, values, begin, end) {
    const upper = [];
    const lower = [];
    for (let i = begin; i < end; i += 1) {
      const left = x(i).toFixed(1);
      const right = x(i + 1).toFixed(1);
      const high = y(base[i] + (values[i] ?? 0)).toFixed(1);
      const low = y(base[i]).toFixed(1);
      upper.push(`${left},${high}`, `${right},${high}`);
      lower.unshift(`${right},${low}`, `${left},${low}`);
    }
    return `M${upper.join('L')}L${lower.join('L')}Z`;
  }

  #mark({ height, x }) {
    if (this.#cursor === null) {
      return makeSvg('g');
    }
    const at = x(this.#cursor + 0.5);
    return makeSvg('line', { class: 'cursor', x1: at, x2: at, y1: margin.top, y2: height - margin.bottom });
  }

  /* ---- in words ---- */

  #describe(index) {
    const { series, totals } = this.#data;
    if (totals[index] === null || totals[index] === undefined) {
      return word('chart_nothing', { time: minute(this.#timeOf(index)) });
    }
    const parts = series.filter(({ values }) => values[index] > 0)
      .map(({ name, values }) => `${name} ${number(values[index])}`);
    const total = word('chart_at', { time: minute(this.#timeOf(index)), total: totals[index] });
    return parts.length > 1 ? `${total} (${parts.join(' · ')})` : total;
  }

  #summary() {
    const { totals } = this.#data;
    const known = totals.filter((total) => total !== null);
    if (known.length === 0) {
      return word('chart_empty');
    }
    const max = Math.max(...known);
    const min = Math.min(...known);
    return word('chart_summary', {
      max,
      max_time: minute(this.#timeOf(totals.lastIndexOf(max))),
      min,
      min_time: minute(this.#timeOf(totals.lastIndexOf(min))),
    });
  }

  #say() {
    const index = this.#cursor ?? this.#last();
    this.#plot.setAttribute('aria-valuemax', String(this.#last()));
    this.#plot.setAttribute('aria-valuenow', String(index));
    this.#plot.setAttribute('aria-valuetext', this.#describe(index));
    setText(this.#readout, this.#cursor === null ? this.#summary() : this.#describe(index));
  }

  #fillTable() {
    const { series, totals } = this.#data;
    const step = Math.max(1, Math.ceil(totals.length / nTableRows));
    const rows = [];
    for (let i = totals.length - 1; i >= 0; i -= step) {
      const cells = series.map(({ values }) => make('td', { class: 'n' },
        typeof values[i] === 'number' ? number(values[i]) : '–'));
      const total = make('td', { class: 'n' }, totals[i] === null ? '–' : number(totals[i]));
      rows.push(makeRow(make('th', { scope: 'row' }, minute(this.#timeOf(i))), ...cells, total));
    }
    const heading = (text, kind) => make('th', { scope: 'col', class: kind }, text);
    this.#table.replaceChildren(
      make('caption', { class: 'hidden' }, word('chart_caption')),
      make('thead', {}, make('tr', {}, heading(word('time')), ...series.map(({ name }) => heading(name, 'n')),
        heading(word('total'), 'n'))),
      make('tbody', {}, ...rows));
  }

  /* ---- looking at one minute ---- */

  #look(index) {
    if (this.#data !== null && this.#data.totals.length > 0 && index !== this.#cursor) {
      this.#cursor = index;
      this.#draw();
    }
  }

  #point(event) {
    if (this.#data !== null) {
      const index = this.#scales().indexAt(event.clientX - this.#plot.getBoundingClientRect().left);
      this.#look(index < 0 || index > this.#last() ? null : index);
    }
  }

  #press(event) {
    const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: -60, PageDown: 60 };
    const ends = { Home: 0, End: this.#last() };
    const from = this.#cursor ?? this.#last();
    const to = ends[event.key] ?? (event.key in moves ? from + moves[event.key] : null);
    if (to !== null) {
      event.preventDefault();
      this.#look(Math.min(Math.max(to, 0), this.#last()));
    }
  }
}
