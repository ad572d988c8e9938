/* SPDX-License-Identifier: MIT */
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>

static struct entry *copy_record(const uint8_t *record)
{
    size_t size = record_size(record);
    struct entry *entry = malloc(sizeof(*entry) + size);
    if (entry != NULL) {
        memcpy(entry->record, record, size);
    }
    return entry;
}

/* Adds a user to the locked shard. Takes ownership of `entry` on success. */
static int add_locked(struct table *table, const struct place *place, const struct user *user,
                      struct entry *entry, uint64_t now_ms)
{
    struct shard *shard = place->shard;
    int r = shard_reserve(shard);
    if (r < 0) {
        return r;
    }
    if (shard_find(shard, place->hash, user->app, user_id(user)) != SLOT_NONE) {
        return -EEXIST;
    }
    if (shard->index.n == 0) {
        /* Begin with the current value, so that the users of the shard need not be reclassified at once. */
        shard->assumed_ms = table_view(table, now_ms).assumed_ms;
    }
    struct user_summary summary;
    struct user_view view = table_shard_view(table, shard, slots_peek(&shard->slots), now_ms);
    user_summarise(user, &view, &summary);
    struct heap_key heap_key = heap_key_of(user, &summary);
    (void)shard_add(shard, place->hash, entry, &heap_key);
    app_count_added(table->apps[user->app], &(struct counted_user){summary.state, summary.online});
    return 0;
}

static int add_entry(struct table *table, const struct user *user, struct entry *entry, uint64_t now_ms)
{
    struct place place = table_place(table, user->app, user_id(user));
    (void)pthread_mutex_lock(&place.shard->lock);
    int r = add_locked(table, &place, user, entry, now_ms);
    table_unlock(table, place.shard);
    return r;
}

int table_restore_user(struct table *table, const uint8_t *record, uint64_t now_ms)
{
    struct user user;
    record_decode(record, &user);
    struct entry *entry = copy_record(record);
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
