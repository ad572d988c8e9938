/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_MINUTES_H
#define PRESENCED_STORE_MINUTES_H

/* The count of online users on its way to the engine, a value a minute: the current minute, and one that has
 * ended and is pending until the writer thread has written it. Any thread. */

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

/* The last count of a minute stays. Whether a minute has ended with it. */
bool minutes_record(struct minutes *minutes, uint64_t unix_ms, uint64_t n_online);

/* False: there is none. */
bool minutes_current(struct minutes *minutes, struct layout_minute *ret_minute);
bool minutes_pending(struct minutes *minutes, struct layout_minute *ret_minute);

/* The pending minute was written; one that became pending since stays so. */
void minutes_written(struct minutes *minutes, const struct layout_minute *minute);

#endif
