/* SPDX-License-Identifier: MIT */
/* When changes were lost from the log, because writing failed for long or was too slow, the engine gets the
 * whole table again: all users that there are, and then those are deleted that are there no more. Page by
 * page, for the changes of the meantime are written between the pages, or they would be lost in turn. */
#include "store_private.h"

#include "presenced/log.h"

#include <errno.h>

#define PAGE_N_USERS 1000

void rewrite_begin(struct store *store)
{
    if (store->rewrite.phase == REWRITE_NONE) {
        log_notice("store is behind: writing the whole table");
    }
    /* What the log has told up to here is in the table, for a user is changed before the log is told. */
    store->position = changes_last_revision(store->changes);
    store->rewrite = (struct rewrite){.phase = REWRITE_TABLE};
    atomic_fetch_add_explicit(&store->counters.n_rewritten, 1, memory_order_relaxed);
}

static void put_visited(void *cls, const struct user *user)
{
    uint8_t record[RECORD_SIZE_MAX];
    (void)record_encode(user, record);
    batch_put_user(cls, record);
}

static int write_page(struct store *store, struct engine_error *ret_error)
{
    static const struct table_filter all = {.app = -1, .state = -1, .platform = -1};
    struct table_cursor cursor = store->rewrite.cursor;
    batch_begin(store);
    if (cursor.position == 0) {
        batch_put_apps(store);
    }
    bool more = table_list(store->config.table, &all, PAGE_N_USERS, PAGE_N_USERS, &cursor, put_visited,
                           store);
    int r = batch_commit(store, ret_error);
    if (r < 0) {
        return r;
    }
    store->rewrite.cursor = cursor;
    if (!more) {
        store->rewrite.phase = REWRITE_ENGINE;
    }
    return 0;
}

/* Deletes the user of that key where the table does not hold it. What is no user is left as it is. */
static void delete_if_absent(struct store *store, struct str key)
{
    uint64_t app_id;
    struct str id;
    struct user unused;
    if (layout_read_user_key(key, &app_id, &id) < 0) {
        return;
    }
    int app = table_find_app(store->config.table, app_id);
    if (app >= 0 && table_get(store->config.table, (uint16_t)app, id, &unused) == TABLE_ABSENT) {
        batch_delete_user(store, (uint16_t)app, id);
    }
}

/* Where the page begins: behind the last key looked at, which is itself with a NUL. */
static struct engine_cursor *open_page(struct store *store)
{
    static const uint8_t end = LAYOUT_USER + 1;
    uint8_t from[LAYOUT_KEY_MAX + 1] = {LAYOUT_USER};
    size_t from_len = 1;
    if (store->rewrite.last_key_len > 0) {
        memcpy(from, store->rewrite.last_key, store->rewrite.last_key_len);
        from[store->rewrite.last_key_len] = 0;
        from_len = store->rewrite.last_key_len + 1;
    }
    return engine_cursor_new(store->engine, (struct str){(const char *)from, from_len},
                             (struct str){(const char *)&end, 1});
}

static int delete_page(struct store *store, struct engine_error *ret_error)
{
    struct rewrite next = store->rewrite;
    struct str key;
    struct str value;
    int r = 0;
    cleanup(engine_cursor_freep) struct engine_cursor *cursor = open_page(store);
    if (cursor == NULL) {
        return -ENOMEM;
    }
    batch_begin(store);
    for (unsigned n = 0; n < PAGE_N_USERS && r == 0; n++) {
        r = engine_cursor_next(cursor, &key, &value, ret_error);
        if (r == 0 && key.len <= LAYOUT_KEY_MAX) {
            delete_if_absent(store, key);
            memcpy(next.last_key, key.ptr, key.len);
            next.last_key_len = key.len;
        }
    }
    if (r < 0) {
        return r;
    }
    next.phase = r == ENGINE_END ? REWRITE_NONE : REWRITE_ENGINE;
    r = batch_commit(store, ret_error);
    if (r < 0) {
        return r;
    }
    store->rewrite = next;
    if (next.phase == REWRITE_NONE) {
        log_notice("store has the whole table");
    }
    return 0;
}

int rewrite_step(struct store *store, struct engine_error *ret_error)
{
    if (store->rewrite.phase == REWRITE_TABLE) {
        return write_page(store, ret_error);
    }
    store_set_at_disk(store, true); /* it reads key by key */
    int r = delete_page(store, ret_error);
    store_set_at_disk(store, false);
    return r;
}
