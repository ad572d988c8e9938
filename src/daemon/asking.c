/* SPDX-License-Identifier: MIT */
/* Reconciliation with Tencent for the apps that have a key: its settings, its metrics, the questions of
 * presencectl, and what to do when events may have been lost. */
#include "parts.h"

#include "signals.h"

#include <errno.h>
#include <inttypes.h>
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
    const struct callback_history history = history_of_callback(daemon);
    const struct reconcile_sharing sharing = sharing_of_asking(daemon);
    announce_asking(daemon, settings);
    int r = reconcile_new(daemon->table, &(struct reconcile_history){history.add, history.cls}, &sharing,
                          settings, &reconcile);
    if (r < 0) {
        log_error("Tencent is not asked", log_errno("error", r));
        announce_asking(daemon, NULL);
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
    announce_asking(daemon, NULL);
    reconcile_free(atomic_exchange(&daemon->reconcile, NULL));
}

void adopt_asking(struct daemon *daemon, struct reconcile_settings *settings)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    if (reconcile != NULL) {
        announce_asking(daemon, settings);
        reconcile_adopt(reconcile, settings);
    } else if (reconcile_settings_n(settings) > 0) {
        (void)start(daemon, settings); /* logged; events are accepted regardless */
    } else {
        reconcile_discard(settings);
    }
}

void lose_events(struct daemon *daemon)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    if (reconcile != NULL) {
        reconcile_gap(reconcile);
    }
}

bool asking_stats(struct daemon *daemon, uint16_t app, struct reconcile_stats *ret_stats)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    return reconcile != NULL && reconcile_stats(reconcile, app, ret_stats);
}

static bool visit_app(void *cls, uint16_t app, const struct metric_visitor *visitor)
{
    struct daemon *daemon = cls;
    struct reconcile_stats stats;
    char id[24];
    if (!asking_stats(daemon, app, &stats)) {
        return false;
    }
    int len = snprintf(id, sizeof(id), "%" PRIu64, table_app_id(daemon->table, app));
    reconcile_metrics(&stats, (struct str){id, (size_t)len}, visitor);
    return true;
}

/* Returns the table's index of the app, or of the only app if `id` is 0; else -1 with the reason in
 * `lines`. */
static int find_app(const struct daemon *daemon, uint64_t id, struct buf *lines)
{
    if (id == 0 && table_n_apps(daemon->table) != 1) {
        buf_append(lines, STR("several apps are configured: say which (app)\n"));
        return -1;
    }
    int app = id == 0 ? 0 : table_find_app(daemon->table, id);
    if (app < 0) {
        buf_appendf(lines, "app %" PRIu64 " is not configured\n", id);
    }
    return app;
}

/* Called from the thread of reconcile. */
static void wake(void *cls)
{
    struct daemon *daemon = cls;
    signals_wake(daemon->main_thread);
}

bool begin_inquiry(struct daemon *daemon, const struct control_question *question, struct buf *lines)
{
    struct reconcile *reconcile = atomic_load(&daemon->reconcile);
    int app = find_app(daemon, question->app_id, lines);
    if (app < 0) {
        return false;
    }
    int r = reconcile == NULL ? RECONCILE_NOT_ASKED
                              : reconcile_inquire(reconcile, (uint16_t)app, question->users,
                                                  question->n_users, wake, daemon);
    if (r == RECONCILE_NOT_ASKED) {
        buf_appendf(lines, "app %" PRIu64 " has no key: set admin and secret_key_file\n",
                    table_app_id(daemon->table, (uint16_t)app));
    } else if (r == RECONCILE_BUSY) {
        buf_append(lines, STR("it is being asked already\n"));
    } else if (r < 0) {
        buf_append(lines, STR("out of memory\n"));
    }
    return r == 0;
}

bool end_inquiry(struct daemon *daemon, struct buf *ret_answer)
{
    return reconcile_take_answer(atomic_load(&daemon->reconcile), ret_answer);
}

struct status_app_part asking_of_app(struct daemon *daemon)
{
    return (struct status_app_part){visit_app, daemon};
}
