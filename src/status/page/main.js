// SPDX-License-Identifier: MIT
// The page: asks /v1/stats every two seconds while somebody looks, reads /v1/events, and shows both.

import { Access } from './access.js';
import { ApiError, get, needsToken, token } from './api.js';
import { Callbacks, showApps, showParts, showWarnings } from './cards.js';
import { byId, setText } from './dom.js';
import { Feed } from './feed.js';
import { clock, onLanguage, startLanguage, word } from './language.js';
import { Lookup } from './lookup.js';
import { countAnswers } from './outcomes.js';
import { Overview } from './overview.js';
import { Refused } from './refused.js';
import { Stream } from './stream.js';

const statsMs = 2000;
const changeMs = 800; // after a change, if the last answer is older than that
const onlineMs = 10000;
const refusedMs = 10000;

startLanguage();

const overview = new Overview();
const callbacks = new Callbacks();
const lookup = new Lookup();
const feed = new Feed((app, user) => lookup.lookFrom(app, user));
const refused = new Refused();
const stream = new Stream();
const access = new Access(() => start());

let stats = null;
let link = { state: 'connecting' };
let seenMs = null; // when the daemon answered last
let isRunning = false;
let isAsking = false;
let isReachable = true;
let nRefused = null;

function healthText({ status, degraded }) {
  if (!isReachable) {
    return word('health_unreachable');
  }
  return degraded === undefined ? word(`health_${status}`) : word('health_degraded', { reason: degraded });
}

function renderHealth() {
  const pill = byId('health');
  const isWell = isReachable && stats?.health.status === 'ready' && stats.health.degraded === undefined;
  pill.hidden = !isRunning || (stats === null && isReachable);
  pill.className = `pill ${isWell ? 'good' : 'bad'}`;
  setText(pill, healthText(stats?.health ?? {}));
}

function renderLink() {
  const pill = byId('link');
  pill.className = `pill ${{ live: 'good', cut: 'bad' }[link.state] ?? ''}`;
  setText(pill, isRunning ? word(`link_${link.state}`) : '');
  pill.hidden = !isRunning;
  byId('retry').hidden = !isRunning || link.state !== 'cut';
  document.body.classList.toggle('stale', isRunning && !isReachable);
  setText(byId('about'), isRunning && !isReachable && seenMs !== null ? word('as_of', { time: clock(seenMs) }) : '');
  renderHealth();
}

function render() {
  renderLink();
  if (stats !== null) {
    byId('dashboard').classList.toggle('scoped', isScoped());
    showWarnings(stats);
    showApps(stats);
    showParts(stats);
    feed.setApps(stats.apps.length);
    lookup.setApps(stats.apps.map(({ app }) => app));
  }
}

/** What was shown is for those who have the token: a page that has shown something begins anew. */
function close(wasRefused) {
  const hasShown = !byId('dashboard').hidden;
  isRunning = false;
  stream.stop();
  access.leave(wasRefused);
  if (hasShown) {
    location.reload();
  } else {
    renderLink();
    access.show();
  }
}

/** Runs `asking` and takes what goes wrong: 401 closes the page, anything else the next turn may mend. */
async function attempt(asking) {
  try {
    await asking();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    isReachable = error.status !== 0;
    renderLink();
    if (error.status === 401 && isRunning) {
      close(true);
    }
  }
}

/** Who shows the token of an app gets no counts of callbacks, and is refused the list. */
const isScoped = () => stats !== null && stats.events === undefined;

const refreshRefused = () => attempt(() => (isScoped() ? refused.close() : refused.refresh()));

/** As soon as there are more of them. */
function followRefused() {
  const { fail, refused: n } = isScoped() ? { fail: 0, refused: 0 } : countAnswers(stats.events);
  if (fail + n !== nRefused) {
    nRefused = fail + n;
    refreshRefused();
  }
}

const refreshOnline = () => attempt(async () => overview.showOnline(await get('v1/stats/online')));

async function refreshStats() {
  if (isAsking) {
    return;
  }
  isAsking = true;
  try {
    await attempt(async () => {
      stats = await get('v1/stats');
      seenMs = Date.now();
      isReachable = true;
      overview.showStats(stats);
      callbacks.show(stats);
      render();
      followRefused();
    });
  } finally {
    isAsking = false;
  }
}

/** To ask without a token where one is needed would only be one refused request more. */
async function open() {
  const isClosed = token.get() === null && await needsToken().catch(() => false);
  if (isClosed) {
    access.show();
  } else {
    start();
  }
}

async function start() {
  isRunning = true;
  renderLink();
  await refreshStats();
  if (!isRunning) {
    return;
  }
  access.hide();
  stream.start();
  refreshOnline();
}

/** Calls `refresh` so often, while the page runs and is looked at. */
function repeat(refresh, everyMs) {
  setInterval(() => {
    if (isRunning && !document.hidden) {
      refresh();
    }
  }, everyMs);
}

stream.addEventListener('state', ({ detail }) => {
  link = detail;
  feed.setLive(detail.state === 'live');
  renderLink();
  if (detail.state === 'cut') {
    refreshStats();
  } else if (detail.state === 'live') {
    refreshStats();
    refreshOnline();
  }
});
stream.addEventListener('change', ({ detail }) => {
  feed.take(detail);
  lookup.take(detail);
  if (Date.now() - seenMs > changeMs) {
    refreshStats();
  }
});
stream.addEventListener('reset', () => {
  feed.takeReset();
  refreshStats();
});
stream.addEventListener('unauthorised', () => close(true));

byId('retry').addEventListener('click', () => stream.retry());
byId('forget').addEventListener('click', () => {
  close(false);
});
document.addEventListener('visibilitychange', () => {
  if (isRunning && !document.hidden) {
    refreshStats();
    refreshOnline();
    stream.retry();
  }
});
onLanguage(() => {
  render();
  overview.render();
  callbacks.render();
});

repeat(refreshStats, statsMs);
repeat(refreshOnline, onlineMs);
repeat(refreshRefused, refusedMs);
open();
