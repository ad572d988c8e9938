/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROGRESS_H
#define PRESENCED_PROGRESS_H

/* Shows the progress of a transfer on stderr if that is a terminal. For one thread at a time. */

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *verb; /* such as "exported" */
    bool is_shown;
    bool has_line; /* the last line on the terminal is unfinished */
    uint64_t next_ms;
};

struct progress progress_begin(const char *verb);

/* Shows the progress if enough time has passed; cheap to call often. */
void progress_update(struct progress *progress, uint64_t n_users);

/* Shows the progress at once, for infrequent callers. */
void progress_update_now(struct progress *progress, uint64_t n_users);

/* Ends the progress line, so that other output can follow. */
void progress_end(struct progress *progress, uint64_t n_users);

#endif
