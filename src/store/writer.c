/* SPDX-License-Identifier: MIT */
/* What changed, in batches. A batch is there whole or not at all, and holds what its users need: the names of
 * their platforms, and the last stamp of those who were dropped. */
#include "store_private.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>

#define MINUTES_KEPT_MS (UINT64_C(86400) * 1000)

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void put_pair(struct store *store)
{
    engine_batch_put(store->batch, layout_key(store->pair), layout_value(store->pair));
}

void writer_begin(struct store *store)
{
    engine_batch_clear(store->batch);
    memset(store->dropped_from, 0, sizeof(store->dropped_from));
}

void writer_put_meta(struct store *store)
{
    layout_write_meta(store->pair);
    put_pair(store);
}

void writer_app_pair(const struct store *store, uint16_t app, struct layout_pair *ret_pair)
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
    writer_app_pair(store, app, store->pair);
    put_pair(store);
}

void writer_put_apps(struct store *store)
{
    for (unsigned app = 0; app < table_n_apps(store->config.table); app++) {
        put_app(store, (uint16_t)app);
    }
}

void writer_put_position(struct store *store, uint64_t run, uint64_t revision)
{
    layout_write_position(&(struct layout_position){run, revision}, store->pair);
    put_pair(store);
}

void writer_put_pending(struct store *store, const struct pending *pending)
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

void writer_put_user(struct store *store, const uint8_t *record)
{
    layout_write_user(table_app_id(store->config.table, record_app(record)), record, store->pair);
    put_pair(store);
}

void writer_delete_user(struct store *store, uint16_t app, struct str user_id)
{
    layout_write_user_key(table_app_id(store->config.table, app), user_id, store->pair);
    engine_batch_delete(store->batch, layout_key(store->pair));
}

void writer_put_minute(struct store *store, const struct layout_minute *minute)
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

int writer_commit(struct store *store, struct engine_error *ret_error)
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
    count(&store->counters.n_commits, 1);
    count(&store->counters.n_bytes, engine_batch_size(store->batch));
    count(&store->counters.commit_us_sum, clock_monotonic_us() - before_us);
    return 0;
}

static void put_change(struct store *store, const struct change *change)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    if (change->kind == CHANGE_UPDATED) {
        writer_put_user(store, record);
        return;
    }
    uint16_t app = record_app(record);
    writer_delete_user(store, app, record_id(record));
    store->dropped_from[app / 64] |= UINT64_C(1) << (app % 64);
}

/* A minute that has ended, if there is one. */
static bool peek_minute(struct store *store, struct layout_minute *ret_minute)
{
    (void)pthread_mutex_lock(&store->minutes.lock);
    *ret_minute = store->minutes.ended;
    (void)pthread_mutex_unlock(&store->minutes.lock);
    return ret_minute->unix_ms != 0;
}

static void take_minute(struct store *store, const struct layout_minute *minute)
{
    (void)pthread_mutex_lock(&store->minutes.lock);
    if (store->minutes.ended.unix_ms == minute->unix_ms) {
        store->minutes.ended = (struct layout_minute){0};
    }
    (void)pthread_mutex_unlock(&store->minutes.lock);
}

/* While the table is rewritten, what changed before is not all there yet. */
static void publish(struct store *store)
{
    if (store->rewrite.phase != REWRITE_NONE || store_stored_revision(store) == store->position) {
        return;
    }
    atomic_store(&store->lacking_since_ms, store->read_ms);
    atomic_store_explicit(&store->stored_revision, store->position, memory_order_release);
    if (store->config.on_durable != NULL) {
        store->config.on_durable(store->config.cls);
    }
}

/* Whether a start is to take up the journal behind where the last batch said; without any change after a
 * rewrite, for what the journal has of the time before it is older than what was written. */
static bool goes_further(const struct store *store, size_t n)
{
    return store->journal != NULL && store->rewrite.phase == REWRITE_NONE &&
           store->position + n != store_stored_revision(store);
}

/* Of a journal that is lost nothing can be taken up: with this batch nothing needs be. */
static void put_position(struct store *store, uint64_t revision)
{
    if (journal_is_lost(store->journal)) {
        writer_put_position(store, 0, 0);
    } else {
        writer_put_position(store, store->run, revision);
    }
}

static int write_changes(struct store *store, size_t n, struct engine_error *ret_error)
{
    struct layout_minute minute;
    bool has_minute = peek_minute(store, &minute);
    uint64_t n_apps_noted = atomic_load(&store->n_apps_noted);
    writer_begin(store);
    if (n_apps_noted != atomic_load(&store->n_apps_written)) {
        writer_put_apps(store);
    }
    for (size_t i = 0; i < n; i++) {
        put_change(store, &store->read[i]);
    }
    if (has_minute) {
        writer_put_minute(store, &minute);
    }
    if (goes_further(store, n)) {
        put_position(store, store->position + n);
    }
    int r = writer_commit(store, ret_error);
    if (r < 0) {
        return r;
    }
    if (has_minute) {
        take_minute(store, &minute);
    }
    atomic_store(&store->n_apps_written, n_apps_noted);
    count(&store->counters.n_changes, n);
    store->position += n;
    publish(store);
    return n > 0 || store->rewrite.phase != REWRITE_NONE ? 0 : WRITER_IDLE;
}

int writer_step(struct store *store, struct engine_error *ret_error)
{
    /* First the page, then the changes: a page's copies of users are never newer than changes that are read
     * after it was written, so what is written last is what is true. */
    int r = store->rewrite.phase == REWRITE_NONE ? 0 : rewrite_step(store, ret_error);
    if (r < 0) {
        return r;
    }
    size_t n = 0;
    store->read_ms = clock_coarse_ms();
    r = changes_read(store->changes, store->position, BATCH_N_CHANGES_MAX, BATCH_BYTES_MAX, &store->storage,
                     store->read, &n);
    if (r == CHANGES_LOST) {
        rewrite_begin(store);
        return 0;
    }
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "no memory to read changes");
        return r;
    }
    return write_changes(store, n, ret_error);
}
