/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ROW_H
#define PRESENCED_ROW_H

/* One platform of one user: the last that is known of it, and the order that says which of two is the last.
 */

#include "presenced/address.h"
#include "presenced/platform.h"

/* EventTime's highest value: 2^53 - 1, what a JSON number carries exactly. */
#define EVENT_TIME_MAX_MS ((UINT64_C(1) << 53) - 1)

/* In rising order: of two rows with one EventTime, the higher action stays. What Tencent answered to a query
 * (ROW_REASON_RECONCILED) has the action whose state it told, and is lower than any event. */
enum row_action {
    ROW_KICKED,
    ROW_LOGOUT,
    ROW_DISCONNECT,
    ROW_LOGIN,
};

/* In rising order, as actions. */
enum row_reason {
    ROW_REASON_REGISTER,
    ROW_REASON_UNREGISTER,
    ROW_REASON_LINK_CLOSE,
    ROW_REASON_TIMEOUT,
    ROW_REASON_KICKED,
    ROW_REASON_OTHER,
    ROW_REASON_RECONCILED, /* not an event's: an answer of Tencent's */
    ROW_N_REASONS,
};

struct row {
    uint64_t event_time_ms;    /* 0 … EVENT_TIME_MAX_MS */
    uint64_t received_unix_ms; /* below 2^48; takes no part in the order */
    struct address client;     /* none where Tencent named none */
    uint8_t platform;          /* a number of platform.h */
    uint8_t action;            /* enum row_action */
    uint8_t reason;            /* enum row_reason */
};

/* By EventTime, then events before answers, then action, then reason, then client address as bytes (none
 * lowest): below, equal to or above 0. Rows that carry their own stamps so end the same in any order of
 * arrival. */
int row_compare(const struct row *a, const struct row *b);

/* As the status API spells them: "Login", "LinkClose". */
struct str row_reason_name(enum row_reason reason);

/* What a row is shown as: action and reason of an event; of an answer "Reconciled" and the status that
 * Tencent told, "Online", "PushOnline" or "Offline". */
struct row_words {
    struct str action;
    struct str reason;
};

struct row_words row_words(const struct row *row);

/* And back: sets action and reason. False for words that are none. */
bool row_read_words(const struct row_words *words, struct row *ret_row);

#endif
