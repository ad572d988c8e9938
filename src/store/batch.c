/* SPDX-License-Identifier: MIT */
/* A batch with users also contains what they depend on: names of their platforms, their apps, and the
 * forgotten_before of dropped users. */
#include "batch.h"

#include "counter.h"
#include "liveness.h"
#include "pending.h"

#include "presenced/clock.h"

#include <poll.h>

#define MINUTES_KEPT_MS (UINT64_C(86400) * 1000)

void batch_init(struct batch *batch)
{
    batch->pairs = engine_batch_new();
    batch_set_known(batch, PLATFORM_N_KNOWN, 0);
}

void batch_fini(struct batch *batch)
{
    batch_close_engine(batch);
    engine_batch_free(batch->pairs);
}

void batch_set_engine(struct batch *batch, struct engine *engine)
{
    atomic_store(&batch->n_writes_done, atomic_load(&batch->n_writes_begun));
    atomic_store(&batch->is_torn, false);
    batch->engine = engine;
}

void batch_set_known(struct batch *batch, unsigned n_names, unsigned n_apps)
{
    batch->n_names = n_names;
    batch->n_apps = n_apps;
}

void batch_close_engine(struct batch *batch)
{
    engine_close(take_pointer(batch->engine));
}

void batch_begin(struct batch *batch)
{
    engine_batch_clear(batch->pairs);
    memset(batch->apps_of_dropped, 0, sizeof(batch->apps_of_dropped));
}

static void put_pair(struct batch *batch)
{
    engine_batch_put(batch->pairs, layout_key(&batch->pair), layout_value(&batch->pair));
}

void batch_put_meta(struct batch *batch)
{
    layout_write_meta(&batch->pair);
    put_pair(batch);
}

void batch_make_app_pair(const struct table *table, uint16_t app, struct layout_pair *ret_pair)
{
    struct table_counts counts;
    table_counts(table, app, &counts);
    layout_write_app(
        &(struct layout_app){
            .id = table_app_id(table, app),
            .forgotten_before_ms = counts.forgotten_before_ms,
            .n_dropped_for_room = counts.n_dropped_for_room,
            .n_dropped_for_age = counts.n_dropped_for_age,
        },
        ret_pair);
}

static void put_app(struct batch *batch, unsigned app)
{
    batch_make_app_pair(batch->table, (uint16_t)app, &batch->pair);
    put_pair(batch);
}

void batch_put_apps(struct batch *batch)
{
    for (unsigned app = 0; app < table_n_apps(batch->table); app++) {
        put_app(batch, app);
    }
}

void batch_put_position(struct batch *batch, const struct layout_position *position)
{
    layout_write_position(position, &batch->pair);
    put_pair(batch);
}

void batch_put_pending(struct batch *batch, const struct pending *pending)
{
    for (size_t i = 0; i < pending->n; i++) {
        const struct journal_pair *pair = &pending->pairs[i].pair;
        if (pair->is_deleted) {
            engine_batch_delete(batch->pairs, pair->key);
        } else {
            engine_batch_put(batch->pairs, pair->key, pair->value);
        }
    }
}

void batch_put_user(struct batch *batch, const uint8_t *record)
{
    layout_write_user(table_app_id(batch->table, record_app(record)), record, &batch->pair);
    put_pair(batch);
}

void batch_delete_user(struct batch *batch, uint16_t app, struct str user_id)
{
    layout_write_user_key(table_app_id(batch->table, app), user_id, &batch->pair);
    engine_batch_delete(batch->pairs, layout_key(&batch->pair));
}

void batch_drop_user(struct batch *batch, uint16_t app, struct str user_id)
{
    batch_delete_user(batch, app, user_id);
    batch->apps_of_dropped[app / 64] |= UINT64_C(1) << (app % 64);
}

/* Also deletes the value of the same minute a day before. */
void batch_put_minute(struct batch *batch, const struct layout_minute *minute)
{
    if (minute->unix_ms >= MINUTES_KEPT_MS) {
        layout_write_minute(&(struct layout_minute){.unix_ms = minute->unix_ms - MINUTES_KEPT_MS},
                            &batch->pair);
        engine_batch_delete(batch->pairs, layout_key(&batch->pair));
    }
    layout_write_minute(minute, &batch->pair);
    put_pair(batch);
}

/* Adds new platform names. A name is interned before the change that uses it is logged, so the names known
 * now are sufficient. */
static unsigned put_new_names(struct batch *batch)
{
    const struct platform_names *names = table_platform_names(batch->table);
    unsigned n = platform_count(names);
    for (unsigned platform = batch->n_names; platform < n; platform++) {
        layout_write_platform((uint8_t)platform, platform_name(names, (uint8_t)platform), &batch->pair);
        put_pair(batch);
    }
    return n;
}

/* Adds new apps. As for names, those known now are sufficient. */
static unsigned put_new_apps(struct batch *batch)
{
    unsigned n = table_n_apps(batch->table);
    for (unsigned app = batch->n_apps; app < n; app++) {
        put_app(batch, app);
    }
    return n;
}

static void put_apps_of_dropped(struct batch *batch)
{
    for (unsigned word = 0; word < TABLE_N_APPS_MAX / 64; word++) {
        for (uint64_t left = batch->apps_of_dropped[word]; left != 0; left &= left - 1) {
            put_app(batch, word * 64 + (unsigned)__builtin_ctzll(left));
        }
    }
}

int batch_commit(struct batch *batch, struct engine_error *ret_error)
{
    uint64_t before_us = clock_monotonic_us();
    unsigned n_names = put_new_names(batch);
    unsigned n_apps = put_new_apps(batch);
    put_apps_of_dropped(batch);
    if (engine_batch_is_empty(batch->pairs)) {
        return 0;
    }
    liveness_set_at_disk(batch->liveness, true);
    atomic_fetch_add(&batch->n_writes_begun, 1);
    int r = engine_write(batch->engine, batch->pairs, batch->syncs, ret_error);
    liveness_set_at_disk(batch->liveness, false);
    if (r < 0) {
        atomic_store(&batch->is_torn, true);
        return r;
    }
    atomic_fetch_add(&batch->n_writes_done, 1);
    batch_set_known(batch, n_names, n_apps);
    atomic_store_explicit(&batch->sequence, engine_last_sequence(batch->engine), memory_order_release);
    counter_add(&batch->n_commits, 1);
    counter_add(&batch->n_bytes, engine_batch_size(batch->pairs));
    counter_add(&batch->commit_us_sum, clock_monotonic_us() - before_us);
    return 0;
}

bool batch_await_writes(const struct batch *batch)
{
    uint64_t n_begun = atomic_load(&batch->n_writes_begun);
    while (atomic_load(&batch->n_writes_done) < n_begun && !atomic_load(&batch->is_torn)) {
        (void)poll(NULL, 0, 1);
    }
    return !atomic_load(&batch->is_torn);
}

void batch_add_stats(const struct batch *batch, struct store_stats *stats)
{
    stats->n_commits = counter_get(&batch->n_commits);
    stats->n_bytes = counter_get(&batch->n_bytes);
    stats->commit_us_sum = counter_get(&batch->commit_us_sum);
}
