// SPDX-License-Identifier: MIT
// Asks for the token where one is needed. The page itself came without.

import { get, token } from './api.js';
import { byId, setText } from './dom.js';
import { onLanguage, word } from './language.js';

const refusedKey = 'presenced.refused';
const isToken = /^[\x20-\x7e]+$/; // what a header can hold

export class Access {
  #opened;
  #error = null;

  /** `opened()` is called once a token opens something. */
  constructor(opened) {
    this.#opened = opened;
    byId('access-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(byId('token').value.trim());
    });
    onLanguage(() => this.#say(this.#error));
  }

  #say(error) {
    this.#error = error;
    setText(byId('access-error'), error === null ? '' : word(error));
    byId('token').setAttribute('aria-invalid', String(error !== null));
  }

  show() {
    byId('access').hidden = false;
    byId('dashboard').hidden = true;
    byId('forget').hidden = true;
    this.#say(sessionStorage.getItem(refusedKey) === null ? null : 'token_expired');
    sessionStorage.removeItem(refusedKey);
    byId('token').focus();
  }

  /** Forgets the token. `wasRefused`: it opens nothing any more, which show() says after the page was loaded anew. */
  leave(wasRefused) {
    if (wasRefused && token.get() !== null) {
      sessionStorage.setItem(refusedKey, 'yes');
    }
    token.forget();
  }

  hide() {
    byId('access').hidden = true;
    byId('dashboard').hidden = false;
    byId('forget').hidden = token.get() === null;
  }

  async #try(value) {
    if (!isToken.test(value)) {
      this.#say('token_wrong');
      return;
    }
    token.set(value);
    try {
      await get('v1/stats');
    } catch (error) {
      token.forget();
      this.#say(error.status === 401 ? 'token_wrong' : 'token_failed');
      byId('token').select();
      return;
    }
    byId('token').value = '';
    this.#say(null);
    this.#opened();
  }
}
