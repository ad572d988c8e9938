/* SPDX-License-Identifier: MIT */
/* The parts whose settings a reload exchanges: who may call and with which token, what the status listener
 * asks for, certificates, the log. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static_assert(CONFIG_N_APPS_MAX <= TABLE_N_APPS_MAX, "the table has room for every app");
static_assert(CONFIG_N_TOKENS_MAX <= SIGNATURE_N_TOKENS_MAX, "so has a key for every token");

static enum status_readiness readiness_of(const struct daemon *daemon)
{
    enum status_readiness readiness = atomic_load(&daemon->readiness);
    return readiness == STATUS_READY && replication_is_learning(daemon) ? STATUS_LEARNING : readiness;
}

static bool is_ready(void *cls)
{
    return readiness_of(cls) == STATUS_READY;
}

/* What of a configuration the callback's handler is given, at start and at reload. The texts and networks are
 * the configuration's; `ret_apps` has room for all of its apps. */
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

static struct status_health health(void *cls)
{
    const struct daemon *daemon = cls;
    const char *store = daemon->store == NULL ? NULL : store_problem(daemon->store);
    const char *replica = daemon->replica == NULL ? NULL : replica_problem(daemon->replica);
    return (struct status_health){
        .readiness = readiness_of(daemon),
        .degraded = store != NULL ? store : replica,
    };
}

static bool is_unsigned(void *cls, uint64_t id)
{
    const struct config *config = cls;
    for (size_t i = 0; i < config->n_apps; i++) {
        if (config->apps[i].id == id) {
            return config->apps[i].n_tokens == 0;
        }
    }
    return false;
}

/* The apps that anyone who knows the URL can speak for, for people to see. */
static void warn_of_unsigned(struct daemon *daemon, const struct config *config)
{
    warnings_review(daemon->warnings, WARNING_APP_UNSIGNED, is_unsigned, (void *)(uintptr_t)config);
    for (size_t i = 0; i < config->n_apps; i++) {
        char text[WARNING_TEXT_SIZE];
        if (config->apps[i].n_tokens == 0) {
            (void)snprintf(text, sizeof(text), "app %s has no token: callbacks for it are believed unsigned",
                           config->apps[i].id_text);
            warnings_raise(daemon->warnings, WARNING_APP_UNSIGNED, config->apps[i].id, text,
                           clock_monotonic_ms());
        }
    }
}

/* What of a configuration the status listener is given, at start and at reload. The texts are the
 * configuration's; `ret_hosts` has room for all of its names, `ret_tokens` for a token of each app. */
static struct status_settings status_settings_of(const struct daemon *daemon, const struct config *config,
                                                 struct str *ret_hosts, struct status_app_token *ret_tokens)
{
    const struct text_list *allowed = &config->status.allowed_hosts;
    size_t n_tokens = 0;
    for (size_t i = 0; i < allowed->n; i++) {
        ret_hosts[i] = str_from(allowed->items[i]);
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        if (app->query_token.len > 0) {
            ret_tokens[n_tokens++] = (struct status_app_token){
                .app = (uint16_t)table_find_app(daemon->table, app->id),
                .token = buf_str(&app->query_token),
            };
        }
    }
    return (struct status_settings){
        .allowed_hosts = ret_hosts,
        .n_allowed_hosts = allowed->n,
        .token = buf_str(&config->status.token),
        .app_tokens = ret_tokens,
        .n_app_tokens = n_tokens,
    };
}

static void on_new_events(void *cls)
{
    wake_streams(cls);
}

/* So many that others can still ask. */
static unsigned max_streams(const struct daemon *daemon)
{
    return daemon->max_connections[STATUS_LISTENER] / 3 * 2;
}

int start_status(struct daemon *daemon)
{
    cleanup(cleanup_freep) struct str *hosts = calloc(daemon->config->status.allowed_hosts.n + 1,
                                                      sizeof(*hosts));
    cleanup(cleanup_freep) struct status_app_token *tokens = calloc(daemon->config->n_apps, sizeof(*tokens));
    if (hosts == NULL || tokens == NULL) {
        return -ENOMEM;
    }
    describe_parts(daemon, daemon->status_parts);
    warn_of_unsigned(daemon, daemon->config);
    const struct status_settings settings = status_settings_of(daemon, daemon->config, hosts, tokens);
    const struct status_config config = {
        .table = daemon->table,
        .history = daemon->history,
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
    return status_new(&config, &settings, &daemon->status);
}

void stop_status(struct daemon *daemon)
{
    status_free(daemon->status);
}

/* Reads what a listener's TLS shall have from now on. 0; -EINVAL with the reason; -ENOMEM. */
static int read_generation(const char *certificate_path, const char *key_path, const char *ca_path,
                           struct tls_generation **ret_generation, struct certificate_error *ret_error)
{
    cleanup(buf_fini) struct buf ca = {0};
    int r = ca_path[0] == '\0' ? 0 : certificate_read_ca(ca_path, &ca, ret_error);
    if (r < 0) {
        return r;
    }
    return tls_generation_read(certificate_path, key_path, buf_str(&ca), ret_generation, ret_error);
}

/* The same, with the reason logged. */
static int read_tls(const char *certificate_path, const char *key_path, const char *ca_path,
                    struct tls_generation **ret_generation)
{
    struct certificate_error error = {{0}};
    int r = read_generation(certificate_path, key_path, ca_path, ret_generation, &error);
    if (r == -EINVAL) {
        log_error("a certificate cannot be used", log_text("reason", error.text));
    }
    return r;
}

struct tls_generations {
    struct tls_generation *of[N_LISTENERS];
};

static void tls_generations_fini(struct tls_generations *generations)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        tls_generation_free(generations->of[i]);
    }
}

static int read_all_tls(const struct daemon *daemon, const struct config *config,
                        struct tls_generations *ret_generations)
{
    const struct config_callback *callback = &config->callback;
    const struct config_status *status = &config->status;
    if (daemon->tls[CALLBACK_LISTENER] != NULL) {
        int r = read_tls(callback->certificate, callback->private_key, callback->client_ca,
                         &ret_generations->of[CALLBACK_LISTENER]);
        if (r < 0) {
            return r;
        }
    }
    if (daemon->tls[STATUS_LISTENER] == NULL) {
        return 0;
    }
    return read_tls(status->certificate, status->private_key, "", &ret_generations->of[STATUS_LISTENER]);
}

static void adopt_all_tls(struct daemon *daemon, struct tls_generations *generations)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        if (generations->of[i] != NULL) {
            tls_adopt(daemon->tls[i], take_pointer(generations->of[i]));
        }
    }
}

int start_tls(struct daemon *daemon)
{
    cleanup(tls_generations_fini) struct tls_generations generations = {{NULL}};
    bool wanted[N_LISTENERS] = {
        [CALLBACK_LISTENER] = daemon->config->callback.tls,
        [STATUS_LISTENER] = daemon->config->status.certificate[0] != '\0',
    };
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        int r = wanted[i] ? tls_new(&daemon->tls[i]) : 0;
        if (r < 0) {
            return r;
        }
    }
    int r = read_all_tls(daemon, daemon->config, &generations);
    if (r < 0) {
        return r == -EINVAL ? START_MISCONFIGURED : r; /* the files have changed since they were checked */
    }
    adopt_all_tls(daemon, &generations);
    watch_certificates(daemon);
    return 0;
}

void stop_tls(struct daemon *daemon)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        tls_free(daemon->tls[i]);
    }
}

/* Apps are only ever added: events and users of one that was taken out may still be around. */
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

/* What a reload exchanges, made ready before anything is. */
struct policy {
    struct tls_generations generations;
    struct rules *rules;
    struct status_settings *status;
    struct transport_networks *unbounded;
    struct reconcile_settings *asking;
};

static void policy_fini(struct policy *policy)
{
    tls_generations_fini(&policy->generations);
    callback_discard(policy->rules);
    status_discard(policy->status);
    transport_networks_free(policy->unbounded);
    reconcile_discard(policy->asking);
}

static int prepare_policy(struct daemon *daemon, const struct config *config, struct policy *ret_policy)
{
    cleanup(cleanup_freep) struct callback_app *apps = calloc(config->n_apps, sizeof(*apps));
    cleanup(cleanup_freep) struct str *hosts = calloc(config->status.allowed_hosts.n + 1, sizeof(*hosts));
    cleanup(cleanup_freep) struct status_app_token *tokens = calloc(config->n_apps, sizeof(*tokens));
    if (apps == NULL || hosts == NULL || tokens == NULL) {
        return -ENOMEM;
    }
    int r = read_all_tls(daemon, config, &ret_policy->generations);
    if (r < 0) {
        return r;
    }
    r = add_new_apps(daemon, config); /* for the rules; nobody may speak for a new one yet */
    if (r < 0) {
        return r;
    }
    const struct callback_config callback = callback_config_of(daemon, config, apps);
    r = callback_prepare(daemon->callback, &callback, &ret_policy->rules);
    if (r < 0) {
        return r;
    }
    r = prepare_asking(daemon, config, &ret_policy->asking);
    if (r < 0) {
        return r;
    }
    const struct status_settings status = status_settings_of(daemon, config, hosts, tokens);
    r = status_prepare(&status, &ret_policy->status);
    if (r < 0) {
        return r;
    }
    return transport_networks_new(config->callback.trusted_proxies.items, config->callback.trusted_proxies.n,
                                  &ret_policy->unbounded);
}

/* Nothing is exchanged before all of it is ready, and to exchange it cannot fail. */
int reload_policy(struct daemon *daemon, const struct config *config)
{
    struct transport_listener *listener = http_listener_transport(daemon->listeners[CALLBACK_LISTENER]);
    cleanup(policy_fini) struct policy policy = {.rules = NULL};
    int r = prepare_policy(daemon, config, &policy);
    if (r < 0) {
        return r;
    }
    adopt_all_tls(daemon, &policy.generations);
    status_adopt(daemon->status, take_pointer(policy.status));
    transport_listener_adopt_unbounded(listener, take_pointer(policy.unbounded));
    callback_adopt(daemon->callback, take_pointer(policy.rules));
    transport_listener_wait_round(listener);
    callback_reclaim(daemon->callback);
    adopt_asking(daemon, take_pointer(policy.asking));
    configure_log(daemon, config);
    watch_certificates(daemon);
    warn_of_unsigned(daemon, config);
    trouble_configure(daemon, config);
    return 0;
}
