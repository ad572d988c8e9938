/* SPDX-License-Identifier: MIT */
/* A batch is there whole or not at all, and holds what its users need: the names of
 * their platforms, and the last stamp of those who were dropped. */
#include "store_private.h"

#include "presenced/clock.h"

#define MINUTES_KEPT_MS (UINT64_C(86400) * 1000)

static void put_pair(struct store *store)
{
    engine_batch_put(store->batch, layout_key(store->pair), layout_value(store->pair));
}

void batch_begin(struct store *store)
{
    engine_batch_clear(store->batch);
    memset(store->dropped_from, 0, sizeof(store->dropped_from));
}

void batch_put_meta(struct store *store)
{
    layout_write_meta(store->pair);
    put_pair(store);
}

void batch_app_pair(const struct store *store, uint16_t app, struct layout_pair *ret_pair)
{
    struct table_counts counts;
    table_counts(store->config.table, app, &counts);
    layout_write_app(
        &(struct layout_app){
            .id = table_app_id(store->config.table, app),
            .forgotten_before_ms = counts.forgotten_before_ms,
            .n_dropped_for_room = counts.n_dropped_for_room,
            .n_dropped_for_age = counts.n_dropped_for_age,
        },
        ret_pair);
}

static void put_app(struct store *store, uint16_t app)
{
    batch_app_pair(store, app, store->pair);
    put_pair(store);
}

void batch_put_apps(struct store *store)
{
    for (unsigned app = 0; app < table_n_apps(store->config.table); app++) {
        put_app(store, (uint16_t)app);
    }
}

void batch_put_position(struct store *store, uint64_t run, uint64_t revision)
{
    layout_write_position(&(struct layout_position){run, revision}, store->pair);
    put_pair(store);
}

void batch_put_pending(struct store *store, const struct pending *pending)
{
    for (size_t i = 0; i < pending->n; i++) {
        const struct journal_pair *pair = &pending->pairs[i].pair;
        if (pair->is_deleted) {
            engine_batch_delete(store->batch, pair->key);
        } else {
            engine_batch_put(store->batch, pair->key, pair->value);
        }
    }
}

void batch_put_user(struct store *store, const uint8_t *record)
{
    layout_write_user(table_app_id(store->config.table, record_app(record)), record, store->pair);
    put_pair(store);
}

void batch_delete_user(struct store *store, uint16_t app, struct str user_id)
{
    layout_write_user_key(table_app_id(store->config.table, app), user_id, store->pair);
    engine_batch_delete(store->batch, layout_key(store->pair));
}

void batch_put_minute(struct store *store, const struct layout_minute *minute)
{
    if (minute->unix_ms >= MINUTES_KEPT_MS) {
        layout_write_minute(&(struct layout_minute){.unix_ms = minute->unix_ms - MINUTES_KEPT_MS},
                            store->pair);
        engine_batch_delete(store->batch, layout_key(store->pair));
    }
    layout_write_minute(minute, store->pair);
    put_pair(store);
}

static void put_dropped_from(struct store *store)
{
    for (unsigned word = 0; word < sizeof(store->dropped_from) / sizeof(store->dropped_from[0]); word++) {
        for (uint64_t left = store->dropped_from[word]; left != 0; left &= left - 1) {
            put_app(store, (uint16_t)(word * 64 + (unsigned)__builtin_ctzll(left)));
        }
    }
}

/* A name is heard before the change that needs it, so those known by now are enough. */
static unsigned put_names(struct store *store)
{
    const struct platform_names *names = table_platform_names(store->config.table);
    unsigned n = platform_count(names);
    for (unsigned platform = store->n_names_written; platform < n; platform++) {
        layout_write_platform((uint8_t)platform, platform_name(names, (uint8_t)platform), store->pair);
        put_pair(store);
    }
    return n;
}

/* And so are apps: they may be added at any time. */
static unsigned put_new_apps(struct store *store)
{
    unsigned n = table_n_apps(store->config.table);
    for (unsigned app = store->n_apps_stored; app < n; app++) {
        put_app(store, (uint16_t)app);
    }
    return n;
}

int batch_commit(struct store *store, struct engine_error *ret_error)
{
    uint64_t before_us = clock_monotonic_us();
    unsigned n_names = put_names(store);
    unsigned n_apps = put_new_apps(store);
    put_dropped_from(store);
    if (engine_batch_is_empty(store->batch)) {
        return 0;
    }
    store_set_at_disk(store, true);
    atomic_fetch_add(&store->n_writes_begun, 1);
    int r = engine_write(store->engine, store->batch, store->config.durability == STORE_SYNC, ret_error);
    store_set_at_disk(store, false);
    if (r < 0) {
        atomic_store(&store->is_torn, true);
        return r;
    }
    atomic_fetch_add(&store->n_writes_done, 1);
    store->n_names_written = n_names;
    store->n_apps_stored = n_apps;
    atomic_store_explicit(&store->written_sequence, engine_last_sequence(store->engine),
                          memory_order_release);
    store_count(&store->counters.n_commits, 1);
    store_count(&store->counters.n_bytes, engine_batch_size(store->batch));
    store_count(&store->counters.commit_us_sum, clock_monotonic_us() - before_us);
    return 0;
}
