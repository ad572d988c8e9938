/* SPDX-License-Identifier: MIT */
/* Raises warnings for problems that need a person, derived from the counters of the parts once a second. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/log.h"
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define CHECK_INTERVAL_MS 1000

/* Minimum number of refused requests for a warning. Requests to the listener may come from anybody; those of
 * an app at least name it. */
#define N_REFUSED_MIN_OF_APP 3
#define N_REFUSED_MIN_OF_LISTENER 10

#define N_SILENT_MIN 20

struct app_watch {
    uint64_t quiet_after_ms;
    struct refusal_watch refusal;
    struct quiet_watch quiet;
};

struct listener_watch {
    struct refusal_watch refusal;
    struct handshake_watch handshakes;
    struct recent_watch no_room;
    bool has_logged_silent;
};

struct trouble {
    uint64_t next_ms;
    struct listener_watch listeners[N_LISTENERS];
    struct app_watch apps[TABLE_N_APPS_MAX]; /* by index in the table */
    bool store_has_problem;
    struct recent_watch table_full;
};

/* Raises the warning if `is_so`, else clears it. */
__attribute__((format(printf, 5, 6))) static void
warn_if(struct daemon *daemon, enum warning_code code, uint64_t subject, bool is_so, const char *format, ...)
{
    char text[WARNING_TEXT_SIZE + 1]; /* one more, so that warnings_raise() sees that it was cut */
    va_list arguments;
    if (!is_so) {
        warnings_clear(daemon->warnings, code, subject);
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    warnings_raise(daemon->warnings, code, subject, text, clock_monotonic_ms());
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

/* Warns about the apps for which anyone who knows the URL can send callbacks. */
static void warn_of_unsigned(struct daemon *daemon, const struct config *config)
{
    warnings_review(daemon->warnings, WARNING_APP_UNSIGNED, is_unsigned, (void *)(uintptr_t)config);
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        if (app->n_tokens == 0) {
            warn_if(daemon, WARNING_APP_UNSIGNED, app->id, true,
                    "app %s has no token: callbacks for it are believed unsigned", app->id_text);
        }
    }
}

void trouble_configure(struct daemon *daemon, const struct config *config)
{
    for (unsigned app = 0; app < TABLE_N_APPS_MAX; app++) {
        daemon->trouble->apps[app].quiet_after_ms = 0;
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        int app = table_find_app(daemon->table, config->apps[i].id);
        daemon->trouble->apps[app].quiet_after_ms = config->apps[i].quiet_after_ms;
    }
    warn_of_unsigned(daemon, config);
}

int start_trouble(struct daemon *daemon)
{
    daemon->trouble = calloc(1, sizeof(*daemon->trouble));
    if (daemon->trouble == NULL) {
        return -ENOMEM;
    }
    trouble_configure(daemon, daemon->config);
    return 0;
}

void stop_trouble(struct daemon *daemon)
{
    free(daemon->trouble);
}

/* Formats a duration in the largest unit of which it is a multiple. */
static void format_duration(uint64_t ms, char ret_text[static 32])
{
    static const struct {
        uint64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms != 0) {
        i++;
    }
    (void)snprintf(ret_text, 32, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
}

static void check_app(struct daemon *daemon, uint16_t app, uint64_t now_ms)
{
    struct app_watch *watch = &daemon->trouble->apps[app];
    uint64_t id = table_app_id(daemon->table, app);
    struct callback_app_stats stats;
    char quiet_after[32];
    if (!callback_app_stats(daemon->callback, app, &stats)) {
        return;
    }
    format_duration(watch->quiet_after_ms, quiet_after);
    warn_if(daemon, WARNING_EVERYTHING_REFUSED, id,
            refusal_watch_look(&watch->refusal, stats.n_ok, stats.n_not_ok, N_REFUSED_MIN_OF_APP, now_ms),
            "no callback of app %" PRIu64 " was answered OK for a minute: %s", id, stats.not_ok_reason);
    warn_if(daemon, WARNING_APP_QUIET, id,
            quiet_watch_look(&watch->quiet, stats.authentic_unix_ms, watch->quiet_after_ms, now_ms),
            "no authentic callback of app %" PRIu64 " came for %s (quiet_after): is it on in the console?",
            id, quiet_after);
}

static void check_reconcile(struct daemon *daemon, uint16_t app)
{
    struct reconcile_stats stats;
    uint64_t id = table_app_id(daemon->table, app);
    bool is_asked = asking_stats(daemon, app, &stats);
    warn_if(daemon, WARNING_RECONCILE, id, is_asked && stats.problem[0] != '\0',
            "app %" PRIu64 " is not reconciled: %s", id, stats.problem);
}

/* Returns the subject of a listener's warnings, which is not the id of any app. */
static uint64_t subject_of(unsigned listener)
{
    return UINT64_MAX - listener;
}

static void check_refusals(struct daemon *daemon, uint64_t now_ms)
{
    struct listener_watch *watches = daemon->trouble->listeners;
    struct callback_app_stats stats;
    struct status_admission admission;
    callback_listener_stats(daemon->callback, &stats);
    warn_if(daemon, WARNING_EVERYTHING_REFUSED, subject_of(CALLBACK_LISTENER),
            refusal_watch_look(&watches[CALLBACK_LISTENER].refusal, stats.n_ok, stats.n_not_ok,
                               N_REFUSED_MIN_OF_LISTENER, now_ms),
            "no callback was answered OK for a minute: %s", stats.not_ok_reason);
    status_admission(daemon->status, &admission);
    warn_if(daemon, WARNING_EVERYTHING_REFUSED, subject_of(STATUS_LISTENER),
            refusal_watch_look(&watches[STATUS_LISTENER].refusal, admission.n_admitted,
                               admission.n_not_admitted, N_REFUSED_MIN_OF_APP, now_ms),
            "the status listener has let nobody in for a minute: %s", admission.not_admitted_reason);
}

static const char *most_frequent_failure(const struct tls_stats *stats)
{
    size_t most = 0;
    for (size_t i = 1; i < TLS_N_FAILURES; i++) {
        if (stats->n_failed_by[i] > stats->n_failed_by[most]) {
            most = i;
        }
    }
    return tls_failure_text((enum tls_failure)most);
}

/* Logs once that connections end without a request: a load balancer whose check only connects does not learn
 * whether the daemon is ready. */
static void check_silent_connections(struct listener_watch *watch, const char *name,
                                     const struct transport_counters *transport, uint64_t n_heard)
{
    uint64_t n_others = n_heard + transport->n_connections + transport->n_refused_per_address +
                        transport->n_timed_out;
    if (!watch->has_logged_silent && transport->n_accepted >= n_others + N_SILENT_MIN) {
        watch->has_logged_silent = true;
        log_notice("connections come and go without a request: a load balancer's check can ask for /livez or "
                   "/readyz",
                   log_text("listener", name));
    }
}

static void check_listener(struct daemon *daemon, unsigned which, uint64_t now_ms)
{
    struct listener_watch *watch = &daemon->trouble->listeners[which];
    const char *name = daemon_listener_names[which];
    struct transport_counters transport;
    struct http_counters http;
    struct tls_stats tls = {0};
    transport_listener_counters(http_listener_transport(daemon->listeners[which]), &transport);
    http_listener_counters(daemon->listeners[which], &http);
    if (daemon->tls[which] != NULL) {
        tls_stats(daemon->tls[which], &tls);
    }
    uint64_t n_done = tls.n_full + tls.n_resumed;
    warn_if(daemon, WARNING_NO_ROOM, which, recent_watch_look(&watch->no_room, transport.n_no_room, now_ms),
            "the %s listener has as many connections as it may (%" PRIu64 "): others wait until one ends",
            name, transport.n_connections_max);
    warn_if(daemon, WARNING_HANDSHAKES_FAIL, which,
            handshake_watch_look(&watch->handshakes, n_done, tls.n_failed, now_ms),
            "most TLS handshakes with the %s listener fail: %s", name, most_frequent_failure(&tls));
    check_silent_connections(watch, name, &transport,
                             daemon->tls[which] != NULL ? n_done + tls.n_failed : http.n_requests);
}

static void check_store(struct daemon *daemon)
{
    const char *problem = daemon->store == NULL ? NULL : store_problem(daemon->store);
    warn_if(daemon, WARNING_STORE_PROBLEM, 0, problem != NULL,
            "events cannot be stored, and are answered FAIL: %s", problem);
    if (daemon->trouble->store_has_problem && problem == NULL) {
        lose_events(daemon); /* Tencent does not repeat events that were answered FAIL */
    }
    daemon->trouble->store_has_problem = problem != NULL;
}

static void check_replication(struct daemon *daemon)
{
    struct replica_stats stats;
    if (daemon->replica == NULL) {
        return;
    }
    replica_stats(daemon->replica, &stats);
    const char *problem = replica_problem(daemon->replica);
    warn_if(daemon, WARNING_REPLICATION_PROBLEM, 0, problem != NULL, "%s", problem);
    warn_if(daemon, WARNING_REPLICATION_EVICTION, 0, stats.evicts,
            "replication: the engine throws rows away when its memory is full: set its maxmemory-policy to "
            "noeviction");
}

/* Warns as long as users are refused now and then; there is room again when somebody goes offline. */
static void check_table(struct daemon *daemon, uint64_t now_ms)
{
    struct callback_stats stats;
    callback_stats(daemon->callback, &stats);
    warn_if(daemon, WARNING_TABLE_FULL, 0,
            recent_watch_look(&daemon->trouble->table_full, stats.n[CALLBACK_FULL], now_ms),
            "max_users users are held and none of them is offline: events of others are answered FAIL");
}

void trouble_look(struct daemon *daemon)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (now_ms < daemon->trouble->next_ms) {
        return;
    }
    daemon->trouble->next_ms = now_ms + CHECK_INTERVAL_MS;
    for (unsigned app = 0; app < table_n_apps(daemon->table); app++) {
        check_app(daemon, (uint16_t)app, now_ms);
        check_reconcile(daemon, (uint16_t)app);
    }
    check_refusals(daemon, now_ms);
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        check_listener(daemon, i, now_ms);
    }
    check_store(daemon);
    check_table(daemon, now_ms);
    check_replication(daemon);
}
