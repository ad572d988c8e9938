/* SPDX-License-Identifier: MIT */
/* How an event, an answer, or a user known elsewhere is applied to the table. A known user is decoded,
 * merged, encoded and stored under its shard's lock. A new user may need room that only another shard can
 * give: then the lock is released, a user is dropped, and the update is tried again with the room that was
 * gained. All memory is allocated before anything changes. */
#include "merge.h"
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>

/* Windows that one event ends in its shard; table_tick() ends the rest. */
#define EXPIRE_MAX 256

#define NEEDS_ROOM 100 /* outcome used only within this file */

/* One event, answer or user on its way into the table. */
struct update {
    struct table *table;
    /* Exactly one of these is set. */
    const struct table_event *event;
    const struct user *other;
    const struct table_answer *answer;
    uint16_t app_index;
    struct str user_id;
    enum change_origin origin;
    struct user_view view; /* the view at the time of receipt */
    struct table_corrections corrections;
    struct place place;
    struct app *app;
    struct table_applied applied;
    struct user user;
    /* For a user that is not in the table yet: */
    struct entry *entry; /* encoded user, owned until it is added to the shard */
    uint64_t n_dropped;  /* the shard's n_dropped when `entry` was made */
    bool has_room;       /* one of n_users is reserved for this update */
};

static uint64_t log_update(const struct update *update, bool was_online, const uint8_t *record)
{
    return table_log_change(update->table, update->place.shard, CHANGE_UPDATED, update->origin, was_online,
                            update->view.now_ms, record);
}

static bool merge(struct update *update)
{
    struct user *user = &update->user;
    const struct table_event *event = update->event;
    const struct user_view *view = &update->view;
    if (update->answer != NULL) {
        return merge_answer(user, update->answer, view, &update->corrections);
    }
    if (event == NULL) {
        return merge_user(user, update->other, view);
    }
    return merge_event(user, event, merge_stamp(user, event, view->now_ms), view);
}

/* Returns whether an event does not tell which of a platform's devices are online. */
static bool leaves_doubt(const struct table_event *event)
{
    return event->kind == TABLE_LOGIN ? platform_set_has(&event->kicked, event->platform)
                                      : event->kind != TABLE_CUSTOM_STATUS;
}

static void mark_doubt(const struct update *update, uint32_t slot)
{
    if (update->event == NULL || !atomic_load_explicit(&update->app->marks_doubts, memory_order_relaxed)) {
        return;
    }
    app_count_event(update->app);
    if (leaves_doubt(update->event)) {
        table_mark_slot(update->table, update->place.shard, slot, true);
    }
}

static bool is_repeat(const struct update *update)
{
    const struct table_event *event = update->event;
    const struct user *user = &update->user;
    return event != NULL && merge_is_repeat(user, event, merge_stamp(user, event, update->view.now_ms));
}

static int apply_to_known(struct update *update, uint32_t slot)
{
    struct table *table = update->table;
    struct user *user = &update->user;
    const struct entry *entry = slots_at(&update->place.shard->slots, slot);
    record_decode(entry->record, user);
    struct user_view view = table_shard_view(table, update->place.shard, slot, update->view.now_ms);
    struct counted_user before = {entry->state, user_online_platforms(user, &view)};
    mark_doubt(update, slot);
    if (!merge(update)) {
        update->applied.is_repeat = is_repeat(update);
        return TABLE_UNCHANGED;
    }
    struct user_summary summary;
    uint8_t bytes[RECORD_SIZE_MAX];
    user_summarise(user, &view, &summary);
    struct heap_key heap_key = heap_key_of(user, &summary);
    struct str record = {(const char *)bytes, record_encode(user, bytes)};
    int r = shard_update(update->place.shard, slot, record, &heap_key);
    if (r < 0) {
        return r;
    }
    struct counted_user after = {summary.state, summary.online};
    app_count_changed(update->app, &before, &after);
    update->applied.revision = log_update(update, before.state == USER_ONLINE, bytes);
    return TABLE_CHANGED;
}

static int copy_other(struct update *update, uint64_t forgotten)
{
    /* Other nodes still have this user, so it was not forgotten. */
    bool is_held_elsewhere = update->origin == CHANGE_BY_REPLICA;
    if (!is_held_elsewhere && forgotten != 0 && user_last_stamp_ms(update->other) <= forgotten) {
        return TABLE_FORGOTTEN;
    }
    update->user = *update->other;
    return 0;
}

/* Fills in a user that is not in the table yet. Returns TABLE_FORGOTTEN if the information is too old to
 * bring it back. */
static int make_user(struct update *update)
{
    const struct table_event *event = update->event;
    struct user *user = &update->user;
    uint64_t forgotten = app_forgotten_stamp_ms(update->app, update->view.now_ms);
    if (event == NULL) {
        return copy_other(update, forgotten);
    }
    user_begin(user, event->app, event->user_id);
    uint64_t stamp = merge_stamp(user, event, update->view.now_ms);
    if (forgotten != 0 && stamp <= forgotten) {
        if (!update->applied.restamped) {
            return TABLE_FORGOTTEN;
        }
        stamp = forgotten < EVENT_TIME_MAX_MS ? forgotten + 1 : EVENT_TIME_MAX_MS;
    }
    (void)merge_event(user, event, stamp, &update->view);
    return 0;
}

static int pack_user(struct update *update)
{
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t size = record_encode(&update->user, bytes);
    struct entry *entry = realloc(update->entry, sizeof(*entry) + size);
    if (entry == NULL) {
        return -ENOMEM;
    }
    memcpy(entry->record, bytes, size);
    update->entry = entry;
    update->n_dropped = update->place.shard->n_dropped;
    return 0;
}

/* Reserves one of max_users. Returns false if none is left. */
static bool reserve_user(struct table *table)
{
    uint64_t n = atomic_load_explicit(&table->n_users, memory_order_relaxed);
    do {
        if (table->config.max_users != 0 && n >= table->config.max_users) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&table->n_users, &n, n + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void add_user(struct update *update)
{
    struct user_summary summary;
    struct shard *shard = update->place.shard;
    const uint8_t *record = update->entry->record;
    struct user_view view = table_shard_view(update->table, shard, slots_peek(&shard->slots),
                                             update->view.now_ms);
    user_summarise(&update->user, &view, &summary);
    struct heap_key heap_key = heap_key_of(&update->user, &summary);
    uint32_t slot = shard_add(shard, update->place.hash, take_pointer(update->entry), &heap_key);
    mark_doubt(update, slot);
    app_count_added(update->app, &(struct counted_user){summary.state, summary.online});
    update->applied.revision = log_update(update, false, record);
    update->has_room = false;
}

static int apply_to_new(struct update *update)
{
    struct shard *shard = update->place.shard;
    /* Made once, unless users were dropped from this shard since: this very user may be among them. */
    if (update->entry == NULL || update->n_dropped != shard->n_dropped) {
        int r = make_user(update);
        if (r != 0) {
            return r;
        }
        r = pack_user(update);
        if (r < 0) {
            return r;
        }
    }
    int r = shard_reserve(shard);
    if (r < 0) {
        return r;
    }
    update->has_room = update->has_room || reserve_user(update->table);
    if (!update->has_room) {
        return NEEDS_ROOM;
    }
    add_user(update);
    return TABLE_CHANGED;
}

static int apply_locked(struct update *update)
{
    struct shard *shard = update->place.shard;
    (void)table_expire_windows(update->table, shard, update->view.now_ms, EXPIRE_MAX);
    uint32_t slot = shard_find(shard, update->place.hash, update->app_index, update->user_id);
    int r = TABLE_UNCHANGED; /* an answer does not bring an absent user back */
    if (slot != SLOT_NONE) {
        r = apply_to_known(update, slot);
    } else if (update->answer == NULL) {
        r = apply_to_new(update);
    }
    update->applied.rests_on_revision = shard->last_revision;
    return r;
}

static int make_room(struct update *update)
{
    struct shard *shard;
    int r = table_make_room(update->table, update->view.now_ms, &shard);
    if (r != 0) {
        return r;
    }
    update->has_room = true;
    update->n_dropped += shard == update->place.shard;
    return 0;
}

static int apply_until_room(struct update *update)
{
    for (;;) {
        (void)pthread_mutex_lock(&update->place.shard->lock);
        int r = apply_locked(update);
        table_unlock(update->table, update->place.shard);
        if (r != NEEDS_ROOM) {
            return r;
        }
        r = make_room(update);
        if (r != 0) {
            return r;
        }
    }
}

static int apply_update(struct update *update)
{
    struct table *table = update->table;
    int r = apply_until_room(update);
    if (update->has_room) {
        atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    }
    free(update->entry);
    if (r == TABLE_FORGOTTEN) {
        /* The user may have been dropped by any earlier change. */
        update->applied.rests_on_revision = changes_last_revision(table->changes);
    }
    return r;
}

/* Sets everything but the event, user or answer. `user` is not cleared, because that would cost as much as
 * applying an event. */
static void init_update(struct update *update, struct table *table, uint16_t app_index, struct str user_id,
                        enum change_origin origin, uint64_t now_ms)
{
    update->table = table;
    update->event = NULL;
    update->other = NULL;
    update->answer = NULL;
    update->app_index = app_index;
    update->user_id = user_id;
    update->origin = origin;
    update->view = table_view(table, now_ms);
    update->corrections = (struct table_corrections){0};
    update->place = table_place(table, app_index, user_id);
    update->app = table->apps[app_index];
    update->applied = (struct table_applied){0};
    update->entry = NULL;
    update->n_dropped = 0;
    update->has_room = false;
}

int table_apply(struct table *table, const struct table_event *event, uint64_t now_ms,
                struct table_applied *ret_applied)
{
    struct update update;
    init_update(&update, table, event->app, event->user_id, event->origin, now_ms);
    update.event = event;
    update.applied.restamped = !merge_accepts_event_time(event, now_ms);
    int r = apply_update(&update);
    if (r >= 0) {
        *ret_applied = update.applied;
    }
    return r;
}

int table_merge_user(struct table *table, const struct user *user, enum change_origin origin, uint64_t now_ms,
                     struct table_applied *ret_applied)
{
    struct update update;
    init_update(&update, table, user->app, user_id(user), origin, now_ms);
    update.other = user;
    int r = apply_update(&update);
    if (r >= 0) {
        *ret_applied = update.applied;
    }
    return r;
}

int table_reconcile(struct table *table, const struct table_answer *answer, uint64_t now_ms,
                    struct table_corrections *ret_corrections)
{
    struct update update;
    init_update(&update, table, answer->app, answer->user_id, CHANGE_BY_RECONCILE, now_ms);
    update.answer = answer;
    int r = apply_update(&update);
    if (r >= 0) {
        *ret_corrections = update.corrections;
    }
    return r;
}

void table_raise_forgotten(struct table *table, uint16_t app, uint64_t stamp_ms, uint64_t now_ms)
{
    app_raise_forgotten(table->apps[app], stamp_ms < now_ms ? stamp_ms : now_ms);
}
