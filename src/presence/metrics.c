/* SPDX-License-Identifier: MIT */
#include "presenced/table.h"

#include <inttypes.h>
#include <stdio.h>

static void visit_users(struct str app, const struct table_counts *counts,
                        const struct metric_visitor *visitor)
{
    static const struct metric users = {
        .name = "presenced_users",
        .type = METRIC_GAUGE,
        .labels = {"app", "state"},
        .help = "Users size.",
    };
    for (int state = 0; state < USER_N_STATES; state++) {
        metric_visit(visitor, &users, counts->n_users[state], app, user_state_name((enum user_state)state));
    }
}

/* Platforms that are not built in are shown only for apps that use them, because there may be many. */
static void visit_devices(struct table *table, struct str app, const struct table_counts *counts,
                          const struct metric_visitor *visitor)
{
    static const struct metric devices = {
        .name = "presenced_online_devices",
        .type = METRIC_GAUGE,
        .labels = {"app", "platform"},
        .help = "Rows that read as online: a user has one a platform.",
    };
    const struct platform_names *names = table_platform_names(table);
    unsigned n_platforms = platform_count(names);
    for (unsigned platform = 0; platform < n_platforms; platform++) {
        if (platform < PLATFORM_N_KNOWN || counts->n_online_rows[platform] > 0) {
            metric_visit(visitor, &devices, counts->n_online_rows[platform], app,
                         platform_name(names, (uint8_t)platform));
        }
    }
}

static void visit_dropped(struct str app, const struct table_counts *counts,
                          const struct metric_visitor *visitor)
{
    static const struct metric dropped = {
        .name = "presenced_users_dropped_total",
        .type = METRIC_COUNTER,
        .labels = {"app", "reason"},
        .help = "Users dropped to make room or for their age, by the option that says so.",
    };
    metric_visit(visitor, &dropped, counts->n_dropped_for_room, app, STR("max_users"));
    metric_visit(visitor, &dropped, counts->n_dropped_for_age, app, STR("forget_after"));
}

static void visit_changes(struct changes *changes, const struct metric_visitor *visitor)
{
    static const struct metric revision = {
        .name = "presenced_change_log_changes_total",
        .type = METRIC_COUNTER,
        .help = "Changes of the table since the start, which is the number of the newest.",
    };
    static const struct metric entries = {
        .name = "presenced_change_log_entries",
        .type = METRIC_GAUGE,
        .help = "Changes that the log holds.",
    };
    static const struct metric bytes = {
        .name = "presenced_change_log_bytes",
        .type = METRIC_GAUGE,
        .help = "Size of the changes that the log holds.",
    };
    struct changes_size size;
    changes_size(changes, &size);
    metric_visit(visitor, &revision, size.last_revision);
    metric_visit(visitor, &entries, size.n_entries);
    metric_visit(visitor, &bytes, size.n_bytes);
}

void changes_follower_metrics(struct str follower, uint64_t revision, uint64_t lag,
                              const struct metric_visitor *visitor)
{
    static const struct metric follower_revision = {
        .name = "presenced_follower_revision",
        .type = METRIC_GAUGE,
        .labels = {"follower"},
        .help = "Change up to which a follower of the log has come.",
        .key = "stored_revision",
    };
    static const struct metric follower_lag = {
        .name = "presenced_follower_lag_changes",
        .type = METRIC_GAUGE,
        .labels = {"follower"},
        .help = "Changes that it is behind the newest.",
        .key = "lag",
    };
    metric_visit(visitor, &follower_revision, revision, follower);
    metric_visit(visitor, &follower_lag, lag, follower);
}

void table_metrics(struct table *table, const struct metric_visitor *visitor)
{
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        char id[24];
        struct table_counts counts;
        int len = snprintf(id, sizeof(id), "%" PRIu64, table_app_id(table, (uint16_t)app));
        struct str label = {id, (size_t)len};
        table_counts(table, (uint16_t)app, &counts);
        visit_users(label, &counts, visitor);
        visit_devices(table, label, &counts, visitor);
        visit_dropped(label, &counts, visitor);
    }
    visit_changes(table_changes(table), visitor);
}
