/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_WATCH_H
#define PRESENCED_DAEMON_WATCH_H

/* Whether counters that are looked at now and then tell of trouble. Each struct is all zero at the start of
 * the counters. Times are clock_monotonic_ms()'s. Main thread only. */

#include <stdbool.h>
#include <stdint.h>

/* That for a minute nothing was answered OK, though something was asked. Over when something is, or when
 * nobody has asked for ten minutes. */
struct refusal_watch {
    uint64_t n_ok;
    uint64_t n_not_ok;
    uint64_t n_since_ok; /* not OK since the last that was */
    uint64_t first_ms;   /* of those */
    uint64_t last_ms;
};

/* Below `n_min` it says nothing: one may be a mistake. */
bool refusal_watch_look(struct refusal_watch *watch, uint64_t n_ok, uint64_t n_not_ok, uint64_t n_min,
                        uint64_t now_ms);

/* That most of the last handshakes have failed: of ten at least, or else of those of ten minutes. */
struct handshake_watch {
    uint64_t n_done;
    uint64_t n_failed;
    uint64_t begin_ms;
    bool is_so;
};

bool handshake_watch_look(struct handshake_watch *watch, uint64_t n_done, uint64_t n_failed, uint64_t now_ms);

/* That something has happened in the last minute. */
struct recent_watch {
    uint64_t n;
    uint64_t last_ms;
    bool is_so;
};

bool recent_watch_look(struct recent_watch *watch, uint64_t n, uint64_t now_ms);

/* That a stamp has not changed for a while. */
struct quiet_watch {
    uint64_t stamp;
    uint64_t since_ms; /* 0: was never looked at */
};

/* `quiet_after_ms` 0: never. */
bool quiet_watch_look(struct quiet_watch *watch, uint64_t stamp, uint64_t quiet_after_ms, uint64_t now_ms);

#endif
