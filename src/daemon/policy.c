/* SPDX-License-Identifier: MIT */
/* What a reload replaces: who may call and with which tokens, the settings of the status listener, the apps
 * about which Tencent is asked, certificates, and the settings of the log. */
#include "parts.h"

#include "presenced/log.h"

/* Apps are only added, never removed: events and users of an app that is no longer configured may still be
 * in use. */
static int add_new_apps(struct daemon *daemon, const struct config *config)
{
    bool was_single = table_n_apps(daemon->table) == 1;
    for (size_t i = 0; i < config->n_apps; i++) {
        uint16_t app;
        if (table_find_app(daemon->table, config->apps[i].id) >= 0) {
            continue;
        }
        int r = table_add_app(daemon->table, config->apps[i].id, &app);
        if (r < 0) {
            return r;
        }
    }
    if (was_single && table_n_apps(daemon->table) > 1) {
        log_warning("there is more than one app now: queries have to say which, with app=");
    }
    return 0;
}

void configure_log(struct daemon *daemon, const struct config *config)
{
    daemon->log = (struct log_config){
        .level = (enum log_level)config->log.level,
        .json = config->log.format == CONFIG_LOG_JSON,
        .hash_users = config->log.hash_users,
    };
    log_configure(&daemon->log);
}

void set_log_level(struct daemon *daemon, enum log_level level)
{
    daemon->log.level = level;
    log_configure(&daemon->log);
}

/* What a reload replaces, prepared before anything is replaced. */
struct policy {
    struct tls_generations generations;
    struct rules *rules;
    struct status_settings *status;
    struct transport_networks *trusted_proxies;
    struct reconcile_settings *asking;
};

static void policy_fini(struct policy *policy)
{
    tls_generations_fini(&policy->generations);
    callback_discard(policy->rules);
    status_discard(policy->status);
    transport_networks_free(policy->trusted_proxies);
    reconcile_discard(policy->asking);
}

static int prepare_policy(struct daemon *daemon, const struct config *config, struct policy *ret_policy)
{
    int r = read_tls_generations(daemon, config, &ret_policy->generations);
    if (r < 0) {
        return r;
    }
    r = add_new_apps(daemon, config); /* the rules need them; no callback for a new app is accepted yet */
    if (r < 0) {
        return r;
    }
    r = prepare_rules(daemon, config, &ret_policy->rules);
    if (r < 0) {
        return r;
    }
    r = prepare_asking(daemon, config, &ret_policy->asking);
    if (r < 0) {
        return r;
    }
    r = prepare_status_settings(daemon, config, &ret_policy->status);
    if (r < 0) {
        return r;
    }
    return transport_networks_new(config->callback.trusted_proxies.items, config->callback.trusted_proxies.n,
                                  &ret_policy->trusted_proxies);
}

/* Replaces nothing until everything is prepared; the replacement itself cannot fail. */
int reload_policy(struct daemon *daemon, const struct config *config)
{
    struct transport_listener *listener = http_listener_transport(daemon->listeners[CALLBACK_LISTENER]);
    cleanup(policy_fini) struct policy policy = {.rules = NULL};
    int r = prepare_policy(daemon, config, &policy);
    if (r < 0) {
        return r;
    }
    adopt_tls_generations(daemon, &policy.generations);
    status_adopt(daemon->status, take_pointer(policy.status));
    transport_listener_adopt_trusted_proxies(listener, take_pointer(policy.trusted_proxies));
    callback_adopt(daemon->callback, take_pointer(policy.rules));
    transport_listener_wait_round(listener);
    callback_reclaim(daemon->callback);
    adopt_asking(daemon, take_pointer(policy.asking));
    configure_log(daemon, config);
    watch_certificates(daemon);
    trouble_configure(daemon, config);
    return 0;
}
