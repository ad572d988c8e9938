/* SPDX-License-Identifier: MIT */
/* Changes of users that time causes: a push_online window ends, a Login is assumed to be over after
 * assume_offline_after, and a user is dropped when it has been offline for too long or its room is needed.
 *
 * Windows end one by one, in the order of a heap. Expired Logins are rare but online users are many, so when
 * one Login of a shard may be due, all users of the shard are examined; this needs no memory per user.
 *
 * A clock that jumped ahead and was corrected has ended windows too early. A query for a single user computes
 * its state from the clock, so lists and counts must agree: table_tick() reopens such windows. */
#include "merge.h"
#include "table_private.h"

#include "presenced/record.h"

#include <stdatomic.h>

/* Users changed, dropped or examined by table_tick() while it holds a lock once: well below a millisecond. */
#define STEP_MAX 256

/* Users changed, dropped or examined by one call of table_tick(), so that its caller can do other work in
 * between. */
#define TICK_MAX 65536
#define TICK_INTERVAL_MS 1000

/* Windows that end within a tick from now stay ended. Threads read the clock at slightly different times, and
 * a user must not change back and forth because of that. */
#define REOPEN_MARGIN_MS TICK_INTERVAL_MS

/* Updates a user that is not online to its current state. */
static void update_state(struct table *table, struct shard *shard, uint32_t slot, const struct user *user,
                         const struct user_summary *summary, uint64_t now_ms)
{
    const struct entry *entry = slots_at(&shard->slots, slot);
    struct heap_key heap_key = heap_key_of(user, summary);
    app_count_moved(table->apps[user->app], entry->state, summary->state);
    shard_rekey(shard, slot, &heap_key);
    (void)table_log_change(table, shard, CHANGE_UPDATED, CHANGE_BY_CLOCK, false, now_ms, entry->record);
}

unsigned table_expire_windows(struct table *table, struct shard *shard, uint64_t now_ms, unsigned max)
{
    unsigned n = 0;
    for (; n < max && heap_top_key(&shard->heaps, HEAP_WINDOWS) <= now_ms; n++) {
        struct user user;
        struct user_summary summary;
        uint32_t slot = heap_top_slot(&shard->heaps, HEAP_WINDOWS);
        struct user_view view = table_shard_view(table, shard, slot, now_ms);
        record_decode(slots_at(&shard->slots, slot)->record, &user);
        user_summarise(&user, &view, &summary);
        update_state(table, shard, slot, &user, &summary, now_ms);
    }
    return n;
}

static bool has_ended_early(uint64_t window_end_ms, uint64_t now_ms)
{
    return window_end_ms > now_ms && window_end_ms - now_ms > REOPEN_MARGIN_MS;
}

/* Reopens the window of an offline user if it has ended too early. Otherwise takes its end into account in
 * the shard's `ended_ms`. */
static void reopen_window(struct table *table, struct shard *shard, uint32_t slot, uint64_t now_ms)
{
    struct user user;
    struct user_summary summary;
    struct user_view view = table_shard_view(table, shard, slot, now_ms);
    record_decode(slots_at(&shard->slots, slot)->record, &user);
    user_summarise(&user, &view, &summary);
    if (has_ended_early(summary.window_end_ms, now_ms)) {
        update_state(table, shard, slot, &user, &summary, now_ms);
    } else if (summary.window_end_ms > shard->ended_ms) {
        shard->ended_ms = summary.window_end_ms;
    }
}

/* Examines up to STEP_MAX offline users of the locked shard from `*slot` on, which is SLOT_NONE at the end.
 * Returns how many. */
static unsigned reopen_step(struct table *table, struct shard *shard, uint64_t now_ms, uint32_t *slot)
{
    for (unsigned n = 0; n < STEP_MAX; n++) {
        *slot = slots_next(&shard->slots, 1U << USER_OFFLINE, *slot);
        if (*slot == SLOT_NONE) {
            return n;
        }
        reopen_window(table, shard, (*slot)++, now_ms);
    }
    return STEP_MAX;
}

/* Examines all offline users of the shard. Recomputes `ended_ms` from the users examined and from those that
 * events change meanwhile. Returns how many were examined. */
static unsigned reopen_all(struct table *table, struct shard *shard, uint64_t now_ms)
{
    unsigned n = 0;
    for (uint32_t slot = 0; slot != SLOT_NONE;) {
        (void)pthread_mutex_lock(&shard->lock);
        shard->ended_ms = slot == 0 ? 0 : shard->ended_ms;
        n += reopen_step(table, shard, now_ms, &slot);
        table_unlock(table, shard);
    }
    return n;
}

/* Classifies a user by the shard's `next_assumed_ms`. Returns false if out of memory. */
static bool reclassify(struct table *table, struct shard *shard, uint32_t slot, uint64_t now_ms)
{
    struct user user;
    struct user_summary summary;
    const struct entry *entry = slots_at(&shard->slots, slot);
    struct app *app = table->apps[record_app(entry->record)];
    struct user_view view = table_shard_view(table, shard, slot, now_ms);
    record_decode(entry->record, &user);
    struct counted_user before = {entry->state, user_online_platforms(&user, &view)};
    view.assumed_ms = shard->next_assumed_ms;
    user_summarise(&user, &view, &summary);
    struct heap_key heap_key = heap_key_of(&user, &summary);
    struct counted_user after = {summary.state, summary.online};
    if (before.state == after.state && memcmp(&before.online, &after.online, sizeof(after.online)) == 0) {
        shard_rekey(shard, slot, &heap_key); /* only its times have changed */
        return true;
    }
    if (shard_reserve_heap(shard) < 0) {
        return false;
    }
    app_count_changed(app, &before, &after);
    shard_rekey(shard, slot, &heap_key);
    (void)table_log_change(table, shard, CHANGE_UPDATED, CHANGE_BY_CLOCK, before.state == USER_ONLINE, now_ms,
                           entry->record);
    return true;
}

/* Starts or continues a reclassification of the locked shard. Returns false if none is needed. */
static bool begin_reclassify(const struct table *table, struct shard *shard, uint64_t now_ms)
{
    if (shard->n_reclassified != 0) {
        return true; /* continue one that was stopped by lack of memory */
    }
    shard->next_assumed_ms = table_view(table, now_ms).assumed_ms;
    if (shard->next_assumed_ms == shard->assumed_ms) {
        return false;
    }
    /* The reclassification recomputes this bound. */
    if (shard->next_assumed_ms > shard->assumed_ms) {
        shard->oldest_login_ms = UINT64_MAX;
    } else {
        shard->newest_assumed_ms = 0;
    }
    return true;
}

/* Examines up to STEP_MAX users of the locked shard. Returns how many; `*ret_goes_on` says whether there are
 * more. */
static unsigned reclassify_step(struct table *table, struct shard *shard, uint64_t now_ms, bool *ret_goes_on)
{
    bool is_forward = shard->next_assumed_ms > shard->assumed_ms;
    unsigned states = is_forward ? 1U << USER_ONLINE : SLOTS_ANY_STATE;
    for (unsigned n = 0; n < STEP_MAX; n++) {
        uint32_t slot = slots_next(&shard->slots, states, shard->n_reclassified);
        if (slot == SLOT_NONE) {
            shard->assumed_ms = shard->next_assumed_ms;
            shard->n_reclassified = 0;
            *ret_goes_on = false;
            return n;
        }
        if (!reclassify(table, shard, slot, now_ms)) {
            shard->oldest_login_ms = 0; /* makes the next tick continue from this slot */
            *ret_goes_on = false;
            return n;
        }
        shard->n_reclassified = slot + 1;
    }
    *ret_goes_on = true;
    return STEP_MAX;
}

/* Reclassifies a whole shard by the Logins that count at `now_ms`. Returns how many users were examined. */
static unsigned reclassify_shard(struct table *table, struct shard *shard, uint64_t now_ms)
{
    unsigned n = 0;
    (void)pthread_mutex_lock(&shard->lock);
    for (bool goes_on = begin_reclassify(table, shard, now_ms); goes_on;) {
        n += reclassify_step(table, shard, now_ms, &goes_on);
        table_unlock(table, shard);
        (void)pthread_mutex_lock(&shard->lock);
    }
    table_unlock(table, shard);
    return n;
}

/* Drops a user that is not online. The caller updates `n_users`. */
static void drop(struct table *table, struct shard *shard, uint32_t slot, enum change_origin origin,
                 uint64_t now_ms)
{
    struct user user;
    const uint8_t *bytes = slots_at(&shard->slots, slot)->record;
    record_decode(bytes, &user);
    struct place place = table_place(table, user.app, user_id(&user));
    /* Updated before the change is logged, so that a follower that reads of the drop sees it counted. */
    app_raise_forgotten(table->apps[user.app], user_forgotten_stamp_ms(&user, now_ms));
    (void)table_log_change(table, shard, CHANGE_FORGOTTEN, origin, false, now_ms, bytes);
    table_mark_slot(table, shard, slot, false);
    struct entry *entry = shard_remove(shard, place.hash, slot);
    app_count_removed(table->apps[user.app], entry->state);
    shard->n_dropped++;
    free(entry);
}

/* Drops the user on top of a heap and counts it in `n_dropped`. */
static void drop_heap_top(struct table *table, struct shard *shard, enum heap_name heap, uint64_t now_ms,
                          _Atomic uint64_t *n_dropped)
{
    /* As in drop(): counted before the change is logged. */
    atomic_fetch_add_explicit(n_dropped, 1, memory_order_relaxed);
    drop(table, shard, heap_top_slot(&shard->heaps, heap), CHANGE_BY_CLOCK, now_ms);
}

static struct app *app_of_top(struct table *table, const struct shard *shard, enum heap_name heap)
{
    return table->apps[record_app(slots_at(&shard->slots, heap_top_slot(&shard->heaps, heap))->record)];
}

static unsigned lowest(const _Atomic uint64_t *tops, uint64_t *ret_key)
{
    unsigned at = 0;
    uint64_t key = HEAP_NO_KEY;
    for (unsigned i = 0; i < TABLE_N_SHARDS; i++) {
        uint64_t top = atomic_load_explicit(&tops[i], memory_order_relaxed);
        if (top < key) {
            key = top;
            at = i;
        }
    }
    *ret_key = key;
    return at;
}

/* Drops the user on top of the heap, unless that is due later than `key` by now. Returns whether it was
 * dropped. */
static bool try_drop_top(struct table *table, struct shard *shard, enum heap_name heap, uint64_t key,
                         uint64_t now_ms)
{
    (void)pthread_mutex_lock(&shard->lock);
    bool is_same = heap_top_key(&shard->heaps, heap) <= key;
    if (is_same) {
        drop_heap_top(table, shard, heap, now_ms, &app_of_top(table, shard, heap)->n_dropped_for_room);
    }
    table_unlock(table, shard);
    return is_same;
}

static void expire_shard_windows(struct table *table, struct shard *shard, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&shard->lock);
    (void)table_expire_windows(table, shard, now_ms, STEP_MAX);
    table_unlock(table, shard);
}

int table_make_room(struct table *table, uint64_t now_ms, struct shard **ret_shard)
{
    for (;;) {
        uint64_t window_end, idle_since;
        struct shard *window = &table->shards[lowest(table->window_tops, &window_end)];
        struct shard *idle = &table->shards[lowest(table->idle_tops, &idle_since)];
        bool from_idle = idle_since != HEAP_NO_KEY;
        struct shard *shard = from_idle ? idle : window;
        if (window_end <= now_ms && window_end < idle_since) {
            /* The window has ended, and the user may have been offline longer than the others. */
            expire_shard_windows(table, window, now_ms);
        } else if (!from_idle && window_end == HEAP_NO_KEY) {
            return TABLE_FULL;
        } else if (try_drop_top(table, shard, from_idle ? HEAP_IDLE : HEAP_WINDOWS,
                                from_idle ? idle_since : window_end, now_ms)) {
            *ret_shard = shard;
            return 0;
        }
    }
}

/* Returns whether a user idle since `since_ms` has exceeded forget_after. */
static bool is_aged(const struct table *table, uint64_t since_ms, uint64_t now_ms)
{
    uint64_t forget_after = table->config.forget_after_ms;
    return forget_after != 0 && now_ms >= forget_after && since_ms <= now_ms - forget_after;
}

static unsigned drop_aged(struct table *table, struct shard *shard, uint64_t now_ms)
{
    unsigned n = 0;
    for (; n < STEP_MAX && is_aged(table, heap_top_key(&shard->heaps, HEAP_IDLE), now_ms); n++) {
        drop_heap_top(table, shard, HEAP_IDLE, now_ms,
                      &app_of_top(table, shard, HEAP_IDLE)->n_dropped_for_age);
        atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    }
    return n;
}

/* Drops the user of the slot, unless it is online or has information that is not in `as_known`. */
static int forget_slot(struct table *table, struct shard *shard, uint32_t slot, struct user *as_known,
                       uint64_t now_ms)
{
    struct user user;
    const struct entry *entry = slots_at(&shard->slots, slot);
    const struct user_view no_timeouts = {.now_ms = now_ms};
    record_decode(entry->record, &user);
    if (entry->state == USER_ONLINE || merge_user(as_known, &user, &no_timeouts)) {
        return TABLE_KEPT;
    }
    drop(table, shard, slot, CHANGE_BY_REPLICA, now_ms);
    atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    return 0;
}

int table_forget_user(struct table *table, struct user *as_known, uint64_t now_ms)
{
    struct place place = table_place(table, as_known->app, user_id(as_known));
    (void)pthread_mutex_lock(&place.shard->lock);
    uint32_t slot = shard_find(place.shard, place.hash, as_known->app, user_id(as_known));
    int r = slot == SLOT_NONE ? TABLE_ABSENT : forget_slot(table, place.shard, slot, as_known, now_ms);
    table_unlock(table, place.shard);
    return r;
}

/* Returns whether a Login of the shard may be classified wrongly by now. */
static bool needs_reclassify(const struct table *table, unsigned at, uint64_t now_ms)
{
    uint64_t assumed_ms = table_view(table, now_ms).assumed_ms;
    return table->config.assume_offline_after_ms != 0 &&
           (atomic_load_explicit(&table->oldest_logins[at], memory_order_relaxed) < assumed_ms ||
            atomic_load_explicit(&table->newest_assumed[at], memory_order_relaxed) >=
                assumed_ms + REOPEN_MARGIN_MS);
}

static bool has_early_end(const struct table *table, unsigned at, uint64_t now_ms)
{
    return has_ended_early(atomic_load_explicit(&table->ended[at], memory_order_relaxed), now_ms);
}

static bool is_due(const struct table *table, unsigned at, uint64_t now_ms)
{
    return atomic_load_explicit(&table->window_tops[at], memory_order_relaxed) <= now_ms ||
           is_aged(table, atomic_load_explicit(&table->idle_tops[at], memory_order_relaxed), now_ms);
}

static uint64_t next_tick(const struct table *table, unsigned n_done, uint64_t now_ms)
{
    uint64_t forget_after = table->config.forget_after_ms;
    uint64_t next = n_done < TICK_MAX ? now_ms + TICK_INTERVAL_MS : now_ms;
    uint64_t window_end, idle_since;
    (void)lowest(table->window_tops, &window_end);
    (void)lowest(table->idle_tops, &idle_since);
    next = window_end < next ? window_end : next;
    if (forget_after != 0 && idle_since < UINT64_MAX - forget_after && idle_since + forget_after < next) {
        next = idle_since + forget_after;
    }
    /* At least 1 ms, so that the caller does not spin if more became due meanwhile. */
    return next > now_ms ? next : now_ms + 1;
}

/* A store may have contained more than max_users users. */
static void drop_excess(struct table *table, uint64_t now_ms)
{
    struct shard *unused;
    uint64_t max_users = table->config.max_users;
    while (max_users != 0 && atomic_load_explicit(&table->n_users, memory_order_relaxed) > max_users &&
           table_make_room(table, now_ms, &unused) == 0) {
        atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    }
}

uint64_t table_tick(struct table *table, uint64_t now_ms)
{
    unsigned n_done = 0;
    for (unsigned i = 0; i < TABLE_N_SHARDS; i++) {
        struct shard *shard = &table->shards[i];
        if (n_done < TICK_MAX && has_early_end(table, i, now_ms)) {
            n_done += reopen_all(table, shard, now_ms);
        }
        if (n_done < TICK_MAX && needs_reclassify(table, i, now_ms)) {
            n_done += reclassify_shard(table, shard, now_ms);
        }
        while (n_done < TICK_MAX && is_due(table, i, now_ms)) {
            (void)pthread_mutex_lock(&shard->lock);
            n_done += table_expire_windows(table, shard, now_ms, STEP_MAX);
            n_done += drop_aged(table, shard, now_ms);
            table_unlock(table, shard);
        }
    }
    drop_excess(table, now_ms);
    return next_tick(table, n_done, now_ms);
}
