/* SPDX-License-Identifier: MIT */
#include "presenced/breakdown.h"

#include <errno.h>
#include <stdatomic.h>

/* Minimum time between two records: reading the counts of a thousand apps takes a millisecond. */
#define INTERVAL_MS 900

struct breakdown {
    const struct table *table;
    bool has_any; /* something was recorded, at `recorded_unix_ms` last */
    uint64_t recorded_unix_ms;
    _Atomic(struct online_minutes *) of_app[TABLE_N_APPS_MAX]; /* NULL until somebody is online */
    _Atomic(struct online_minutes *) of_platform[PLATFORM_N_MAX];
};

int breakdown_new(const struct table *table, struct breakdown **ret_breakdown)
{
    struct breakdown *breakdown = calloc(1, sizeof(*breakdown));
    if (breakdown == NULL) {
        return -ENOMEM;
    }
    breakdown->table = table;
    *ret_breakdown = breakdown;
    return 0;
}

void breakdown_free(struct breakdown *breakdown)
{
    if (breakdown == NULL) {
        return;
    }
    for (unsigned i = 0; i < TABLE_N_APPS_MAX; i++) {
        online_minutes_free(atomic_load(&breakdown->of_app[i]));
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        online_minutes_free(atomic_load(&breakdown->of_platform[i]));
    }
    free(breakdown);
}

static void record(_Atomic(struct online_minutes *) *at, uint64_t unix_ms, uint64_t n)
{
    struct online_minutes *minutes = atomic_load(at);
    if (minutes == NULL) {
        if (n == 0 || online_minutes_new(&minutes) < 0) {
            return;
        }
        atomic_store(at, minutes);
    }
    online_minutes_record(minutes, unix_ms, n);
}

void breakdown_record(struct breakdown *breakdown, uint64_t unix_ms)
{
    uint64_t n_devices[PLATFORM_N_MAX] = {0};
    bool is_recent = breakdown->has_any && unix_ms >= breakdown->recorded_unix_ms &&
                     unix_ms - breakdown->recorded_unix_ms < INTERVAL_MS;
    if (is_recent) {
        return;
    }
    breakdown->has_any = true;
    breakdown->recorded_unix_ms = unix_ms;
    for (unsigned app = 0; app < table_n_apps(breakdown->table); app++) {
        struct table_counts counts;
        table_counts(breakdown->table, (uint16_t)app, &counts);
        record(&breakdown->of_app[app], unix_ms, counts.n_users[USER_ONLINE]);
        for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
            n_devices[i] += counts.n_online_rows[i];
        }
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        record(&breakdown->of_platform[i], unix_ms, n_devices[i]);
    }
}

struct online_minutes *breakdown_of_app(const struct breakdown *breakdown, unsigned app)
{
    return atomic_load(&breakdown->of_app[app]);
}

struct online_minutes *breakdown_of_platform(const struct breakdown *breakdown, unsigned platform)
{
    return atomic_load(&breakdown->of_platform[platform]);
}
