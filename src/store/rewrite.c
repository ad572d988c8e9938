/* SPDX-License-Identifier: MIT */
/* If changes were lost from the log, because writing failed for long or was too slow, the whole table is
 * written to the engine again: first all users, then those that no longer exist are deleted. This is done in
 * pages, and changes made meanwhile are written between pages; otherwise they could be lost from the log,
 * too. */
#include "rewrite.h"

#include "batch.h"
#include "counter.h"
#include "liveness.h"

#include "presenced/log.h"

#include <errno.h>

#define PAGE_N_USERS 1000

void rewrite_begin(struct rewrite *rewrite)
{
    if (!rewrite_is_under_way(rewrite)) {
        log_notice("store is behind: writing the whole table");
    }
    rewrite->phase = REWRITE_TABLE;
    rewrite->cursor = (struct table_cursor){0};
    rewrite->last_key.len = 0;
    counter_add(&rewrite->n_begun, 1);
}

static void put_user(void *cls, const struct user *user)
{
    uint8_t record[RECORD_SIZE_MAX];
    (void)record_encode(user, record);
    batch_put_user(cls, record);
}

static int write_page(struct rewrite *rewrite, struct engine_error *ret_error)
{
    static const struct table_filter all = {.app = -1, .state = -1, .platform = -1};
    struct table_cursor cursor = rewrite->cursor;
    batch_begin(rewrite->batch);
    if (cursor.position == 0) {
        batch_put_apps(rewrite->batch);
    }
    bool more = table_list(rewrite->table, &all, PAGE_N_USERS, PAGE_N_USERS, &cursor, put_user,
                           rewrite->batch);
    int r = batch_commit(rewrite->batch, ret_error);
    if (r < 0) {
        return r;
    }
    rewrite->cursor = cursor;
    if (!more) {
        rewrite->phase = REWRITE_ENGINE;
    }
    return 0;
}

/* Deletes the user of that key if it is not in the table. Other keys are left. */
static void delete_if_absent(const struct rewrite *rewrite, struct str key)
{
    uint64_t app_id;
    struct str id;
    struct user unused;
    if (layout_read_user_key(key, &app_id, &id) < 0) {
        return;
    }
    int app = table_find_app(rewrite->table, app_id);
    if (app >= 0 && table_get(rewrite->table, (uint16_t)app, id, &unused) == TABLE_ABSENT) {
        batch_delete_user(rewrite->batch, (uint16_t)app, id);
    }
}

/* The page begins after the last key that was examined: the next possible key is that key followed by a NUL.
 */
static struct engine_cursor *open_page(const struct rewrite *rewrite)
{
    static const uint8_t end = LAYOUT_USER + 1;
    uint8_t from[LAYOUT_KEY_MAX + 1] = {LAYOUT_USER};
    size_t from_len = 1;
    if (rewrite->last_key.len > 0) {
        memcpy(from, rewrite->last_key.bytes, rewrite->last_key.len);
        from[rewrite->last_key.len] = 0;
        from_len = rewrite->last_key.len + 1;
    }
    return engine_cursor_new(batch_engine(rewrite->batch), (struct str){(const char *)from, from_len},
                             (struct str){(const char *)&end, 1});
}

static int delete_page(struct rewrite *rewrite, struct engine_error *ret_error)
{
    struct rewrite_key last_key = rewrite->last_key;
    struct str key;
    struct str value;
    int r = 0;
    cleanup(engine_cursor_freep) struct engine_cursor *cursor = open_page(rewrite);
    if (cursor == NULL) {
        return -ENOMEM;
    }
    batch_begin(rewrite->batch);
    for (unsigned n = 0; n < PAGE_N_USERS && r == 0; n++) {
        r = engine_cursor_next(cursor, &key, &value, ret_error);
        if (r == 0 && key.len <= LAYOUT_KEY_MAX) {
            delete_if_absent(rewrite, key);
            memcpy(last_key.bytes, key.ptr, key.len);
            last_key.len = key.len;
        }
    }
    if (r < 0) {
        return r;
    }
    bool is_last = r == ENGINE_END;
    r = batch_commit(rewrite->batch, ret_error);
    if (r < 0) {
        return r;
    }
    rewrite->last_key = last_key;
    if (is_last) {
        rewrite->phase = REWRITE_NONE;
        log_notice("store has the whole table");
    }
    return 0;
}

int rewrite_step(struct rewrite *rewrite, struct engine_error *ret_error)
{
    if (rewrite->phase == REWRITE_TABLE) {
        return write_page(rewrite, ret_error);
    }
    liveness_set_at_disk(rewrite->liveness, true); /* it reads from the disk key by key */
    int r = delete_page(rewrite, ret_error);
    liveness_set_at_disk(rewrite->liveness, false);
    return r;
}

void rewrite_add_stats(const struct rewrite *rewrite, struct store_stats *stats)
{
    stats->n_rewritten = counter_get(&rewrite->n_begun);
}
