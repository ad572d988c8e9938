/* SPDX-License-Identifier: MIT */
/* What a stream says, in this order:
 *
 *   reset        where what was missed is not held
 *   presence …   the snapshot, without ids. What changes meanwhile comes between its pages, without ids too,
 *                so that a long snapshot, read slowly, does not fall off the feed
 *   live         with the id from which the stream goes on
 *   presence …   the changes, each with its id
 *
 * Whoever reads only the last id goes on from there and misses nothing. So an id is told only when all up to
 * it was: with users held back (settling.h) that is the one before the oldest of them, and what came after
 * it comes again to who resumes. */
#include "subscriber.h"

#include "settling.h"

#include <errno.h>
#include <sys/random.h>

/* So that clients who were all cut off at once do not all come back at once. */
#define RETRY_MIN_MS 1000
#define RETRY_SPREAD_MS 4000

/* A page of the snapshot. Few, for what does not fit a packet lies in memory. */
#define PAGE_USERS 16
#define PAGE_VISITED_MAX 4096

struct subscriber {
    struct subscriber_config config; /* user is `user_id`; after_id is not kept */
    uint64_t position;               /* all up to here was told, or is none of its concern */
    bool has_caught_up;              /* it has once: from now on being behind is being slow */
    bool in_snapshot;
    struct table_cursor cursor; /* of the snapshot */
    struct buf rest;            /* to be told before all else, from `n_told` on */
    size_t n_told;
    struct settling settling;
    uint64_t heartbeat_ms; /* when the next is due */
    bool is_finishing;
    bool is_finished; /* `rest` is the last */
    char user_id[USER_ID_MAX];
};

/* ---- what is told out of turn goes through `rest` ---- */

/* All up to the id that is written now is told. Nothing is, before the snapshot is whole. */
static void write_id(struct subscriber *subscriber)
{
    const struct settling_user *oldest = subscriber->settling.oldest;
    if (!subscriber->in_snapshot) {
        feed_write_id(subscriber->config.feed, oldest == NULL ? subscriber->position : oldest->revision - 1,
                      &subscriber->rest);
    }
}

static void tell(struct subscriber *subscriber, struct str text)
{
    write_id(subscriber);
    buf_append(&subscriber->rest, text);
}

static void tell_retry(struct subscriber *subscriber)
{
    uint16_t random = 0;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    buf_appendf(&subscriber->rest, "retry: %u\n\n", RETRY_MIN_MS + random % RETRY_SPREAD_MS);
}

static void tell_heartbeat(struct subscriber *subscriber)
{
    tell(subscriber, STR("event: heartbeat\ndata: {}\n\n"));
    subscriber->heartbeat_ms = subscriber->config.monotonic_ms() + SUBSCRIBER_HEARTBEAT_MS;
}

/* It goes on from the newest, with a snapshot where one was asked for. */
static void tell_reset(struct subscriber *subscriber, const char *reason)
{
    feed_count_reset(subscriber->config.feed);
    settling_fini(&subscriber->settling);
    subscriber->position = feed_newest(subscriber->config.feed);
    subscriber->in_snapshot = subscriber->config.has_snapshot;
    subscriber->cursor = (struct table_cursor){0};
    write_id(subscriber);
    buf_appendf(&subscriber->rest, "event: reset\ndata: {\"reason\":\"%s\"}\n\n", reason);
}

/* Room that is to be filled. */
struct room {
    char *to;
    size_t size;
    size_t n;
};

/* As much as fits. */
static size_t put(struct room *room, struct str text)
{
    size_t left = room->size - room->n;
    size_t len = text.len < left ? text.len : left;
    if (len > 0) {
        memcpy(room->to + room->n, text.ptr, len);
        room->n += len;
    }
    return len;
}

/* Whether nothing is left of `rest`. */
static bool put_rest(struct subscriber *subscriber, struct room *room)
{
    struct buf *rest = &subscriber->rest;
    size_t left = rest->len - subscriber->n_told;
    size_t n = left == 0 ? 0 : put(room, (struct str){rest->ptr + subscriber->n_told, left});
    subscriber->n_told += n;
    if (n < left) {
        return false;
    }
    buf_clear(rest);
    subscriber->n_told = 0;
    return true;
}

/* ---- changes ---- */

static bool concerns(const struct subscriber *subscriber, const struct feed_event *event)
{
    const struct subscriber_config *config = &subscriber->config;
    return (config->app < 0 || config->app == event->app) &&
           (config->user.ptr == NULL || str_equal(config->user, event->user));
}

/* When a user who has gone offline is told of. */
static uint64_t due_ms(const struct subscriber *subscriber, const struct feed_event *event)
{
    uint64_t now_ms = subscriber->config.unix_ms();
    uint64_t settle_ms = subscriber->config.settle_ms;
    uint64_t age_ms = now_ms > event->unix_ms ? now_ms - event->unix_ms : 0;
    return subscriber->config.monotonic_ms() + (age_ms < settle_ms ? settle_ms - age_ms : 0);
}

/* Whether the change is not to be told, or not now. */
static bool settles(struct subscriber *subscriber, const struct feed_event *event)
{
    struct settling *settling = &subscriber->settling;
    if (subscriber->config.settle_ms == 0 || subscriber->in_snapshot) {
        return false;
    }
    bool is_held_back = settling_has(settling, event);
    if (event->is_forgotten || (event->is_online && is_held_back)) {
        settling_remove(settling, event);
        return !event->is_forgotten;
    }
    if (event->was_online && !event->is_online && !is_held_back) {
        return settling_add(settling, event, due_ms(subscriber, event)) == 0;
    }
    return is_held_back;
}

/* The next change to be told, with `position` right before it. 0, or as feed_next(). */
static int find_change(struct subscriber *subscriber, struct feed_event *ret_event)
{
    for (;;) {
        int r = feed_next(subscriber->config.feed, subscriber->position, ret_event);
        if (r != 0) {
            return r;
        }
        if (concerns(subscriber, ret_event) && !settles(subscriber, ret_event)) {
            return 0;
        }
        subscriber->position++;
    }
}

/* The id of a change is not its own while what was before it is still to be told. */
static void tell_change(struct subscriber *subscriber, const struct feed_event *event)
{
    subscriber->position++;
    tell(subscriber, (struct str){event->text.ptr + event->id_len, event->text.len - event->id_len});
}

/* Fills the room with changes. 0: it is full; else as feed_next(). */
static int put_changes(struct subscriber *subscriber, struct room *room)
{
    int r = 0;
    while (room->n < room->size && !subscriber->rest.failed) {
        struct feed_event event;
        r = find_change(subscriber, &event);
        if (r != 0) {
            return r;
        }
        bool has_own_id = !subscriber->in_snapshot && subscriber->settling.oldest == NULL;
        bool fits = event.text.len <= room->size - room->n;
        if (has_own_id && fits) {
            (void)put(room, event.text);
            subscriber->position++;
        } else if (has_own_id && room->n > 0) {
            return 0; /* there is more room the next time */
        } else {
            tell_change(subscriber, &event);
            (void)put_rest(subscriber, room);
        }
    }
    return 0;
}

/* ---- the snapshot ---- */

static void tell_user(void *cls, const struct user *user)
{
    struct subscriber *subscriber = cls;
    feed_write_user(subscriber->config.feed, user, subscriber->config.unix_ms(), &subscriber->rest);
}

static void tell_one(struct subscriber *subscriber)
{
    struct table *table = feed_table(subscriber->config.feed);
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        struct user user;
        if ((subscriber->config.app < 0 || subscriber->config.app == (int)app) &&
            table_get(table, (uint16_t)app, subscriber->config.user, &user) == 0) {
            tell_user(subscriber, &user);
        }
    }
}

/* A page, or where it was the last, that the stream is live. */
static void tell_page(struct subscriber *subscriber)
{
    const struct table_filter filter = {subscriber->config.app, -1, -1};
    struct table *table = feed_table(subscriber->config.feed);
    bool has_more = false;
    if (subscriber->config.user.ptr != NULL) {
        tell_one(subscriber);
    } else {
        has_more = table_list(table, &filter, PAGE_USERS, PAGE_VISITED_MAX, &subscriber->cursor, tell_user,
                              subscriber);
    }
    if (!has_more) {
        subscriber->in_snapshot = false;
        tell(subscriber, STR("event: live\ndata: {}\n\n"));
    } else if (subscriber->rest.len == 0) {
        /* A comment, so that the listener serves others before it asks for more. */
        buf_append(&subscriber->rest, STR(":\n\n"));
    }
}

/* ---- what time brings about ---- */

static bool heartbeat_is_due(const struct subscriber *subscriber)
{
    return subscriber->config.monotonic_ms() >= subscriber->heartbeat_ms;
}

static bool settling_is_due(const struct subscriber *subscriber)
{
    const struct settling *settling = &subscriber->settling;
    return settling->oldest != NULL &&
           (settling->n > SETTLING_MAX || settling->oldest->due_ms <= subscriber->config.monotonic_ms());
}

static bool is_online(const struct subscriber *subscriber, const struct user *user)
{
    struct user_summary summary;
    struct user_view view = table_view(feed_table(subscriber->config.feed), subscriber->config.unix_ms());
    user_summarise(user, &view, &summary);
    return summary.state == USER_ONLINE;
}

/* Tells of the user who was held back for the longest, as it is now. One who is back is left to the change
 * that says so, which has come just now. One who was dropped was told of. */
static void tell_settled(struct subscriber *subscriber)
{
    const struct settling_user *held = subscriber->settling.oldest;
    struct user user;
    struct str id = {held->id, held->len};
    bool is_known = table_get(feed_table(subscriber->config.feed), held->app, id, &user) == 0;
    if (is_known && is_online(subscriber, &user)) {
        return;
    }
    settling_remove_oldest(&subscriber->settling);
    if (is_known) {
        write_id(subscriber);
        tell_user(subscriber, &user);
    }
}

/* ---- the stream ---- */

/* Something is to be said when all changes were: puts it into `rest`. False: there is nothing. */
static bool tell_more(struct subscriber *subscriber)
{
    if (subscriber->is_finishing) {
        tell_heartbeat(subscriber);
        subscriber->is_finished = true;
    } else if (subscriber->in_snapshot) {
        tell_page(subscriber);
    } else if (settling_is_due(subscriber)) {
        tell_settled(subscriber);
    } else if (heartbeat_is_due(subscriber)) {
        tell_heartbeat(subscriber);
    } else {
        return false;
    }
    return true;
}

/* Where memory is gone the stream ends; its reader comes back with the last id. */
static ssize_t read_locked(struct subscriber *subscriber, struct room *room)
{
    while (!subscriber->rest.failed && put_rest(subscriber, room) && room->n < room->size) {
        if (subscriber->is_finished) {
            return room->n > 0 ? (ssize_t)room->n : HTTP_STREAM_END;
        }
        int r = put_changes(subscriber, room);
        if (r == FEED_GONE && subscriber->has_caught_up) {
            return HTTP_STREAM_TOO_SLOW;
        }
        if (r == FEED_GONE) {
            tell_reset(subscriber, "gone");
        } else if (r == FEED_NONE) {
            subscriber->has_caught_up |= !subscriber->in_snapshot;
            if (!tell_more(subscriber)) {
                break;
            }
        } else {
            break;
        }
    }
    return subscriber->rest.failed && room->n == 0 ? HTTP_STREAM_END : (ssize_t)room->n;
}

static ssize_t read_stream(void *cls, char *to, size_t size)
{
    struct subscriber *subscriber = cls;
    struct room room = {.to = to, .size = size};
    feed_lock(subscriber->config.feed);
    ssize_t n = read_locked(subscriber, &room);
    feed_unlock(subscriber->config.feed);
    return n;
}

static bool is_ready(void *cls)
{
    struct subscriber *subscriber = cls;
    struct feed_event event;
    if (subscriber->rest.len > 0 || subscriber->is_finishing || subscriber->in_snapshot ||
        heartbeat_is_due(subscriber)) {
        return true;
    }
    feed_lock(subscriber->config.feed);
    int r = find_change(subscriber, &event);
    feed_unlock(subscriber->config.feed);
    return r == 0 || r == FEED_GONE || settling_is_due(subscriber);
}

static void finish(void *cls)
{
    struct subscriber *subscriber = cls;
    subscriber->is_finishing = true;
}

static void free_subscriber(void *cls)
{
    struct subscriber *subscriber = cls;
    feed_leave(subscriber->config.feed, subscriber->config.token_app);
    settling_fini(&subscriber->settling);
    buf_fini(&subscriber->rest);
    free(subscriber);
}

const struct http_stream *subscriber_stream(void)
{
    static const struct http_stream stream = {
        .is_ready = is_ready,
        .read = read_stream,
        .finish = finish,
        .free = free_subscriber,
    };
    return &stream;
}

/* Where it begins, and what it says first. The id that it may go on from stands at once in the stream of
 * whoever had none: what follows can be resumed before anything happens. */
static void begin(struct subscriber *subscriber, struct str after_id)
{
    int outcome = 0;
    subscriber->heartbeat_ms = subscriber->config.monotonic_ms() + SUBSCRIBER_HEARTBEAT_MS;
    tell_retry(subscriber);
    if (after_id.ptr != NULL) {
        outcome = feed_find(subscriber->config.feed, after_id, &subscriber->position);
    } else {
        subscriber->position = feed_newest(subscriber->config.feed);
        subscriber->in_snapshot = subscriber->config.has_snapshot;
    }
    if (outcome != 0) {
        tell_reset(subscriber, outcome == FEED_GONE ? "gone" : "other_run");
    } else if (after_id.ptr == NULL && !subscriber->in_snapshot) {
        tell_heartbeat(subscriber);
    }
}

int subscriber_new(const struct subscriber_config *config, struct subscriber **ret_subscriber)
{
    struct subscriber *subscriber = calloc(1, sizeof(*subscriber));
    if (subscriber == NULL) {
        return -ENOMEM;
    }
    int outcome = feed_join(config->feed, config->token_app);
    if (outcome != 0) {
        free(subscriber);
        return outcome;
    }
    subscriber->config = *config;
    subscriber->config.after_id = (struct str){NULL, 0};
    if (config->user.ptr != NULL) {
        memcpy(subscriber->user_id, config->user.ptr, config->user.len);
        subscriber->config.user.ptr = subscriber->user_id;
    }
    feed_lock(config->feed);
    begin(subscriber, config->after_id);
    feed_unlock(config->feed);
    *ret_subscriber = subscriber;
    return 0;
}
