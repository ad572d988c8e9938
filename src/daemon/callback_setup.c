/* SPDX-License-Identifier: MIT */
/* Sets up the callback's handler and its rules: who may call, and with which tokens. */
#include "parts.h"

#include "presenced/clock.h"

#include <assert.h>
#include <errno.h>

static_assert(CONFIG_N_APPS_MAX <= TABLE_N_APPS_MAX, "the table has room for every app");
static_assert(CONFIG_N_TOKENS_MAX <= SIGNATURE_N_TOKENS_MAX, "a key has room for every token");

static bool is_ready(void *cls)
{
    return daemon_readiness(cls) == STATUS_READY;
}

/* Returns what the callback's handler needs of a configuration, at start and on reload. Texts and networks
 * are borrowed from `config`; `ret_apps` must have room for all of its apps. */
static struct callback_config callback_config_of(struct daemon *daemon, const struct config *config,
                                                 struct callback_app *ret_apps)
{
    const struct config_callback *from = &config->callback;
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        ret_apps[i] = (struct callback_app){
            .sdkappid = str_from(app->id_text),
            .app = (uint16_t)table_find_app(daemon->table, app->id),
            .sign_tolerance_ms = app->sign_tolerance_ms,
            .key.n_tokens = app->n_tokens,
        };
        for (size_t t = 0; t < app->n_tokens; t++) {
            ret_apps[i].key.tokens[t] = buf_str(&app->tokens[t]);
        }
    }
    return (struct callback_config){
        .path = str_from(from->path),
        .apps = ret_apps,
        .n_apps = config->n_apps,
        .allow = from->allow.items,
        .n_allow = from->allow.n,
        .trusted_proxies = from->trusted_proxies.items,
        .n_trusted_proxies = from->trusted_proxies.n,
        .client_certificate_required = from->client_ca[0] != '\0',
        .other_commands_ok = from->other_commands == CONFIG_OTHER_COMMANDS_OK,
        .table = daemon->table,
        .store = storage_of_callback(daemon),
        .history = history_of_callback(daemon),
        .refused = daemon->refused,
        .is_ready = is_ready,
        .is_ready_cls = daemon,
        .unix_ms = clock_unix_ms,
    };
}

int start_callback(struct daemon *daemon)
{
    cleanup(cleanup_freep) struct callback_app *apps = calloc(daemon->config->n_apps, sizeof(*apps));
    if (apps == NULL) {
        return -ENOMEM;
    }
    struct callback_config config = callback_config_of(daemon, daemon->config, apps);
    return callback_new(&config, &daemon->callback);
}

void stop_callback(struct daemon *daemon)
{
    callback_free(daemon->callback);
}

int prepare_rules(struct daemon *daemon, const struct config *config, struct rules **ret_rules)
{
    cleanup(cleanup_freep) struct callback_app *apps = calloc(config->n_apps, sizeof(*apps));
    if (apps == NULL) {
        return -ENOMEM;
    }
    const struct callback_config rules = callback_config_of(daemon, config, apps);
    return callback_prepare(daemon->callback, &rules, ret_rules);
}
