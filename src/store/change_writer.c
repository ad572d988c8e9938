/* SPDX-License-Identifier: MIT */
/* The next batch of what there is to write: a page of a rewrite, changes, a minute, the apps. */
#include "store_private.h"

#include "presenced/clock.h"

#include <stdio.h>

static void put_change(struct store *store, const struct change *change)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    if (change->kind == CHANGE_UPDATED) {
        batch_put_user(store, record);
        return;
    }
    uint16_t app = record_app(record);
    batch_delete_user(store, app, record_id(record));
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
        batch_put_position(store, 0, 0);
    } else {
        batch_put_position(store, store->run, revision);
    }
}

static int write_changes(struct store *store, size_t n, struct engine_error *ret_error)
{
    struct layout_minute minute;
    bool has_minute = peek_minute(store, &minute);
    uint64_t n_apps_noted = atomic_load(&store->n_apps_noted);
    batch_begin(store);
    if (n_apps_noted != atomic_load(&store->n_apps_written)) {
        batch_put_apps(store);
    }
    for (size_t i = 0; i < n; i++) {
        put_change(store, &store->read[i]);
    }
    if (has_minute) {
        batch_put_minute(store, &minute);
    }
    if (goes_further(store, n)) {
        put_position(store, store->position + n);
    }
    int r = batch_commit(store, ret_error);
    if (r < 0) {
        return r;
    }
    if (has_minute) {
        take_minute(store, &minute);
    }
    atomic_store(&store->n_apps_written, n_apps_noted);
    store_count(&store->counters.n_changes, n);
    store->position += n;
    publish(store);
    return n > 0 || store->rewrite.phase != REWRITE_NONE ? 0 : CHANGE_WRITER_IDLE;
}

int change_writer_step(struct store *store, struct engine_error *ret_error)
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
