/* SPDX-License-Identifier: MIT */
/* How an event, or a user known elsewhere, gets into the table. A known user is unpacked, merged, packed and
 * put back under its shard's lock. A new one may need room that only another shard has: then the lock is let
 * go, somebody is dropped, and the event tries again with the place that was won. All memory is had before
 * anything changes. */
#include "merge.h"
#include "table_private.h"

#include "presenced/record.h"

#include <errno.h>
#include <stdatomic.h>

/* What one event settles on its way: the rest is table_tick()'s. */
#define SETTLE_MAX 256

#define NEEDS_ROOM 100 /* an outcome of this file only */

/* One event under way, or one whole user. */
struct application {
    struct table *table;
    /* One of these. */
    const struct table_event *event;
    const struct user *other;
    const struct table_answer *answer;
    uint16_t app_index;
    struct str user_id;
    enum change_origin origin;
    struct user_view view; /* a reader's at the time of receipt */
    struct table_corrections corrections;
    struct place place;
    struct app *app;
    struct table_applied applied;
    struct user user;
    /* For a user who is not held: */
    struct entry *entry; /* ready to be put in; ours until then */
    uint64_t n_dropped;  /* of the shard, when `held` was made */
    bool has_room;       /* one of n_users is ours to use */
};

static uint64_t log_update(const struct application *application, bool was_online, const uint8_t *record)
{
    return table_log_change(application->table, application->place.shard, CHANGE_UPDATED, application->origin,
                            was_online, application->view.now_ms, record);
}

static bool merge(struct application *application)
{
    struct user *user = &application->user;
    const struct table_event *event = application->event;
    const struct user_view *view = &application->view;
    if (application->answer != NULL) {
        return merge_answer(user, application->answer, view, &application->corrections);
    }
    if (event == NULL) {
        return merge_user(user, application->other, view);
    }
    return merge_event(user, event, merge_stamp(user, event, view->now_ms), view);
}

/* Whether an event leaves open who of a platform's devices is online. */
static bool leaves_doubt(const struct table_event *event)
{
    return event->kind == TABLE_LOGIN ? platform_set_has(&event->kicked, event->platform)
                                      : event->kind != TABLE_CUSTOM_STATUS;
}

static void mark_doubt(const struct application *application, uint32_t slot)
{
    if (application->event == NULL ||
        !atomic_load_explicit(&application->app->marks_doubts, memory_order_relaxed)) {
        return;
    }
    atomic_fetch_add_explicit(&application->app->n_events, 1, memory_order_relaxed);
    if (leaves_doubt(application->event)) {
        table_mark_slot(application->table, application->place.shard, slot, true);
    }
}

static bool is_repeat(const struct application *application)
{
    const struct table_event *event = application->event;
    const struct user *user = &application->user;
    return event != NULL && merge_is_repeat(user, event, merge_stamp(user, event, application->view.now_ms));
}

static int apply_to_known(struct application *application, uint32_t slot)
{
    struct table *table = application->table;
    struct user *user = &application->user;
    const struct entry *entry = slots_at(&application->place.shard->slots, slot);
    record_decode(entry->record, user);
    struct user_view view = table_filed_view(table, application->place.shard, slot, application->view.now_ms);
    struct counted before = {entry->state, user_online_platforms(user, &view)};
    mark_doubt(application, slot);
    if (!merge(application)) {
        application->applied.is_repeat = is_repeat(application);
        return TABLE_UNCHANGED;
    }
    struct user_summary summary;
    uint8_t bytes[RECORD_SIZE_MAX];
    user_summarise(user, &view, &summary);
    struct heap_key heap_key = heap_key_of(user, &summary);
    struct str record = {(const char *)bytes, record_encode(user, bytes)};
    int r = shard_update(application->place.shard, slot, record, &heap_key);
    if (r < 0) {
        return r;
    }
    struct counted after = {summary.state, summary.online};
    app_count_changed(application->app, &before, &after);
    application->applied.revision = log_update(application, before.state == USER_ONLINE, bytes);
    return TABLE_CHANGED;
}

static int copy_other(struct application *application, uint64_t forgotten)
{
    /* What other nodes hold was not forgotten, or they would not. */
    bool is_held_elsewhere = application->origin == CHANGE_BY_REPLICA;
    if (!is_held_elsewhere && forgotten != 0 && user_last_stamp_ms(application->other) <= forgotten) {
        return TABLE_FORGOTTEN;
    }
    application->user = *application->other;
    return 0;
}

/* Makes the new user, outside the table still. TABLE_FORGOTTEN where what is heard of it is too old to bring
 * it back. */
static int make_user(struct application *application)
{
    const struct table_event *event = application->event;
    struct user *user = &application->user;
    uint64_t forgotten = app_forgotten_stamp_ms(application->app, application->view.now_ms);
    if (event == NULL) {
        return copy_other(application, forgotten);
    }
    user_begin(user, event->app, event->user_id);
    uint64_t stamp = merge_stamp(user, event, application->view.now_ms);
    if (forgotten != 0 && stamp <= forgotten) {
        if (!application->applied.restamped) {
            return TABLE_FORGOTTEN;
        }
        stamp = forgotten < EVENT_TIME_MAX_MS ? forgotten + 1 : EVENT_TIME_MAX_MS;
    }
    (void)merge_event(user, event, stamp, &application->view);
    return 0;
}

static int pack_user(struct application *application)
{
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t size = record_encode(&application->user, bytes);
    struct entry *entry = realloc(application->entry, sizeof(*entry) + size);
    if (entry == NULL) {
        return -ENOMEM;
    }
    memcpy(entry->record, bytes, size);
    application->entry = entry;
    application->n_dropped = application->place.shard->n_dropped;
    return 0;
}

/* Takes one of max_users, where one is left. */
static bool take_room(struct table *table)
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

static void put_in(struct application *application)
{
    struct user_summary summary;
    struct shard *shard = application->place.shard;
    const uint8_t *record = application->entry->record;
    struct user_view view = table_filed_view(application->table, shard, slots_peek(&shard->slots),
                                             application->view.now_ms);
    user_summarise(&application->user, &view, &summary);
    struct heap_key heap_key = heap_key_of(&application->user, &summary);
    uint32_t slot = shard_add(shard, application->place.hash, take_pointer(application->entry), &heap_key);
    mark_doubt(application, slot);
    app_count_added(application->app, &(struct counted){summary.state, summary.online});
    application->applied.revision = log_update(application, false, record);
    application->has_room = false;
}

static int apply_to_new(struct application *application)
{
    struct shard *shard = application->place.shard;
    /* Made once, unless others were dropped from here since: this very user could be among them. */
    if (application->entry == NULL || application->n_dropped != shard->n_dropped) {
        int r = make_user(application);
        if (r != 0) {
            return r;
        }
        r = pack_user(application);
        if (r < 0) {
            return r;
        }
    }
    int r = shard_reserve(shard);
    if (r < 0) {
        return r;
    }
    application->has_room = application->has_room || take_room(application->table);
    if (!application->has_room) {
        return NEEDS_ROOM;
    }
    put_in(application);
    return TABLE_CHANGED;
}

static int apply_locked(struct application *application)
{
    struct shard *shard = application->place.shard;
    (void)table_settle(application->table, shard, application->view.now_ms, SETTLE_MAX);
    uint32_t slot = shard_find(shard, application->place.hash, application->app_index, application->user_id);
    int r = TABLE_UNCHANGED; /* an answer brings nobody back who is absent */
    if (slot != SLOT_NONE) {
        r = apply_to_known(application, slot);
    } else if (application->answer == NULL) {
        r = apply_to_new(application);
    }
    application->applied.rests_on_revision = shard->last_revision;
    return r;
}

static int make_room(struct application *application)
{
    struct shard *shard;
    int r = table_make_room(application->table, application->view.now_ms, &shard);
    if (r != 0) {
        return r;
    }
    application->has_room = true;
    application->n_dropped += shard == application->place.shard;
    return 0;
}

static int run(struct application *application)
{
    for (;;) {
        (void)pthread_mutex_lock(&application->place.shard->lock);
        int r = apply_locked(application);
        table_unlock(application->table, application->place.shard);
        if (r != NEEDS_ROOM) {
            return r;
        }
        r = make_room(application);
        if (r != 0) {
            return r;
        }
    }
}

static int run_from(struct application *application, struct table_applied *ret_applied)
{
    struct table *table = application->table;
    application->place = table_place(table, application->app_index, application->user_id);
    application->app = table->apps[application->app_index];
    application->entry = NULL;
    application->has_room = false;
    int r = run(application);
    if (application->has_room) {
        atomic_fetch_sub_explicit(&table->n_users, 1, memory_order_relaxed);
    }
    free(application->entry);
    if (r == TABLE_FORGOTTEN) {
        /* It may have been dropped from anywhere. */
        application->applied.rests_on_revision = changes_last_revision(table->changes);
    }
    if (r >= 0) {
        *ret_applied = application->applied;
    }
    return r;
}

int table_apply(struct table *table, const struct table_event *event, uint64_t now_ms,
                struct table_applied *ret_applied)
{
    struct application application;
    application.table = table;
    application.event = event;
    application.answer = NULL;
    application.app_index = event->app;
    application.user_id = event->user_id;
    application.origin = event->origin;
    application.view = table_view(table, now_ms);
    application.applied = (struct table_applied){.restamped = !merge_believes(event, now_ms)};
    return run_from(&application, ret_applied);
}

int table_merge_user(struct table *table, const struct user *user, enum change_origin origin, uint64_t now_ms,
                     struct table_applied *ret_applied)
{
    struct application application;
    application.table = table;
    application.event = NULL;
    application.other = user;
    application.answer = NULL;
    application.app_index = user->app;
    application.user_id = user_id(user);
    application.origin = origin;
    application.view = table_view(table, now_ms);
    application.applied = (struct table_applied){0};
    return run_from(&application, ret_applied);
}

int table_reconcile(struct table *table, const struct table_answer *answer, uint64_t now_ms,
                    struct table_corrections *ret_corrections)
{
    struct application application;
    struct table_applied unused;
    application.table = table;
    application.event = NULL;
    application.answer = answer;
    application.app_index = answer->app;
    application.user_id = answer->user_id;
    application.origin = CHANGE_BY_RECONCILE;
    application.view = table_view(table, now_ms);
    application.applied = (struct table_applied){0};
    application.corrections = (struct table_corrections){0};
    int r = run_from(&application, &unused);
    if (r >= 0) {
        *ret_corrections = application.corrections;
    }
    return r;
}

void table_raise_forgotten(struct table *table, uint16_t app, uint64_t stamp_ms, uint64_t now_ms)
{
    app_raise_forgotten(table->apps[app], stamp_ms < now_ms ? stamp_ms : now_ms);
}
