/* SPDX-License-Identifier: MIT */
/* What a stream sends, in this order:
 *
 *   reset        if the changes that were missed are no longer available
 *   presence …   the snapshot, without ids. Changes that happen meanwhile are sent between its pages, without
 *                ids as well, so that a slow reader of a long snapshot does not fall behind the feed
 *   live         with the id after which the changes follow
 *   presence …   the changes, each with an id
 *
 * A client that resumes after the last id it has read misses nothing. So an id is sent only when all changes
 * up to it have been sent. While users are held back (settling.h), it is the id before the oldest of them; a
 * client that resumes there receives the later changes again. */
#include "subscriber.h"

#include "settling.h"

#include <errno.h>
#include <sys/random.h>

/* Clients are asked to wait for a random time, so that clients that were disconnected at once do not
 * reconnect at once. */
#define RETRY_MIN_MS 1000
#define RETRY_SPREAD_MS 4000

/* Limits for a page of the snapshot. A page is small, because what the reader does not take at once is kept
 * in memory. */
#define PAGE_USERS 16
#define PAGE_VISITED_MAX 4096

struct subscriber {
    struct subscriber_config config; /* user.ptr points to `user_id`; after_id is empty */
    uint64_t position;               /* changes up to this revision were sent, held back or filtered out */
    bool has_caught_up; /* it once reached the newest change: if it falls behind now, it is slow */
    bool in_snapshot;
    struct table_cursor cursor; /* position in the snapshot */
    struct buf queued;          /* bytes to send before anything else; the first `n_sent` of them were sent */
    size_t n_sent;
    struct settling settling;
    uint64_t heartbeat_ms; /* when the next heartbeat is due */
    bool is_finishing;
    bool is_finished; /* the stream ends after `queued` */
    char user_id[USER_ID_MAX];
};

/* Queues the line with the id up to which all changes have been sent. Before the snapshot is complete, there
 * is no such id. */
static void write_id(struct subscriber *subscriber)
{
    const struct settling_user *oldest = subscriber->settling.oldest;
    if (!subscriber->in_snapshot) {
        feed_write_id(subscriber->config.feed, oldest == NULL ? subscriber->position : oldest->revision - 1,
                      &subscriber->queued);
    }
}

static void queue(struct subscriber *subscriber, struct str text)
{
    write_id(subscriber);
    buf_append(&subscriber->queued, text);
}

static void queue_retry(struct subscriber *subscriber)
{
    uint16_t random = 0;
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    buf_appendf(&subscriber->queued, "retry: %u\n\n", RETRY_MIN_MS + random % RETRY_SPREAD_MS);
}

static void queue_heartbeat(struct subscriber *subscriber)
{
    queue(subscriber, STR("event: heartbeat\ndata: {}\n\n"));
    subscriber->heartbeat_ms = subscriber->config.monotonic_ms() + SUBSCRIBER_HEARTBEAT_MS;
}

/* Queues a reset event and continues with the newest change, after a snapshot if one was requested. */
static void queue_reset(struct subscriber *subscriber, const char *reason)
{
    feed_count_reset(subscriber->config.feed);
    settling_fini(&subscriber->settling);
    subscriber->position = feed_newest(subscriber->config.feed);
    subscriber->in_snapshot = subscriber->config.has_snapshot;
    subscriber->cursor = (struct table_cursor){0};
    write_id(subscriber);
    buf_appendf(&subscriber->queued, "event: reset\ndata: {\"reason\":\"%s\"}\n\n", reason);
}

/* The buffer that read() fills. */
struct room {
    char *to;
    size_t size;
    size_t n;
};

/* Appends as much of `text` as fits. Returns how many bytes. */
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

/* Returns whether everything in `queued` fitted. */
static bool put_queued(struct subscriber *subscriber, struct room *room)
{
    struct buf *queued = &subscriber->queued;
    size_t left = queued->len - subscriber->n_sent;
    size_t n = left == 0 ? 0 : put(room, (struct str){queued->ptr + subscriber->n_sent, left});
    subscriber->n_sent += n;
    if (n < left) {
        return false;
    }
    buf_clear(queued);
    subscriber->n_sent = 0;
    return true;
}

static bool concerns(const struct subscriber *subscriber, const struct feed_event *event)
{
    const struct subscriber_config *config = &subscriber->config;
    return (config->app < 0 || config->app == event->app) &&
           (config->user.ptr == NULL || str_equal(config->user, event->user));
}

/* Returns when a user who goes offline with this event is to be reported, by the monotonic clock. */
static uint64_t due_ms(const struct subscriber *subscriber, const struct feed_event *event)
{
    uint64_t now_ms = subscriber->config.unix_ms();
    uint64_t settle_ms = subscriber->config.settle_ms;
    uint64_t age_ms = now_ms > event->unix_ms ? now_ms - event->unix_ms : 0;
    return subscriber->config.monotonic_ms() + (age_ms < settle_ms ? settle_ms - age_ms : 0);
}

/* Updates the list of users held back. Returns whether the change is not to be sent: the user is held back,
 * or comes back online while held back. */
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

/* Finds the next change to send and sets `position` to the revision before it. Returns as feed_next(). */
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

/* Queues a change with the id of write_id(), which differs from its own while users are held back. */
static void queue_change(struct subscriber *subscriber, const struct feed_event *event)
{
    subscriber->position++;
    queue(subscriber, (struct str){event->text.ptr + event->id_len, event->text.len - event->id_len});
}

/* Fills the room with changes. Returns 0 if the room is full or an allocation has failed, else as
 * feed_next(). */
static int put_changes(struct subscriber *subscriber, struct room *room)
{
    int r = 0;
    while (room->n < room->size && !subscriber->queued.failed) {
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
            return 0; /* the next call has more room */
        } else {
            queue_change(subscriber, &event);
            (void)put_queued(subscriber, room);
        }
    }
    return 0;
}

static void queue_user(void *cls, const struct user *user)
{
    struct subscriber *subscriber = cls;
    feed_write_user(subscriber->config.feed, user, subscriber->config.unix_ms(), &subscriber->queued);
}

static void queue_one(struct subscriber *subscriber)
{
    struct table *table = feed_table(subscriber->config.feed);
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        struct user user;
        if ((subscriber->config.app < 0 || subscriber->config.app == (int)app) &&
            table_get(table, (uint16_t)app, subscriber->config.user, &user) == 0) {
            queue_user(subscriber, &user);
        }
    }
}

/* Queues a page of the snapshot and, after the last page, the live event. */
static void queue_page(struct subscriber *subscriber)
{
    const struct table_filter filter = {subscriber->config.app, -1, -1};
    struct table *table = feed_table(subscriber->config.feed);
    bool has_more = false;
    if (subscriber->config.user.ptr != NULL) {
        queue_one(subscriber);
    } else {
        has_more = table_list(table, &filter, PAGE_USERS, PAGE_VISITED_MAX, &subscriber->cursor, queue_user,
                              subscriber);
    }
    if (!has_more) {
        subscriber->in_snapshot = false;
        queue(subscriber, STR("event: live\ndata: {}\n\n"));
    } else if (subscriber->queued.len == 0) {
        /* A comment, so that pages without users fill the room as well, and read() returns before the whole
         * table has been searched. */
        buf_append(&subscriber->queued, STR(":\n\n"));
    }
}

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

/* Queues the current state of the user who has been held back longest. A user who is online again is left in
 * the list: the change has just been made, and settles() handles it. A user who was dropped from the table is
 * reported by a forgotten event. */
static void queue_settled(struct subscriber *subscriber)
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
        queue_user(subscriber, &user);
    }
}

/* Queues what is due after all changes have been sent. Returns false if nothing is due. */
static bool queue_more(struct subscriber *subscriber)
{
    if (subscriber->is_finishing) {
        queue_heartbeat(subscriber);
        subscriber->is_finished = true;
    } else if (subscriber->in_snapshot) {
        queue_page(subscriber);
    } else if (settling_is_due(subscriber)) {
        queue_settled(subscriber);
    } else if (heartbeat_is_due(subscriber)) {
        queue_heartbeat(subscriber);
    } else {
        return false;
    }
    return true;
}

/* If out of memory, the stream ends, and the client resumes it after the last id. */
static ssize_t read_locked(struct subscriber *subscriber, struct room *room)
{
    while (!subscriber->queued.failed && put_queued(subscriber, room) && room->n < room->size) {
        if (subscriber->is_finished) {
            return room->n > 0 ? (ssize_t)room->n : HTTP_STREAM_END;
        }
        int r = put_changes(subscriber, room);
        if (r == FEED_GONE && subscriber->has_caught_up) {
            return HTTP_STREAM_TOO_SLOW;
        }
        if (r == FEED_GONE) {
            queue_reset(subscriber, "gone");
        } else if (r == FEED_NONE) {
            subscriber->has_caught_up |= !subscriber->in_snapshot;
            if (!queue_more(subscriber)) {
                break;
            }
        } else {
            break;
        }
    }
    return subscriber->queued.failed && room->n == 0 ? HTTP_STREAM_END : (ssize_t)room->n;
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
    if (subscriber->queued.len > 0 || subscriber->is_finishing || subscriber->in_snapshot ||
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
    buf_fini(&subscriber->queued);
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

/* Finds where the stream begins and queues its first events. A client without an id gets a heartbeat with
 * one, so that it can resume the stream even if no change has happened yet. */
static void begin(struct subscriber *subscriber, struct str after_id)
{
    int outcome = 0;
    subscriber->heartbeat_ms = subscriber->config.monotonic_ms() + SUBSCRIBER_HEARTBEAT_MS;
    queue_retry(subscriber);
    if (after_id.ptr != NULL) {
        outcome = feed_find(subscriber->config.feed, after_id, &subscriber->position);
    } else {
        subscriber->position = feed_newest(subscriber->config.feed);
        subscriber->in_snapshot = subscriber->config.has_snapshot;
    }
    if (outcome != 0) {
        queue_reset(subscriber, outcome == FEED_GONE ? "gone" : "other_run");
    } else if (after_id.ptr == NULL && !subscriber->in_snapshot) {
        queue_heartbeat(subscriber);
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
