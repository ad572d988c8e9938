/* SPDX-License-Identifier: MIT */
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>

#define CHANGES_MAX_ENTRIES 65536
#define CHANGES_MAX_BYTES ((size_t)16 << 20)

static int draw_key(struct siphash_key *ret_key)
{
    ssize_t n;
    do {
        n = getrandom(ret_key, sizeof(*ret_key), 0);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static void init_shards(struct table *table)
{
    for (unsigned i = 0; i < TABLE_N_SHARDS; i++) {
        shard_init(&table->shards[i]);
        atomic_init(&table->window_tops[i], HEAP_NO_KEY);
        atomic_init(&table->idle_tops[i], HEAP_NO_KEY);
        atomic_init(&table->ended[i], 0);
        atomic_init(&table->oldest_logins[i], UINT64_MAX);
        atomic_init(&table->newest_assumed[i], 0);
        atomic_init(&table->n_marked[i], 0);
    }
}

static int open_parts(struct table *table)
{
    const struct table_config *config = &table->config;
    int r = draw_key(&table->key);
    if (r < 0) {
        return r;
    }
    r = platform_names_new(&table->names);
    if (r < 0) {
        return r;
    }
    return changes_new(config->changes_max_entries == 0 ? CHANGES_MAX_ENTRIES : config->changes_max_entries,
                       config->changes_max_bytes == 0 ? CHANGES_MAX_BYTES : config->changes_max_bytes,
                       &table->changes);
}

int table_new(const struct table_config *config, struct table **ret_table)
{
    struct table *table = aligned_alloc(alignof(struct table), sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    memset(table, 0, sizeof(*table));
    table->config = *config;
    init_shards(table);
    int r = open_parts(table);
    if (r < 0) {
        table_free(table);
        return r;
    }
    *ret_table = table;
    return 0;
}

void table_free(struct table *table)
{
    if (table == NULL) {
        return;
    }
    for (unsigned i = 0; i < TABLE_N_SHARDS; i++) {
        shard_fini(&table->shards[i]);
    }
    for (unsigned i = 0; i < table->n_apps; i++) {
        free(table->apps[i]);
    }
    changes_free(table->changes);
    platform_names_free(table->names);
    free(table);
}

int table_add_app(struct table *table, uint64_t app_id, uint16_t *ret_app)
{
    if (table_find_app(table, app_id) >= 0) {
        return -EEXIST;
    }
    if (table->n_apps == TABLE_N_APPS_MAX) {
        return -ENOSPC;
    }
    struct app *app = aligned_alloc(alignof(struct app), sizeof(*app));
    if (app == NULL) {
        return -ENOMEM;
    }
    memset(app, 0, sizeof(*app));
    app->id = app_id;
    unsigned n = table->n_apps;
    table->apps[n] = app;
    table->n_apps = n + 1; /* an atomic store: a thread that sees the new number also sees the app */
    *ret_app = (uint16_t)n;
    return 0;
}

unsigned table_n_apps(const struct table *table)
{
    return table->n_apps;
}

uint64_t table_app_id(const struct table *table, uint16_t app)
{
    return table->apps[app]->id;
}

int table_find_app(const struct table *table, uint64_t app_id)
{
    for (unsigned i = 0; i < table->n_apps; i++) {
        if (table->apps[i]->id == app_id) {
            return (int)i;
        }
    }
    return -1;
}

struct platform_names *table_platform_names(struct table *table)
{
    return table->names;
}

struct changes *table_changes(struct table *table)
{
    return table->changes;
}

void table_pass_locks(struct table *table)
{
    for (unsigned i = 0; i < TABLE_N_SHARDS; i++) {
        (void)pthread_mutex_lock(&table->shards[i].lock);
        (void)pthread_mutex_unlock(&table->shards[i].lock);
    }
}

struct user_view table_view(const struct table *table, uint64_t now_ms)
{
    uint64_t after_ms = table->config.assume_offline_after_ms;
    return (struct user_view){
        .now_ms = now_ms,
        .push_online_window_ms = table->config.push_online_window_ms,
        .assume_offline_after_ms = after_ms,
        .assumed_ms = after_ms != 0 && now_ms > after_ms ? now_ms - after_ms : 0,
    };
}

struct user_view table_shard_view(const struct table *table, const struct shard *shard, uint32_t slot,
                                  uint64_t now_ms)
{
    return (struct user_view){
        .now_ms = now_ms,
        .push_online_window_ms = table->config.push_online_window_ms,
        .assume_offline_after_ms = table->config.assume_offline_after_ms,
        .assumed_ms = slot < shard->n_reclassified ? shard->next_assumed_ms : shard->assumed_ms,
    };
}

void table_counts(const struct table *table, uint16_t app, struct table_counts *ret_counts)
{
    app_counts(table->apps[app], ret_counts);
}

uint64_t table_n_online(const struct table *table)
{
    uint64_t n = 0;
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        struct table_counts counts;
        table_counts(table, (uint16_t)app, &counts);
        n += counts.n_users[USER_ONLINE];
    }
    return n;
}

struct place table_place(struct table *table, uint16_t app, struct str user_id)
{
    uint8_t bytes[2 + USER_ID_MAX] = {(uint8_t)app, (uint8_t)(app >> 8)};
    memcpy(bytes + 2, user_id.ptr, user_id.len);
    uint64_t hash = siphash(&table->key, bytes, 2 + user_id.len);
    return (struct place){&table->shards[hash >> (64 - TABLE_SHARD_BITS)], (uint32_t)hash};
}

/* Stores the value only if it changed, because other threads read this cache line. */
static void publish(_Atomic uint64_t *top, uint64_t key)
{
    if (atomic_load_explicit(top, memory_order_relaxed) != key) {
        atomic_store_explicit(top, key, memory_order_relaxed);
    }
}

void table_unlock(struct table *table, struct shard *shard)
{
    size_t at = (size_t)(shard - table->shards);
    publish(&table->window_tops[at], heap_top_key(&shard->heaps, HEAP_WINDOWS));
    publish(&table->idle_tops[at], heap_top_key(&shard->heaps, HEAP_IDLE));
    publish(&table->ended[at], shard->ended_ms);
    publish(&table->oldest_logins[at], shard->oldest_login_ms);
    publish(&table->newest_assumed[at], shard->newest_assumed_ms);
    (void)pthread_mutex_unlock(&shard->lock);
}

uint64_t table_log_change(struct table *table, struct shard *shard, enum change_kind kind,
                          enum change_origin origin, bool was_online, uint64_t now_ms, const uint8_t *record)
{
    struct str bytes = {(const char *)record, record_size(record)};
    shard->last_revision = changes_append(table->changes, kind, origin, was_online, now_ms, bytes);
    return shard->last_revision;
}

int table_get(struct table *table, uint16_t app, struct str user_id, struct user *ret_user)
{
    if (user_id.len == 0 || user_id.len > USER_ID_MAX) {
        return TABLE_ABSENT;
    }
    struct place place = table_place(table, app, user_id);
    (void)pthread_mutex_lock(&place.shard->lock);
    uint32_t slot = shard_find(place.shard, place.hash, app, user_id);
    if (slot != SLOT_NONE) {
        record_decode(slots_at(&place.shard->slots, slot)->record, ret_user);
    }
    (void)pthread_mutex_unlock(&place.shard->lock);
    return slot == SLOT_NONE ? TABLE_ABSENT : 0;
}
