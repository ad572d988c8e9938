/* SPDX-License-Identifier: MIT */
/* The process: starts its parts in order and stops them in reverse. The main thread then waits for signals
 * and does the periodic work; requests are served by the listeners' threads. */
#include "presenced/daemon.h"

#include "libraries.h"
#include "parts.h"
#include "presenced/array.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "presenced/setup.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>

static int start_log(struct daemon *daemon)
{
    configure_log(daemon, daemon->config);
    return log_start();
}

static void stop_log(struct daemon *daemon)
{
    (void)daemon;
    log_stop();
}

static int start_warnings(struct daemon *daemon)
{
    return warnings_new(&daemon->warnings);
}

static void stop_warnings(struct daemon *daemon)
{
    warnings_free(daemon->warnings);
}

static int start_refused(struct daemon *daemon)
{
    return refused_list_new(&daemon->refused);
}

static void stop_refused(struct daemon *daemon)
{
    refused_list_free(daemon->refused);
}

static int start_table(struct daemon *daemon)
{
    const struct config_presence *config = &daemon->config->presence;
    int r = table_new(
        &(struct table_config){
            .push_online_window_ms = config->push_online_window_ms,
            .max_users = config->max_users,
            .forget_after_ms = config->forget_after_ms,
            .assume_offline_after_ms = config->assume_offline_after_ms,
        },
        &daemon->table);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < daemon->config->n_apps; i++) {
        uint16_t app;
        r = table_add_app(daemon->table, daemon->config->apps[i].id, &app);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void stop_table(struct daemon *daemon)
{
    table_free(daemon->table);
}

static int start_online_minutes(struct daemon *daemon)
{
    int r = online_minutes_new(&daemon->online_minutes);
    return r < 0 ? r : breakdown_new(daemon->table, &daemon->breakdown);
}

static void stop_online_minutes(struct daemon *daemon)
{
    breakdown_free(daemon->breakdown);
    online_minutes_free(daemon->online_minutes);
}

/* Started in this order, stopped in reverse. */
static const struct {
    const char *name;
    int (*start)(struct daemon *daemon); /* see parts.h; `stop` is called even if this fails */
    void (*stop)(struct daemon *daemon); /* must accept a part that is unused or only partly started */
} steps[] = {
    {"log", start_log, stop_log},
    {"descriptors", start_descriptors, NULL},
    {"warnings", start_warnings, stop_warnings},
    {"refused requests", start_refused, stop_refused},
    {"passed sockets", start_activation, stop_activation},
    {"table", start_table, stop_table},
    {"online minutes", start_online_minutes, stop_online_minutes},
    {"storage", start_storage, stop_storage},
    {"replication", start_replication, stop_replication},
    {"reconcile", start_asking, stop_asking},
    {"callback", start_callback, stop_callback},
    {"status", start_status, stop_status},
    {"tls", start_tls, stop_tls},
    {"listeners", start_listeners, stop_listeners},
    {"trouble", start_trouble, stop_trouble},
    {"control", start_control, stop_control},
    {"watchdog", start_watchdog, NULL},
};
#define N_STEPS (N_ELEMENTS(steps))

/* Does the periodic work. Returns in how many ms it is due again, at most 1000. */
static uint64_t do_periodic_work(struct daemon *daemon)
{
    uint64_t now_ms = clock_unix_ms();
    uint64_t next_ms = table_tick(daemon->table, now_ms);
    uint64_t n_online = table_n_online(daemon->table);
    online_minutes_record(daemon->online_minutes, now_ms, n_online);
    breakdown_record(daemon->breakdown, now_ms);
    if (daemon->store != NULL) {
        store_record_online(daemon->store, now_ms, n_online);
    }
    watch_certificates(daemon);
    trouble_look(daemon);
    warnings_remind(daemon->warnings, clock_monotonic_ms());
    report_refresh(daemon);
    uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    return wait_ms > 1000 ? 1000 : wait_ms;
}

static void reload_for_signal(struct daemon *daemon)
{
    cleanup(buf_fini) struct buf unused = {0};
    (void)reload(daemon, &unused);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Handles signals and orders and does the periodic work until a signal ends the daemon, or until `until_ms`
 * (clock_monotonic_ms(); 0: never). Returns the number of the signal, or 0 at `until_ms`. */
static int wait_for_signal(struct daemon *daemon, uint64_t until_ms)
{
    const sigset_t awaited = signals_awaited();
    for (;;) {
        uint64_t wait_ms = do_periodic_work(daemon);
        uint64_t now_ms = clock_monotonic_ms();
        uint64_t next_ms = earlier(now_ms + wait_ms, watchdog_look(daemon, now_ms));
        if (until_ms != 0 && now_ms >= until_ms) {
            return 0;
        }
        next_ms = until_ms != 0 ? earlier(next_ms, until_ms) : next_ms;
        wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
        struct timespec wait = {.tv_sec = (time_t)(wait_ms / 1000),
                                .tv_nsec = (long)(wait_ms % 1000) * 1000000};
        int number = sigtimedwait(&awaited, NULL, &wait);
        if (number == SIGHUP) {
            reload_for_signal(daemon);
        } else if (signals_is_end(number)) {
            return number;
        }
        carry_out_order(daemon);
    }
}

/* Tells load balancers that this node is going, continues to serve for drain_delay and then completes the
 * requests in progress. A signal during the delay ends it without waiting for them. */
static void drain(struct daemon *daemon)
{
    uint64_t delay_ms = daemon->config->callback.drain_delay_ms;
    warnings_clear(daemon->warnings, WARNING_DRAINING, 0);
    begin_draining(daemon);
    report_stopping(daemon);
    log_notice("stopping", log_u64("drain_delay_ms", delay_ms));
    if (delay_ms == 0 || wait_for_signal(daemon, daemon->drained_ms + delay_ms) == 0) {
        close_control(daemon);
        pause_listeners(daemon);
        signals_let_kill();
        drain_listeners(daemon);
    }
}

/* Starts the steps in order until one fails or a signal that ends the daemon is pending. Returns how many
 * must be stopped. `*ret_result` is the result of the step that failed, or 0. */
static size_t start(struct daemon *daemon, int *ret_result)
{
    size_t n = 0;
    int r = 0;
    while (r == 0 && n < N_STEPS && !signals_end_is_pending()) {
        r = steps[n].start(daemon);
        if (r < 0) {
            log_error("cannot start", log_text("part", steps[n].name), log_errno("error", r));
        }
        n++;
    }
    *ret_result = r == START_CANCELLED ? 0 : r;
    return n;
}

static void serve(struct daemon *daemon)
{
    atomic_store(&daemon->readiness, STATUS_READY);
    report_ready(daemon);
    log_notice("ready", log_text("version", PRESENCED_VERSION));
    log_untested_libraries();
    (void)wait_for_signal(daemon, 0);
    drain(daemon);
}

int daemon_run(const struct config *config, const char *config_path)
{
    struct daemon daemon = {
        .config = config,
        .config_path = config_path,
        .main_thread = pthread_self(),
        .started_unix_ms = clock_unix_ms(),
        .started_monotonic_ms = clock_monotonic_ms(),
        .readiness = STATUS_STARTING,
        .reloads = {PTHREAD_MUTEX_INITIALIZER, {.last_successful = true, .loaded_unix_ms = clock_unix_ms()}},
    };
    int result = 0;
    size_t n_started = start(&daemon, &result);
    if (result == 0 && n_started == N_STEPS) {
        serve(&daemon);
    }
    if (result == 0) {
        log_notice("stopped");
    }
    while (n_started-- > 0) {
        if (steps[n_started].stop != NULL) {
            steps[n_started].stop(&daemon);
        }
    }
    return result == START_MISCONFIGURED ? 2 : result < 0;
}
