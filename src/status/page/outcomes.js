// SPDX-License-Identifier: MIT
// What became of callbacks: the outcomes of /v1/stats `events`, by the answer that they got.

const ok = ['applied', 'unchanged', 'forgotten', 'other_command_ok'];
const health = ['healthy', 'not_ready'];
const refused = ['other_path', 'other_method', 'bad_framing', 'no_length', 'too_large'];
const notAnOutcome = ['restamped'];

/** 'ok', 'fail' (status 200, ActionStatus FAIL), 'refused' (a status of 4xx), or null: it is no callback. */
export function answerOf(outcome) {
  if (health.includes(outcome) || notAnOutcome.includes(outcome)) {
    return null;
  }
  if (ok.includes(outcome)) {
    return 'ok';
  }
  return refused.includes(outcome) || outcome.startsWith('refused_') ? 'refused' : 'fail';
}

/** {ok, fail, refused} of `events`. */
export function countAnswers(events) {
  const counts = { ok: 0, fail: 0, refused: 0 };
  for (const [outcome, n] of Object.entries(events)) {
    const answer = answerOf(outcome);
    if (answer !== null) {
      counts[answer] += n;
    }
  }
  return counts;
}
