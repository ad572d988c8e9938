/* SPDX-License-Identifier: MIT */
/* Sets up the status listener's handler and its settings: who may query it, and by which host names. */
#include "parts.h"

#include "presenced/clock.h"

#include <errno.h>

enum status_readiness daemon_readiness(const struct daemon *daemon)
{
    enum status_readiness readiness = atomic_load(&daemon->readiness);
    return readiness == STATUS_READY && replication_is_learning(daemon) ? STATUS_LEARNING : readiness;
}

static struct status_health health(void *cls)
{
    const struct daemon *daemon = cls;
    const char *store = daemon->store == NULL ? NULL : store_problem(daemon->store);
    const char *replica = daemon->replica == NULL ? NULL : replica_problem(daemon->replica);
    return (struct status_health){
        .readiness = daemon_readiness(daemon),
        .degraded = store != NULL ? store : replica,
    };
}

/* The status listener's settings from a configuration, at start and on reload. */
struct settings_source {
    struct status_settings settings; /* borrows its texts from the configuration */
    struct str *hosts;
    struct status_app_token *tokens;
};

static void settings_source_fini(struct settings_source *source)
{
    free(source->hosts);
    free(source->tokens);
}

static int make_settings(const struct daemon *daemon, const struct config *config,
                         struct settings_source *ret_source)
{
    const struct text_list *allowed = &config->status.allowed_hosts;
    size_t n_tokens = 0;
    ret_source->hosts = calloc(allowed->n + 1, sizeof(*ret_source->hosts));
    ret_source->tokens = calloc(config->n_apps, sizeof(*ret_source->tokens));
    if (ret_source->hosts == NULL || ret_source->tokens == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < allowed->n; i++) {
        ret_source->hosts[i] = str_from(allowed->items[i]);
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        if (app->query_token.len > 0) {
            ret_source->tokens[n_tokens++] = (struct status_app_token){
                .app = (uint16_t)table_find_app(daemon->table, app->id),
                .token = buf_str(&app->query_token),
            };
        }
    }
    ret_source->settings = (struct status_settings){
        .allowed_hosts = ret_source->hosts,
        .n_allowed_hosts = allowed->n,
        .token = buf_str(&config->status.token),
        .app_tokens = ret_source->tokens,
        .n_app_tokens = n_tokens,
    };
    return 0;
}

static void on_new_events(void *cls)
{
    wake_streams(cls);
}

/* Leaves connections for other requests. */
static unsigned max_streams(const struct daemon *daemon)
{
    return daemon->max_connections[STATUS_LISTENER] / 3 * 2;
}

int start_status(struct daemon *daemon)
{
    cleanup(settings_source_fini) struct settings_source source = {.hosts = NULL};
    int r = make_settings(daemon, daemon->config, &source);
    if (r < 0) {
        return r;
    }
    describe_parts(daemon, daemon->status_parts);
    const struct status_config config = {
        .table = daemon->table,
        .online_minutes = daemon->online_minutes,
        .breakdown = daemon->breakdown,
        .user_events = history_of_status(daemon),
        .version = PRESENCED_VERSION,
        .started_unix_ms = daemon->started_unix_ms,
        .started_monotonic_ms = daemon->started_monotonic_ms,
        .unix_ms = clock_unix_ms,
        .monotonic_ms = clock_monotonic_ms,
        .max_streams = max_streams(daemon),
        .wake_streams = on_new_events,
        .wake_cls = daemon,
        .health = health,
        .health_cls = daemon,
        .warnings = daemon->warnings,
        .refused = daemon->refused,
        .reconcile = asking_of_app(daemon),
        .parts = daemon->status_parts,
        .n_parts = N_STATUS_PARTS,
    };
    return status_new(&config, &source.settings, &daemon->status);
}

void stop_status(struct daemon *daemon)
{
    status_free(daemon->status);
}

int prepare_status_settings(struct daemon *daemon, const struct config *config,
                            struct status_settings **ret_settings)
{
    cleanup(settings_source_fini) struct settings_source source = {.hosts = NULL};
    int r = make_settings(daemon, config, &source);
    return r < 0 ? r : status_prepare(&source.settings, ret_settings);
}
