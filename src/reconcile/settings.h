/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_SETTINGS_H
#define PRESENCED_RECONCILE_SETTINGS_H

/* The settings of one app, checked and copied. Any thread. */

#include "presenced/reconcile.h"

struct app_settings {
    uint16_t app;
    uint64_t sdkappid;
    char admin[257];
    struct secret *key;
    char urls[RECONCILE_N_HOSTS][RECONCILE_HOST_MAX]; /* of the preferred host and its alternative */
    unsigned n_urls;
    uint64_t calls_per_second;
    uint64_t stale_after_ms;
    uint64_t sweep_ms;
};

/* Returns 0; -EINVAL if the admin or the URL is invalid; -ENOTSUP if OpenSSL cannot sign; or -ENOMEM.
 * `settings` must be all zero before, and is for app_settings_fini() even after an error. */
int app_settings_prepare(const struct table *table, const struct reconcile_config *config,
                         const struct reconcile_app *from, struct app_settings *settings);
void app_settings_fini(struct app_settings *settings);

#endif
