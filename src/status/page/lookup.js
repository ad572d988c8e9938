// SPDX-License-Identifier: MIT
// One user: state, devices, and what happened of late.

import { get } from './api.js';
import { byId, make, makeFacts, makeRow, makeTable } from './dom.js';
import { eventText, stateLabel } from './feed.js';
import { ago, onLanguage, when, word } from './language.js';

const nEvents = 50;
const followMs = 1000; // a user who changes all the time is asked about so often

function time(unixMs) {
  return make('time', { datetime: new Date(unixMs).toISOString(), title: ago(unixMs) }, when(unixMs));
}

function devicesOf(user) {
  if (user.devices.length === 0) {
    return make('p', { class: 'empty' }, word('no_devices'));
  }
  return makeTable(word('devices'),
    [word('platform'), word('state'), word('last_event'), word('time'), word('address')],
    user.devices.map((device) => makeRow(make('th', { scope: 'row' }, device.platform), stateLabel(device.state),
      eventText({ action: device.action, reason: device.reason }), time(device.event_time), device.client_ip ?? '')));
}

function historyOf(history) {
  if (history.error !== undefined) {
    return make('p', { class: 'muted', lang: 'en' }, history.error);
  }
  if (history.events.length === 0) {
    return make('p', { class: 'empty' }, word('no_history'));
  }
  const rows = history.events.map((event) => makeRow(time(event.received_time), eventText(event),
    make('code', {}, event.outcome), event.client_ip ?? ''));
  const parts = [makeTable(word('history'), [word('time'), word('event'), word('outcome'), word('address')], rows)];
  if (!history.complete) {
    parts.push(make('p', { class: 'muted' }, word('history_incomplete')));
  }
  return make('div', {}, ...parts);
}

function scrolled(label, child) {
  return make('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': label }, child);
}

export class Lookup {
  #apps = [];
  #wanted = null; // {app, user}
  #answer = null;
  #mark = null; // what a change of that user holds, as text
  #timer = null;

  constructor() {
    byId('lookup-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const app = this.#apps.length > 1 ? Number(byId('lookup-app').value) : null;
      this.look(app, byId('lookup-user').value);
    });
    onLanguage(() => this.#render());
    this.#render();
  }

  setApps(apps) {
    if (apps.join() !== this.#apps.join()) {
      this.#apps = apps;
      byId('lookup-app').replaceChildren(...apps.map((app) => make('option', { value: app }, String(app))));
      byId('lookup-apps').hidden = apps.length <= 1;
    }
  }

  /** From the feed: the form says who is shown, and the result has the focus. */
  lookFrom(app, user) {
    byId('lookup-app').value = String(app);
    byId('lookup-user').value = user;
    byId('lookup-result').focus({ preventScroll: true });
    byId('lookup').scrollIntoView({ block: 'nearest' });
    this.look(app, user);
  }

  async look(app, user) {
    this.#wanted = { app, user };
    this.#mark = `"user":${JSON.stringify(user)}`;
    await this.#ask();
  }

  /** Who is shown and changes is shown anew. */
  take({ data }) {
    if (this.#mark !== null && this.#timer === null && data.includes(this.#mark)) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#ask();
      }, followMs);
    }
  }

  async #ask() {
    const { app, user } = this.#wanted;
    const path = `v1/users/${encodeURIComponent(user)}`;
    const query = app === null ? '' : `&app=${app}`;
    const history = get(`${path}/history?limit=${nEvents}${query}`).catch((error) => ({ error: error.message }));
    let answer;
    try {
      answer = { user: await get(`${path}?${query.slice(1)}`), history: await history };
    } catch (error) {
      answer = { status: error.status, error: error.message, history: await history };
    }
    if (this.#wanted.app === app && this.#wanted.user === user) {
      this.#answer = answer;
      this.#render();
    }
  }

  #render() {
    const place = byId('lookup-result');
    if (this.#answer === null) {
      place.replaceChildren(make('p', { class: 'empty' }, word('lookup_empty')));
      return;
    }
    const { user, history, status, error } = this.#answer;
    const state = user === undefined ? null : stateLabel(user.state);
    const parts = [make('h3', { class: 'who' }, this.#wanted.user, ' ', state)];
    if (user !== undefined) {
      parts.push(makeFacts([
        ...(user.since === null ? [] : [[word('since'), make('span', {}, time(user.since), ` (${ago(user.since)})`)]]),
        ...(user.custom_status ? [[word('custom_status'), user.custom_status]] : []),
        ...(this.#apps.length > 1 ? [[word('app'), String(user.app)]] : []),
      ]), scrolled(word('devices'), devicesOf(user)));
    } else if (status === 404) {
      parts.push(make('p', { class: 'notice' }, word('never_heard')));
    } else {
      parts.push(make('p', { class: 'error', lang: 'en' }, error));
    }
    parts.push(make('h4', {}, word('history')), scrolled(word('history'), historyOf(history)));
    place.replaceChildren(...parts);
  }
}
