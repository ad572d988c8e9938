/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_WATCH_H
#define PRESENCED_DAEMON_WATCH_H

/* Derives from counters that are read periodically whether there is a problem. Each struct must be all zero
 * when the counters are. Times are those of clock_monotonic_ms(). Main thread only. */

#include <stdbool.h>
#include <stdint.h>

/* Detects that for a minute nothing was answered OK although there were requests. Ends when something is
 * answered OK, or after ten minutes without requests. */
struct refusal_watch {
    uint64_t n_ok;
    uint64_t n_not_ok;
    uint64_t n_since_ok; /* requests that were not answered OK, since the last that was */
    uint64_t first_ms;   /* when these began */
    uint64_t last_ms;
};

/* Returns whether there is a problem: with fewer than `n_min` such requests there is none, because a single
 * one may be a mistake. */
bool refusal_watch_look(struct refusal_watch *watch, uint64_t n_ok, uint64_t n_not_ok, uint64_t n_min,
                        uint64_t now_ms);

/* Detects that most handshakes of the last interval failed. An interval ends after at least ten handshakes,
 * or after ten minutes, in which case there is no problem. */
struct handshake_watch {
    uint64_t n_done;
    uint64_t n_failed;
    uint64_t begin_ms;
    bool has_problem;
};

bool handshake_watch_look(struct handshake_watch *watch, uint64_t n_done, uint64_t n_failed, uint64_t now_ms);

/* Detects that a counter has changed within the last minute. */
struct recent_watch {
    uint64_t n;
    uint64_t last_ms;
    bool has_problem;
};

bool recent_watch_look(struct recent_watch *watch, uint64_t n, uint64_t now_ms);

/* Detects that a stamp has not changed for some time. */
struct quiet_watch {
    uint64_t stamp;
    uint64_t since_ms; /* 0: not read yet */
};

/* Returns false if `quiet_after_ms` is 0. */
bool quiet_watch_look(struct quiet_watch *watch, uint64_t stamp, uint64_t quiet_after_ms, uint64_t now_ms);

#endif
