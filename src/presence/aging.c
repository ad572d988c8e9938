/* SPDX-License-Identifier: MIT */
/* What happens to users of whom nothing is heard: their push_online window ends, a Login of theirs is no
 * longer believed, and they are dropped when they have been offline for too long or when their room is
 * needed.
 *
 * Windows end one by one, off a heap. Logins that are too old are few, and online users many: all of a shard
 * are looked at when one of them may be due, which needs no memory a user.
 *
 * A clock that jumped ahead and was set right has ended windows too early. Whoever asks for one user reads
 * the state off the clock, so lists and counts have to follow it back: table_tick() reopens such windows. */
#include "merge.h"
#include "table_private.h"

#include "presenced/record.h"

#include <stdatomic.h>

/* Users moved, dropped or looked at by table_tick() at one hold of a lock: well below a millisecond. */
#define STEP_MAX 256

/* Users moved, dropped or looked at by one call of table_tick(), so that its caller can look at other things
 * in between. */
#define TICK_MAX 65536
#define TICK_INTERVAL_MS 1000

/* Windows that end within a tick of now stay ended: the threads' readings of the clock differ by as much as
 * they were held up, and a user shall not move to and fro for that. */
#define REOPEN_MARGIN_MS TICK_INTERVAL_MS

/* Moves a user who is not online to the state that it has by now. */
static void move(struct table *table, struct shard *shard, uint32_t slot, const struct user *user,
                 const struct user_summary *summary, uint64_t now_ms)
{
    const struct entry *entry = slots_at(&shard->slots, slot);
    struct heap_key heap_key = heap_key_of(user, summary);
    app_count_moved(table->apps[user->app], entry->state, summary->state);
    shard_rekey(shard, slot, &heap_key);
    (void)table_log_change(table, shard, CHANGE_UPDATED, CHANGE_BY_CLOCK, false, now_ms, entry->record);
}

unsigned table_settle(struct table *table, struct shard *shard, uint64_t now_ms, unsigned max)
{
    unsigned n = 0;
    for (; n < max && heap_top_key(&shard->heaps, HEAP_WINDOWS) <= now_ms; n++) {
        struct user user;
        struct user_summary summary;
        uint32_t slot = heap_top_slot(&shard->heaps, HEAP_WINDOWS);
        struct user_view view = table_filed_view(table, shard, slot, now_ms);
        record_decode(slots_at(&shard->slots, slot)->record, &user);
        user_summarise(&user, &view, &summary);
        move(table, shard, slot, &user, &summary, now_ms);
    }
    return n;
}

static bool has_ended_early(uint64_t window_end_ms, uint64_t now_ms)
{
    return window_end_ms > now_ms && window_end_ms - now_ms > REOPEN_MARGIN_MS;
}

/* An offline user, whose window has ended at some time or never began. */
static void reopen(struct table *table, struct shard *shard, uint32_t slot, uint64_t now_ms)
{
    struct user user;
    struct user_summary summary;
    struct user_view view = table_filed_view(table, shard, slot, now_ms);
    record_decode(slots_at(&shard->slots, slot)->record, &user);
    user_summarise(&user, &view, &summary);
    if (has_ended_early(summary.window_end_ms, now_ms)) {
        move(table, shard, slot, &user, &summary, now_ms);
    } else if (summary.window_end_ms > shard->ended_ms) {
        shard->ended_ms = summary.window_end_ms;
    }
}

/* Looks at the next few of the locked shard's offline users from `*slot` on, which is SLOT_NONE at the end.
 * Returns how many. */
static unsigned reopen_step(struct table *table, struct shard *shard, uint64_t now_ms, uint32_t *slot)
{
    for (unsigned n = 0; n < STEP_MAX; n++) {
        *slot = slots_next(&shard->slots, 1U << USER_OFFLINE, *slot);
        if (*slot == SLOT_NONE) {
            return n;
        }
        reopen(table, shard, (*slot)++, now_ms);
    }
    return STEP_MAX;
}

/* The shard's `ended_ms` is gathered anew: from those looked at, and from those whom events move meanwhile.
 * Returns how many were looked at. */
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

/* Files a user by the shard's next `assumed_ms`. False when there is no memory for it. */
static bool assume(struct table *table, struct shard *shard, uint32_t slot, uint64_t now_ms)
{
    struct user user;
    struct user_summary summary;
    const struct entry *entry = slots_at(&shard->slots, slot);
    struct app *app = table->apps[record_app(entry->record)];
    struct user_view view = table_filed_view(table, shard, slot, now_ms);
    record_decode(entry->record, &user);
    struct counted before = {entry->state, user_online_platforms(&user, &view)};
    view.assumed_ms = shard->assuming_ms;
    user_summarise(&user, &view, &summary);
    struct heap_key heap_key = heap_key_of(&user, &summary);
    struct counted after = {summary.state, summary.online};
    if (before.state == after.state && memcmp(&before.online, &after.online, sizeof(after.online)) == 0) {
        shard_rekey(shard, slot, &heap_key); /* for its times alone */
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

/* Whether all of the locked shard is to be looked at. */
static bool begin_assuming(const struct table *table, struct shard *shard, uint64_t now_ms)
{
    if (shard->assuming_slot != 0) {
        return true; /* there was no memory for all of it */
    }
    shard->assuming_ms = table_view(table, now_ms).assumed_ms;
    if (shard->assuming_ms == shard->assumed_ms) {
        return false;
    }
    /* The bound that is found anew. */
    if (shard->assuming_ms > shard->assumed_ms) {
        shard->oldest_login_ms = UINT64_MAX;
    } else {
        shard->newest_assumed_ms = 0;
    }
    return true;
}

/* Looks at the next few of the locked shard. Returns how many; `*ret_goes_on` is whether there are more. */
static unsigned assume_step(struct table *table, struct shard *shard, uint64_t now_ms, bool *ret_goes_on)
{
    bool is_forward = shard->assuming_ms > shard->assumed_ms;
    unsigned states = is_forward ? 1U << USER_ONLINE : SLOTS_ANY_STATE;
    for (unsigned n = 0; n < STEP_MAX; n++) {
        uint32_t slot = slots_next(&shard->slots, states, shard->assuming_slot);
        if (slot == SLOT_NONE) {
            shard->assumed_ms = shard->assuming_ms;
            shard->assuming_slot = 0;
            *ret_goes_on = false;
            return n;
        }
        if (!assume(table, shard, slot, now_ms)) {
            shard->oldest_login_ms = 0; /* again, from here on */
            *ret_goes_on = false;
            return n;
        }
        shard->assuming_slot = slot + 1;
    }
    *ret_goes_on = true;
    return STEP_MAX;
}

/* Files all of a shard by the Logins that are believed at `now_ms`. Returns how many were looked at. */
static unsigned assume_all(struct table *table, struct shard *shard, uint64_t now_ms)
{
    unsigned n = 0;
    (void)pthread_mutex_lock(&shard->lock);
    for (bool goes_on = begin_assuming(table, shard, now_ms); goes_on;) {
        n += assume_step(table, shard, now_ms, &goes_on);
        table_unlock(table, shard);
        (void)pthread_mutex_lock(&shard->lock);
    }
    table_unlock(table, shard);
    return n;
}

/* Forgets a user who is not online; `n_users` is the caller's to change. */
static void drop(struct table *table, struct shard *shard, uint32_t slot, enum change_origin origin,
                 uint64_t now_ms)
{
    struct user user;
    const uint8_t *bytes = slots_at(&shard->slots, slot)->record;
    record_decode(bytes, &user);
    struct place place = table_place(table, user.app, user_id(&user));
    /* Before the log tells of it: a follower that reads of a drop finds it counted. */
    app_raise_forgotten(table->apps[user.app], user_forgotten_stamp_ms(&user, now_ms));
    (void)table_log_change(table, shard, CHANGE_FORGOTTEN, origin, false, now_ms, bytes);
    table_mark_slot(table, shard, slot, false);
    struct entry *entry = shard_remove(shard, place.hash, slot);
    app_count_removed(table->apps[user.app], entry->state);
    shard->n_dropped++;
    free(entry);
}

/* The same of the user on top of a heap. */
static void drop_counted(struct table *table, struct shard *shard, enum heap_name heap, uint64_t now_ms,
                         _Atomic uint64_t *n_dropped)
{
    /* Before the log tells of it, too. */
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

/* Drops the user on top of the heap, unless that is not the one that was meant any more. */
static bool drop_top(struct table *table, struct shard *shard, enum heap_name heap, uint64_t key,
                     uint64_t now_ms)
{
    (void)pthread_mutex_lock(&shard->lock);
    bool still = heap_top_key(&shard->heaps, heap) <= key;
    if (still) {
        drop_counted(table, shard, heap, now_ms, &app_of_top(table, shard, heap)->n_dropped_for_room);
    }
    table_unlock(table, shard);
    return still;
}

static void settle_shard(struct table *table, struct shard *shard, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&shard->lock);
    (void)table_settle(table, shard, now_ms, STEP_MAX);
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
            /* Offline by now, and perhaps for longer than the others. */
            settle_shard(table, window, now_ms);
        } else if (!from_idle && window_end == HEAP_NO_KEY) {
            return TABLE_FULL;
        } else if (drop_top(table, shard, from_idle ? HEAP_IDLE : HEAP_WINDOWS,
                            from_idle ? idle_since : window_end, now_ms)) {
            *ret_shard = shard;
            return 0;
        }
    }
}

/* Whether a user idle since then is to be dropped for its age. */
static bool is_aged(const struct table *table, uint64_t since_ms, uint64_t now_ms)
{
    uint64_t forget_after = table->config.forget_after_ms;
    return forget_after != 0 && now_ms >= forget_after && since_ms <= now_ms - forget_after;
}

static unsigned drop_aged(struct table *table, struct shard *shard, uint64_t now_ms)
{
    unsigned n = 0;
    for (; n < STEP_MAX && is_aged(table, heap_top_key(&shard->heaps, HEAP_IDLE), now_ms); n++) {
        drop_counted(table, shard, HEAP_IDLE, now_ms,
                     &app_of_top(table, shard, HEAP_IDLE)->n_dropped_for_age);
        atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    }
    return n;
}

/* Drops the user of the slot, unless it is online or has something that is not in `as_known`. */
static int forget_slot(struct table *table, struct shard *shard, uint32_t slot, struct user *as_known,
                       uint64_t now_ms)
{
    struct user user;
    const struct entry *entry = slots_at(&shard->slots, slot);
    const struct user_view as_they_read = {.now_ms = now_ms};
    record_decode(entry->record, &user);
    if (entry->state == USER_ONLINE || merge_user(as_known, &user, &as_they_read)) {
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

/* Whether a Login may be filed otherwise than it reads. */
static bool is_to_assume(const struct table *table, unsigned at, uint64_t now_ms)
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
    /* What came due meanwhile can wait for a moment: no spinning. */
    return next > now_ms ? next : now_ms + 1;
}

/* A store may have held more than max_users. */
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
        if (n_done < TICK_MAX && is_to_assume(table, i, now_ms)) {
            n_done += assume_all(table, shard, now_ms);
        }
        while (n_done < TICK_MAX && is_due(table, i, now_ms)) {
            (void)pthread_mutex_lock(&shard->lock);
            n_done += table_settle(table, shard, now_ms, STEP_MAX);
            n_done += drop_aged(table, shard, now_ms);
            table_unlock(table, shard);
        }
    }
    drop_excess(table, now_ms);
    return next_tick(table, n_done, now_ms);
}
