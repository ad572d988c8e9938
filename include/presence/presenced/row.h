/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ROW_H
#define PRESENCED_ROW_H

/* The last known state of one platform of one user, and the total order that decides which of two rows is the
 * later one. Any thread may call everything here. */

#include "presenced/address.h"
#include "presenced/platform.h"

/* Highest EventTime: 2^53 - 1, the largest integer that a JSON number carries exactly. */
#define EVENT_TIME_MAX_MS ((UINT64_C(1) << 53) - 1)

/* In ascending order of precedence: of two rows with the same EventTime, the one with the higher action wins.
 * A row from Tencent's answer to a query (ROW_REASON_RECONCILED) has the action that corresponds to the
 * reported status, and loses against any event. */
enum row_action {
    ROW_KICKED,
    ROW_LOGOUT,
    ROW_DISCONNECT,
    ROW_LOGIN,
};

/* Reasons that Tencent sends with an event, in Tencent's spelling, which the status API uses, too. */
#define ROW_EVENT_REASONS(X)    \
    X(REGISTER, "Register")     \
    X(UNREGISTER, "Unregister") \
    X(LINK_CLOSE, "LinkClose")  \
    X(TIMEOUT, "TimeOut")

/* All reasons, in ascending order of precedence, like actions. RECONCILED marks a row that comes from
 * Tencent's answer to a query instead of an event. Records store the values, so they must not change. */
#define ROW_REASONS(X)   \
    ROW_EVENT_REASONS(X) \
    X(KICKED, "Kicked")  \
    X(OTHER, "Other")    \
    X(RECONCILED, "Reconciled")

enum row_reason {
#define ROW_AS_ENUM(id, name) ROW_REASON_##id,
    ROW_REASONS(ROW_AS_ENUM)
#undef ROW_AS_ENUM
        ROW_N_REASONS,
};

struct row {
    uint64_t event_time_ms;    /* 0 … EVENT_TIME_MAX_MS */
    uint64_t received_unix_ms; /* below 2^48; not part of the order */
    struct address client;     /* no address if Tencent sent none */
    uint8_t platform;          /* platform number (platform.h) */
    uint8_t action;            /* enum row_action */
    uint8_t reason;            /* enum row_reason */
};

/* Compares by EventTime, then events before answers to queries, then by action, by reason, and by the bytes
 * of the client address (no address is lowest). Returns a value below, equal to or above 0. Because the order
 * is total and uses only the event itself, rows end up the same in whatever order events arrive. */
int row_compare(const struct row *a, const struct row *b);

/* Returns the spelling of the status API: "Login", "LinkClose". Constant. */
struct str row_reason_name(enum row_reason reason);

/* How a row is shown: the action and reason of an event. For an answer to a query, the action is "Reconciled"
 * and the reason is the status: "Online", "PushOnline" or "Offline". */
struct row_words {
    struct str action;
    struct str reason;
};

struct row_words row_words(const struct row *row);

/* The inverse of row_words(): sets action and reason of `ret_row`. Returns false for unknown words. */
bool row_read_words(const struct row_words *words, struct row *ret_row);

#endif
