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

/* Takes over `held` where it succeeds. */
static int add_entry(struct table *table, const struct user *user, struct entry *entry,
                     const struct heap_key *heap_key)
{
    struct place place = table_place(table, user->app, user_id(user));
    (void)pthread_mutex_lock(&place.shard->lock);
    int r = shard_reserve(place.shard);
    if (r == 0 && shard_find(place.shard, place.hash, user->app, user_id(user)) != SLOT_NONE) {
        r = -EEXIST;
    }
    if (r == 0) {
        (void)shard_add(place.shard, place.hash, entry, heap_key);
    }
    table_unlock(table, place.shard);
    return r;
}

int table_restore_user(struct table *table, const uint8_t *record, uint64_t now_ms)
{
    struct user user;
    struct user_summary summary;
    record_decode(record, &user);
    user_summarise(&user, table->config.push_online_window_ms, now_ms, &summary);
    struct heap_key heap_key = heap_key_of(&user, &summary);
    struct counted counted = {summary.state, user_online_platforms(&user)};
    struct entry *entry = hold(record);
    if (entry == NULL) {
        return -ENOMEM;
    }
    int r = add_entry(table, &user, entry, &heap_key);
    if (r < 0) {
        free(entry);
        return r;
    }
    app_count_added(table->apps[user.app], &counted);
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
