/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_MINUTES_H
#define PRESENCED_STORE_MINUTES_H

/* The number of online users per minute until it is in the engine: the current minute, and one that has ended
 * and is pending until the writer thread has written it. Any thread may call everything here. */

#include "layout.h"

#include <pthread.h>
#include <stdbool.h>

struct minutes {
    pthread_mutex_t lock;
    struct layout_minute current; /* unix_ms 0: none yet */
    struct layout_minute pending; /* unix_ms 0: none */
};

void minutes_init(struct minutes *minutes);
void minutes_fini(struct minutes *minutes);

/* Records a value, which replaces earlier values of the same minute. Returns whether a previous minute has
 * ended. */
bool minutes_record(struct minutes *minutes, uint64_t unix_ms, uint64_t n_online);

/* These return false if there is none. */
bool minutes_current(struct minutes *minutes, struct layout_minute *ret_minute);
bool minutes_pending(struct minutes *minutes, struct layout_minute *ret_minute);

/* Called when the pending minute was written; one that has become pending since stays pending. */
void minutes_written(struct minutes *minutes, const struct layout_minute *minute);

#endif
