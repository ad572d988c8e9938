/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROGRESS_H
#define PRESENCED_PROGRESS_H

/* How far a transfer has come, for people: on stderr, where that is a terminal. One thread. */

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *verb; /* "exported" */
    bool is_shown;
    bool has_line; /* one stands there unfinished */
    uint64_t next_ms;
};

struct progress progress_begin(const char *verb);

/* Costs nothing to call often. */
void progress_tell(struct progress *progress, uint64_t n_users);

/* At once, for who calls it seldom. */
void progress_tell_now(struct progress *progress, uint64_t n_users);

/* Ends the line, so that another can be written. */
void progress_end(struct progress *progress, uint64_t n_users);

#endif
