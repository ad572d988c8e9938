/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_LIVE_SETTINGS_H
#define PRESENCED_STATUS_LIVE_SETTINGS_H

/* The status listener's settings, held where a reload can exchange them under the requests that read them.
 * Any thread may call everything here but live_settings_init() and live_settings_fini(). */

#include "presenced/status.h"

#include <pthread.h>

struct live_settings {
    pthread_rwlock_t lock;
    struct status_settings *current;
};

/* A copy in one block of memory, for live_settings_init(), live_settings_adopt() or live_settings_free(). 0
 * or -ENOMEM. */
int live_settings_copy(const struct status_settings *from, struct status_settings **ret_copy);

/* Wipes the tokens. Takes NULL. */
void live_settings_free(struct status_settings *copy);

/* Consumes `copy`. */
void live_settings_init(struct live_settings *live, struct status_settings *copy);
void live_settings_fini(struct live_settings *live);

/* Makes `copy`, which is consumed, the current. */
void live_settings_adopt(struct live_settings *live, struct status_settings *copy);

/* What is current, to be left as it is until live_settings_release(). */
const struct status_settings *live_settings_acquire(struct live_settings *live);
void live_settings_release(struct live_settings *live);

#endif
