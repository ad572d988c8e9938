/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include "presenced/array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Finer around the usual duration of 30 us to 1 ms, and up to 2 s, when the sender gives up. */
static const uint64_t duration_bounds_us[] = {25,     50,     100,     250,     500,     1000,
                                              2500,   5000,   10000,   25000,   50000,   100000,
                                              250000, 500000, 1000000, 2000000, 5000000, 10000000};
static const uint64_t lag_bounds_ms[] = {50,    100,   250,   500,    1000,    2000,    5000,
                                         10000, 30000, 60000, 300000, 3600000, 86400000};

static struct app_counters *get(const struct counters *counters, unsigned counter_index)
{
    return atomic_load_explicit(&counters->apps[counter_index], memory_order_acquire);
}

static void count(_Atomic uint64_t *counter)
{
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static int add(struct counters *counters, unsigned counter_index)
{
    if (get(counters, counter_index) != NULL) {
        return 0;
    }
    struct app_counters *of_app = aligned_alloc(alignof(struct app_counters), sizeof(*of_app));
    if (of_app == NULL) {
        return -ENOMEM;
    }
    memset(of_app, 0, sizeof(*of_app));
    atomic_store_explicit(&counters->apps[counter_index], of_app, memory_order_release);
    return 0;
}

int counters_init(struct counters *counters, const struct table *table)
{
    counters->table = table;
    histogram_init(&counters->durations, duration_bounds_us, N_ELEMENTS(duration_bounds_us));
    histogram_init(&counters->lags, lag_bounds_ms, N_ELEMENTS(lag_bounds_ms));
    return add(counters, COUNTERS_NO_APP);
}

void counters_fini(struct counters *counters)
{
    for (unsigned i = 0; i < COUNTERS_N; i++) {
        free(get(counters, i));
    }
}

int counters_add_app(struct counters *counters, uint16_t app)
{
    return add(counters, COUNTERS_OF_APP(app));
}

void counters_set_tokens(struct counters *counters, uint16_t app, size_t n_tokens)
{
    atomic_store(&get(counters, COUNTERS_OF_APP(app))->n_tokens, (unsigned)n_tokens);
}

void counters_count(struct counters *counters, unsigned counter_index, enum callback_outcome outcome)
{
    count(&get(counters, counter_index)->n[outcome]);
}

void counters_count_not_ok(struct counters *counters, unsigned counter_index, enum callback_outcome outcome)
{
    struct app_counters *of_app = get(counters, counter_index);
    count(&of_app->n_not_ok);
    atomic_store_explicit(&of_app->last_not_ok, outcome, memory_order_relaxed);
}

void counters_count_authentic(struct counters *counters, uint16_t app, int token, uint64_t now_unix_ms)
{
    struct app_counters *of_app = get(counters, COUNTERS_OF_APP(app));
    if (token >= 0) {
        count(&of_app->n_by_token[token]);
    }
    if (load(&of_app->authentic_unix_ms) / 1000 != now_unix_ms / 1000) {
        atomic_store_explicit(&of_app->authentic_unix_ms, now_unix_ms, memory_order_relaxed);
    }
}

void counters_count_restamped(struct counters *counters)
{
    count(&counters->n_restamped);
}

void counters_read(const struct counters *counters, struct callback_stats *ret_stats)
{
    *ret_stats = (struct callback_stats){.n_restamped = load(&counters->n_restamped)};
    for (unsigned i = 0; i <= table_n_apps(counters->table); i++) {
        const struct app_counters *of_app = get(counters, i);
        for (unsigned outcome = 0; of_app != NULL && outcome < CALLBACK_N_OUTCOMES; outcome++) {
            ret_stats->n[outcome] += load(&of_app->n[outcome]);
        }
    }
}

static bool is_ok(enum callback_outcome outcome)
{
    return strcmp(callback_outcome_answer(outcome), "ok") == 0;
}

static struct callback_app_stats read_app(const struct app_counters *counters)
{
    struct callback_app_stats stats = {
        .n_not_ok = load(&counters->n_not_ok),
        .authentic_unix_ms = load(&counters->authentic_unix_ms),
    };
    if (stats.n_not_ok > 0) {
        stats.not_ok_reason =
            callback_outcomes[atomic_load_explicit(&counters->last_not_ok, memory_order_relaxed)].error_info;
    }
    for (unsigned outcome = 0; outcome < CALLBACK_N_OUTCOMES; outcome++) {
        if (is_ok(outcome)) {
            stats.n_ok += load(&counters->n[outcome]);
        }
    }
    return stats;
}

bool counters_read_app(const struct counters *counters, uint16_t app, struct callback_app_stats *ret_stats)
{
    const struct app_counters *of_app = get(counters, COUNTERS_OF_APP(app));
    if (of_app == NULL) {
        return false;
    }
    *ret_stats = read_app(of_app);
    return true;
}

void counters_read_listener(const struct counters *counters, struct callback_app_stats *ret_stats)
{
    struct callback_app_stats stats = read_app(get(counters, COUNTERS_NO_APP));
    for (unsigned app = 0; app < table_n_apps(counters->table); app++) {
        struct callback_app_stats of_app;
        if (counters_read_app(counters, (uint16_t)app, &of_app)) {
            stats.n_ok += of_app.n_ok;
        }
    }
    *ret_stats = stats;
}

/* Returns whether an outcome is determined before the app is known. */
static bool precedes_app(enum callback_outcome outcome)
{
    switch (outcome) {
    case CALLBACK_HEALTHY:
    case CALLBACK_NOT_READY:
    case CALLBACK_OTHER_PATH:
    case CALLBACK_OTHER_METHOD:
    case CALLBACK_REFUSED_PEER:
    case CALLBACK_REFUSED_CERTIFICATE:
    case CALLBACK_REFUSED_TWICE:
    case CALLBACK_REFUSED_NO_APP:
    case CALLBACK_REFUSED_APP:
    case CALLBACK_URL_CHECK:
        return true;
    default:
        return false;
    }
}

static void visit_requests(const struct app_counters *counters, struct str app,
                           const struct metric_visitor *visitor)
{
    static const struct metric requests = {
        .name = "presenced_callback_requests_total",
        .type = METRIC_COUNTER,
        .labels = {"answer", "outcome", "app"},
        .help =
            "Requests of the callback listener: ok, fail, refused with an HTTP error, or health; and why.",
    };
    for (unsigned outcome = 0; outcome < CALLBACK_N_OUTCOMES; outcome++) {
        if (app.len == 0 || !precedes_app(outcome)) {
            metric_visit(visitor, &requests, load(&counters->n[outcome]),
                         str_from(callback_outcome_answer(outcome)), str_from(callback_outcome_name(outcome)),
                         app);
        }
    }
}

static void visit_app(const struct app_counters *counters, struct str app,
                      const struct metric_visitor *visitor)
{
    static const struct metric by_token = {
        .name = "presenced_callback_signed_total",
        .type = METRIC_COUNTER,
        .labels = {"app", "token"},
        .help =
            "Authentic callbacks by the token that their Sign was made with: 1 is the first that the app's "
            "section names, of token before those of token_file.",
    };
    static const struct metric last = {
        .name = "presenced_callback_last_event_timestamp_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .labels = {"app"},
        .help =
            "When the last authentic callback of the app came, in Unix time, to a second; not there before "
            "the first.",
    };
    uint64_t last_ms = load(&counters->authentic_unix_ms);
    unsigned n_tokens = atomic_load_explicit(&counters->n_tokens, memory_order_relaxed);
    visit_requests(counters, app, visitor);
    for (unsigned i = 0; i < SIGNATURE_N_TOKENS_MAX; i++) {
        uint64_t n = load(&counters->n_by_token[i]);
        const char digit = (char)('1' + i);
        if (i < n_tokens || n > 0) {
            metric_visit(visitor, &by_token, n, app, {&digit, 1});
        }
    }
    if (last_ms > 0) {
        metric_visit(visitor, &last, last_ms, app);
    }
}

void counters_metrics(const struct counters *counters, const struct metric_visitor *visitor)
{
    /* /v1/stats shows the sums over all apps. */
    static const struct metric of_all = {.labels = {"outcome"}, .key = ""};
    static const struct metric durations = {
        .name = "presenced_callback_duration_seconds",
        .type = METRIC_HISTOGRAM,
        .unit = METRIC_US,
        .help = "Time from the head of an authentic callback to its answer; the sender gives up after 2 s.",
    };
    static const struct metric lags = {
        .name = "presenced_callback_event_lag_seconds",
        .type = METRIC_HISTOGRAM,
        .unit = METRIC_MS,
        .help = "Time from an event's EventTime to its arrival, where EventTime is believed.",
    };
    static const struct metric restamped = {
        .name = "presenced_callback_events_restamped_total",
        .type = METRIC_COUNTER,
        .help =
            "Events that took the time received, for EventTime was missing or too far ahead of the clock.",
        .key = "restamped",
    };
    struct callback_stats stats;
    counters_read(counters, &stats);
    for (unsigned outcome = 0; outcome < CALLBACK_N_OUTCOMES; outcome++) {
        metric_visit(visitor, &of_all, stats.n[outcome], str_from(callback_outcome_name(outcome)));
    }
    visit_requests(get(counters, COUNTERS_NO_APP), STR(""), visitor);
    for (unsigned app = 0; app < table_n_apps(counters->table); app++) {
        const struct app_counters *of_app = get(counters, COUNTERS_OF_APP(app));
        char id[24];
        int len = snprintf(id, sizeof(id), "%" PRIu64, table_app_id(counters->table, (uint16_t)app));
        if (of_app != NULL) {
            visit_app(of_app, (struct str){id, (size_t)len}, visitor);
        }
    }
    metric_visit_histogram(visitor, &durations, &counters->durations);
    metric_visit_histogram(visitor, &lags, &counters->lags);
    metric_visit(visitor, &restamped, stats.n_restamped);
}
