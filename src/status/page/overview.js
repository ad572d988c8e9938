// SPDX-License-Identifier: MIT
// How many are online now, by platform or app, and over the last day.

import { Chart, spanHours } from './chart.js';
import { byId, make, setText } from './dom.js';
import { number, word } from './language.js';

/** Each has its own colour; all others share the last. */
const platforms = ['iOS', 'Android', 'Web', 'Windows', 'iPad', 'Mac', 'Linux'];
const otherColor = 7;
const plainColor = 8; // of what is not split
const nAppColors = 7;

const add = (a, b) => (a === null || a === undefined ? b : a + (b ?? 0));

const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);

/** Series minute by minute into one. */
const join = (list) => list.reduce((all, values) => values.map((value, i) => add(all[i], value)), []);

export class Overview {
  #chart = new Chart({ plot: byId('plot'), readout: byId('readout'), table: byId('chart-table') });
  #stats = null;
  #online = null;
  #split = 'platform';

  constructor() {
    for (const button of byId('split').querySelectorAll('button')) {
      button.addEventListener('click', () => {
        this.#split = button.dataset.split;
        this.render();
      });
    }
  }

  showStats(stats) {
    this.#stats = stats;
    this.#renderNow();
  }

  showOnline(online) {
    this.#online = online;
    this.#renderChart();
  }

  render() {
    this.#renderNow();
    this.#renderChart();
  }

  /** Of the chart. Where there is one way to split, it is not asked for. */
  #chooseSplit() {
    const canPlatform = this.#online === null || this.#online.platforms !== undefined;
    const canApp = (this.#stats?.apps.length ?? 0) > 1;
    byId('split').hidden = !(canPlatform && canApp);
    const split = canPlatform && (this.#split === 'platform' || !canApp) ? 'platform' : 'app';
    for (const button of byId('split').querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.dataset.split === split));
    }
    return split;
  }

  #partsByPlatform() {
    const counts = new Map();
    for (const { online_devices: devices } of this.#stats.apps) {
      for (const [name, n] of Object.entries(devices)) {
        counts.set(name, (counts.get(name) ?? 0) + n);
      }
    }
    const known = platforms.map((name, color) => ({ name, color, n: counts.get(name) ?? 0 }));
    const others = [...counts].filter(([name]) => !platforms.includes(name));
    if (others.length > 0) {
      const names = others.map(([name]) => name).sort();
      known.push({
        name: names.length === 1 ? names[0] : word('others'), title: names.join(', '), color: otherColor,
        n: sum(others.map(([, n]) => n)),
      });
    }
    return known.filter(({ n }) => n > 0);
  }

  /** The colours are those of the chart, which has the apps in its own order. */
  #partsByApp() {
    const order = (this.#online?.apps ?? []).map(({ app }) => app).slice(0, nAppColors);
    const parts = this.#stats.apps.map(({ app, states }) => ({ name: String(app), app, n: states.online }));
    const own = parts.filter(({ app }) => order.includes(app))
      .map((part) => ({ ...part, color: order.indexOf(part.app) }));
    const others = sum(parts.filter(({ app }) => !order.includes(app)).map(({ n }) => n));
    own.sort((a, b) => b.n - a.n);
    return others > 0 ? [...own, { name: word('others'), color: otherColor, n: others }] : own;
  }

  #renderNow() {
    if (this.#stats === null) {
      return;
    }
    const count = (state) => sum(this.#stats.apps.map(({ states }) => states[state]));
    const split = this.#stats.apps.length > 1 ? this.#chooseSplit() : 'platform';
    const parts = split === 'platform' ? this.#partsByPlatform() : this.#partsByApp();
    const most = Math.max(1, ...parts.map(({ n }) => n));
    setText(byId('online-now'), number(count('online')));
    byId('states').replaceChildren(...['push_online', 'offline'].map((state) => (
      make('div', {}, make('dt', {}, word(state)), make('dd', {}, number(count(state)))))));
    setText(byId('legend-title'), word(split === 'platform' ? 'devices_by_platform' : 'users_by_app'));
    byId('legend').replaceChildren(...parts.map(({ name, title, n, color }) => {
      const bar = make('span', { class: 'bar' });
      bar.style.width = `${(100 * n) / most}%`;
      return make('li', { class: `series-${color}`, title },
        make('span', { class: 'name' }, name), make('span', { class: 'track' }, bar),
        make('span', { class: 'n' }, number(n)));
    }));
    if (parts.length === 0) {
      byId('legend').append(make('li', { class: 'empty' }, word('nobody_online')));
    }
  }

  /** What was counted before the start, of all together, is no less of a day for not being split. */
  #withUnsplit(series) {
    const total = this.#online.online;
    if (total === undefined) {
      return series;
    }
    const known = join(series.map(({ values }) => values));
    const values = total.map((value, i) => ((known[i] ?? null) === null ? value : null));
    return values.every((value) => value === null) ? series
      : [...series, { name: word('unsplit'), color: otherColor, values }];
  }

  #seriesByPlatform() {
    const all = this.#online.platforms;
    const known = platforms.map((name, color) => ({
      name, color, values: all.find(({ platform }) => platform === name)?.online,
    })).filter(({ values }) => values !== undefined);
    const others = all.filter(({ platform }) => !platforms.includes(platform)).map(({ online }) => online);
    return others.length === 0 ? known
      : [...known, { name: word('others'), color: otherColor, values: join(others) }];
  }

  #seriesByApp() {
    const { apps, online } = this.#online;
    if (apps.length === 1) {
      return [{ name: String(apps[0].app), color: plainColor, values: apps[0].online }];
    }
    const shown = apps.slice(0, nAppColors)
      .map(({ app, online: values }, color) => ({ name: String(app), color, values }));
    const known = join(shown.map(({ values }) => values));
    const rest = (online ?? []).map((value, i) => (
      value === null || (known[i] ?? null) === null ? null : Math.max(0, value - known[i])));
    return rest.some((value) => value > 0) ? [...shown, { name: word('others'), color: otherColor, values: rest }]
      : shown;
  }

  #renderChart() {
    if (this.#online === null) {
      return;
    }
    const split = this.#chooseSplit();
    const series = this.#withUnsplit(split === 'platform' ? this.#seriesByPlatform() : this.#seriesByApp());
    const length = Math.max(0, ...series.map(({ values }) => values.length));
    const whatApps = this.#online.apps.length === 1 ? 'users_online_chart' : 'users_by_app';
    const what = word(split === 'platform' ? 'devices_by_platform' : whatApps);
    setText(byId('chart-title'), word('chart_title', { what, span: word(`last_${spanHours(length)}_hours`) }));
    this.#chart.show({ startMs: this.#online.start_time ?? Date.now(), intervalMs: this.#online.interval_ms, series });
  }
}
