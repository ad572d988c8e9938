/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_LIVE_SETTINGS_H
#define PRESENCED_STATUS_LIVE_SETTINGS_H

/* The current settings of the status listener, which a reload can replace while requests read them. Any
 * thread may call everything here except live_settings_init() and live_settings_fini(). */

#include "presenced/status.h"

#include <pthread.h>

struct live_settings {
    pthread_rwlock_t lock;
    struct status_settings *current;
};

/* Copies settings into one allocation, to be passed to live_settings_init(), live_settings_adopt() or
 * live_settings_free(). Returns 0 or -ENOMEM. */
int live_settings_copy(const struct status_settings *from, struct status_settings **ret_copy);

/* Wipes the tokens and frees the copy. Accepts NULL. */
void live_settings_free(struct status_settings *copy);

/* Takes ownership of `copy`. */
void live_settings_init(struct live_settings *live, struct status_settings *copy);
void live_settings_fini(struct live_settings *live);

/* Makes `copy` the current settings and frees the previous ones. Takes ownership of `copy`. Waits until the
 * previous settings have been released. */
void live_settings_adopt(struct live_settings *live, struct status_settings *copy);

/* Returns the current settings, which are not replaced before live_settings_release(). */
const struct status_settings *live_settings_acquire(struct live_settings *live);
void live_settings_release(struct live_settings *live);

#endif
