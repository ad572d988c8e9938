/* SPDX-License-Identifier: MIT */
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>

static struct entry *hold(const uint8_t *record)
{
    size_t size = record_size(record);
    struct entry *entry = malloc(sizeof(*entry) + size);
    if (entry != NULL) {
        memcpy(entry->record, record, size);
    }
    return entry;
}

/* Takes over `entry` where it succeeds. */
static int add_entry(struct table *table, const struct user *user, struct entry *entry, uint64_t now_ms)
{
    struct place place = table_place(table, user->app, user_id(user));
    (void)pthread_mutex_lock(&place.shard->lock);
    int r = shard_reserve(place.shard);
    if (r == 0 && shard_find(place.shard, place.hash, user->app, user_id(user)) != SLOT_NONE) {
        r = -EEXIST;
    }
    if (place.shard->index.n == 0) {
        /* Nobody is to be moved at once. */
        place.shard->assumed_ms = table_view(table, now_ms).assumed_ms;
    }
    if (r == 0) {
        struct user_summary summary;
        uint32_t slot = slots_peek(&place.shard->slots);
        struct user_view view = table_filed_view(table, place.shard, slot, now_ms);
        user_summarise(user, &view, &summary);
        struct heap_key heap_key = heap_key_of(user, &summary);
        (void)shard_add(place.shard, place.hash, entry, &heap_key);
        app_count_added(table->apps[user->app], &(struct counted){summary.state, summary.online});
    }
    table_unlock(table, place.shard);
    return r;
}

int table_restore_user(struct table *table, const uint8_t *record, uint64_t now_ms)
{
    struct user user;
    record_decode(record, &user);
    struct entry *entry = hold(record);
    if (entry == NULL) {
        return -ENOMEM;
    }
    int r = add_entry(table, &user, entry, now_ms);
    if (r < 0) {
        free(entry);
        return r;
    }
    atomic_fetch_add_explicit(&table->n_users, 1, memory_order_relaxed);
    return 0;
}

void table_restore_dropped(struct table *table, uint16_t app, uint64_t forgotten_before_ms,
                           uint64_t n_dropped_for_room, uint64_t n_dropped_for_age)
{
    struct app *restored = table->apps[app];
    app_raise_forgotten(restored, forgotten_before_ms);
    atomic_store_explicit(&restored->n_dropped_for_room, n_dropped_for_room, memory_order_relaxed);
    atomic_store_explicit(&restored->n_dropped_for_age, n_dropped_for_age, memory_order_relaxed);
}
