// SPDX-License-Identifier: MIT
// The language of the page, and numbers and times as its reader writes them.

import { words } from './words.js';

const storageKey = 'presenced.language';
const listeners = [];

const own = {
  language: 'en',
  locale: 'en',
  number: null,
  decimal: null,
  clock: null,
  date: null,
  minute: null,
  hour: null,
  relative: null,
  plural: null,
};

function preferred() {
  const kept = localStorage.getItem(storageKey);
  if (kept in words) {
    return kept;
  }
  const known = navigator.languages.map((tag) => tag.split('-')[0]).find((tag) => tag in words);
  return known ?? 'en';
}

/** The reader's variant of the page's language; of another language, unless this one was asked for, their own. */
function chooseLocale(language) {
  const variant = navigator.languages.find((tag) => tag.split('-')[0] === language);
  const isAskedFor = localStorage.getItem(storageKey) !== null;
  return variant ?? (isAskedFor ? words[language].tag : navigator.languages[0]) ?? language;
}

/** The word of that name, with {name} replaced by the values; with one `n`, in its singular or plural. */
export function word(name, values = {}) {
  let text = words[own.language][name] ?? words.en[name] ?? name;
  if (typeof text === 'object') {
    text = text[own.plural.select(values.n)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (_, key) => (
    typeof values[key] === 'number' ? number(values[key]) : String(values[key] ?? '')));
}

/** Whether there is a word of that name. */
export const hasWord = (name) => name in words.en;

export const number = (value) => own.number.format(value);

/** With one decimal below ten, where it is not whole. */
export const rate = (value) => (value < 9.95 ? own.decimal : own.number).format(value);

const sizeUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function bytes(value) {
  let power = 0;
  let scaled = value;
  for (; scaled >= 1000 && power < sizeUnits.length - 1; power += 1) {
    scaled /= 1000;
  }
  return new Intl.NumberFormat(own.locale, {
    style: 'unit',
    unit: sizeUnits[power],
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: scaled < 10 && power > 0 ? 1 : 0,
  }).format(scaled);
}

export const clock = (unixMs) => own.clock.format(unixMs);
export const minute = (unixMs) => own.minute.format(unixMs);
export const hour = (unixMs) => own.hour.format(unixMs);
export const date = (unixMs) => own.date.format(unixMs);

/** Today's times without the day. */
export function when(unixMs) {
  const isToday = new Date(unixMs).toDateString() === new Date().toDateString();
  return isToday ? clock(unixMs) : date(unixMs);
}

const spans = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

const spanOf = (seconds) => spans.find(([, length]) => Math.abs(seconds) >= length) ?? spans.at(-1);

export function ago(unixMs) {
  const seconds = (unixMs - Date.now()) / 1000;
  const [unit, length] = spanOf(seconds);
  return own.relative.format(Math.round(seconds / length), unit);
}

export function duration(ms) {
  const [unit, length] = spanOf(ms / 1000);
  return new Intl.NumberFormat(words[own.language].tag, {
    style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0,
  }).format(Math.floor(ms / 1000 / length));
}

function prepare(language) {
  const { tag } = words[language];
  own.language = language;
  own.locale = chooseLocale(language);
  own.number = new Intl.NumberFormat(own.locale);
  own.decimal = new Intl.NumberFormat(own.locale, { maximumFractionDigits: 1 });
  own.clock = new Intl.DateTimeFormat(own.locale, { timeStyle: 'medium' });
  own.minute = new Intl.DateTimeFormat(own.locale, { timeStyle: 'short' });
  own.hour = new Intl.DateTimeFormat(own.locale, { hour: 'numeric' });
  own.date = new Intl.DateTimeFormat(own.locale, { dateStyle: 'short', timeStyle: 'medium' });
  own.relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'short' });
  own.plural = new Intl.PluralRules(tag);
}

function apply() {
  document.documentElement.lang = words[own.language].tag;
  for (const element of document.querySelectorAll('[data-word]')) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll('[data-word-label]')) {
    element.setAttribute('aria-label', word(element.dataset.wordLabel));
  }
  for (const language of Object.keys(words)) {
    const button = document.getElementById(`language-${language}`);
    button.setAttribute('aria-pressed', String(language === own.language));
  }
}

/** Calls `listener` after each change of the language. */
export function onLanguage(listener) {
  listeners.push(listener);
}

export function startLanguage() {
  prepare(preferred());
  apply();
  for (const language of Object.keys(words)) {
    document.getElementById(`language-${language}`).addEventListener('click', () => {
      localStorage.setItem(storageKey, language);
      prepare(language);
      apply();
      listeners.forEach((listener) => listener());
    });
  }
}
