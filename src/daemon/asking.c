/* SPDX-License-Identifier: MIT */
/* Asking Tencent, for the apps that have a key: how it is configured, what is told of it, and when events may
 * have been lost. */
#include "parts.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>

_Static_assert(CONFIG_N_REGIONS == RECONCILE_N_REGIONS, "each region has its hosts");

static bool has_key(const struct config_app *app)
{
    return secret_str(app->secret_key).len > 0;
}

static size_t count_keys(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_apps; i++) {
        n += has_key(&config->apps[i]);
    }
    return n;
}

int prepare_asking(struct daemon *daemon, const struct config *config,
                   struct reconcile_settings **ret_settings)
{
    cleanup(cleanup_freep) struct reconcile_app *apps = calloc(config->n_apps + 1, sizeof(*apps));
    size_t n = 0;
    if (apps == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        if (has_key(app)) {
            apps[n++] = (struct reconcile_app){
                .app = (uint16_t)table_find_app(daemon->table, app->id),
                .admin = str_from(app->admin),
                .secret_key = secret_str(app->secret_key),
                .api_url = str_from(app->api_url),
                .region = app->region,
            };
        }
    }
    const struct reconcile_config settings = {
        .apps = apps,
        .n_apps = n,
        .calls_per_second = config->reconcile.calls_per_second,
        .stale_after_ms = config->reconcile.stale_after_ms,
        .sweep_ms = config->reconcile.sweep_ms,
    };
    int r = reconcile_prepare(daemon->table, &settings, ret_settings);
    if (r < 0) {
        log_error("Tencent cannot be asked", log_errno("error", r));
    }
    return r;
}

static int start(struct daemon *daemon, struct reconcile_settings *settings)
{
    struct reconcile *reconcile = NULL;
    int r = reconcile_new(daemon->table, settings, &reconcile);
    if (r < 0) {
        log_error("Tencent is not asked", log_errno("error", r));
        reconcile_discard(settings);
        return r;
    }
    atomic_store(&daemon->reconcile, reconcile);
    return 0;
}

int start_asking(struct daemon *daemon)
{
    struct reconcile_settings *settings = NULL;
    if (count_keys(daemon->config) == 0) {
        return 0;
    }
    int r = prepare_asking(daemon, daemon->config, &settings);
    return r < 0 ? r : start(daemon, settings);
}

void stop_asking(struct daemon *daemon)
{
    reconcile_free(atomic_exchange(&daemon->reconcile, NULL));
}

static bool is_known(void *cls, uint64_t id)
{
    struct daemon *daemon = cls;
    struct reconcile_stats stats;
    int app = table_find_app(daemon->table, id);
    return app >= 0 && reconcile_stats(atomic_load(&daemon->reconcile), (uint16_t)app, &stats);
}

void adopt_asking(struct daemon *daemon, struct reconcile_settings *settings)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    if (reconcile != NULL) {
        reconcile_adopt(reconcile, settings);
    } else if (reconcile_settings_n(settings) > 0) {
        (void)start(daemon, settings); /* said; events are taken all the same */
    } else {
        reconcile_discard(settings);
    }
}

static void watch_app(struct daemon *daemon, struct reconcile *reconcile, uint16_t app)
{
    struct reconcile_stats stats;
    char text[WARNING_TEXT_SIZE];
    uint64_t id = table_app_id(daemon->table, app);
    if (!reconcile_stats(reconcile, app, &stats)) {
        return;
    }
    if (stats.problem[0] == '\0') {
        warnings_clear(daemon->warnings, WARNING_RECONCILE, id);
        return;
    }
    (void)snprintf(text, sizeof(text), "app %llu is not reconciled: %s", (unsigned long long)id,
                   stats.problem);
    warnings_raise(daemon->warnings, WARNING_RECONCILE, id, text, clock_monotonic_ms());
}

/* What the store could not take was answered FAIL, and Tencent does not send it again. */
static void watch_store(struct daemon *daemon, struct reconcile *reconcile)
{
    bool is_amiss = daemon->store != NULL && store_problem(daemon->store) != NULL;
    if (daemon->store_was_amiss && !is_amiss) {
        reconcile_gap(reconcile);
    }
    daemon->store_was_amiss = is_amiss;
}

void watch_asking(struct daemon *daemon)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    if (reconcile == NULL) {
        return;
    }
    watch_store(daemon, reconcile);
    warnings_review(daemon->warnings, WARNING_RECONCILE, is_known, daemon);
    for (unsigned app = 0; app < table_n_apps(daemon->table); app++) {
        watch_app(daemon, reconcile, (uint16_t)app);
    }
}

static bool each_of_app(void *cls, uint16_t app, const struct status_visitor *visitor)
{
    struct daemon *daemon = cls;
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    struct reconcile_stats stats;
    if (reconcile == NULL || !reconcile_stats(reconcile, app, &stats)) {
        return false;
    }
    status_tell(visitor, "failing", stats.problem[0] != '\0');
    status_tell(visitor, "problem_code", stats.problem_code);
    status_tell(visitor, "calls_per_second", stats.calls_per_second);
    status_tell(visitor, "calls", stats.n_calls);
    status_tell(visitor, "calls_failed", stats.n_calls_failed);
    status_tell(visitor, "users_asked", stats.n_users_asked);
    status_tell(visitor, "users_confirmed", stats.n_confirmed);
    status_tell(visitor, "corrections_ended", stats.n_ended);
    status_tell(visitor, "corrections_begun", stats.n_begun);
    status_tell(visitor, "corrections_other", stats.n_others);
    status_tell(visitor, "waiting", stats.n_waiting);
    status_tell(visitor, "gaps", stats.n_gaps);
    status_tell(visitor, "last_answer_time", stats.last_answer_unix_ms);
    status_tell(visitor, "last_sweep_time", stats.last_sweep_unix_ms);
    status_tell(visitor, "last_sweep_ms", stats.last_sweep_ms);
    return true;
}

struct status_reconcile asking_state(struct daemon *daemon)
{
    return (struct status_reconcile){each_of_app, daemon};
}
