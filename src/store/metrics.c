/* SPDX-License-Identifier: MIT */
#include "presenced/array.h"
#include "presenced/event_history.h"
#include "presenced/store.h"

static const struct metric metrics[] = {
    {.name = "presenced_store_loaded_users",
     .type = METRIC_GAUGE,
     .help = "Users that the store held at start.",
     .key = "users_loaded",
     .offset = offsetof(struct store_stats, n_users_loaded)},
    {.name = "presenced_store_load_seconds",
     .type = METRIC_GAUGE,
     .unit = METRIC_MS,
     .help = "How long loading them took.",
     .key = "load_ms",
     .offset = offsetof(struct store_stats, load_ms)},
    {.name = "presenced_store_synced_revision",
     .type = METRIC_GAUGE,
     .help = "Change up to which all is synced to the disk.",
     .key = "synced_revision",
     .offset = offsetof(struct store_stats, synced_revision)},
    {.name = "presenced_store_commits_total",
     .type = METRIC_COUNTER,
     .help = "Batches written.",
     .key = "commits",
     .offset = offsetof(struct store_stats, n_commits)},
    {.name = "presenced_store_changes_total",
     .type = METRIC_COUNTER,
     .help = "Changes written.",
     .key = "changes",
     .offset = offsetof(struct store_stats, n_changes)},
    {.name = "presenced_store_written_bytes_total",
     .type = METRIC_COUNTER,
     .help = "Size of the batches written.",
     .key = "bytes",
     .offset = offsetof(struct store_stats, n_bytes)},
    {.name = "presenced_store_commit_seconds_total",
     .type = METRIC_COUNTER,
     .unit = METRIC_US,
     .help = "Time spent on writing batches.",
     .key = "commit_us",
     .offset = offsetof(struct store_stats, commit_us_sum)},
    {.name = "presenced_store_syncs_total",
     .type = METRIC_COUNTER,
     .help = "Times that what was written was synced.",
     .key = "syncs",
     .offset = offsetof(struct store_stats, n_syncs)},
    {.name = "presenced_store_sync_seconds_total",
     .type = METRIC_COUNTER,
     .unit = METRIC_US,
     .help = "Time spent on syncing.",
     .key = "sync_us",
     .offset = offsetof(struct store_stats, sync_us_sum)},
    {.name = "presenced_store_failures_total",
     .type = METRIC_COUNTER,
     .help = "Writes, syncs and reopenings that failed.",
     .key = "failures",
     .offset = offsetof(struct store_stats, n_failures)},
    {.name = "presenced_store_rewrites_total",
     .type = METRIC_COUNTER,
     .help = "Times that the whole table was written, for the change log had lost changes.",
     .key = "rewritten",
     .offset = offsetof(struct store_stats, n_rewritten)},
};

void store_metrics(const struct store *store, const struct metric_visitor *visitor)
{
    struct store_stats stats;
    store_stats(store, &stats);
    changes_follower_metrics(STR("store"), stats.stored_revision, stats.lag, visitor);
    metrics_visit(metrics, N_ELEMENTS(metrics), &stats, (struct str){NULL, 0}, visitor);
}

static const struct metric history_metrics[] = {
    {.name = "presenced_history_events_total",
     .type = METRIC_COUNTER,
     .help = "Events of users that the history has on disk since the start.",
     .key = "history_events",
     .offset = offsetof(struct event_history_stats, n_written)},
    {.name = "presenced_history_dropped_events_total",
     .type = METRIC_COUNTER,
     .help = "Events that are missing in the history: its queue was full, or its disk failed.",
     .key = "history_dropped",
     .offset = offsetof(struct event_history_stats, n_dropped)},
    {.name = "presenced_history_failures_total",
     .type = METRIC_COUNTER,
     .help = "Writes, reads and deletions of the history that failed.",
     .key = "history_failures",
     .offset = offsetof(struct event_history_stats, n_failures)},
    {.name = "presenced_history_bytes",
     .type = METRIC_GAUGE,
     .help = "What the history takes on disk.",
     .key = "history_bytes",
     .offset = offsetof(struct event_history_stats, n_bytes)},
};

void event_history_metrics(const struct event_history *history, const struct metric_visitor *visitor)
{
    struct event_history_stats stats;
    event_history_stats(history, &stats);
    metrics_visit(history_metrics, N_ELEMENTS(history_metrics), &stats, (struct str){NULL, 0}, visitor);
}
