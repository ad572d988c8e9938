/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_SETTINGS_H
#define PRESENCED_RECONCILE_SETTINGS_H

/* What the configuration says of asking for one app, checked and copied. Any thread. */

#include "presenced/reconcile.h"

struct app_settings {
    uint16_t app;
    uint64_t sdkappid;
    char admin[257];
    struct secret *key;
    char urls[RECONCILE_N_HOSTS][RECONCILE_HOST_MAX]; /* of the host that is asked, and those in its place */
    unsigned n_urls;
    uint64_t calls_per_second;
    uint64_t stale_after_ms;
    uint64_t sweep_ms;
};

/* 0; -EINVAL for an admin or a URL that is none; -ENOTSUP where OpenSSL cannot sign; -ENOMEM. The settings
 * are for app_settings_fini() whatever comes back, and begin all zero. */
int app_settings_prepare(const struct table *table, const struct reconcile_config *config,
                         const struct reconcile_app *from, struct app_settings *settings);
void app_settings_fini(struct app_settings *settings);

#endif
