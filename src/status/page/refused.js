// SPDX-License-Identifier: MIT
// Requests that were refused or answered FAIL, and why.

import { get } from './api.js';
import { byId, make, makeRow, setText } from './dom.js';
import { number, onLanguage, when, word } from './language.js';

const nFirst = 15;

export class Refused {
  #list = null;
  #problem = null;
  #isClosed = false;
  #showsAll = false;

  constructor() {
    byId('refused-more').addEventListener('click', () => {
      this.#showsAll = !this.#showsAll;
      this.render();
    });
    onLanguage(() => this.render());
  }

  async refresh() {
    try {
      this.#list = (await get('v1/refused')).refused;
      this.#problem = null;
    } catch (error) {
      if (error.status === 0 || error.status === 401) {
        throw error;
      }
      this.#list = null;
      this.#problem = error.message;
    }
    this.#isClosed = false;
    this.render();
  }

  /** The one who looks may not see these. */
  close() {
    this.#list = null;
    this.#isClosed = true;
    this.render();
  }

  #row(request) {
    const skew = request.skew_s === undefined ? '' : ` (${word('skew', { s: number(request.skew_s) })})`;
    const from = [request.peer, request.client_ip].filter(Boolean);
    const what = [request.command, request.path].filter(Boolean).join(' ');
    return makeRow(make('td', { class: 'time' }, when(request.time)),
      make('td', {}, make('code', {}, request.outcome), ' ', make('span', { lang: 'en' }, request.reason), skew),
      from[0] === from[1] ? from[0] ?? '' : from.join(' · '), request.app ?? '', make('td', {},
        make('span', { class: 'muted' }, word(`listener_${request.listener}`)), ' ', what));
  }

  #text(n) {
    if (this.#isClosed) {
      return word('refused_closed');
    }
    return this.#problem ?? (n === 0 ? word('refused_none') : word('refused_text', { n }));
  }

  render() {
    const list = this.#list ?? [];
    const shown = this.#showsAll ? list : list.slice(0, nFirst);
    setText(byId('refused-text'), this.#text(list.length));
    byId('refused-table').hidden = list.length === 0;
    byId('refused-table').querySelector('tbody').replaceChildren(...shown.map((request) => this.#row(request)));
    byId('refused-more').hidden = list.length <= nFirst;
    setText(byId('refused-more'), word(this.#showsAll ? 'show_fewer' : 'show_all', { n: list.length }));
  }
}
