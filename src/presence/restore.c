/* SPDX-License-Identifier: MIT */
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>

static struct held *hold(const uint8_t *record)
{
    size_t size = record_size(record);
    struct held *held = malloc(sizeof(*held) + size);
    if (held != NULL) {
        memcpy(held->record, record, size);
    }
    return held;
}

/* Takes over `held` where it succeeds. */
static int add_held(struct table *table, const struct user *user, struct held *held,
                    const struct filing *filing)
{
    struct place place = table_place(table, user->app, user_id(user));
    (void)pthread_mutex_lock(&place.shard->lock);
    int r = shard_reserve(place.shard);
    if (r == 0 && shard_find(place.shard, place.hash, user->app, user_id(user)) != SLOT_NONE) {
        r = -EEXIST;
    }
    if (r == 0) {
        (void)shard_add(place.shard, place.hash, held, filing);
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
    struct filing filing = filing_of(&user, &summary);
    struct counted counted = {summary.state, user_online_platforms(&user)};
    struct held *held = hold(record);
    if (held == NULL) {
        return -ENOMEM;
    }
    int r = add_held(table, &user, held, &filing);
    if (r < 0) {
        free(held);
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
