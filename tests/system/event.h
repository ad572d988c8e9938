/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_EVENT_H
#define PRESENCED_TESTS_EVENT_H

/* Makes State.StateChange callbacks as protocol.md's captures show them, and reads what comes back. */

#include "client.h"

#define EVENT_APP 1400000000
#define EVENT_OTHER_APP 1400000001

/* "&RequestTime=…&Sign=…" of `token` at `unix_s`; the caller frees it. */
char *event_sign(const char *token, int64_t unix_s);

/* The same for now. */
char *event_sign_now(const char *token);

/* The target of a State.StateChange of an app, with `more` ("&…", or "") at its end; the caller frees it. */
char *event_target(uint64_t app, const char *platform, const char *more);

/* A body; `event_time_ms` 0 leaves EventTime out. The caller frees it. */
char *event_body(const char *user, const char *action, const char *reason, uint64_t event_time_ms);

/* Sends a Login of the user on Web, unsigned, and expects OK. */
void event_login(struct client *callback, const char *user, uint64_t event_time_ms);

/* The same, expecting nothing: the connection may be lost. What client_try() says. */
CURLcode event_try_login(struct client *callback, const char *user, uint64_t event_time_ms,
                         struct answer *ret_answer);

/* Whether it is an OK. */
bool event_is_ok(struct answer *answer);

/* Whether the answer is the callback's JSON with this ActionStatus and ErrorCode: status, Content-Type, the
 * three members and no other, and words in ErrorInfo for FAIL alone. Fails the test otherwise. */
void expect_callback(struct answer *answer, long status, const char *action_status, int error_code);

/* Like expect_callback() for a whole answer as it came over a wire. */
void expect_callback_bytes(struct buf *bytes, int status, const char *action_status, int error_code);

/* The state of a user of EVENT_APP as the status API gives it, "" where it says 404. */
void expect_state(struct client *status, const char *user, const char *state);

/* Puts NOW in the place of each number that is a time in ms from `from_ms` to now. */
void mask_times(struct buf *json, uint64_t from_ms);

#endif
