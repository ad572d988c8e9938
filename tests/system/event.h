/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_EVENT_H
#define PRESENCED_TESTS_EVENT_H

/* Makes State.StateChange callbacks like those captured in protocol.md, and checks the answers. */

#include "client.h"

#define EVENT_APP 1400000000
#define EVENT_OTHER_APP 1400000001

/* Returns "&RequestTime=…&Sign=…" for `token` at `unix_s`. The caller frees it. */
char *event_sign(const char *token, int64_t unix_s);

/* The same for the current time. */
char *event_sign_now(const char *token);

/* Returns the target of a State.StateChange for an app, with `more` ("&…", or "") at its end. The caller
 * frees it. */
char *event_target(uint64_t app, const char *platform, const char *more);

/* Returns a body; without EventTime if `event_time_ms` is 0. The caller frees it. */
char *event_body(const char *user, const char *action, const char *reason, uint64_t event_time_ms);

/* Sends an unsigned Login of the user on Web and expects OK. */
void event_login(struct client *callback, const char *user, uint64_t event_time_ms);

/* The same without expecting an answer, because the connection may be lost. Returns as client_try(). */
CURLcode event_try_login(struct client *callback, const char *user, uint64_t event_time_ms,
                         struct answer *ret_answer);

/* Returns whether the answer is OK. */
bool event_is_ok(struct answer *answer);

/* Fails the test unless the answer has this status, the right Content-Type and exactly the members
 * ActionStatus, ErrorCode and ErrorInfo, with this ActionStatus and ErrorCode and, only for FAIL, a text in
 * ErrorInfo. */
void expect_callback(struct answer *answer, long status, const char *action_status, int error_code);

/* The same for the bytes of an answer, as received by wire.h. */
void expect_callback_bytes(struct buf *bytes, int status, const char *action_status, int error_code);

/* Fails the test unless the status API returns this state for a user of EVENT_APP; "" is the status 404. */
void expect_state(struct client *status, const char *user, const char *state);

/* Replaces each number that is a time in ms from `from_ms` to now by NOW. */
void mask_times(struct buf *json, uint64_t from_ms);

#endif
