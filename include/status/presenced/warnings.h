/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WARNINGS_H
#define PRESENCED_WARNINGS_H

/* The current conditions that need a person's attention. The log, /v1/stats, /metrics and the service manager
 * show them, with the same text. One thread raises, clears, reviews and reminds; any thread may call
 * warnings_each(). */

#include "presenced/str.h"

/* Code and name; the most severe first. */
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

/* Returns 0 or -ENOMEM. */
int warnings_new(struct warnings **ret_warnings);
void warnings_free(struct warnings *warnings);
DEFINE_CLEANUP(struct warnings *, warnings_free)

/* Adds a warning, or updates its text. `subject` distinguishes warnings of the same code: an app's id or a
 * listener's number. The text is copied, cut at a character boundary to fit WARNING_TEXT_SIZE. A new warning
 * is logged; if memory cannot be allocated for it, it is only logged. `now_ms` is clock_monotonic_ms(). */
void warnings_raise(struct warnings *warnings, enum warning_code code, uint64_t subject, const char *text,
                    uint64_t now_ms);

/* Removes a warning and logs that. Does nothing if there is no such warning. */
void warnings_clear(struct warnings *warnings, enum warning_code code, uint64_t subject);

/* Clears each warning of that code for which `is_so` returns false. `is_so` is called with the lock held. */
void warnings_review(struct warnings *warnings, enum warning_code code,
                     bool (*is_so)(void *cls, uint64_t subject), void *cls);

/* Logs each warning again that was last logged a day ago or earlier. Cheap enough to be called often. */
void warnings_remind(struct warnings *warnings, uint64_t now_ms);

struct warning {
    enum warning_code code;
    uint64_t subject;
    struct str text; /* valid until the visitor returns */
};

/* Visits all warnings in the order of code and subject, with a lock held that blocks warnings_raise(). */
void warnings_each(struct warnings *warnings, void (*visit)(void *cls, const struct warning *warning),
                   void *cls);

#endif
