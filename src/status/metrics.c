/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include "answer.h"
#include "exposition.h"
#include "process.h"

static void count_warning(void *cls, const struct warning *warning)
{
    uint64_t *counts = cls;
    counts[warning->code]++;
}

/* Visits the metrics that belong to no module. */
static void visit_own(const struct status_config *config, const struct metric_visitor *visitor)
{
    static const struct metric build = {
        .name = "presenced_build_info",
        .type = METRIC_GAUGE,
        .labels = {"version"},
        .help = "Always 1: the version that runs.",
    };
    static const struct metric ready = {
        .name = "presenced_ready",
        .type = METRIC_GAUGE,
        .help = "Whether /readyz says 200.",
    };
    static const struct metric degraded = {
        .name = "presenced_degraded",
        .type = METRIC_GAUGE,
        .labels = {"reason"},
        .help = "Whether something is amiss though requests are taken, and what: reason is empty when all is "
                "well.",
    };
    static const struct metric warnings = {
        .name = "presenced_warnings",
        .type = METRIC_GAUGE,
        .labels = {"code"},
        .help = "What needs a person at the moment; /v1/stats and the log say it in words.",
    };
    struct status_health health = config->health(config->health_cls);
    uint64_t n_warnings[WARNING_N_CODES] = {0};
    warnings_each(config->warnings, count_warning, n_warnings);
    metric_visit(visitor, &build, 1, str_from(config->version));
    metric_visit(visitor, &ready, health.readiness == STATUS_READY);
    metric_visit(visitor, &degraded, health.degraded != NULL,
                 str_from(health.degraded == NULL ? "" : health.degraded));
    for (unsigned code = 0; code < WARNING_N_CODES; code++) {
        metric_visit(visitor, &warnings, n_warnings[code], str_from(warning_code_name(code)));
    }
}

static void add_sample(void *cls, const struct metric_sample *sample)
{
    if (sample->metric->name != NULL) {
        exposition_add(cls, sample);
    }
}

struct http_reply *metrics_answer(const struct status_config *config)
{
    cleanup(exposition_fini) struct exposition exposition = {.families = NULL};
    const struct metric_visitor visitor = {add_sample, &exposition};
    struct buf body = {0};
    visit_own(config, &visitor);
    table_metrics(config->table, &visitor);
    for (size_t i = 0; i < config->n_parts; i++) {
        if (config->parts[i].visit != NULL) {
            config->parts[i].visit(config->parts[i].cls, &visitor);
        }
    }
    config->streams.visit(config->streams.cls, &visitor);
    process_metrics(config->started_unix_ms, &visitor);
    exposition_write(&exposition, &body);
    return answer_text("text/plain; version=0.0.4; charset=utf-8", &body);
}
