// SPDX-License-Identifier: MIT
// GET /v1/events, read by fetch(): EventSource can show no token. Comes back by itself where it was cut, from the last
// id on, so nothing is missed; what is held no longer is told by a `reset`.

import { ask } from './api.js';

const silenceMs = 40000; // heartbeats come every 15 s
const retryMaxMs = 15000;

/** Takes events off a text that comes in pieces; calls `tell({id, event, data})` for each. */
export function makeParser(tell) {
  let rest = '';
  return (text) => {
    let from = 0;
    rest += text;
    for (let to = rest.indexOf('\n\n'); to >= 0; to = rest.indexOf('\n\n', from)) {
      const message = { id: null, event: 'message', data: '', retry: null };
      for (const line of rest.slice(from, to).split('\n')) {
        const colon = line.indexOf(':');
        const name = line.slice(0, colon);
        if (colon > 0 && name in message) {
          message[name] = line.slice(colon + 1).replace(/^ /, '');
        }
      }
      tell(message);
      from = to + 2;
    }
    rest = rest.slice(from);
  };
}

/**
 * Events: `state` (detail: {state: 'connecting' | 'live' | 'cut', retryMs}), `change` (detail: data as text, not
 * parsed, for there may be many), `reset` (detail: data), `unauthorised`.
 */
export class Stream extends EventTarget {
  #lastId = null;
  #retryMs = 2000;
  #nFailures = 0;
  #abort = null;
  #timer = null;
  #isWanted = false;

  start() {
    this.#isWanted = true;
    this.#open();
  }

  stop() {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  /** Does not wait any longer. */
  retry() {
    if (this.#isWanted && this.#abort === null) {
      clearTimeout(this.#timer);
      this.#open();
    }
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #take(message) {
    if (message.id !== null) {
      this.#lastId = message.id;
    }
    if (message.retry !== null) {
      this.#retryMs = Number(message.retry) || this.#retryMs;
    }
    if (message.event === 'presence' || message.event === 'forgotten') {
      this.#say('change', { event: message.event, data: message.data });
    } else if (message.event === 'reset') {
      this.#say('reset', message.data);
    }
  }

  async #read(response, beat) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parse = makeParser((message) => this.#take(message));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      beat();
      parse(decoder.decode(value, { stream: true }));
    }
  }

  async #open() {
    const abort = new AbortController();
    let watchdog = null;
    const beat = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), silenceMs);
    };
    this.#abort = abort;
    if (this.#nFailures === 0) {
      this.#say('state', { state: 'connecting' });
    }
    beat();
    try {
      const headers = this.#lastId === null ? {} : { 'Last-Event-ID': this.#lastId };
      const response = await ask('v1/events', { headers, signal: abort.signal });
      if (response.status === 401) {
        this.#isWanted = false;
        this.#say('unauthorised');
      } else if (response.ok) {
        this.#nFailures = 0;
        this.#say('state', { state: 'live' });
        await this.#read(response, beat);
      }
    } catch {
      // Cut off, or nobody there: it is said below, and tried again.
    }
    clearTimeout(watchdog);
    this.#abort = null;
    if (this.#isWanted) {
      this.#wait();
    }
  }

  #wait() {
    const retryMs = Math.min(this.#retryMs * 2 ** Math.min(this.#nFailures, 5), retryMaxMs);
    this.#nFailures += 1;
    this.#say('state', { state: 'cut', retryMs });
    this.#timer = setTimeout(() => this.#open(), retryMs);
  }
}
