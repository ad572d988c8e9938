/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_LIVE_SETTINGS_H
#define PRESENCED_STATUS_LIVE_SETTINGS_H

/* The status listener's settings, held where a reload can exchange them under the requests that read them.
 * Any thread may call everything here but live_settings_init() and live_settings_fini(). */

#include "presenced/status.h"

#include <pthread.h>

struct live_settings {
    pthread_rwlock_t lock;
    struct status_settings *current; /* one block of memory */
};

/* 0 or -ENOMEM. */
int live_settings_init(struct live_settings *live, const struct status_settings *initial);
void live_settings_fini(struct live_settings *live);

/* Copies `next` and makes it the current. 0, or -ENOMEM: nothing has changed. */
int live_settings_set(struct live_settings *live, const struct status_settings *next);

/* What is current, to be left as it is until live_settings_release(). */
const struct status_settings *live_settings_acquire(struct live_settings *live);
void live_settings_release(struct live_settings *live);

#endif
