/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WARNINGS_H
#define PRESENCED_WARNINGS_H

/* What needs a person: a list of what is so at the moment, which the log, /v1/stats, /metrics and the service
 * manager show in the same words. One thread raises and clears; any thread may read. */

#include "presenced/str.h"

/* Code and name; the worst first. */
#define WARNING_CODES(X)                                          \
    X(EVERYTHING_REFUSED, "everything_refused")                   \
    X(STORE_PROBLEM, "store_problem")                             \
    X(TABLE_FULL, "table_full")                                   \
    X(REPLICATION_PROBLEM, "replication_problem")                 \
    X(NO_ROOM, "no_room")                                         \
    X(HANDSHAKES_FAIL, "handshakes_fail")                         \
    X(RELOAD_FAILED, "reload_failed")                             \
    X(CERTIFICATE_EXPIRED, "certificate_expired")                 \
    X(CERTIFICATE_NOT_YET_VALID, "certificate_not_yet_valid")     \
    X(CERTIFICATE_EXPIRES_SOON, "certificate_expires_soon")       \
    X(CERTIFICATE_WITHOUT_TLS_1_2, "certificate_without_tls_1_2") \
    X(REPLICATION_EVICTION, "replication_eviction")               \
    X(APP_QUIET, "app_quiet")                                     \
    X(RECONCILE, "reconcile")                                     \
    X(DRAINING, "draining")                                       \
    X(APP_UNSIGNED, "app_unsigned")

enum warning_code {
#define WARNING_AS_ENUM(id, name) WARNING_##id,
    WARNING_CODES(WARNING_AS_ENUM)
#undef WARNING_AS_ENUM
        WARNING_N_CODES,
};

const char *warning_code_name(enum warning_code code);

#define WARNING_TEXT_SIZE 256

struct warnings;

/* 0 or -ENOMEM. */
int warnings_new(struct warnings **ret_warnings);
void warnings_free(struct warnings *warnings);
DEFINE_CLEANUP(struct warnings *, warnings_free)

/* It is so, or still is. `subject` tells those of one code apart: an app's id, a listener's number. The text,
 * cut to fit WARNING_TEXT_SIZE, but not within a character, takes the place of what was said of it before.
 * One that is new is logged; where there is no memory for it, that is all. `now_ms`: clock_monotonic_ms(). */
void warnings_raise(struct warnings *warnings, enum warning_code code, uint64_t subject, const char *text,
                    uint64_t now_ms);

/* It is not, or no longer, which is logged. */
void warnings_clear(struct warnings *warnings, enum warning_code code, uint64_t subject);

/* The same for each of that code of which `is_so` says false. */
void warnings_review(struct warnings *warnings, enum warning_code code,
                     bool (*is_so)(void *cls, uint64_t subject), void *cls);

/* Logs again what has been so for a day since it was logged. Costs little to call often. */
void warnings_remind(struct warnings *warnings, uint64_t now_ms);

struct warning {
    enum warning_code code;
    uint64_t subject;
    struct str text; /* until the visitor returns */
};

/* Visits all by code and subject, under a lock that raising waits for. */
void warnings_each(struct warnings *warnings, void (*visit)(void *cls, const struct warning *warning),
                   void *cls);

#endif
