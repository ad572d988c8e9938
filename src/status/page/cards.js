// SPDX-License-Identifier: MIT
// What /v1/stats says beside who is online. Who shows the token of an app gets less of it: a card whose object is not
// there is hidden.

import { byId, make, makeFacts, makeRow, makeSvg, makeTable, setText } from './dom.js';
import { bytes, date, duration, hasWord, number, rate, word } from './language.js';
import { answerOf, countAnswers } from './outcomes.js';

const nSamples = 150; // at one in two seconds: five minutes
const sampleMs = 1900;
const nRateSamples = 5;
const nApps = 20;
const replicationKeys = ['connected', 'unread', 'rows_sent', 'entries_read', 'users_changed', 'missed', 'failures'];

/* ---- what needs a person ---- */

export function showWarnings(stats) {
  const section = byId('warnings');
  const { warnings } = stats;
  section.hidden = warnings === undefined;
  if (warnings === undefined) {
    return;
  }
  section.classList.toggle('calm', warnings.length === 0);
  setText(byId('warnings-title'),
    warnings.length === 0 ? word('no_warnings') : word('n_warnings', { n: warnings.length }));
  const list = section.querySelector('ul');
  const key = JSON.stringify(warnings);
  if (list.dataset.key === key) {
    return;
  }
  list.dataset.key = key;
  list.replaceChildren(...warnings.map(({ code, text }) => (
    make('li', {}, make('span', { lang: 'en' }, text), ' ', make('code', {}, code)))));
}

/* ---- callbacks ---- */

export class Callbacks {
  #samples = []; // {ms, counts}, the oldest first
  #events = null;

  show(stats) {
    byId('callbacks').hidden = stats.events === undefined;
    if (stats.events !== undefined) {
      this.#sample(stats);
      this.#events = stats.events;
      this.render();
    }
  }

  /** A daemon that has started anew counts anew. */
  #sample(stats) {
    const lastMs = this.#samples.at(-1)?.ms ?? -Infinity;
    if (stats.uptime_ms < lastMs) {
      this.#samples = [];
    } else if (stats.uptime_ms - lastMs < sampleMs) {
      return;
    }
    this.#samples.push({ ms: stats.uptime_ms, counts: countAnswers(stats.events) });
    if (this.#samples.length > nSamples) {
      this.#samples.shift();
    }
  }

  /** A second, between two samples; null: too few. */
  #rate(from, to, answer) {
    const [a, b] = [this.#samples[Math.max(0, from)], this.#samples[to]];
    return a === undefined || b === undefined || a === b ? null
      : ((b.counts[answer] - a.counts[answer]) * 1000) / (b.ms - a.ms);
  }

  render() {
    if (this.#events === null) {
      return;
    }
    const last = this.#samples.length - 1;
    const counts = countAnswers(this.#events);
    const answers = ['ok', 'fail', 'refused'];
    const rates = answers.map((answer) => this.#rate(last - nRateSamples, last, answer));
    setText(byId('rate'), rates[0] === null ? '–' : rate(rates.reduce((sum, value) => sum + value, 0)));
    byId('answers').replaceChildren(makeTable(word('callbacks'),
      [word('answer'), make('th', { scope: 'col', class: 'n' }, word('total')),
        make('th', { scope: 'col', class: 'n' }, word('a_second'))],
      answers.map((answer, i) => makeRow(
        make('th', { scope: 'row' }, make('span', { class: `dot ${answer}` }), word(`answer_${answer}`)),
        make('td', { class: 'n' }, number(counts[answer])),
        make('td', { class: 'n' }, rates[i] === null ? '–' : rate(rates[i]))))));
    this.#renderOutcomes();
    this.#renderSpark(last);
  }

  #renderOutcomes() {
    const outcomes = Object.entries(this.#events)
      .filter(([name, n]) => n > 0 && answerOf(name) !== null)
      .sort(([, a], [, b]) => b - a);
    byId('outcomes').replaceChildren(outcomes.length === 0
      ? make('p', { class: 'empty' }, word('no_callbacks'))
      : make('ul', { class: 'tags' }, ...outcomes.map(([name, n]) => (
        make('li', { class: answerOf(name) }, make('code', {}, name), ' ', number(n))))));
  }

  #renderSpark(last) {
    const points = [];
    for (let i = 1; i <= last; i += 1) {
      points.push(['ok', 'fail', 'refused'].reduce((sum, answer) => sum + this.#rate(i - 1, i, answer), 0));
    }
    const max = Math.max(1, ...points);
    const x = (i) => ((i + nSamples - points.length) / (nSamples - 1)) * 100;
    const line = points.map((value, i) => `${x(i).toFixed(2)},${(30 - (value / max) * 28).toFixed(2)}`).join(' ');
    byId('spark').replaceChildren(makeSvg('svg', {
      viewBox: '0 0 100 31',
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': word('spark', { max: Math.round(max) }),
    }, makeSvg('polyline', { points: line })));
  }
}

/* ---- apps ---- */

export function showApps(stats) {
  const apps = [...stats.apps].sort((a, b) => b.states.online - a.states.online).slice(0, nApps);
  const states = ['online', 'push_online', 'offline'];
  const right = (text) => make('th', { scope: 'col', class: 'n' }, text);
  const place = byId('apps').querySelector('.scroll');
  place.replaceChildren(makeTable(word('apps'),
    [word('app'), ...states.map((state) => right(word(state))), right(word('users'))],
    apps.map(({ app, states: counts, users }) => makeRow(make('th', { scope: 'row' }, String(app)),
      ...states.map((state) => make('td', { class: 'n' }, number(counts[state]))),
      make('td', { class: 'n' }, number(users))))));
  if (stats.apps.length > nApps) {
    place.append(make('p', { class: 'muted' }, word('more_apps', { n: stats.apps.length - nApps })));
  }
}

/* ---- parts ---- */

/** A number of /v1/stats, by what its key ends in. */
function valueOf(key, value) {
  if (typeof value !== 'number') {
    return String(value);
  }
  if (key === 'bytes' || key.endsWith('_bytes')) {
    return bytes(value);
  }
  if (key === 'connected') {
    return word(value > 0 ? 'yes' : 'no');
  }
  return key.endsWith('_time') ? date(value) : number(value);
}

/** In words, where there are some; else the key, as text. */
function nameOf(id, key) {
  const text = key.replaceAll('_', ' ');
  return hasWord(`${id}_${key}`) ? word(`${id}_${key}`) : text.charAt(0).toUpperCase() + text.slice(1);
}

function stateOf(state) {
  return make('span', { class: `state ${state === 'ok' ? 'good' : 'bad'}` },
    hasWord(`part_is_${state}`) ? word(`part_is_${state}`) : state);
}

/** The numbers of a part, those of `keys` or all, and its state before them. */
function partFacts(id, part, keys) {
  const facts = (keys ?? Object.keys(part))
    .filter((key) => key in part && key !== 'state' && typeof part[key] !== 'object')
    .map((key) => [nameOf(id, key), valueOf(key, part[key])]);
  return 'state' in part ? [[word('state'), stateOf(part.state)], ...facts] : facts;
}

function showPart(id, isThere, facts) {
  const section = byId(id);
  section.hidden = !isThere;
  if (isThere) {
    section.querySelector('.body').replaceChildren(facts.length === 0
      ? make('p', { class: 'empty' }, word('part_empty')) : makeFacts(facts));
  }
}

function showStore({ store }) {
  if (store?.state === 'off') {
    showPart('store', true, [[word('state'), word('store_off')]]);
  } else {
    const lag = store?.lag > 0 || store?.failures > 0 ? ['lag', 'failures'] : ['lag'];
    showPart('store', store !== undefined, store === undefined ? []
      : partFacts('store', store, ['users_loaded', 'changes', 'bytes', ...lag, 'history_events', 'history_bytes']));
  }
}

const ofMax = (n, max) => word('n_of_max', { n, max });

const isOn = (part) => part !== undefined && part.state !== 'off';

export function showParts(stats) {
  const { listeners, streams, replication, reconciliation, reconcile, configuration } = stats;
  const asked = reconciliation ?? reconcile;
  showStore(stats);
  showPart('replication', isOn(replication), isOn(replication)
    ? partFacts('replication', replication, replicationKeys) : []);
  showPart('reconciliation', isOn(asked), isOn(asked) ? partFacts('reconciliation', asked) : []);
  showPart('connections', listeners !== undefined, listeners === undefined ? [] : [
    [word('connections_callback'), ofMax(listeners.callback.connections, listeners.callback.connections_max)],
    [word('connections_status'), ofMax(listeners.status.connections, listeners.status.connections_max)],
    [word('streams_open'), ofMax(streams.open, streams.open_max)],
    [word('handshakes_failed'), number(listeners.callback.handshakes_failed ?? 0)],
    [word('timed_out'), number(listeners.callback.timed_out)],
  ]);
  showPart('daemon', true, [
    [word('version'), stats.version],
    [word('running_for'), make('span', { title: date(stats.start_time) }, duration(stats.uptime_ms))],
    [word('users_known'), number(stats.users)],
    ...(configuration === undefined ? [] : [[word('configured'), date(configuration.loaded_time)]]),
  ]);
}
