/* SPDX-License-Identifier: MIT */
#include "presenced/array.h"
#include "presenced/reconcile.h"

#include <stddef.h>

#define OF(field) .offset = offsetof(struct reconcile_stats, field)

static const struct metric metrics[] = {
    {
        .name = "presenced_reconcile_calls_total",
        .type = METRIC_COUNTER,
        .labels = {"app"},
        .help = "Calls of Tencent's query.",
        .key = "calls",
        OF(n_calls),
    },
    {
        .name = "presenced_reconcile_calls_failed_total",
        .type = METRIC_COUNTER,
        .labels = {"app"},
        .help = "Those of them that brought no answer, or a refusal.",
        .key = "calls_failed",
        OF(n_calls_failed),
    },
    {
        .name = "presenced_reconcile_users_total",
        .type = METRIC_COUNTER,
        .labels = {"app"},
        .help = "Users that were asked about.",
        .key = "users_asked",
        OF(n_users_asked),
    },
    {
        .name = "presenced_reconcile_users_confirmed_total",
        .type = METRIC_COUNTER,
        .labels = {"app"},
        .help = "Those of them who were as Tencent says.",
        .key = "users_confirmed",
        OF(n_confirmed),
    },
    {
        .name = "presenced_reconcile_waiting_users",
        .type = METRIC_GAUGE,
        .labels = {"app"},
        .help = "Users in doubt who are to be asked about.",
        .key = "waiting",
        OF(n_waiting),
    },
    {
        .name = "presenced_reconcile_gaps_total",
        .type = METRIC_COUNTER,
        .labels = {"app"},
        .help = "Times that events may have been lost, and everyone was asked about.",
        .key = "gaps",
        OF(n_gaps),
    },
    {
        .name = "presenced_reconcile_allowed_calls_per_second",
        .type = METRIC_GAUGE,
        .labels = {"app"},
        .help =
            "Calls a second that may be made at the moment: calls_per_second, or fewer after Tencent said "
            "that it is too many.",
        .key = "calls_per_second",
        OF(calls_per_second),
    },
    {
        .name = "presenced_reconcile_nodes",
        .type = METRIC_GAUGE,
        .labels = {"app"},
        .help = "Nodes that share the asking, this one being one of them; 1: it asks about everybody.",
        .key = "nodes",
        OF(n_nodes),
    },
    {
        .name = "presenced_reconcile_last_answer_timestamp_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .labels = {"app"},
        .help = "When Tencent answered last, in Unix time; 0: not yet.",
        .key = "last_answer_time",
        OF(last_answer_unix_ms),
    },
    {
        .name = "presenced_reconcile_last_sweep_timestamp_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .labels = {"app"},
        .help = "When everybody had been asked about last, in Unix time; 0: not yet.",
        .key = "last_sweep_time",
        OF(last_sweep_unix_ms),
    },
    {
        .name = "presenced_reconcile_last_sweep_duration_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .labels = {"app"},
        .help = "How long that took.",
        .key = "last_sweep_ms",
        OF(last_sweep_ms),
    },
};

struct str reconcile_cause_name(enum reconcile_cause cause)
{
    static const struct str names[] = {
        [RECONCILE_GAP] = {"gap", 3},
        [RECONCILE_DOUBT] = {"doubt", 5},
        [RECONCILE_ROUND] = {"round", 5},
        [RECONCILE_ORDER] = {"order", 5},
    };
    return names[cause];
}

static void visit_corrections(const struct reconcile_stats *stats, struct str app,
                              const struct metric_visitor *visitor)
{
    static const struct metric each = {
        .name = "presenced_reconcile_corrections_total",
        .type = METRIC_COUNTER,
        .labels = {"app", "cause", "kind"},
        .help = "Devices that were not as Tencent says, by why they were asked about, and whether they were "
                "shown online (ended), not shown online (begun), or push_online for offline or the other way "
                "round (other). Those of cause round are what lost callbacks left wrong.",
    };
    static const struct metric sum = {.labels = {"of"}, .key = "corrections_"};
    struct reconcile_corrections all = {0};
    for (unsigned i = 0; i < RECONCILE_N_CAUSES; i++) {
        const struct reconcile_corrections *corrections = &stats->corrections[i];
        struct str cause = reconcile_cause_name((enum reconcile_cause)i);
        metric_visit(visitor, &each, corrections->n_ended, app, cause, STR("ended"));
        metric_visit(visitor, &each, corrections->n_begun, app, cause, STR("begun"));
        metric_visit(visitor, &each, corrections->n_others, app, cause, STR("other"));
        metric_visit(visitor, &sum, corrections->n_ended + corrections->n_begun + corrections->n_others,
                     cause);
        all.n_ended += corrections->n_ended;
        all.n_begun += corrections->n_begun;
        all.n_others += corrections->n_others;
    }
    metric_visit(visitor, &sum, all.n_ended, STR("ended"));
    metric_visit(visitor, &sum, all.n_begun, STR("begun"));
    metric_visit(visitor, &sum, all.n_others, STR("other"));
}

void reconcile_metrics(const struct reconcile_stats *stats, struct str app,
                       const struct metric_visitor *visitor)
{
    static const struct metric failing = {
        .name = "presenced_reconcile_failing",
        .type = METRIC_GAUGE,
        .labels = {"app"},
        .help = "Whether something keeps it from asking, or makes answers doubtful.",
        .key = "failing",
    };
    static const struct metric problem_code = {.key = "problem_code"};
    metrics_visit(metrics, N_ELEMENTS(metrics), stats, app, visitor);
    visit_corrections(stats, app, visitor);
    metric_visit(visitor, &failing, stats->problem[0] != '\0', app);
    metric_visit(visitor, &problem_code, stats->problem_code);
}
