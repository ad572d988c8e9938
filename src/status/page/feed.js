// SPDX-License-Identifier: MIT
// Changes as they happen. There may be thousands a second: all are counted, and a few of them are shown.

import { byId, make, makeRow, setText } from './dom.js';
import { clock, onLanguage, rate, word } from './language.js';

const nRows = 40;
const tickMs = 500;
const nTickMax = 5; // shown a tick
const nRateTicks = 10;

/** The device whose event made the change: the one heard of last. */
export function newestDevice(user) {
  return user.devices.reduce((newest, device) => (
    newest === null || device.received_time > newest.received_time ? device : newest), null);
}

export function stateLabel(state) {
  return make('span', { class: `state ${state}` }, word(state));
}

/** "iOS · Login (Register)" */
export function eventText({ platform, action, reason }) {
  return [platform, [action, reason ? `(${reason})` : ''].join(' ').trim()].filter(Boolean).join(' · ');
}

export class Feed {
  #body = byId('feed-table').querySelector('tbody');
  #pending = []; // the newest of this tick, not parsed
  #nPending = 0;
  #perTick = []; // how many came, of the last ticks
  #isPaused = false;
  #isLive = false;
  #showApp = false;
  #look;

  /** `look(app, user)` is called for who is clicked at. */
  constructor(look) {
    this.#look = look;
    byId('pause').addEventListener('click', () => this.#pause(!this.#isPaused));
    setInterval(() => this.#tick(), tickMs);
    onLanguage(() => this.render());
    this.render();
  }

  setLive(isLive) {
    this.#isLive = isLive;
    this.#perTick = [];
    this.render();
  }

  setApps(n) {
    this.#showApp = n > 1;
  }

  take(change) {
    this.#nPending += 1;
    this.#pending.push(change);
    if (this.#pending.length > nTickMax) {
      this.#pending.shift();
    }
  }

  /** Changes are missing between those before and those after. */
  takeReset() {
    this.#insert(make('tr', { class: 'gap' }, make('td', { colspan: 4 }, word('feed_gap'))));
  }

  #pause(isPaused) {
    this.#isPaused = isPaused;
    byId('pause').setAttribute('aria-pressed', String(isPaused));
    this.render();
  }

  #insert(row) {
    this.#body.prepend(row);
    while (this.#body.rows.length > nRows) {
      this.#body.lastChild.remove();
    }
    byId('feed-table').hidden = false;
    this.#renderEmpty();
  }

  /** Who reads the list by keyboard is not to lose the row that they are in. */
  #isHeld() {
    return this.#isPaused || this.#body.contains(document.activeElement);
  }

  #tick() {
    this.#perTick.push(this.#nPending);
    if (this.#perTick.length > nRateTicks) {
      this.#perTick.shift();
    }
    if (!this.#isHeld() && !document.hidden) {
      this.#pending.forEach((change) => this.#show(change));
    }
    this.#pending = [];
    this.#nPending = 0;
    this.#renderRate();
  }

  #show({ event, data }) {
    const user = JSON.parse(data);
    const name = make('button', { type: 'button', class: 'link' }, user.user);
    name.addEventListener('click', () => this.#look(user.app, user.user));
    const who = this.#showApp ? [name, ' ', make('span', { class: 'app' }, String(user.app))] : [name];
    const device = event === 'presence' ? newestDevice(user) : null;
    this.#insert(makeRow(
      make('td', { class: 'time' }, clock(device?.received_time ?? Date.now())),
      make('td', { class: 'user' }, ...who),
      event === 'presence' ? stateLabel(user.state) : word('forgotten'),
      device === null ? '' : eventText(device)));
  }

  #renderRate() {
    const ticks = this.#perTick.length;
    const perSecond = ticks === 0 ? 0 : (this.#perTick.reduce((sum, n) => sum + n, 0) * 1000) / (ticks * tickMs);
    const values = { rate: rate(perSecond), shown: rate((nTickMax * 1000) / tickMs) };
    const isSampled = perSecond > (nTickMax * 1000) / tickMs;
    let text = word(perSecond === 0 ? 'feed_quiet' : 'feed_rate', values);
    if (isSampled) {
      text = word('feed_sampled', values);
    }
    if (this.#isPaused) {
      text = word('feed_paused', values);
    } else if (this.#isHeld()) {
      text = word('feed_held', values);
    }
    setText(byId('feed-rate'), this.#isLive ? text : word('feed_cut'));
  }

  #renderEmpty() {
    const isEmpty = this.#body.rows.length === 0;
    byId('feed-empty').hidden = !isEmpty;
    byId('feed-table').hidden = isEmpty;
  }

  render() {
    setText(byId('pause'), word(this.#isPaused ? 'resume' : 'pause'));
    byId('feed-empty').replaceChildren(word('feed_empty'), ' ',
      make('code', {}, 'presencectl trigger login --user alice'));
    this.#renderEmpty();
    this.#renderRate();
  }
}
