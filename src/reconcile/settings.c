/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "presenced/usersig.h"
#include "presenced/wipe.h"
#include "region.h"

#include <errno.h>
#include <stdio.h>

static int set_urls(const struct reconcile_app *from, struct app_settings *settings)
{
    if (from->api_url.len >= RECONCILE_HOST_MAX) {
        return -EINVAL;
    }
    if (from->api_url.len > 0) {
        (void)snprintf(settings->urls[0], RECONCILE_HOST_MAX, "%.*s", STR_FMT(from->api_url));
        settings->n_urls = 1;
        return 0;
    }
    for (unsigned i = 0; i < RECONCILE_N_HOSTS; i++) {
        (void)snprintf(settings->urls[i], RECONCILE_HOST_MAX, "%s", region_urls[from->region][i]);
    }
    settings->n_urls = RECONCILE_N_HOSTS;
    return 0;
}

/* Checks that a UserSig can be made. Returns 0 or an error of usersig_make(). */
static int try_signing(const struct table *table, const struct reconcile_app *app)
{
    cleanup(wipe_buf) struct buf unused = {0};
    struct usersig_claim claim = {table_app_id(table, app->app), app->admin, 0, 1};
    return usersig_make(&claim, app->secret_key, &unused);
}

int app_settings_prepare(const struct table *table, const struct reconcile_config *config,
                         const struct reconcile_app *from, struct app_settings *settings)
{
    int r = try_signing(table, from);
    if (r < 0) {
        return r;
    }
    r = set_urls(from, settings);
    if (r < 0) {
        return r;
    }
    settings->app = from->app;
    settings->sdkappid = table_app_id(table, from->app);
    settings->calls_per_second = config->calls_per_second;
    settings->stale_after_ms = config->stale_after_ms;
    settings->sweep_ms = config->sweep_ms;
    (void)snprintf(settings->admin, sizeof(settings->admin), "%.*s", STR_FMT(from->admin));
    return secret_new(from->secret_key, &settings->key);
}

void app_settings_fini(struct app_settings *settings)
{
    secret_free(settings->key);
    settings->key = NULL;
}
