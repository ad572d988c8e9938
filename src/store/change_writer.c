/* SPDX-License-Identifier: MIT */
#include "change_writer.h"

#include "batch.h"
#include "commit_log.h"
#include "counter.h"
#include "minutes.h"
#include "relaxed.h"
#include "rewrite.h"
#include "stored_revision.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>

#define BATCH_N_CHANGES_MAX 4096
#define BATCH_BYTES_MAX ((size_t)1 << 20)

int change_writer_init(struct change_writer *change_writer)
{
    change_writer->changes = table_changes(change_writer->config->table);
    change_writer->read = calloc(BATCH_N_CHANGES_MAX, sizeof(*change_writer->read));
    return change_writer->read == NULL ? -ENOMEM : 0;
}

void change_writer_fini(struct change_writer *change_writer)
{
    buf_fini(&change_writer->storage);
    free(change_writer->read);
}

void change_writer_request_apps(struct change_writer *change_writer)
{
    atomic_fetch_add(&change_writer->n_app_requests, 1);
}

void change_writer_rewrite(struct change_writer *change_writer)
{
    /* All changes logged up to this revision are in the table, because a user is changed before the change is
     * logged. */
    change_writer->position = changes_last_revision(change_writer->changes);
    rewrite_begin(change_writer->rewrite);
}

static void put_change(struct batch *batch, const struct change *change)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    if (change->kind == CHANGE_UPDATED) {
        batch_put_user(batch, record);
    } else {
        batch_drop_user(batch, record_app(record), record_id(record));
    }
}

/* Returns whether the batch must update the position from which a start replays the journal. This is also
 * necessary after a rewrite without any further change, because the journal's older entries precede what the
 * rewrite wrote. */
static bool moves_position(const struct change_writer *change_writer, size_t n)
{
    return commit_log_is_used(change_writer->commit_log) && !rewrite_is_under_way(change_writer->rewrite) &&
           change_writer->position + n != stored_revision_get(change_writer->stored);
}

/* Not during a rewrite, when the engine may still lack earlier changes. */
static void publish(struct change_writer *change_writer)
{
    if (rewrite_is_under_way(change_writer->rewrite) ||
        stored_revision_get(change_writer->stored) == change_writer->position) {
        return;
    }
    relaxed_batch_stored(change_writer->relaxed, change_writer->begun_ms);
    stored_revision_set(change_writer->stored, change_writer->position);
    change_writer->config->on_durable(change_writer->config->cls);
}

static int write_changes(struct change_writer *change_writer, size_t n, struct engine_error *ret_error)
{
    struct batch *batch = change_writer->batch;
    struct layout_minute minute;
    bool has_minute = minutes_pending(change_writer->minutes, &minute);
    uint64_t n_app_requests = atomic_load(&change_writer->n_app_requests);
    batch_begin(batch);
    if (n_app_requests != atomic_load(&change_writer->n_app_requests_done)) {
        batch_put_apps(batch);
    }
    for (size_t i = 0; i < n; i++) {
        put_change(batch, &change_writer->read[i]);
    }
    if (has_minute) {
        batch_put_minute(batch, &minute);
    }
    if (moves_position(change_writer, n)) {
        struct layout_position position = commit_log_position(change_writer->commit_log,
                                                              change_writer->position + n);
        batch_put_position(batch, &position);
    }
    int r = batch_commit(batch, ret_error);
    if (r < 0) {
        return r;
    }
    if (has_minute) {
        minutes_written(change_writer->minutes, &minute);
    }
    atomic_store(&change_writer->n_app_requests_done, n_app_requests);
    counter_add(&change_writer->n_changes, n);
    change_writer->position += n;
    publish(change_writer);
    return n > 0 || rewrite_is_under_way(change_writer->rewrite) ? 0 : CHANGE_WRITER_IDLE;
}

int change_writer_step(struct change_writer *change_writer, struct engine_error *ret_error)
{
    /* The page is written before the changes are read, so the page's copies of users are never newer than
     * these changes, and the last write of a user is its latest state. */
    if (rewrite_is_under_way(change_writer->rewrite)) {
        int r = rewrite_step(change_writer->rewrite, ret_error);
        if (r < 0) {
            return r;
        }
    }
    size_t n = 0;
    change_writer->begun_ms = clock_coarse_ms();
    int r = changes_read(change_writer->changes, change_writer->position, BATCH_N_CHANGES_MAX,
                         BATCH_BYTES_MAX, &change_writer->storage, change_writer->read, &n);
    if (r == CHANGES_LOST) {
        change_writer_rewrite(change_writer);
        return 0;
    }
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "no memory to read changes");
        return r;
    }
    return write_changes(change_writer, n, ret_error);
}

void change_writer_add_stats(const struct change_writer *change_writer, struct store_stats *stats)
{
    bool has_request = atomic_load(&change_writer->n_app_requests) !=
                       atomic_load(&change_writer->n_app_requests_done);
    stats->lag += has_request;
    stats->n_changes = counter_get(&change_writer->n_changes);
}
